//! TCP (RFC 7011, 10.4).

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::task::Poll;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::{set_socket_keepalive, set_socket_linger, set_tcp_keepidle};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, recv, socket_with};

use super::Transport;
use super::attempt::Attempt;
use super::outstanding::outstanding_octets;

/// A collector that has gone without a word is noticed after this time of silence, and the kernel's further attempts.
const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(60);

/// TCP to one collector.
#[derive(Debug)]
pub struct Tcp {
    attempt: Attempt,
    stream: Option<TcpStream>,
}

impl Tcp {
    /// To the first address of `host` that answers within `patience`.
    pub fn new(host: impl Into<String>, port: u16, patience: Duration) -> Tcp {
        Tcp { attempt: Attempt::new(host.into(), port, patience), stream: None }
    }

    /// The connection, if there is one.
    pub(super) const fn stream(&self) -> Option<&TcpStream> {
        self.stream.as_ref()
    }

    /// Ends the connection, and lets the kernel go on with what it has.
    pub(super) fn end(&mut self) {
        self.attempt.give_up();
        self.stream = None;
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
        if self.stream.is_none() {
            let socket = match self.attempt.advance(begin) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(socket) => socket?,
            };
            set_socket_keepalive(&socket, true)?;
            set_tcp_keepidle(&socket, KEEP_ALIVE_AFTER)?;
            self.stream = Some(socket.into());
        }
        Poll::Ready(Ok(()))
    }

    fn send(&mut self, octets: &[u8], _ends: &[usize]) -> io::Result<usize> {
        let Some(stream) = &mut self.stream else { return Err(io::ErrorKind::NotConnected.into()) };
        loop {
            match stream.write(octets) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn unacknowledged(&self) -> usize {
        self.stream.as_ref().map_or(0, outstanding_octets)
    }

    fn is_closed_by_peer(&mut self) -> bool {
        let Some(stream) = &self.stream else { return false };
        // A collector sends nothing; what it sends all the same is thrown away.
        let mut nothing = [0; 512];
        !matches!(
            recv(stream, &mut nothing, RecvFlags::DONTWAIT),
            Ok((1.., _)) | Err(Errno::AGAIN | Errno::INTR)
        )
    }

    fn wait(&self, most: Duration) {
        match &self.stream {
            Some(stream) => {
                wait_to_write(stream, most);
            }
            None => self.attempt.wait(most),
        }
    }

    fn close(&mut self) {
        if let Some(stream) = &self.stream
            && self.unacknowledged() > 0
        {
            // It is reset: else the kernel would go on with what is told as lost, or sent again. If that fails, there is nothing to reset.
            let _ = set_socket_linger(stream, Some(Duration::ZERO));
        }
        self.end();
    }
}
