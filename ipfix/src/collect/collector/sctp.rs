//! Associations of SCTP (RFC 7011, 10.2): a user message a message, on any stream.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::tcp::accept;
use super::{Allowed, Closed, CollectorCounters, CollectorSettings, News, Peer};
use crate::collect::{Arrival, Packet, Session};
use crate::message::Message;
use crate::sctp::{Notification, Socket};

/// The longest message, and one octet by which a longer one is known.
const ROOM: usize = u16::MAX as usize + 1;

/// Messages that are read of an association before others get their turn.
const AT_ONCE: usize = 256;

/// Listening sockets, and the associations that came at them.
#[derive(Debug, Default)]
pub(super) struct Associations {
    listeners: Vec<(Socket, SocketAddr)>,
    associations: Vec<Association>,
    /// Where messages are received; empty until there is a listener.
    room: Box<[u8]>,
}

impl Associations {
    pub(super) fn listen(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        let (socket, local) = Socket::listen(address)?;
        self.listeners.push((socket, local));
        if self.room.is_empty() {
            self.room = vec![0; ROOM].into();
        }
        Ok(local)
    }

    /// How many associations there are.
    pub(super) const fn len(&self) -> usize {
        self.associations.len()
    }

    pub(super) const fn listener_count(&self) -> usize {
        self.listeners.len()
    }

    /// Those that listen, then those of associations.
    pub(super) fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let listeners = self.listeners.iter().map(|(socket, _)| socket);
        listeners.chain(self.associations.iter().map(|association| &association.socket)).map(AsFd::as_fd)
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = (&Peer, &Session)> {
        self.associations.iter().map(|association| (&association.peer, &association.session))
    }

    /// Reads what has come by the associations that are `ready`, in their order.
    pub(super) fn receive(&mut self, ready: &[bool], now: Duration, each: &mut impl FnMut(&Peer, News<'_>)) {
        let mut ready = ready.iter();
        let room = &mut self.room;
        self.associations.retain_mut(|association| {
            // Each is asked for once, in order.
            !ready.next().is_some_and(|&ready| ready) || association.receive(room, now, each)
        });
    }

    /// Accepts associations of the listeners that are `ready`, unless there are too many connections together with the `others`.
    pub(super) fn accept(
        &mut self,
        ready: &[bool],
        now: Duration,
        (settings, allowed, others): (&CollectorSettings, &Allowed, usize),
        counters: &mut CollectorCounters,
        each: &mut impl FnMut(&Peer, News<'_>),
    ) -> io::Result<()> {
        for ((listener, local), _) in self.listeners.iter().zip(ready).filter(|(_, ready)| **ready) {
            for (socket, remote) in accept(|| listener.accept())? {
                let is_full = self.associations.len() + others >= settings.most_connections;
                if is_full || !allowed.has(remote) {
                    counters.refused_connections += 1;
                    continue;
                }
                let peer = Peer::Sctp { local: *local, remote };
                each(&peer, News::Opened);
                let session = Session::new(settings.associations);
                self.associations.push(Association { socket, peer, session, begin: Vec::new(), last: now });
            }
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
        self.associations.retain(|association| {
            let ends = ends(association.last);
            if ends {
                association.tell_end(why(), each);
            }
            !ends
        });
    }
}

#[derive(Debug)]
struct Association {
    socket: Socket,
    peer: Peer,
    session: Session,
    /// The beginning of a message the rest of which the kernel does not have yet; of one that is too long only as much as shows it.
    begin: Vec<u8>,
    /// When a message came last.
    last: Duration,
}

impl Association {
    /// Reads what has come, and says whether the association goes on.
    fn receive(&mut self, room: &mut [u8], now: Duration, each: &mut impl FnMut(&Peer, News<'_>)) -> bool {
        for _ in 0..AT_ONCE {
            let received = match self.socket.receive(room) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.tell_end(error.into(), each);
                    return false;
                }
            };
            let octets = &room[..received.octets];
            if received.is_notification {
                if Notification::read(octets) == Notification::PartialDeliveryAborted {
                    self.begin.clear();
                }
                continue;
            }
            if octets.is_empty() {
                self.tell_end(if self.begin.is_empty() { Closed::End } else { Closed::CutOff }, each);
                return false;
            }
            let arrival = Arrival { elapsed: now, stream: received.stream };
            if received.is_end && self.begin.is_empty() {
                self.read(octets, arrival, each);
            } else {
                self.begin.extend_from_slice(&octets[..octets.len().min(ROOM - self.begin.len())]);
                if received.is_end {
                    let message = std::mem::take(&mut self.begin);
                    self.read(&message, arrival, each);
                }
            }
        }
        true
    }

    fn read(&mut self, message: &[u8], arrival: Arrival, each: &mut impl FnMut(&Peer, News<'_>)) {
        let Association { session, peer, .. } = self;
        match Message::read(message) {
            Ok(message) => {
                let packet = Packet::Ipfix(message);
                session.read(&message, arrival, |event| each(peer, News::Event(&packet, event)));
                self.last = arrival.elapsed;
            }
            // Messages have ends of their own: it does not end the session.
            Err(error) => {
                session.count_malformed();
                each(peer, News::Malformed(error.into()));
            }
        }
    }

    fn tell_end(&self, end: Closed, each: &mut impl FnMut(&Peer, News<'_>)) {
        each(&self.peer, News::Closed(end, self.session.counters()));
    }
}
