//! UDP (RFC 7011, 10.3): a datagram a message, many a system call; and where messages have the same length, many go through the kernel
//! as one and are divided at its end (UDP_SEGMENT), which takes a fraction of the time.

mod refused;

use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::task::Poll;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt::UdpGsoSegment};
use rustix::io::Errno;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, send, sendmmsg};

use self::refused::Sent;
use super::Transport;
use super::resolve::addresses;
use super::tcp::wait_to_write;

/// Messages in one system call.
const MOST: usize = 64;

/// Fewer messages of the same length are sent with the others.
const FEWEST_SEGMENTS: usize = 4;

/// Octets that one datagram can have before it is divided, after the headers of IP and UDP.
const LONGEST_DATAGRAM: usize = 65_535 - 40 - 8;

/// UDP to one collector.
#[derive(Debug)]
pub struct Udp {
    host: String,
    port: u16,
    open: Option<Open>,
    /// Messages that have not arrived.
    refused: Vec<Box<[u8]>>,
}

#[derive(Debug)]
struct Open {
    socket: UdpSocket,
    /// The length that the kernel divides what is longer into, as it was told last; 0 for none.
    segment: u16,
    /// Whether the kernel, and the way to the collector, can do that.
    can_segment: bool,
    sent: Sent,
}

impl Udp {
    /// To the first address of `host`.
    pub fn new(host: impl Into<String>, port: u16) -> Udp {
        Udp { host: host.into(), port, open: None, refused: Vec::new() }
    }

    fn open(&self) -> io::Result<Open> {
        let (socket, address) = connected(&self.host, self.port)?;
        refused::listen(&socket, address.is_ipv6())?;
        Ok(Open { socket, segment: 0, can_segment: true, sent: Sent::default() })
    }
}

/// A socket that does not wait, for datagrams to the first address of `host`.
pub(super) fn connected(host: &str, port: u16) -> io::Result<(UdpSocket, SocketAddr)> {
    let address = addresses(host, port)?[0];
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    // The kernel looks for the way once, and not for every datagram.
    socket.connect(address)?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

impl Transport for Udp {
    fn may_lose(&self) -> bool {
        true
    }

    fn connect(&mut self) -> Poll<io::Result<()>> {
        Poll::Ready(self.open().map(|open| self.open = Some(open)))
    }

    fn send(&mut self, octets: &[u8], ends: &[usize]) -> io::Result<usize> {
        let Some(open) = &mut self.open else { return Err(io::ErrorKind::NotConnected.into()) };
        let (mut taken, mut sent) = (0, 0);
        while sent < ends.len() {
            match open.send_some(octets, taken, &ends[sent..]) {
                Ok(count) => {
                    sent += count;
                    taken = ends[sent - 1];
                }
                Err(error) if taken == 0 => return Err(error.into()),
                // It comes again, if it is to stay.
                Err(_) => break,
            }
        }
        Ok(taken)
    }

    fn take_back(&mut self) -> Vec<Box<[u8]>> {
        if let Some(Open { socket, sent, .. }) = &mut self.open {
            sent.look(socket, &mut self.refused);
        }
        std::mem::take(&mut self.refused)
    }

    fn wait(&self, most: Duration) {
        if let Some(open) = &self.open {
            wait_to_write(&open.socket, most);
        }
    }

    fn close(&mut self) {
        if let Some(mut open) = self.open.take() {
            open.sent.look(&open.socket, &mut self.refused);
        }
    }
}

impl Open {
    /// Sends some of the messages that lie from `begin` on and end at `ends`; answers how many were sent, at least one.
    fn send_some(&mut self, octets: &[u8], begin: usize, ends: &[usize]) -> rustix::io::Result<usize> {
        let run = self.run(begin, ends);
        if run >= FEWEST_SEGMENTS {
            let datagram = &octets[begin..ends[run - 1]];
            match self.segment_at(ends[0] - begin).and_then(|()| self.send_divided(datagram)) {
                Ok(()) => {
                    self.sent.keep(octets, begin, &ends[..run], true);
                    return Ok(run);
                }
                // The device cannot do it, or messages are longer than its packets.
                Err(Errno::IO | Errno::INVAL | Errno::MSGSIZE | Errno::NOPROTOOPT) => {
                    self.can_segment = false;
                }
                Err(error) => return Err(error),
            }
        }
        self.segment_at(0)?;
        // Up to the next messages of the same length.
        let mut count = 1;
        while count < ends.len().min(MOST) && self.run(ends[count - 1], &ends[count..]) < FEWEST_SEGMENTS {
            count += 1;
        }
        let count = self.send_each(octets, begin, &ends[..count])?;
        self.sent.keep(octets, begin, &ends[..count], false);
        Ok(count)
    }

    /// How many of the messages from `begin` on have the length of the first one, and fit into one datagram: the last of them may be shorter.
    fn run(&self, begin: usize, ends: &[usize]) -> usize {
        let Some(&first) = ends.first() else { return 0 };
        if !self.can_segment {
            return 0;
        }
        let length = first - begin;
        let mut previous = begin;
        for (count, &end) in ends.iter().enumerate() {
            if count == MOST || end - begin > LONGEST_DATAGRAM || end - previous > length {
                return count;
            }
            if end - previous < length {
                return count + 1;
            }
            previous = end;
        }
        ends.len()
    }

    fn segment_at(&mut self, length: usize) -> rustix::io::Result<()> {
        let length = u16::try_from(length).map_err(|_| Errno::MSGSIZE)?;
        if length != self.segment {
            setsockopt(&self.socket, UdpGsoSegment, &length.into())
                .map_err(|error| Errno::from_raw_os_error(error as i32))?;
            self.segment = length;
        }
        Ok(())
    }

    fn send_divided(&self, datagram: &[u8]) -> rustix::io::Result<()> {
        again_if_told(|| send(&self.socket, datagram, SendFlags::DONTWAIT)).map(drop)
    }

    fn send_each(&self, octets: &[u8], mut begin: usize, ends: &[usize]) -> rustix::io::Result<usize> {
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
        again_if_told(|| sendmmsg(&self.socket, &mut headers, SendFlags::DONTWAIT))
    }
}

/// What ICMP says of an earlier datagram is reported once in place of sending another: that one is sent again.
fn again_if_told<T>(mut send: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    match send() {
        Err(Errno::CONNREFUSED | Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::ACCESS | Errno::INTR) => {
            send()
        }
        sent => sent,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Messages of these lengths arrive as they were sent, one a datagram.
    fn arrive(lengths: &[usize], is_ipv6: bool) -> Udp {
        let host = if is_ipv6 { "::1" } else { "127.0.0.1" };
        let collector = UdpSocket::bind((host, 0)).unwrap();
        collector.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut udp = Udp::new(host, collector.local_addr().unwrap().port());
        assert!(matches!(udp.connect(), Poll::Ready(Ok(()))));
        let octets: Vec<u8> = (0..lengths.iter().sum()).map(|place: usize| (place * 7 / 3) as u8).collect();
        let ends: Vec<usize> = lengths
            .iter()
            .scan(0, |end, length| {
                *end += length;
                Some(*end)
            })
            .collect();
        // Not more at once than the collector's socket holds.
        for (number, ends) in ends.chunks(50).enumerate() {
            let begin = lengths[..number * 50].iter().sum();
            let ends: Vec<usize> = ends.iter().map(|end| end - begin).collect();
            assert_eq!(udp.send(&octets[begin..], &ends).unwrap(), ends[ends.len() - 1]);
            let mut begin = begin;
            for &length in &lengths[number * 50..number * 50 + ends.len()] {
                let mut datagram = [0; 65_535];
                let len = collector.recv(&mut datagram).unwrap();
                assert_eq!(&datagram[..len], &octets[begin..begin + length]);
                begin += length;
            }
        }
        udp
    }

    #[test]
    fn messages_of_the_same_length_arrive_one_a_datagram() {
        let mut lengths = vec![1397; 120];
        lengths[46] = 700;
        lengths.extend([1397, 1397, 20]);
        for is_ipv6 in [false, true] {
            let udp = arrive(&lengths, is_ipv6);
            let open = udp.open.unwrap();
            assert!(open.can_segment, "the loopback device divides");
        }
    }

    #[test]
    fn messages_of_different_lengths_before_and_after_are_not_divided() {
        let mut lengths = vec![1000; 8];
        lengths.extend([1400, 1200, 1300, 1400, 900]);
        lengths.extend([500; 5]);
        lengths.extend([1458, 1458, 16]);
        arrive(&lengths, false);
    }

    /// Runs `test` with a loopback device of its own, which takes packets of at most `mtu` octets.
    fn with_loopback(mtu: &'static str, test: fn()) {
        let network = std::thread::spawn(move || {
            if let Err(error) = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET) {
                return eprintln!("skipped: a network of its own: {error}");
            }
            let ip = ["link", "set", "lo", "up", "mtu", mtu];
            match std::process::Command::new("ip").args(ip).status() {
                Ok(status) if status.success() => test(),
                failure => eprintln!("skipped: ip {}: {failure:?}", ip.join(" ")),
            }
        });
        network.join().unwrap();
    }

    #[test]
    fn messages_that_are_longer_than_packets_are_sent_one_by_one() {
        with_loopback("1300", || {
            let udp = arrive(&[1397; 60], false);
            assert!(!udp.open.unwrap().can_segment);
        });
    }

    /// All messages that were sent, and those that were given back.
    fn refused(lengths: &[usize], is_ipv6: bool) -> (Vec<Vec<u8>>, Vec<Box<[u8]>>) {
        let host = if is_ipv6 { "::1" } else { "127.0.0.1" };
        let nobody = UdpSocket::bind((host, 0)).unwrap().local_addr().unwrap();
        let mut udp = Udp::new(host, nobody.port());
        assert!(matches!(udp.connect(), Poll::Ready(Ok(()))));
        let messages: Vec<Vec<u8>> =
            lengths.iter().enumerate().map(|(number, &length)| vec![number as u8; length]).collect();
        let mut back = Vec::new();
        for messages in messages.chunks(60) {
            let octets = messages.concat();
            let ends: Vec<usize> =
                (1..=messages.len()).map(|count| messages[..count].concat().len()).collect();
            let mut sent = 0;
            while sent < ends.len() {
                let begin = if sent == 0 { 0 } else { ends[sent - 1] };
                let rest: Vec<usize> = ends[sent..].iter().map(|end| end - begin).collect();
                // What is said of one message may come in place of sending another twice.
                let taken = udp.send(&octets[begin..], &rest).unwrap_or(0);
                sent += rest.partition_point(|&end| end <= taken);
                back.extend(udp.take_back());
            }
        }
        udp.close();
        back.extend(udp.take_back());
        (messages, back)
    }

    #[test]
    fn messages_to_where_nobody_listens_are_given_back_once_each() {
        let mut lengths = vec![1397; 100];
        lengths.extend([1000, 900, 1100, 1200, 700]);
        // Of several that are refused as one, ICMP quotes more than the first.
        lengths.extend([101; 30]);
        for is_ipv6 in [false, true] {
            let (messages, back) = refused(&lengths, is_ipv6);
            assert_eq!(back.len(), messages.len());
            assert!(messages.iter().zip(&back).all(|(message, back)| **message == **back));
        }
    }
}
