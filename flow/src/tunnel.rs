//! Tunnels: datagrams that carry the frames or datagrams of others. What kinds there are, and which of their IP headers makes the flow.

use crate::Packet;

/// The kinds of tunnels. The number is the value of the field `TUNNEL_TYPE`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum TunnelKind {
    /// Generic routing encapsulation (RFC 2784, RFC 2890); with Ethernet inside also NVGRE (RFC 7637).
    Gre = 1,
    /// Mirrored frames in GRE, types I, II and III.
    Erspan = 2,
    /// VXLAN (RFC 7348).
    Vxlan = 3,
    /// Geneve (RFC 8926).
    Geneve = 4,
    /// User data of mobile networks (3GPP TS 29.281).
    Gtp = 5,
    /// IPv4 in IPv4 (RFC 2003).
    Ipv4InIpv4 = 6,
    /// IPv6 in IPv4 (RFC 4213).
    Ipv6InIpv4 = 7,
    /// IPv4 in IPv6 (RFC 2473).
    Ipv4InIpv6 = 8,
    /// IPv6 in IPv6 (RFC 2473).
    Ipv6InIpv6 = 9,
    /// IPv6 in UDP (RFC 4380).
    Teredo = 10,
}

impl TunnelKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: &'static [TunnelKind] = &[
        TunnelKind::Gre,
        TunnelKind::Erspan,
        TunnelKind::Vxlan,
        TunnelKind::Geneve,
        TunnelKind::Gtp,
        TunnelKind::Ipv4InIpv4,
        TunnelKind::Ipv6InIpv4,
        TunnelKind::Ipv4InIpv6,
        TunnelKind::Ipv6InIpv6,
        TunnelKind::Teredo,
    ];

    /// What it is called in options.
    pub const fn name(self) -> &'static str {
        match self {
            TunnelKind::Gre => "gre",
            TunnelKind::Erspan => "erspan",
            TunnelKind::Vxlan => "vxlan",
            TunnelKind::Geneve => "geneve",
            TunnelKind::Gtp => "gtp",
            TunnelKind::Ipv4InIpv4 => "4in4",
            TunnelKind::Ipv6InIpv4 => "6in4",
            TunnelKind::Ipv4InIpv6 => "4in6",
            TunnelKind::Ipv6InIpv6 => "6in6",
            TunnelKind::Teredo => "teredo",
        }
    }

    /// The kind that is called `name`.
    pub fn named(name: &str) -> Option<TunnelKind> {
        TunnelKind::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// A set of kinds.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct TunnelSet(u16);

impl TunnelSet {
    /// No kind.
    pub const NONE: TunnelSet = TunnelSet(0);
    /// Every kind.
    pub const ALL: TunnelSet = {
        let mut set = TunnelSet::NONE;
        let mut next = 0;
        while next < TunnelKind::ALL.len() {
            set = set.with(TunnelKind::ALL[next]);
            next += 1;
        }
        set
    };

    /// The set and `kind`.
    pub const fn with(self, kind: TunnelKind) -> TunnelSet {
        TunnelSet(self.0 | 1 << kind as u8)
    }

    /// Whether `kind` is in it.
    #[inline]
    pub const fn contains(self, kind: TunnelKind) -> bool {
        self.0 >> kind as u8 & 1 != 0
    }
}

/// Which IP header of a tunnel makes the flow.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Decapsulation {
    /// As in ipfixprobe: the inner one of GRE over IPv4, if IP, MPLS or PPPoE is inside; of all other tunnels the outer one.
    #[default]
    GreOverIpv4,
    /// The outermost.
    Outer,
    /// The innermost that is reached through these kinds of tunnels.
    Inner(TunnelSet),
    /// That one, and the outermost: such a packet counts in two flows.
    Both(TunnelSet),
}

impl Decapsulation {
    /// Whether the frame of which `packet` was made makes another packet, by its outermost header.
    #[inline]
    pub const fn wants_outer_of(self, packet: &Packet) -> bool {
        matches!(self, Decapsulation::Both(_)) && packet.tunnel.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_name_and_numbered_in_order() {
        for (index, &kind) in TunnelKind::ALL.iter().enumerate() {
            assert_eq!(TunnelKind::named(kind.name()), Some(kind));
            assert_eq!(usize::from(kind.number()), index + 1);
            assert!(TunnelSet::ALL.contains(kind) && !TunnelSet::NONE.contains(kind));
        }
        assert_eq!(TunnelKind::named("l2tp"), None);
        let two = TunnelSet::NONE.with(TunnelKind::Gre).with(TunnelKind::Teredo);
        assert!(two.contains(TunnelKind::Teredo) && !two.contains(TunnelKind::Vxlan));
    }
}
