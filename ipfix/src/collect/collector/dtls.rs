//! Datagrams of DTLS 1.2 (RFC 7011, 10.3 and 11): a session for each address and port whose handshake is over and whose peer is verified.
//!
//! Who has not shown a cookie costs nothing but the answer that gives it one.

mod hello;

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::hello::{ClientHello, Cookies, hello_verify_request};
use super::{Allowed, Closed, CollectorCounters, CollectorSettings, News, Peer};
use crate::collect::{Arrival, Packet, Session};
use crate::dtls::{Connection, Event, ROOM, alert};
use crate::identity::{DtlsIdentity, with_cookie};

/// Datagrams that are read of a socket before others get their turn.
const AT_ONCE: usize = 256;

/// A side of a connection, and what its first message is known by.
#[derive(Debug)]
struct Link {
    connection: Connection,
    random: [u8; 32],
}

/// A peer that is not known yet.
#[derive(Debug)]
struct Handshake {
    link: Link,
    /// The names in its certificate, once this is verified.
    names: Option<Vec<String>>,
    /// Messages that came together with the end of the handshake.
    early: Vec<Vec<u8>>,
    since: Duration,
}

#[derive(Debug)]
struct Exporter {
    link: Link,
    peer: Peer,
    session: Session,
    /// When a message came last.
    last: Duration,
}

/// A socket with its handshakes and sessions.
#[derive(Debug)]
pub(super) struct DtlsSocket {
    socket: UdpSocket,
    local: SocketAddr,
    identity: DtlsIdentity,
    config: Arc<dimpl::Config>,
    cookies: Cookies,
    handshakes: HashMap<SocketAddr, Handshake>,
    exporters: HashMap<SocketAddr, Exporter>,
    buffer: Box<[u8]>,
    room: Box<[u8]>,
}

/// What all sockets have in common.
pub(super) struct Shared<'s, F> {
    pub(super) now: Duration,
    pub(super) settings: &'s CollectorSettings,
    pub(super) allowed: &'s Allowed,
    pub(super) counters: &'s mut CollectorCounters,
    /// Sessions over datagrams, at all sockets.
    pub(super) peers: &'s mut usize,
    pub(super) each: F,
}

impl<F: FnMut(&Peer, News<'_>)> Shared<'_, F> {
    fn refuse(&mut self, local: SocketAddr, remote: SocketAddr, why: &str) {
        self.counters.failed_handshakes += 1;
        (self.each)(&Peer::Dtls { local, remote, names: Vec::new() }, News::Refused(why));
    }
}

impl Exporter {
    fn message(&mut self, octets: &[u8], now: Duration, each: &mut impl FnMut(&Peer, News<'_>)) {
        let Exporter { peer, session, last, .. } = self;
        match Packet::read(octets) {
            Ok(packet) => {
                *last = now;
                let arrival = Arrival { elapsed: now, stream: 0 };
                session.read_packet(&packet, arrival, |event| each(peer, News::Event(&packet, event)));
            }
            Err(error) => {
                session.count_malformed();
                each(peer, News::Malformed(error));
            }
        }
    }

    fn tell_end(&self, why: Closed, each: &mut impl FnMut(&Peer, News<'_>)) {
        each(&self.peer, News::Closed(why, self.session.counters()));
    }
}

impl DtlsSocket {
    pub(super) fn new(
        socket: UdpSocket,
        local: SocketAddr,
        identity: DtlsIdentity,
    ) -> io::Result<DtlsSocket> {
        let config = identity.collector_config().map_err(|error| io::Error::other(error.to_string()))?;
        let cookies = Cookies::new().map_err(|error| io::Error::other(error.to_string()))?;
        Ok(DtlsSocket {
            socket,
            local,
            identity,
            config,
            cookies,
            handshakes: HashMap::new(),
            exporters: HashMap::new(),
            buffer: vec![0; ROOM].into(),
            room: vec![0; ROOM].into(),
        })
    }

    pub(super) const fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// How many sessions there are.
    pub(super) fn len(&self) -> usize {
        self.exporters.len()
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = (&Peer, &Session)> {
        self.exporters.values().map(|exporter| (&exporter.peer, &exporter.session))
    }

    /// When something is to be done if nothing comes.
    pub(super) fn timer(&self) -> Option<Instant> {
        self.handshakes.values().map(|handshake| handshake.link.connection.timer).min()
    }

    /// Reads what has come, and does what is due.
    pub(super) fn receive<F: FnMut(&Peer, News<'_>)>(
        &mut self,
        shared: &mut Shared<'_, F>,
    ) -> io::Result<()> {
        for _ in 0..AT_ONCE {
            let (length, remote) = match self.socket.recv_from(&mut self.buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.read(length, remote, shared);
        }
        self.advance(shared);
        Ok(())
    }

    fn read<F: FnMut(&Peer, News<'_>)>(
        &mut self,
        length: usize,
        remote: SocketAddr,
        shared: &mut Shared<'_, F>,
    ) {
        if !shared.allowed.has(remote) && !self.exporters.contains_key(&remote) {
            shared.counters.refused_datagrams += 1;
            return;
        }
        if let Some(hello) = ClientHello::read(&self.buffer[..length]) {
            let in_handshake = self.handshakes.get(&remote).map(|handshake| handshake.link.random);
            let in_session = self.exporters.get(&remote).map(|exporter| exporter.link.random);
            if ![in_handshake, in_session].contains(&Some(hello.random)) {
                let Ok(cookie) = self.cookies.of(remote, &hello) else { return };
                if !hello.shows(&cookie) {
                    // If it does not get there, it is asked for again.
                    let _ = self.socket.send_to(&hello_verify_request(&cookie), remote);
                    return;
                }
                return self.begin(length, remote, cookie, shared);
            }
        }
        // A handshake may be there to replace a session that the peer knows nothing of any more.
        if let Some(handshake) = self.handshakes.remove(&remote) {
            self.shake(handshake, remote, Some(length), shared);
        } else if self.exporters.contains_key(&remote) {
            self.take(length, remote, shared);
        } else {
            shared.counters.malformed_datagrams += 1;
        }
    }

    /// Begins a handshake with who has shown its cookie.
    fn begin<F: FnMut(&Peer, News<'_>)>(
        &mut self,
        length: usize,
        remote: SocketAddr,
        cookie: [u8; 32],
        shared: &mut Shared<'_, F>,
    ) {
        let Some(hello) = ClientHello::read(&self.buffer[..length]) else { return };
        let now = Instant::now();
        let connection = Connection::new(self.identity.collector(&self.config, now), now);
        let mut link = Link { connection, random: hello.random };
        // What came first, was answered and forgotten. The answer is not needed again.
        let first = hello.without_cookie();
        if let Err(error) = link.connection.receive(&first, now, &mut self.room, |_| Ok(())) {
            return shared.refuse(self.local, remote, &error.to_string());
        }
        let handshake = Handshake { link, names: None, early: Vec::new(), since: shared.now };
        with_cookie(cookie, || self.shake(handshake, remote, Some(length), shared));
        if self.handshakes.len() > shared.settings.most_handshakes {
            let oldest = self.handshakes.iter().min_by_key(|(_, handshake)| handshake.since);
            if let Some((&remote, _)) = oldest {
                self.handshakes.remove(&remote);
                shared.refuse(self.local, remote, "too many handshakes at a time");
            }
        }
    }

    /// Goes on with a handshake: with a datagram, or because it is time to.
    fn shake<F: FnMut(&Peer, News<'_>)>(
        &mut self,
        mut handshake: Handshake,
        remote: SocketAddr,
        length: Option<usize>,
        shared: &mut Shared<'_, F>,
    ) {
        let DtlsSocket { socket, identity, buffer, room, .. } = self;
        let Handshake { link: Link { connection, .. }, names, early, .. } = &mut handshake;
        let each = |event: Event<'_>| {
            match event {
                // What does not get there is asked for again.
                Event::Send(datagram) => drop(socket.send_to(datagram, remote)),
                Event::Certificate(certificate) => match identity.verify_exporter(certificate) {
                    Ok(verified) => *names = Some(verified),
                    Err(error) => {
                        let _ = socket.send_to(&alert(&error), remote);
                        return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                    }
                },
                Event::Data(octets) => early.push(octets.to_vec()),
                Event::Closed => return Err(io::ErrorKind::ConnectionAborted.into()),
                Event::Connected => {}
            }
            Ok(())
        };
        let now = Instant::now();
        let went_on = match length {
            Some(length) => connection.receive(&buffer[..length], now, room, each),
            None => connection.advance(now, room, each),
        };
        match went_on {
            Err(error) => shared.refuse(self.local, remote, &error.to_string()),
            Ok(()) if !handshake.link.connection.is_connected() => {
                self.handshakes.insert(remote, handshake);
            }
            Ok(()) => self.open(handshake, remote, shared),
        }
    }

    /// A handshake is over: a session begins.
    fn open<F: FnMut(&Peer, News<'_>)>(
        &mut self,
        handshake: Handshake,
        remote: SocketAddr,
        shared: &mut Shared<'_, F>,
    ) {
        let Handshake { link, names: Some(names), early, .. } = handshake else {
            return shared.refuse(self.local, remote, "peer sent no certificate");
        };
        if let Some(replaced) = self.exporters.remove(&remote) {
            *shared.peers -= 1;
            replaced.tell_end(Closed::End, &mut shared.each);
        }
        if *shared.peers >= shared.settings.most_peers {
            return shared.refuse(self.local, remote, "too many sessions");
        }
        *shared.peers += 1;
        let peer = Peer::Dtls { local: self.local, remote, names };
        (shared.each)(&peer, News::Opened);
        let session = Session::new(shared.settings.datagrams);
        let mut exporter = Exporter { link, peer, session, last: shared.now };
        for message in early {
            exporter.message(&message, shared.now, &mut shared.each);
        }
        self.exporters.insert(remote, exporter);
    }

    /// Reads a datagram of a session.
    fn take<F: FnMut(&Peer, News<'_>)>(
        &mut self,
        length: usize,
        remote: SocketAddr,
        shared: &mut Shared<'_, F>,
    ) {
        let DtlsSocket { socket, exporters, buffer, room, .. } = self;
        let Some(exporter) = exporters.get_mut(&remote) else { return };
        let mut messages: Vec<Vec<u8>> = Vec::new();
        let mut is_closed = false;
        let each = |event: Event<'_>| {
            match event {
                Event::Send(datagram) => drop(socket.send_to(datagram, remote)),
                Event::Data(octets) => messages.push(octets.to_vec()),
                Event::Closed => is_closed = true,
                Event::Certificate(_) | Event::Connected => {}
            }
            Ok(())
        };
        let received = exporter.link.connection.receive(&buffer[..length], Instant::now(), room, each);
        for message in messages {
            exporter.message(&message, shared.now, &mut shared.each);
        }
        let end = match received {
            Err(error) => Closed::Failure(error),
            Ok(()) if is_closed => Closed::End,
            Ok(()) => return,
        };
        exporter.tell_end(end, &mut shared.each);
        exporters.remove(&remote);
        *shared.peers -= 1;
    }

    /// Does what is due in handshakes, and gives up those that take too long.
    fn advance<F: FnMut(&Peer, News<'_>)>(&mut self, shared: &mut Shared<'_, F>) {
        let (now, time) = (Instant::now(), shared.settings.handshake_time);
        let is_late = |handshake: &Handshake| shared.now.saturating_sub(handshake.since) > time;
        let late: Vec<SocketAddr> =
            self.handshakes.iter().filter(|(_, it)| is_late(it)).map(|it| *it.0).collect();
        for remote in late {
            self.handshakes.remove(&remote);
            shared.refuse(self.local, remote, "the handshake takes too long");
        }
        let is_due = |handshake: &Handshake| handshake.link.connection.timer <= now;
        let due: Vec<SocketAddr> =
            self.handshakes.iter().filter(|(_, it)| is_due(it)).map(|it| *it.0).collect();
        for remote in due {
            if let Some(handshake) = self.handshakes.remove(&remote) {
                self.shake(handshake, remote, None, shared);
            }
        }
    }

    /// Ends sessions by when a message came last.
    pub(super) fn end(
        &mut self,
        ends: impl Fn(Duration) -> bool,
        why: impl Fn() -> Closed,
        each: &mut impl FnMut(&Peer, News<'_>),
    ) {
        let DtlsSocket { socket, exporters, room, .. } = self;
        exporters.retain(|&remote, exporter| {
            let ends = ends(exporter.last);
            if ends {
                exporter.link.connection.close(room, |event| {
                    if let Event::Send(datagram) = event {
                        socket.send_to(datagram, remote)?;
                    }
                    Ok(())
                });
                exporter.tell_end(why(), each);
            }
            !ends
        });
    }
}

#[cfg(test)]
mod tests;
