//! Which packets a plugin wants.

use std::ops::BitOr;

use crate::packet::protocol;

/// A set of transport protocols.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Protocols(u8);

impl Protocols {
    /// TCP.
    pub const TCP: Protocols = Protocols(1);
    /// UDP.
    pub const UDP: Protocols = Protocols(2);
    /// ICMP and ICMPv6.
    pub const ICMP: Protocols = Protocols(4);
    /// Everything else.
    pub const OTHER: Protocols = Protocols(8);
    /// Every protocol.
    pub const ANY: Protocols = Protocols(15);
    /// None: the plugin is never called per packet.
    pub const NONE: Protocols = Protocols(0);

    /// The set of the one protocol with this IP protocol number.
    #[inline]
    pub const fn of(number: u8) -> Protocols {
        match number {
            protocol::TCP => Protocols::TCP,
            protocol::UDP => Protocols::UDP,
            protocol::ICMP | protocol::ICMPV6 => Protocols::ICMP,
            _ => Protocols::OTHER,
        }
    }

    /// 0 to 3 for the four kinds of protocol: an index for tables.
    #[inline]
    pub const fn index(number: u8) -> usize {
        Protocols::of(number).0.trailing_zeros() as usize
    }

    /// Whether the kind of protocol with this [`Protocols::index`] is in the set.
    pub const fn has_index(self, index: usize) -> bool {
        self.0 >> index & 1 != 0
    }
}

impl BitOr for Protocols {
    type Output = Protocols;
    fn bitor(self, other: Protocols) -> Protocols {
        Protocols(self.0 | other.0)
    }
}

/// Which packets of a flow a plugin wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packets {
    /// Every packet.
    All,
    /// Packets whose payload is not empty on the wire; what was captured of it may be.
    WithPayload,
}

/// What a plugin wants to see. Compiled at start into the cache's dispatch table.
#[derive(Clone, Copy, Debug)]
pub struct Interest {
    /// Flows of these protocols.
    pub protocols: Protocols,
    /// Only flows with one of these ports at either end; empty: any.
    pub ports: &'static [u16],
    /// Which of their packets.
    pub packets: Packets,
    /// In TCP, the bytes of each direction in order instead of packet payloads.
    pub stream: bool,
}

impl Interest {
    /// No packets: the fields follow from the flow.
    pub const NOTHING: Interest =
        Interest { protocols: Protocols::NONE, ports: &[], packets: Packets::All, stream: false };
    /// Every packet of every flow.
    pub const EVERYTHING: Interest =
        Interest { protocols: Protocols::ANY, ports: &[], packets: Packets::All, stream: false };
}
