//! From the start of a frame to its first IP header, through everything that may lie between.

use weir_flow::TunnelKind;

use super::network::Network;
use super::{Skipped, cooked, ethernet, ipv4, ipv6, loopback, mpls, ppp, pppoe, raw, trill, vlan};
use crate::LinkType;

/// What the layers below IP tell about a packet.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Link {
    pub(super) addresses: Addresses,
    /// Of the outermost tag, 0 for none.
    pub(super) vlan_id: u16,
    /// A tag was seen: further ones do not change the id. (The outermost may have the id 0.)
    pub(super) is_tagged: bool,
    /// Of the outermost label stack, 0 for none.
    pub(super) mpls_offset: usize,
    /// The innermost tunnel that was opened.
    pub(super) tunnel: Option<Outer>,
}

/// A tunnel that was opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outer {
    pub(super) kind: TunnelKind,
    /// Where its IP header starts.
    pub(super) at: usize,
}

/// Where the MAC addresses of a packet are.
#[derive(Clone, Copy, Default, Debug)]
pub(super) enum Addresses {
    #[default]
    None,
    /// In the Ethernet header at this offset.
    Ethernet(usize),
    /// That of the source, here.
    Source([u8; 6]),
}

impl Addresses {
    /// Source and destination, zeros where there is none.
    #[inline(always)]
    pub(super) fn read(&self, bytes: &[u8]) -> ([u8; 6], [u8; 6]) {
        match *self {
            Addresses::None => ([0; 6], [0; 6]),
            Addresses::Ethernet(at) => ethernet::addresses(bytes, at),
            Addresses::Source(source) => (source, [0; 6]),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Version {
    V4,
    V6,
}

/// Where an IP header starts and which version it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Located {
    pub(super) version: Version,
    pub(super) at: usize,
}

impl Located {
    /// Reads the header.
    #[inline(always)]
    pub(super) fn network(&self, bytes: &[u8]) -> Result<Network, Skipped> {
        match self.version {
            Version::V4 => ipv4::parse(bytes, self.at),
            Version::V6 => ipv6::parse(bytes, self.at),
        }
    }
}

/// What a layer found behind its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// An IP header.
    Ip(Located),
    /// The payload of this EtherType at this offset.
    EtherType(u16, usize),
}

/// Headers end here at the latest: offsets are kept as 16 bits.
const LAST_OFFSET: usize = u16::MAX as usize;

/// Finds the IP header of a frame whose first header is of `link_type`.
#[inline(never)]
pub(super) fn outermost(bytes: &[u8], link_type: LinkType, link: &mut Link) -> Result<Located, Skipped> {
    let next = match link_type {
        LinkType::ETHERNET => {
            let (ether_type, at) = ethernet::parse(bytes, 0)?;
            link.addresses = Addresses::Ethernet(0);
            Next::EtherType(ether_type, at)
        }
        LinkType::RAW | raw::RAW_BSD | raw::RAW_OPENBSD => Next::Ip(raw::parse(bytes, 0)?),
        LinkType::IPV4 => Next::Ip(Located { version: Version::V4, at: 0 }),
        LinkType::IPV6 => Next::Ip(Located { version: Version::V6, at: 0 }),
        LinkType::LINUX_SLL => cooked::parse_v1(bytes, link)?,
        LinkType::LINUX_SLL2 => cooked::parse_v2(bytes, link)?,
        LinkType::NULL | LinkType::LOOP => Next::Ip(loopback::parse(bytes)?),
        LinkType::PPP | ppp::SERIAL => ppp::parse(bytes, 0)?,
        pppoe::LINK_TYPE => pppoe::parse(bytes, 0)?,
        _ => return Err(Skipped::UnsupportedLinkType),
    };
    match next {
        Next::Ip(located) => Ok(located),
        Next::EtherType(ether_type, at) => locate(bytes, ether_type, at, link),
    }
}

/// Finds the IP header in the Ethernet frame at `at` inside a tunnel. What the frame outside told does not hold inside.
pub(super) fn locate_in_frame(bytes: &[u8], at: usize, link: &mut Link) -> Result<Located, Skipped> {
    *link = Link { addresses: Addresses::Ethernet(at), tunnel: link.tunnel, ..Link::default() };
    let (ether_type, at) = ethernet::parse(bytes, at)?;
    locate(bytes, ether_type, at, link)
}

/// Finds the IP header in the payload of `ether_type` at `at`.
#[inline(never)]
pub(super) fn locate(bytes: &[u8], ether_type: u16, at: usize, link: &mut Link) -> Result<Located, Skipped> {
    let mut next = Next::EtherType(ether_type, at);
    loop {
        let (ether_type, at) = match next {
            Next::Ip(located) => return Ok(located),
            Next::EtherType(..=ethernet::LAST_LENGTH, _) => return Err(Skipped::UnsupportedEtherType),
            Next::EtherType(_, at) if at > LAST_OFFSET => return Err(Skipped::MalformedNesting),
            Next::EtherType(ether_type, at) => (ether_type, at),
        };
        next = match ether_type {
            ethernet::IPV4 => Next::Ip(Located { version: Version::V4, at }),
            ethernet::IPV6 => Next::Ip(Located { version: Version::V6, at }),
            vlan::CUSTOMER | vlan::SERVICE | vlan::STACKED => {
                let (ether_type, at) = vlan::parse(bytes, at, link)?;
                Next::EtherType(ether_type, at)
            }
            mpls::UNICAST | mpls::MULTICAST => mpls::parse(bytes, at, link)?,
            pppoe::SESSION => pppoe::parse(bytes, at)?,
            trill::ETHER_TYPE => trill::parse(bytes, at, link)?,
            _ => return Err(Skipped::UnsupportedEtherType),
        };
    }
}
