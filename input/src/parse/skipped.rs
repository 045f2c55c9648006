//! Why a frame is not a packet, and how often.

use std::fmt;

/// The kinds of reasons.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// The captured bytes end within a header.
    Truncated,
    /// A header contradicts itself or the one around it.
    Malformed,
    /// The frame is all right but has no IP header that the parser knows how to reach.
    Unsupported,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident, $kind:ident, $name:literal;)*) => {
        /// Why a frame is not a packet.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum Skipped {
            $($(#[$doc])* $variant,)*
        }

        impl Skipped {
            /// All reasons, by [`index`](Skipped::index).
            pub const ALL: &'static [Skipped] = &[$(Skipped::$variant),*];

            /// The reason in a few words, for people.
            pub const fn name(self) -> &'static str {
                match self { $(Skipped::$variant => $name,)* }
            }

            /// The kind of the reason.
            pub const fn kind(self) -> Kind {
                match self { $(Skipped::$variant => Kind::$kind,)* }
            }
        }
    };
}

reasons! {
    /// A link type that the parser does not read.
    UnsupportedLinkType, Unsupported, "unsupported link type";
    /// An EtherType other than IP and what is followed to IP: ARP, LLDP, ….
    UnsupportedEtherType, Unsupported, "unsupported EtherType";
    /// A raw frame whose IP version is neither 4 nor 6.
    UnsupportedIpVersion, Unsupported, "unsupported IP version";
    /// A BSD loopback frame of an address family other than IPv4 and IPv6.
    UnsupportedAddressFamily, Unsupported, "unsupported address family";
    /// An MPLS label stack with neither IP nor Ethernet behind a control word below it.
    UnsupportedMplsPayload, Unsupported, "MPLS without IP";
    /// A PPP protocol other than IPv4, IPv6 and MPLS: LCP, PAP, ….
    UnsupportedPppProtocol, Unsupported, "PPP without IP";
    /// A PPPoE packet that is not session data.
    UnsupportedPppoeCode, Unsupported, "PPPoE without session data";
    /// A GRE payload type that is not followed. Only seen inside: such a tunnel is a flow of its outer header.
    UnsupportedGrePayload, Unsupported, "GRE without IP";
    /// More tunnels inside each other than are opened. Only seen inside, as above.
    UnsupportedNesting, Unsupported, "too many tunnels inside each other";
    /// Fewer than 14 bytes of Ethernet.
    TruncatedEthernet, Truncated, "truncated Ethernet header";
    /// Fewer than 4 bytes of a VLAN tag.
    TruncatedVlan, Truncated, "truncated VLAN tag";
    /// Fewer than 16 (v1) or 20 (v2) bytes of a Linux cooked header.
    TruncatedCooked, Truncated, "truncated Linux cooked header";
    /// Fewer than 4 bytes of a BSD loopback header.
    TruncatedLoopback, Truncated, "truncated loopback header";
    /// A raw IP frame without a first byte.
    TruncatedRaw, Truncated, "empty raw IP frame";
    /// A PPP header cut off.
    TruncatedPpp, Truncated, "truncated PPP header";
    /// Fewer than 8 bytes of PPPoE, the PPP protocol included.
    TruncatedPppoe, Truncated, "truncated PPPoE header";
    /// An MPLS label stack without its bottom, or nothing below it.
    TruncatedMpls, Truncated, "truncated MPLS label stack";
    /// A TRILL header cut off, options included.
    TruncatedTrill, Truncated, "truncated TRILL header";
    /// A GRE header cut off, optional fields included.
    TruncatedGre, Truncated, "truncated GRE header";
    /// An IPv4 header cut off, options included.
    TruncatedIpv4, Truncated, "truncated IPv4 header";
    /// Fewer than 40 bytes of IPv6.
    TruncatedIpv6, Truncated, "truncated IPv6 header";
    /// An IPv6 extension header cut off.
    TruncatedIpv6Extension, Truncated, "truncated IPv6 extension header";
    /// A TCP header cut off, options included.
    TruncatedTcp, Truncated, "truncated TCP header";
    /// Fewer than 8 bytes of UDP.
    TruncatedUdp, Truncated, "truncated UDP header";
    /// An IPv4 header with another version, a length below 20, or a total length below its own.
    MalformedIpv4, Malformed, "malformed IPv4 header";
    /// An IPv6 header with another version.
    MalformedIpv6, Malformed, "malformed IPv6 header";
    /// IPv6 extension headers longer than the datagram.
    MalformedIpv6Extension, Malformed, "malformed IPv6 extension header";
    /// A TCP header below 20 bytes, longer than its datagram, or with an option of length 0 or 1.
    MalformedTcp, Malformed, "malformed TCP header";
    /// A datagram too short for a UDP header.
    MalformedUdp, Malformed, "malformed UDP header";
    /// Headers of more than 65535 bytes.
    MalformedNesting, Malformed, "headers of more than 64 KiB";
}

impl Skipped {
    /// How many reasons there are.
    pub const COUNT: usize = Skipped::ALL.len();

    /// The position in [`Skipped::ALL`], 0 to [`Skipped::COUNT`] - 1.
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many frames were skipped, by reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SkipCounters {
    counts: [u64; Skipped::COUNT],
}

impl Default for SkipCounters {
    fn default() -> SkipCounters {
        SkipCounters { counts: [0; Skipped::COUNT] }
    }
}

impl SkipCounters {
    /// Counts one frame.
    #[inline]
    pub fn add(&mut self, reason: Skipped) {
        self.counts[reason.index()] += 1;
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &SkipCounters) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
    }

    /// Frames skipped for `reason`.
    pub const fn get(&self, reason: Skipped) -> u64 {
        self.counts[reason.index()]
    }

    /// Frames skipped for reasons of `kind`.
    pub fn of_kind(&self, kind: Kind) -> u64 {
        self.iter().filter(|(reason, _)| reason.kind() == kind).map(|(_, count)| count).sum()
    }

    /// Frames skipped.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The counts by [`Skipped::index`].
    pub fn counts_mut(&mut self) -> &mut [u64] {
        &mut self.counts
    }

    /// Every reason with its count, zeros too.
    pub fn iter(&self) -> impl Iterator<Item = (Skipped, u64)> {
        Skipped::ALL.iter().copied().zip(self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_found_at_its_index() {
        for (index, reason) in Skipped::ALL.iter().enumerate() {
            assert_eq!(reason.index(), index);
        }
    }

    #[test]
    fn counters_add_up_by_kind() {
        let mut counters = SkipCounters::default();
        counters.add(Skipped::TruncatedTcp);
        counters.add(Skipped::UnsupportedEtherType);
        let mut others = SkipCounters::default();
        others.add(Skipped::TruncatedUdp);
        counters.merge(&others);
        assert_eq!(counters.of_kind(Kind::Truncated), 2);
        assert_eq!(counters.get(Skipped::TruncatedTcp), 1);
        assert_eq!(counters.total(), 3);
    }
}
