//! TLS over TCP (RFC 7011, 10.4 and 11).

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion};

use super::Transport;
use super::outstanding::outstanding_octets;
use super::resolve::without_brackets;
use super::tcp::{Tcp, wait_for};
use crate::identity::Identity;

/// How long a handshake may take.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// With TLS 1.3 the client's side of the handshake ends before the server has looked at its certificate. A refusal is waited for so long,
/// unless a ticket comes, which is sent only after the certificate was accepted: nothing goes to a collector that does not listen.
const REFUSAL_WITHIN: Duration = Duration::from_secs(1);

/// Plaintext of the longest record.
const RECORD: usize = 16 * 1024;

/// Plaintext that is taken at once.
const AT_ONCE: usize = 4 * RECORD;

/// TLS to one collector, whose certificate has to be signed by an authority of the identity and to have the name under which it is
/// connected to.
#[derive(Debug)]
pub struct Tls {
    tcp: Tcp,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
    session: Option<Session>,
}

#[derive(Debug)]
struct Session {
    connection: ClientConnection,
    since: Instant,
    /// When our side of the handshake was over.
    finished: Option<Instant>,
    sealed: Sealed,
}

/// Records on their way to the collector's system. Positions are octets of the connection.
#[derive(Debug, Default)]
struct Sealed {
    /// Those that the kernel has not taken.
    octets: Vec<u8>,
    /// So many of them it has.
    taken: usize,
    /// Where `octets` end.
    end: u64,
    /// Where each record ends that has not arrived, and how many octets of messages are in it.
    records: VecDeque<(u64, usize)>,
}

impl Sealed {
    /// What the kernel has taken.
    const fn written(&self) -> u64 {
        self.end - (self.octets.len() - self.taken) as u64
    }

    /// Octets of messages in records that have not arrived as a whole.
    fn unacknowledged(&self, stream: &TcpStream) -> usize {
        let arrived = self.arrived(stream);
        self.records.iter().rev().take_while(|&&(end, _)| end > arrived).map(|(_, octets)| octets).sum()
    }

    fn arrived(&self, stream: &TcpStream) -> u64 {
        self.written().saturating_sub(outstanding_octets(stream) as u64)
    }

    /// Gives the kernel what it takes, and forgets what has arrived.
    fn flush(&mut self, mut stream: &TcpStream) -> io::Result<()> {
        while self.taken < self.octets.len() {
            match stream.write(&self.octets[self.taken..]) {
                Ok(count) => self.taken += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if self.taken == self.octets.len() {
            self.octets.clear();
            self.taken = 0;
        }
        let arrived = self.arrived(stream);
        while self.records.front().is_some_and(|&(end, _)| end <= arrived) {
            self.records.pop_front();
        }
        Ok(())
    }
}

impl Session {
    /// Takes over what is to be sent: octets of messages or, if these are 0, of the protocol itself.
    fn seal(&mut self, messages: usize) -> io::Result<()> {
        while self.connection.wants_write() {
            self.sealed.end += self.connection.write_tls(&mut self.sealed.octets)? as u64;
        }
        if messages > 0 {
            self.sealed.records.push_back((self.sealed.end, messages));
        }
        Ok(())
    }

    /// Reads what has come, which is part of the protocol, and answers whether the peer has ended the connection.
    fn receive(&mut self, mut stream: &TcpStream) -> io::Result<bool> {
        loop {
            match self.connection.read_tls(&mut stream) {
                Ok(0) => return Ok(true),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
            let processed = self.connection.process_new_packets();
            // An alert may have to be sent, whatever is wrong.
            self.seal(0)?;
            self.sealed.flush(stream)?;
            let state = processed.map_err(io::Error::other)?;
            // A collector sends nothing; what it sends all the same is thrown away.
            let mut unwanted = self.connection.reader().take(state.plaintext_bytes_to_read() as u64);
            io::copy(&mut unwanted, &mut io::sink())?;
            if state.peer_has_closed() {
                return Ok(true);
            }
        }
    }

    /// Whether messages may be sent: the peer is verified, and it has, as far as is known, accepted us.
    fn is_open(&self) -> bool {
        let is_accepted = match (self.finished, self.connection.protocol_version()) {
            (None, _) => false,
            (Some(since), Some(ProtocolVersion::TLSv1_3)) => {
                self.connection.tls13_tickets_received() > 0 || since.elapsed() >= REFUSAL_WITHIN
            }
            (Some(_), _) => true,
        };
        is_accepted && self.sealed.octets.is_empty()
    }

    fn shake(&mut self, stream: &TcpStream) -> io::Result<bool> {
        self.seal(0)?;
        self.sealed.flush(stream)?;
        if self.receive(stream)? {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the collector ended the handshake"));
        }
        if self.finished.is_none() && !self.connection.is_handshaking() {
            self.finished = Some(Instant::now());
        }
        if self.is_open() {
            return Ok(true);
        }
        if self.since.elapsed() >= HANDSHAKE_PATIENCE {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the handshake takes too long"));
        }
        Ok(false)
    }
}

impl Tls {
    /// To the first address of `host` that answers within `patience`, which has to show a certificate for the name or address `host`.
    ///
    /// # Errors
    /// If `host` can be in no certificate.
    pub fn new(
        host: impl Into<String>,
        port: u16,
        patience: Duration,
        identity: &Identity,
    ) -> Result<Tls, InvalidDnsNameError> {
        let host = host.into();
        let name = ServerName::try_from(without_brackets(&host))?.to_owned();
        Ok(Tls { tcp: Tcp::new(host, port, patience), name, config: identity.client(), session: None })
    }

    fn parts(&mut self) -> io::Result<(&mut Session, &TcpStream)> {
        match (&mut self.session, self.tcp.stream()) {
            (Some(session), Some(stream)) => Ok((session, stream)),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        let connection =
            ClientConnection::new(Arc::clone(&self.config), self.name.clone()).map_err(io::Error::other)?;
        self.session =
            Some(Session { connection, since: Instant::now(), finished: None, sealed: Sealed::default() });
        Ok(())
    }
}

impl Transport for Tls {
    fn may_lose(&self) -> bool {
        false
    }

    fn connect(&mut self) -> Poll<io::Result<()>> {
        if self.session.is_none() {
            match self.tcp.connect() {
                Poll::Ready(Ok(())) => self.begin()?,
                other => return other,
            }
        }
        let (session, stream) = self.parts()?;
        match session.shake(stream) {
            Ok(true) => Poll::Ready(Ok(())),
            Ok(false) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn send(&mut self, octets: &[u8], _ends: &[usize]) -> io::Result<usize> {
        let (session, stream) = self.parts()?;
        session.sealed.flush(stream)?;
        if !session.sealed.octets.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut taken = 0;
        for part in octets[..octets.len().min(AT_ONCE)].chunks(RECORD) {
            let count = session.connection.writer().write(part)?;
            session.seal(count)?;
            taken += count;
        }
        session.sealed.flush(stream)?;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        let (session, stream) = self.parts()?;
        session.sealed.flush(stream)
    }

    fn unacknowledged(&self) -> usize {
        match (&self.session, self.tcp.stream()) {
            (Some(session), Some(stream)) => session.sealed.unacknowledged(stream),
            _ => 0,
        }
    }

    fn is_closed_by_peer(&mut self) -> bool {
        self.parts().is_ok_and(|(session, stream)| session.receive(stream).unwrap_or(true))
    }

    fn wait(&self, most: Duration) {
        let Some(session) = &self.session else { return self.tcp.wait(most) };
        // While the peer is to be heard, it is its turn, unless something is left to be sent.
        let is_listening = session.sealed.octets.is_empty() && !session.is_open();
        let event = if is_listening { PollFlags::IN } else { PollFlags::OUT };
        if let Some(stream) = self.tcp.stream() {
            wait_for(stream, event, most);
        }
    }

    fn close(&mut self) {
        let all_has_arrived = self.unacknowledged() == 0;
        if let Ok((session, stream)) = self.parts()
            && all_has_arrived
        {
            session.connection.send_close_notify();
            // As far as it goes: nobody is waited for. What has come is read, since the kernel would throw away what is still to be sent
            // if something were left.
            let _ = session.seal(0).and_then(|()| session.sealed.flush(stream));
            let _ = session.receive(stream);
            self.tcp.end();
        }
        self.session = None;
        self.tcp.close();
    }
}

#[cfg(test)]
mod tests;
