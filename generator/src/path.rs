//! Who talks to whom.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A MAC address.
pub type Mac = [u8; 6];

/// The MAC address of whoever begins a conversation, unless a capture says otherwise.
pub const CLIENT_MAC: Mac = [0x02, 0, 0, 0, 0, 0x01];
/// The MAC address of whoever answers.
pub const SERVER_MAC: Mac = [0x02, 0, 0, 0, 0, 0x02];

/// The way of one packet: addresses and ports of its sender and of its receiver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Path {
    /// Sender's MAC address.
    pub from_mac: Mac,
    /// Receiver's MAC address.
    pub to_mac: Mac,
    /// Sender's address; of the same family as the receiver's.
    pub from: IpAddr,
    /// Receiver's address.
    pub to: IpAddr,
    /// Sender's port.
    pub from_port: u16,
    /// Receiver's port.
    pub to_port: u16,
}

impl Path {
    /// From a client to a server.
    pub const fn new(from: IpAddr, from_port: u16, to: IpAddr, to_port: u16) -> Path {
        Path { from_mac: CLIENT_MAC, to_mac: SERVER_MAC, from, to, from_port, to_port }
    }

    /// From a client to a server, IPv4.
    pub const fn v4(from: [u8; 4], from_port: u16, to: [u8; 4], to_port: u16) -> Path {
        let [a, b, c, d] = from;
        let [e, f, g, h] = to;
        Path::new(
            IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            from_port,
            IpAddr::V4(Ipv4Addr::new(e, f, g, h)),
            to_port,
        )
    }

    /// From a client to a server, IPv6 in the documentation prefix `2001:db8::/32`; only the last 16 bits are given.
    pub const fn v6(from: u16, from_port: u16, to: u16, to_port: u16) -> Path {
        Path::new(
            IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, from)),
            from_port,
            IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, to)),
            to_port,
        )
    }

    /// The way back.
    #[must_use]
    pub const fn reversed(self) -> Path {
        Path {
            from_mac: self.to_mac,
            to_mac: self.from_mac,
            from: self.to,
            to: self.from,
            from_port: self.to_port,
            to_port: self.from_port,
        }
    }

    /// This way or the way back.
    #[must_use]
    pub const fn directed(self, forward: bool) -> Path {
        if forward { self } else { self.reversed() }
    }

    /// Whether it goes over IPv6.
    pub const fn is_ipv6(&self) -> bool {
        self.from.is_ipv6()
    }

    /// The EtherType of its packets.
    pub const fn ethertype(&self) -> u16 {
        if self.is_ipv6() { crate::headers::ethertype::IPV6 } else { crate::headers::ethertype::IPV4 }
    }
}
