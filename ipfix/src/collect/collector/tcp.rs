//! Connections (RFC 7011, 10.4).

use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use rustix::event::PollFlags;

use super::stream::Stream;
use super::tls::TlsStream;
use super::{Closed, News, Peer};
use crate::collect::{Arrival, Session};

/// What a connection is read from.
#[derive(Debug)]
pub(super) enum Source {
    Plain(TcpStream),
    Tls(Box<TlsStream>),
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Source::Plain(stream) => stream.read(buffer),
            Source::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Source {
    /// Whether something has been read from the socket and not from here.
    fn has_more(&mut self) -> bool {
        match self {
            Source::Plain(_) => false,
            Source::Tls(stream) => stream.has_more(),
        }
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    source: Source,
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
    pub(super) fn new(source: Source, peer: Peer, session: Session, now: Duration) -> Connection {
        Connection { source, peer, session, stream: Stream::default(), last: now }
    }

    /// The socket, and what it waits for.
    pub(super) fn socket(&self) -> (&TcpStream, PollFlags) {
        match &self.source {
            Source::Plain(socket) => (socket, PollFlags::IN),
            Source::Tls(stream) => (stream.socket(), stream.events()),
        }
    }

    pub(super) const fn session(&self) -> (&Peer, &Session) {
        (&self.peer, &self.session)
    }

    pub(super) const fn last(&self) -> Duration {
        self.last
    }

    /// Reads once, and says whether the connection goes on.
    pub(super) fn receive(&mut self, now: Duration, each: &mut impl FnMut(&Peer, News<'_>)) -> bool {
        loop {
            match self.read(now, each) {
                // Of that the system would not tell.
                Ok(()) if self.source.has_more() => {}
                Ok(()) => return true,
                Err(end) => {
                    self.tell_end(end, each);
                    return false;
                }
            }
        }
    }

    fn read(&mut self, now: Duration, each: &mut impl FnMut(&Peer, News<'_>)) -> Result<(), Closed> {
        match self.stream.read(&mut self.source) {
            Ok(0) if self.stream.is_empty() => return Err(Closed::End),
            Ok(0) => return Err(Closed::CutOff),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        let before = self.session.counters().messages;
        let arrival = Arrival { elapsed: now, stream: 0 };
        self.stream.messages(&mut self.session, &self.peer, arrival, false, each)?;
        if self.session.counters().messages > before {
            self.last = now;
        }
        Ok(())
    }

    /// Tells that the session ends.
    pub(super) fn tell_end(&self, end: Closed, each: &mut impl FnMut(&Peer, News<'_>)) {
        each(&self.peer, News::Closed(end, self.session.counters()));
    }
}
