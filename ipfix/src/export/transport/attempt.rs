//! Connecting to the first address of a host that answers.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::task::Poll;
use std::time::{Duration, Instant};

use rustix::net::sockopt::socket_error;

use super::resolve::addresses;
use super::tcp::wait_to_write;

/// Attempts to connect to a host, one address after the other.
#[derive(Debug)]
pub(super) struct Attempt {
    host: String,
    port: u16,
    /// How long an address is tried.
    patience: Duration,
    current: Option<Current>,
}

/// The connection that is under way, and the addresses that are tried after it.
#[derive(Debug)]
struct Current {
    socket: OwnedFd,
    since: Instant,
    others: VecDeque<SocketAddr>,
}

impl Attempt {
    pub(super) const fn new(host: String, port: u16, patience: Duration) -> Attempt {
        Attempt { host, port, patience, current: None }
    }

    /// Begins or goes on with the help of `begin`, which begins to connect to an address, without waiting.
    pub(super) fn advance(
        &mut self,
        begin: impl Fn(SocketAddr) -> io::Result<OwnedFd>,
    ) -> Poll<io::Result<OwnedFd>> {
        let (mut others, mut failure) = match self.current.take() {
            None => (addresses(&self.host, self.port)?.into(), io::ErrorKind::NotFound.into()),
            Some(current) if !wait_to_write(&current.socket, Duration::ZERO) => {
                if current.since.elapsed() < self.patience {
                    self.current = Some(current);
                    return Poll::Pending;
                }
                (current.others, io::Error::from(io::ErrorKind::TimedOut))
            }
            Some(Current { socket, others, .. }) => match socket_error(&socket)? {
                Ok(()) => return Poll::Ready(Ok(socket)),
                Err(error) => (others, error.into()),
            },
        };
        while let Some(address) = others.pop_front() {
            match begin(address) {
                Ok(socket) => {
                    self.current = Some(Current { socket, since: Instant::now(), others });
                    return Poll::Pending;
                }
                Err(error) => failure = error,
            }
        }
        Poll::Ready(Err(failure))
    }

    /// Waits until something has become of it, `most` at the most.
    pub(super) fn wait(&self, most: Duration) {
        if let Some(current) = &self.current {
            wait_to_write(&current.socket, most);
        }
    }

    pub(super) fn give_up(&mut self) {
        self.current = None;
    }
}
