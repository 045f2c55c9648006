//! Datagrams (RFC 7011, 10.3): a session for each address and port from which messages come.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use super::{Allowed, Closed, CollectorCounters, CollectorSettings, News, Peer};
use crate::collect::{Arrival, Packet, Session};

/// The longest datagram.
const LONGEST: usize = u16::MAX as usize;

/// Datagrams that are read of a socket before others get their turn.
const AT_ONCE: usize = 256;

#[derive(Debug)]
struct Exporter {
    peer: Peer,
    session: Session,
    /// When a message came last.
    last: Duration,
}

/// A socket and its sessions.
#[derive(Debug)]
pub(super) struct Datagrams {
    socket: UdpSocket,
    local: SocketAddr,
    exporters: HashMap<SocketAddr, Exporter>,
    buffer: Box<[u8]>,
}

impl Datagrams {
    pub(super) fn new(socket: UdpSocket, local: SocketAddr) -> Datagrams {
        Datagrams { socket, local, exporters: HashMap::new(), buffer: vec![0; LONGEST].into() }
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

    /// Reads what has come. `peers` counts the sessions of all sockets.
    pub(super) fn receive(
        &mut self,
        now: Duration,
        settings: &CollectorSettings,
        allowed: &Allowed,
        peers: &mut usize,
        counters: &mut CollectorCounters,
        each: &mut impl FnMut(&Peer, News<'_>),
    ) -> io::Result<()> {
        for _ in 0..AT_ONCE {
            let (length, remote) = match self.socket.recv_from(&mut self.buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if !allowed.has(remote) && !self.exporters.contains_key(&remote) {
                counters.refused_datagrams += 1;
                continue;
            }
            let packet = match Packet::read(&self.buffer[..length]) {
                Ok(packet) => packet,
                Err(error) => {
                    if let Some(exporter) = self.exporters.get_mut(&remote) {
                        exporter.session.count_malformed();
                        each(&exporter.peer, News::Malformed(error));
                    } else {
                        counters.malformed_datagrams += 1;
                    }
                    continue;
                }
            };
            let exporter = match self.exporters.entry(remote) {
                Entry::Occupied(known) => known.into_mut(),
                // Those that are here are not pushed out: an address is easily made up.
                Entry::Vacant(_) if *peers >= settings.most_peers => {
                    counters.refused_datagrams += 1;
                    continue;
                }
                Entry::Vacant(new) => {
                    *peers += 1;
                    let peer = Peer::Udp { local: self.local, remote };
                    each(&peer, News::Opened);
                    new.insert(Exporter { peer, session: Session::new(settings.datagrams), last: now })
                }
            };
            exporter.last = now;
            let Exporter { peer, session, .. } = exporter;
            let arrival = Arrival { elapsed: now, stream: 0 };
            session.read_packet(&packet, arrival, |event| each(peer, News::Event(&packet, event)));
        }
        Ok(())
    }

    /// Ends sessions by when a message came last.
    pub(super) fn end(
        &mut self,
        ends: impl Fn(Duration) -> bool,
        why: impl Fn() -> Closed,
        each: &mut impl FnMut(&Peer, News<'_>),
    ) {
        self.exporters.retain(|_, exporter| {
            let ends = ends(exporter.last);
            if ends {
                each(&exporter.peer, News::Closed(why(), exporter.session.counters()));
            }
            !ends
        });
    }
}
