//! DTLS 1.2 over UDP (RFC 7011, 10.3 and 11): a datagram a message.

use std::io;
use std::net::UdpSocket;
use std::task::Poll;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustls::pki_types::{InvalidDnsNameError, ServerName};

use super::Transport;
use super::resolve::without_brackets;
use super::tcp::wait_for;
use super::udp::connected;
use crate::dtls::{Connection, Event, ROOM};
use crate::identity::DtlsIdentity;

/// A collector that was restarted, or is not there any more, does not answer to what it cannot decrypt. So a connection is replaced after
/// this time, if the system does not tell before that nobody listens.
const LIFETIME: Duration = Duration::from_secs(600);

/// Datagrams that are read at once. A collector sends next to none.
const AT_ONCE: usize = 64;

/// DTLS to one collector, whose certificate has to be signed by an authority of the identity and to have the name under which it is connected
/// to.
#[derive(Debug)]
pub struct Dtls {
    host: String,
    port: u16,
    name: ServerName<'static>,
    mtu: usize,
    identity: DtlsIdentity,
    session: Option<Session>,
    room: Box<[u8]>,
}

#[derive(Debug)]
struct Session {
    socket: UdpSocket,
    connection: Connection,
    since: Instant,
    /// Whether the collector is who it should be.
    is_verified: bool,
    /// Whether there is no collector any more.
    has_ended: bool,
    /// A datagram for which there was no room yet.
    left: Vec<u8>,
}

/// What is done with what follows in a connection.
struct Reaction<'r> {
    socket: &'r UdpSocket,
    identity: &'r DtlsIdentity,
    name: &'r ServerName<'static>,
    is_verified: &'r mut bool,
    has_ended: &'r mut bool,
    left: &'r mut Vec<u8>,
}

impl Reaction<'_> {
    fn to(&mut self, event: Event<'_>) -> io::Result<()> {
        match event {
            Event::Send(datagram) => match self.socket.send(datagram) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // A second one can only be of a handshake, and is repeated.
                    if self.left.is_empty() {
                        self.left.extend_from_slice(datagram);
                    }
                }
                sent => {
                    sent?;
                }
            },
            Event::Certificate(certificate) => match self.identity.verify_collector(certificate, self.name) {
                Ok(()) => *self.is_verified = true,
                Err(error) => {
                    // It is told why, if it can be.
                    let _ = self.socket.send(&crate::dtls::alert(&error));
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
            },
            Event::Closed => *self.has_ended = true,
            // A collector sends nothing; what it sends all the same is thrown away.
            Event::Connected | Event::Data(_) => {}
        }
        Ok(())
    }
}

impl Session {
    /// Splits it into the connection and what reacts to it.
    fn parts<'s>(
        &'s mut self,
        identity: &'s DtlsIdentity,
        name: &'s ServerName<'static>,
    ) -> (&'s mut Connection, Reaction<'s>) {
        let Session { socket, connection, is_verified, has_ended, left, .. } = self;
        (connection, Reaction { socket, identity, name, is_verified, has_ended, left })
    }

    /// Whether messages may be sent.
    const fn is_open(&self) -> bool {
        self.is_verified && self.connection.is_connected()
    }

    /// Reads what has come, and does what is due.
    fn advance(
        &mut self,
        identity: &DtlsIdentity,
        name: &ServerName<'static>,
        room: &mut [u8],
    ) -> io::Result<()> {
        self.send_left()?;
        let mut datagram = [0; 4096];
        for _ in 0..AT_ONCE {
            let length = match self.socket.recv(&mut datagram) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let (connection, mut reaction) = self.parts(identity, name);
            connection.receive(&datagram[..length], Instant::now(), room, |event| reaction.to(event))?;
        }
        let now = Instant::now();
        if now >= self.connection.timer {
            let (connection, mut reaction) = self.parts(identity, name);
            connection.advance(now, room, |event| reaction.to(event))?;
        }
        Ok(())
    }

    fn send_left(&mut self) -> io::Result<()> {
        if !self.left.is_empty() {
            match self.socket.send(&self.left) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                sent => sent?,
            };
            self.left.clear();
        }
        Ok(())
    }
}

impl Dtls {
    /// Octets of a datagram beside the message.
    pub const OVERHEAD: usize = 13 + 16;

    /// To the first address of `host`, which has to show a certificate for the name or address `host`, with datagrams of at most `mtu` octets.
    ///
    /// # Errors
    /// If `host` can be in no certificate.
    pub fn new(
        host: impl Into<String>,
        port: u16,
        mtu: usize,
        identity: DtlsIdentity,
    ) -> Result<Dtls, InvalidDnsNameError> {
        let host = host.into();
        let name = ServerName::try_from(without_brackets(&host))?.to_owned();
        Ok(Dtls { host, port, name, mtu, identity, session: None, room: vec![0; ROOM].into() })
    }

    fn begin(&mut self) -> io::Result<()> {
        let (socket, _) = connected(&self.host, self.port)?;
        let now = Instant::now();
        let dtls =
            self.identity.exporter(self.mtu, now).map_err(|error| io::Error::other(error.to_string()))?;
        self.session = Some(Session {
            socket,
            connection: Connection::new(dtls, now),
            since: now,
            is_verified: false,
            has_ended: false,
            left: Vec::new(),
        });
        Ok(())
    }

    fn advance(&mut self) -> io::Result<()> {
        let Some(session) = &mut self.session else { return Err(io::ErrorKind::NotConnected.into()) };
        session.advance(&self.identity, &self.name, &mut self.room)
    }
}

impl Transport for Dtls {
    fn may_lose(&self) -> bool {
        true
    }

    fn connect(&mut self) -> Poll<io::Result<()>> {
        if self.session.is_none() {
            self.begin()?;
        }
        self.advance()?;
        match &self.session {
            Some(session) if session.has_ended => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            Some(session) if session.is_open() => Poll::Ready(Ok(())),
            _ => Poll::Pending,
        }
    }

    fn send(&mut self, octets: &[u8], ends: &[usize]) -> io::Result<usize> {
        let Some(session) = self.session.as_mut().filter(|session| session.is_open()) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let mut taken = 0;
        // What is sent to nobody is kept for the next connection.
        if session.send_left().is_err() {
            session.has_ended = true;
        }
        for &end in ends {
            if session.has_ended || !session.left.is_empty() {
                break;
            }
            let (connection, mut reaction) = session.parts(&self.identity, &self.name);
            match connection.send(&octets[taken..end], &mut self.room, |event| reaction.to(event)) {
                Ok(()) => taken = end,
                // One message that is too long for the way says nothing about others.
                Err(error) if error.raw_os_error() == Some(rustix::io::Errno::MSGSIZE.raw_os_error()) => {
                    return if taken == 0 { Err(error) } else { Ok(taken) };
                }
                Err(_) => session.has_ended = true,
            }
        }
        if taken == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(taken) }
    }

    fn is_closed_by_peer(&mut self) -> bool {
        let has_failed = self.advance().is_err();
        has_failed || self.session.as_ref().is_some_and(|session| session.has_ended)
    }

    fn has_ended(&mut self) -> bool {
        self.session.as_ref().is_some_and(|session| session.since.elapsed() >= LIFETIME)
    }

    fn wait(&self, most: Duration) {
        let Some(session) = &self.session else { return };
        let is_open = session.connection.is_connected();
        if is_open && session.left.is_empty() {
            wait_for(&session.socket, PollFlags::OUT, most);
        } else {
            let due = session.connection.timer.saturating_duration_since(Instant::now());
            let event = if session.left.is_empty() { PollFlags::IN } else { PollFlags::OUT };
            wait_for(&session.socket, event, most.min(due));
        }
    }

    fn close(&mut self) {
        if let Some(session) = &mut self.session
            && !session.has_ended
        {
            let _ = session.send_left();
            let (connection, mut reaction) = session.parts(&self.identity, &self.name);
            connection.close(&mut self.room, |event| reaction.to(event));
        }
        self.session = None;
    }
}

#[cfg(test)]
mod tests;
