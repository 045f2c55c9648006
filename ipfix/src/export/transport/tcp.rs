//! TCP (RFC 7011, 10.4).

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::task::Poll;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::{set_socket_keepalive, set_socket_linger, set_tcp_keepidle, socket_error};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, recv, socket_with};

use super::Transport;
use super::outstanding::outstanding_octets;
use super::resolve::addresses;

/// A collector that has gone without a word is noticed after this time of silence, and the kernel's further attempts.
const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(60);

/// TCP to one collector.
#[derive(Debug)]
pub struct Tcp {
    host: String,
    port: u16,
    /// How long an address is tried.
    patience: Duration,
    state: State,
}

#[derive(Debug)]
enum State {
    Closed,
    /// The connection is under way to one address; the others are tried after it.
    Connecting {
        socket: OwnedFd,
        since: Instant,
        others: VecDeque<SocketAddr>,
    },
    Open(TcpStream),
}

impl Tcp {
    /// To the first address of `host` that answers within `patience`.
    pub fn new(host: impl Into<String>, port: u16, patience: Duration) -> Tcp {
        Tcp { host: host.into(), port, patience, state: State::Closed }
    }

    /// The connection, if there is one.
    pub(super) const fn stream(&self) -> Option<&TcpStream> {
        match &self.state {
            State::Open(stream) => Some(stream),
            _ => None,
        }
    }

    /// Ends the connection, and lets the kernel go on with what it has.
    pub(super) fn end(&mut self) {
        self.state = State::Closed;
    }

    /// Tries addresses until one is not refused at once.
    fn try_next(
        &mut self,
        mut addresses: VecDeque<SocketAddr>,
        mut failure: io::Error,
    ) -> Poll<io::Result<()>> {
        while let Some(address) = addresses.pop_front() {
            match begin(address) {
                Ok(socket) => {
                    self.state = State::Connecting { socket, since: Instant::now(), others: addresses };
                    return Poll::Pending;
                }
                Err(error) => failure = error,
            }
        }
        self.state = State::Closed;
        Poll::Ready(Err(failure))
    }
}

fn begin(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}

/// Waits until something can be written, or an error told.
pub(super) fn wait_to_write(socket: impl AsFd, most: Duration) -> bool {
    wait_for(socket, PollFlags::OUT, most)
}

/// Waits for an event, or an error.
pub(super) fn wait_for(socket: impl AsFd, event: PollFlags, most: Duration) -> bool {
    let timeout = Timespec { tv_sec: most.as_secs() as i64, tv_nsec: most.subsec_nanos().into() };
    let mut polled = [PollFd::new(&socket, event)];
    poll(&mut polled, Some(&timeout)).is_ok_and(|ready| ready > 0)
}

impl Transport for Tcp {
    fn may_lose(&self) -> bool {
        false
    }

    fn connect(&mut self) -> Poll<io::Result<()>> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Closed => match addresses(&self.host, self.port) {
                Ok(addresses) => self.try_next(addresses.into(), io::ErrorKind::NotFound.into()),
                Err(error) => Poll::Ready(Err(error)),
            },
            State::Connecting { socket, since, others } => {
                if !wait_to_write(&socket, Duration::ZERO) {
                    if since.elapsed() >= self.patience {
                        return self.try_next(others, io::ErrorKind::TimedOut.into());
                    }
                    self.state = State::Connecting { socket, since, others };
                    return Poll::Pending;
                }
                if let Err(error) = socket_error(&socket)? {
                    return self.try_next(others, error.into());
                }
                set_socket_keepalive(&socket, true)?;
                set_tcp_keepidle(&socket, KEEP_ALIVE_AFTER)?;
                self.state = State::Open(socket.into());
                Poll::Ready(Ok(()))
            }
            open @ State::Open(_) => {
                self.state = open;
                Poll::Ready(Ok(()))
            }
        }
    }

    fn send(&mut self, octets: &[u8], _ends: &[usize]) -> io::Result<usize> {
        let State::Open(stream) = &mut self.state else { return Err(io::ErrorKind::NotConnected.into()) };
        loop {
            match stream.write(octets) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn unacknowledged(&self) -> usize {
        match &self.state {
            State::Open(stream) => outstanding_octets(stream),
            _ => 0,
        }
    }

    fn is_closed_by_peer(&mut self) -> bool {
        let State::Open(stream) = &self.state else { return false };
        // A collector sends nothing; what it sends all the same is thrown away.
        let mut nothing = [0; 512];
        !matches!(
            recv(stream, &mut nothing, RecvFlags::DONTWAIT),
            Ok((1.., _)) | Err(Errno::AGAIN | Errno::INTR)
        )
    }

    fn wait(&self, most: Duration) {
        match &self.state {
            State::Closed => {}
            State::Connecting { socket, .. } => {
                wait_to_write(socket, most);
            }
            State::Open(stream) => {
                wait_to_write(stream, most);
            }
        }
    }

    fn close(&mut self) {
        if let State::Open(stream) = &self.state
            && self.unacknowledged() > 0
        {
            // It is reset: else the kernel would go on with what is told as lost, or sent again. If that fails, there is nothing to reset.
            let _ = set_socket_linger(stream, Some(Duration::ZERO));
        }
        self.state = State::Closed;
    }
}
