//! Datagrams that are known not to have arrived: the kernel keeps what ICMP says of them in the socket's queue of errors (ip(7),
//! IP_RECVERR), with the beginning of each. The latest messages are kept to tell which ones these were.

use std::collections::VecDeque;
use std::io::IoSliceMut;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use nix::sys::socket::sockopt::{Ipv4RecvErr, Ipv6RecvErr};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt};

/// Octets of messages that are kept. An answer of ICMP takes as long as the way to the collector and back.
const MOST_OCTETS: usize = 1 << 20;

/// ICMP quotes no more: packets of 576 octets in IPv4, of 1280 in IPv6.
const LONGEST_QUOTE: usize = 1280;

/// The latest messages of a socket.
#[derive(Debug, Default)]
pub(super) struct Sent {
    messages: VecDeque<Message>,
    octets: usize,
    /// Datagrams so far. Messages that went through the kernel as one are one.
    datagrams: u64,
}

#[derive(Debug)]
struct Message {
    datagram: u64,
    /// Empty if it was refused.
    octets: Vec<u8>,
}

/// Has the kernel keep what ICMP says.
pub(super) fn listen(socket: &UdpSocket, is_ipv6: bool) -> nix::Result<()> {
    if is_ipv6 { setsockopt(socket, Ipv6RecvErr, &true) } else { setsockopt(socket, Ipv4RecvErr, &true) }
}

impl Sent {
    /// Messages from `begin` on, which end at `ends`, have been sent: as one datagram that is divided later, or as one each.
    pub(super) fn keep(&mut self, octets: &[u8], mut begin: usize, ends: &[usize], as_one: bool) {
        for (place, &end) in ends.iter().enumerate() {
            if place == 0 || !as_one {
                self.datagrams += 1;
            }
            let mut kept = self.make_room(end - begin);
            kept.extend_from_slice(&octets[begin..end]);
            self.octets += kept.len();
            self.messages.push_back(Message { datagram: self.datagrams, octets: kept });
            begin = end;
        }
    }

    /// Room for a message: that of an older one, if there are enough.
    fn make_room(&mut self, length: usize) -> Vec<u8> {
        let mut room = Vec::new();
        while self.octets + length > MOST_OCTETS
            && let Some(oldest) = self.messages.pop_front()
        {
            self.octets -= oldest.octets.len();
            room = oldest.octets;
        }
        room.clear();
        room
    }

    /// Looks through the socket's queue of errors: appends the messages that have not arrived to `refused`.
    pub(super) fn look(&mut self, socket: &UdpSocket, refused: &mut Vec<Box<[u8]>>) {
        let mut quote = [0; LONGEST_QUOTE];
        while let Some(length) = next_quote(socket, &mut quote) {
            self.find(&quote[..length.min(LONGEST_QUOTE)], refused);
        }
    }

    fn find(&mut self, quote: &[u8], refused: &mut Vec<Box<[u8]>>) {
        // Of messages that were refused as one, more than the first may be quoted.
        let is_it = |Message { octets, .. }: &Message| {
            !quote.is_empty() && !octets.is_empty() && quote.iter().zip(octets).all(|(a, b)| a == b)
        };
        let Some(place) = self.messages.iter().position(is_it) else { return };
        let datagram = self.messages[place].datagram;
        let is_first = place.checked_sub(1).is_none_or(|before| self.messages[before].datagram != datagram);
        // A host of which nobody listens refuses what was not divided on the way as a whole.
        let end = self.messages.partition_point(|message| message.datagram <= datagram);
        let end = if is_first { end } else { place + 1 };
        for message in self.messages.range_mut(place..end).filter(|message| !message.octets.is_empty()) {
            self.octets -= message.octets.len();
            refused.push(std::mem::take(&mut message.octets).into_boxed_slice());
        }
    }
}

/// The beginning of the next datagram of which ICMP says that it has not arrived: its length, which is 0 for an error of another kind.
fn next_quote(socket: &UdpSocket, quote: &mut [u8; LONGEST_QUOTE]) -> Option<usize> {
    let mut slices = [IoSliceMut::new(quote)];
    let mut control = nix::cmsg_space!(nix::libc::sock_extended_err, nix::libc::sockaddr_in6);
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let error =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(&mut control), flags).ok()?;
    let is_of_icmp = error.cmsgs().ok()?.any(|message| match message {
        ControlMessageOwned::Ipv4RecvErr(error, _) | ControlMessageOwned::Ipv6RecvErr(error, _) => {
            matches!(error.ee_origin, nix::libc::SO_EE_ORIGIN_ICMP | nix::libc::SO_EE_ORIGIN_ICMP6)
        }
        _ => false,
    });
    Some(if is_of_icmp { error.bytes } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_messages_are_kept_and_no_more() {
        let mut sent = Sent::default();
        let message = vec![7; 60_000];
        for _ in 0..100 {
            sent.keep(&message, 0, &[20_000, 40_000, 60_000], true);
        }
        let mut back = Vec::new();
        for _ in 0..100 {
            sent.find(&message[..500], &mut back);
        }
        assert_eq!(back.len(), (1 << 20) / 20_000);
    }
}
