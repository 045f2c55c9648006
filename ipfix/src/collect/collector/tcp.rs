//! Connections (RFC 7011, 10.4).

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::stream::Stream;
use super::{Closed, News, Peer};
use crate::collect::{Arrival, Session, SessionCounters};

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    socket: TcpStream,
    peer: Peer,
    session: Session,
    stream: Stream,
    /// When a whole message came last.
    last: Duration,
}

/// Connections that are accepted at a listener before others get their turn.
const AT_ONCE: usize = 64;

/// Accepts what waits at a listener, of which `next` is the next.
pub(super) fn accept<S>(
    mut next: impl FnMut() -> io::Result<(S, SocketAddr)>,
) -> io::Result<Vec<(S, SocketAddr)>> {
    let mut accepted = Vec::new();
    for _ in 0..AT_ONCE {
        match next() {
            Ok(connection) => accepted.push(connection),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if is_of_the_peer(&error) => {}
            // It comes again, after those that were accepted.
            Err(_) if !accepted.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(accepted)
}

/// Accepts a connection, which will not wait.
pub(super) fn accept_one(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, remote) = listener.accept()?;
    stream.set_nonblocking(true)?;
    Ok((stream, remote))
}

/// Whether a connection has failed before it was accepted, which says nothing about the next one (accept(2)).
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionAborted
            | Kind::ConnectionReset
            | Kind::Interrupted
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown
    )
}

impl Connection {
    pub(super) fn new(socket: TcpStream, peer: Peer, session: Session, now: Duration) -> Connection {
        Connection { socket, peer, session, stream: Stream::default(), last: now }
    }

    pub(super) const fn socket(&self) -> &TcpStream {
        &self.socket
    }

    pub(super) fn session(&self) -> (&Peer, SessionCounters) {
        (&self.peer, self.session.counters())
    }

    pub(super) const fn last(&self) -> Duration {
        self.last
    }

    /// Reads once, and says whether the connection goes on.
    pub(super) fn receive(&mut self, now: Duration, each: &mut impl FnMut(&Peer, News<'_>)) -> bool {
        let end = match self.stream.read(&mut self.socket) {
            Ok(0) if self.stream.is_empty() => Closed::End,
            Ok(0) => Closed::CutOff,
            Ok(_) => {
                let before = self.session.counters().messages;
                let arrival = Arrival { elapsed: now, stream: 0 };
                match self.stream.messages(&mut self.session, &self.peer, arrival, each) {
                    Ok(()) => {
                        if self.session.counters().messages > before {
                            self.last = now;
                        }
                        return true;
                    }
                    Err(end) => end,
                }
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return true;
            }
            Err(error) => error.into(),
        };
        self.tell_end(end, each);
        false
    }

    /// Tells that the session ends.
    pub(super) fn tell_end(&self, end: Closed, each: &mut impl FnMut(&Peer, News<'_>)) {
        each(&self.peer, News::Closed(end, self.session.counters()));
    }
}
