//! UDP (RFC 7011, 10.3): a datagram a message, many a system call.

use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::task::Poll;
use std::time::Duration;

use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, sendmmsg};

use super::Transport;
use super::resolve::addresses;
use super::tcp::wait_to_write;

/// Messages in one system call.
const MOST: usize = 64;

/// UDP to one collector.
#[derive(Debug)]
pub struct Udp {
    host: String,
    port: u16,
    socket: Option<UdpSocket>,
}

impl Udp {
    /// To the first address of `host`.
    pub fn new(host: impl Into<String>, port: u16) -> Udp {
        Udp { host: host.into(), port, socket: None }
    }

    fn open(&self) -> io::Result<UdpSocket> {
        let address = addresses(&self.host, self.port)?[0];
        let any: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        // The kernel looks for the way once, and not for every datagram.
        socket.connect(address)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

impl Transport for Udp {
    fn may_lose(&self) -> bool {
        true
    }

    fn connect(&mut self) -> Poll<io::Result<()>> {
        Poll::Ready(self.open().map(|socket| self.socket = Some(socket)))
    }

    fn send(&mut self, octets: &[u8], ends: &[usize]) -> io::Result<usize> {
        let Some(socket) = &self.socket else { return Err(io::ErrorKind::NotConnected.into()) };
        let mut taken = 0;
        for ends in ends.chunks(MOST) {
            match send_some(socket, octets, taken, ends) {
                Ok(sent) => taken = ends[sent - 1],
                Err(error) if taken == 0 => return Err(error),
                // It comes again, if it is to stay.
                Err(_) => break,
            }
            if taken < ends[ends.len() - 1] {
                break;
            }
        }
        Ok(taken)
    }

    fn wait(&self, most: Duration) {
        if let Some(socket) = &self.socket {
            wait_to_write(socket, most);
        }
    }

    fn close(&mut self) {
        self.socket = None;
    }
}

/// Sends the messages that lie from `begin` on and end at `ends`; answers how many were sent, at least one.
fn send_some(socket: &UdpSocket, octets: &[u8], begin: usize, ends: &[usize]) -> io::Result<usize> {
    let mut begin = begin;
    let mut slices = [[IoSlice::new(&[])]; MOST];
    for (slice, &end) in slices.iter_mut().zip(ends) {
        *slice = [IoSlice::new(&octets[begin..end])];
        begin = end;
    }
    let mut controls: [SendAncillaryBuffer<'_, '_, '_>; MOST] =
        std::array::from_fn(|_| SendAncillaryBuffer::default());
    let mut headers: Vec<MMsgHdr<'_>> = slices[..ends.len()]
        .iter()
        .zip(&mut controls)
        .map(|(slice, control)| MMsgHdr::new(slice, control))
        .collect();
    // An ICMP message that nobody listens is reported once, in place of the next message: that one is sent again.
    let sent = match sendmmsg(socket, &mut headers, SendFlags::DONTWAIT) {
        Err(rustix::io::Errno::CONNREFUSED | rustix::io::Errno::INTR) => {
            sendmmsg(socket, &mut headers, SendFlags::DONTWAIT)
        }
        sent => sent,
    };
    Ok(sent?)
}
