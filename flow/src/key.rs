//! What identifies a flow.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One end of a flow: which of the two endpoints of a canonical key is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Endpoint {
    /// The endpoint with the smaller (address, port).
    Low,
    /// The endpoint with the larger (address, port).
    High,
}

impl Endpoint {
    /// The other end.
    #[inline]
    pub const fn other(self) -> Endpoint {
        match self {
            Endpoint::Low => Endpoint::High,
            Endpoint::High => Endpoint::Low,
        }
    }
}

/// The flow key: both addresses and ports, protocol, IP version and VLAN id, the smaller endpoint first, so that both
/// directions of a flow have the same key.
///
/// Addresses are held as big-endian numbers (an IPv4 address in the low 32 bits), so that comparing and hashing
/// are a handful of instructions on whole words.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct FlowKey {
    low: [u64; 2],
    high: [u64; 2],
    /// low port, high port (16 bits each, from the top), protocol (8), VLAN id (12), one-way direction (2), IPv6 (1).
    rest: u64,
}

const LOW_PORT: u32 = 48;
const HIGH_PORT: u32 = 32;
const PROTOCOL: u32 = 24;
const VLAN: u32 = 8;
const ONE_WAY_LOW_TO_HIGH: u64 = 2;
const ONE_WAY_HIGH_TO_LOW: u64 = 4;
const IPV6: u64 = 1;

/// Address, ports and protocol of a packet as it travels: from its source to its destination.
#[derive(Clone, Copy, Debug)]
pub struct Oriented {
    /// Source address as big-endian number, IPv4 in the low 32 bits of the second word.
    pub source: [u64; 2],
    /// Destination address, same form.
    pub destination: [u64; 2],
    /// Source port, 0 where the protocol has none.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// IP protocol number, the last next header of IPv6.
    pub protocol: u8,
    /// VLAN id of the outermost tag, 0 for none.
    pub vlan_id: u16,
    /// Whether the addresses are IPv6.
    pub ipv6: bool,
}

impl FlowKey {
    /// The canonical key, and the endpoint that sent the packet. Equal endpoints count as sent by the low one.
    #[inline]
    pub fn canonical(o: &Oriented) -> (FlowKey, Endpoint) {
        let source = (o.source[0] as u128) << 64 | o.source[1] as u128;
        let destination = (o.destination[0] as u128) << 64 | o.destination[1] as u128;
        let from_low =
            (source < destination) | ((source == destination) & (o.source_port <= o.destination_port));
        let exchanged = (from_low as u64).wrapping_sub(1);
        let exchange = |a: u64, b: u64| {
            let difference = (a ^ b) & exchanged;
            (a ^ difference, b ^ difference)
        };
        let (low_upper, high_upper) = exchange(o.source[0], o.destination[0]);
        let (low_lower, high_lower) = exchange(o.source[1], o.destination[1]);
        let (low_port, high_port) = exchange(o.source_port as u64, o.destination_port as u64);
        let rest = (o.protocol as u64) << PROTOCOL | (o.vlan_id as u64 & 0xfff) << VLAN | o.ipv6 as u64;
        let key = FlowKey {
            low: [low_upper, low_lower],
            high: [high_upper, high_lower],
            rest: rest | low_port << LOW_PORT | high_port << HIGH_PORT,
        };
        (key, if from_low { Endpoint::Low } else { Endpoint::High })
    }

    /// The key of the one-way flow sent by `sender`, for metering each direction on its own.
    #[inline]
    pub fn one_way(mut self, sender: Endpoint) -> FlowKey {
        self.rest |= match sender {
            Endpoint::Low => ONE_WAY_LOW_TO_HIGH,
            Endpoint::High => ONE_WAY_HIGH_TO_LOW,
        };
        self
    }

    /// The key as five words, for hashing.
    #[inline]
    pub const fn words(&self) -> [u64; 5] {
        [self.low[0], self.low[1], self.high[0], self.high[1], self.rest]
    }

    /// The address of one end as big-endian number (IPv4 in the low 32 bits).
    #[inline]
    pub const fn address_words(&self, end: Endpoint) -> [u64; 2] {
        match end {
            Endpoint::Low => self.low,
            Endpoint::High => self.high,
        }
    }

    /// The address of one end.
    pub const fn address(&self, end: Endpoint) -> IpAddr {
        let words = self.address_words(end);
        if self.is_ipv6() {
            IpAddr::V6(Ipv6Addr::from_bits((words[0] as u128) << 64 | words[1] as u128))
        } else {
            IpAddr::V4(Ipv4Addr::from_bits(words[1] as u32))
        }
    }

    /// The port of one end, host byte order, 0 where the protocol has none.
    #[inline]
    pub const fn port(&self, end: Endpoint) -> u16 {
        match end {
            Endpoint::Low => (self.rest >> LOW_PORT) as u16,
            Endpoint::High => (self.rest >> HIGH_PORT) as u16,
        }
    }

    /// The IP protocol number.
    #[inline]
    pub const fn protocol(&self) -> u8 {
        (self.rest >> PROTOCOL) as u8
    }

    /// The VLAN id of the outermost tag, 0 to 4095, 0 for none.
    #[inline]
    pub const fn vlan_id(&self) -> u16 {
        (self.rest >> VLAN) as u16 & 0xfff
    }

    /// Whether the addresses are IPv6.
    #[inline]
    pub const fn is_ipv6(&self) -> bool {
        self.rest & IPV6 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oriented(source: u64, source_port: u16, destination: u64, destination_port: u16) -> Oriented {
        Oriented {
            source: [0, source],
            destination: [0, destination],
            source_port,
            destination_port,
            protocol: 17,
            vlan_id: 0xf07,
            ipv6: false,
        }
    }

    #[test]
    fn both_directions_have_one_key() {
        let (forward, from) = FlowKey::canonical(&oriented(0x0a000001, 5000, 0x0a000002, 53));
        let (reverse, back) = FlowKey::canonical(&oriented(0x0a000002, 53, 0x0a000001, 5000));
        assert_eq!(forward, reverse);
        assert_eq!((from, back), (Endpoint::Low, Endpoint::High));
        assert_eq!(forward.address(Endpoint::Low).to_string(), "10.0.0.1");
        assert_eq!((forward.port(Endpoint::Low), forward.port(Endpoint::High)), (5000, 53));
        assert_eq!((forward.protocol(), forward.vlan_id(), forward.is_ipv6()), (17, 0xf07, false));
    }

    #[test]
    fn equal_endpoints_count_as_forward() {
        assert_eq!(FlowKey::canonical(&oriented(1, 1, 1, 1)).1, Endpoint::Low);
    }

    #[test]
    fn the_directions_of_a_split_flow_differ() {
        let key = FlowKey::canonical(&oriented(1, 1, 2, 2)).0;
        assert_ne!(key.one_way(Endpoint::Low), key.one_way(Endpoint::High));
    }
}
