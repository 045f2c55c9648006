//! Tunnels, opened on request: from an outer IP header to the IP header inside, through any mixture of kinds.
//!
//! A tunnel whose inside cannot be read, or not to its transport header, is left closed: the flow is that of its outer header, so that no
//! packet is lost by opening tunnels. What lies behind the outer datagram is not taken for a part of the inner one. Fragments of a
//! tunnel are not opened.

use weir_flow::packet::protocol;
use weir_flow::{Packet, TunnelKind, TunnelSet};

use super::encapsulation::{self, Link, Located, Outer, Version, locate_in_frame};
use super::network::Network;
use super::{Parsed, Skipped, finish, geneve, gre, gtp, raw, teredo, udp, vxlan};
use crate::CapturedFrame;

/// So many tunnels inside each other are opened: the limit that RFC 2473 section 4.1.1 gives routers.
const MOST_NESTED: usize = 4;

/// Whether there may be a tunnel behind `network`: a question for every packet.
#[inline(always)]
pub(super) fn may_follow(bytes: &[u8], network: &Network) -> bool {
    match network.protocol {
        protocol::TCP => false,
        protocol::UDP => match udp::ports(bytes, network) {
            Some((_, vxlan::PORT | geneve::PORT | gtp::PORT | teredo::PORT) | (teredo::PORT, _)) => true,
            Some(_) | None => false,
        },
        protocol::GRE | protocol::IPV4 | protocol::IPV6 => true,
        _ => false,
    }
}

/// What a tunnel's own header says is behind it, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Inside {
    /// An Ethernet frame.
    Frame(usize),
    /// The payload of an EtherType.
    EtherType(u16, usize),
    /// An IP header, which tells its version itself.
    Ip(usize),
    /// An IP header of this version.
    Known(Located),
}

impl Inside {
    fn locate(self, bytes: &[u8], link: &mut Link) -> Result<Located, Skipped> {
        match self {
            Inside::Frame(at) => locate_in_frame(bytes, at, link),
            Inside::EtherType(ether_type, at) => encapsulation::locate(bytes, ether_type, at, link),
            Inside::Ip(at) => raw::parse(bytes, at),
            Inside::Known(located) => Ok(located),
        }
    }
}

/// The tunnel behind `network`, if there is one.
fn recognise(bytes: &[u8], network: &Network) -> Option<(TunnelKind, Inside)> {
    if network.fragment.is_some() {
        return None;
    }
    let at = network.payload_offset;
    let ip = |kind, version| Some((kind, Inside::Known(Located { version, at })));
    match (network.protocol, network.ipv6) {
        (protocol::IPV4, false) => ip(TunnelKind::Ipv4InIpv4, Version::V4),
        (protocol::IPV6, false) => ip(TunnelKind::Ipv6InIpv4, Version::V6),
        (protocol::IPV4, true) => ip(TunnelKind::Ipv4InIpv6, Version::V4),
        (protocol::IPV6, true) => ip(TunnelKind::Ipv6InIpv6, Version::V6),
        (protocol::GRE, _) => gre::parse(bytes, at),
        (protocol::UDP, _) => {
            let ports = udp::ports(bytes, network)?;
            let at = at + udp::HEADER_LEN;
            match ports {
                (_, vxlan::PORT) => Some((TunnelKind::Vxlan, vxlan::parse(bytes, at)?)),
                (_, geneve::PORT) => Some((TunnelKind::Geneve, geneve::parse(bytes, at)?)),
                (_, gtp::PORT) => Some((TunnelKind::Gtp, gtp::parse(bytes, at)?)),
                (_, teredo::PORT) | (teredo::PORT, _) => {
                    Some((TunnelKind::Teredo, teredo::parse(bytes, at)?))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// An IP header, and what was told in front of it.
#[derive(Clone, Copy)]
struct Level<'a> {
    /// Up to the end of the datagram around it.
    bytes: &'a [u8],
    at: usize,
    network: Network,
    link: Link,
}

impl<'a> Level<'a> {
    fn read(bytes: &'a [u8], located: Located, link: Link) -> Result<Level<'a>, Skipped> {
        Ok(Level { bytes, at: located.at, network: located.network(bytes)?, link })
    }

    /// The captured bytes up to the end of its datagram.
    fn datagram(&self) -> &'a [u8] {
        let end = self.network.payload_len.map(|len| self.network.payload_offset + len as usize);
        end.and_then(|end| self.bytes.get(..end)).unwrap_or(self.bytes)
    }

    /// The IP header in the tunnel that follows; `None` if none does that is to be opened.
    fn inside(&self, opened: TunnelSet) -> Result<Option<Level<'a>>, Skipped> {
        let bytes = self.datagram();
        match recognise(bytes, &self.network) {
            Some((kind, inside)) if opened.contains(kind) => {
                let mut link = Link { tunnel: Some(Outer { kind, at: self.at }), ..self.link };
                let located = inside.locate(bytes, &mut link)?;
                Level::read(bytes, located, link).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// As [`super::parse_opening`], for any frame.
#[inline(never)]
pub(super) fn parse(
    captured: &CapturedFrame,
    opened: TunnelSet,
    packet: &mut Packet,
) -> Result<Parsed, Skipped> {
    let bytes = captured.frame.bytes();
    let mut link = Link::default();
    let located = encapsulation::outermost(bytes, captured.link_type, &mut link)?;
    let mut level = Level::read(bytes, located, link)?;
    let mut outer = None;
    let mut nested = 0;
    let mut closed = loop {
        match level.inside(opened) {
            Ok(None) => break None,
            Ok(Some(_)) if nested == MOST_NESTED => break Some(Skipped::UnsupportedNesting),
            Ok(Some(inner)) => outer = Some(std::mem::replace(&mut level, inner)),
            Err(reason) => break Some(reason),
        }
        nested += 1;
    };
    let mut finished = finish(captured, level.bytes, &level.network, &level.link, packet);
    if let (Err(reason), Some(outer)) = (finished, outer) {
        closed = Some(reason);
        finished = finish(captured, outer.bytes, &outer.network, &outer.link, packet);
    }
    Ok(Parsed { fragment: finished?, closed })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::parse::tests::*;

    #[test]
    fn ip_in_ip_is_opened_in_all_four_ways() {
        let inner = ipv6(17, UDP);
        assert_inside(&ethernet(0x0800, &[&ipv4(4, &[IPV4_UDP])]), TunnelKind::Ipv4InIpv4);
        assert_inside(&ethernet(0x0800, &[&ipv4(41, &[&inner])]), TunnelKind::Ipv6InIpv4);
        assert_inside(&ethernet(0x86dd, &[&ipv6(4, IPV4_UDP)]), TunnelKind::Ipv4InIpv6);
        assert_inside(&ethernet(0x86dd, &[&ipv6(41, &inner)]), TunnelKind::Ipv6InIpv6);
        let options = [&[41, 0, 4, 1, 3, 0, 0, 0], &inner[..]].concat();
        assert_inside(&ethernet(0x86dd, &[&ipv6(60, &options)]), TunnelKind::Ipv6InIpv6);
    }

    #[test]
    fn gre_is_opened_over_ipv6_and_with_ethernet_inside() {
        let packet = [&[0x20, 0, 8, 0, 0, 0, 0, 7], IPV4_UDP].concat();
        assert_inside(&ethernet(0x86dd, &[&ipv6(protocol::GRE, &packet)]), TunnelKind::Gre);
        let frame = [&[0, 0, 0x65, 0x58], &inner_frame()[..]].concat();
        assert_inside(&ethernet(0x0800, &[&ipv4(protocol::GRE, &[&frame])]), TunnelKind::Gre);
        let other = [[0x40, 0, 8, 0], [0, 1, 8, 0], [0x30, 1, 0x88, 0x0b], [0, 0, 0, 0]];
        for header in other {
            assert_outside(&ethernet(0x0800, &[&ipv4(protocol::GRE, &[&header, IPV4_UDP])]), None);
        }
    }

    #[test]
    fn gre_over_ipv4_is_told_without_being_asked_for() {
        let frame = ethernet(0x0800, &[&ipv4(protocol::GRE, &[&[0, 0, 8, 0], IPV4_UDP])]);
        let packet = parsed(&frame).unwrap().0;
        assert_eq!((packet.tunnel, packet.outer_offset), (Some(TunnelKind::Gre), 14));
        let twice = ipv4(protocol::GRE, &[&[0, 0, 8, 0], IPV4_UDP]);
        let twice = parsed(&ethernet(0x0800, &[&ipv4(protocol::GRE, &[&[0, 0, 8, 0], &twice])])).unwrap().0;
        assert_eq!(twice.outer_offset, 14 + 24);
    }

    #[test]
    fn the_addresses_and_the_tag_of_the_frame_hold_for_packets_without_their_own() {
        let frame = ethernet(0x8100, &[&[0, 5, 0x08, 0], &ipv4(4, &[IPV4_UDP])]);
        let packet = opened(&frame).unwrap().0;
        assert_eq!(
            ([packet.destination_mac, packet.source_mac].concat(), packet.key.vlan_id()),
            (MACS.to_vec(), 5)
        );
    }

    #[test]
    fn an_inside_that_cannot_be_read_leaves_the_tunnel_closed() {
        let damaged = |at: usize, value: u8| {
            let mut inner = IPV4_TCP.to_vec();
            inner[at] = value;
            ethernet(0x0800, &[&ipv4(4, &[&inner])])
        };
        assert_outside(&damaged(0, 0x55), Some(Skipped::MalformedIpv4));
        assert_outside(&damaged(0, 0x4f), Some(Skipped::TruncatedIpv4));
        assert_outside(&damaged(32, 0x40), Some(Skipped::MalformedTcp));
        assert_outside(&damaged(32, 0xf0), Some(Skipped::MalformedTcp));
        let frame = damaged(1, 0);
        assert_outside(&frame[..34 + 25], Some(Skipped::TruncatedTcp));
        let inner = ipv4(4, &[&[0x45, 0, 0, 19]]);
        let (packet, parsed) = opened(&ethernet(0x0800, &[&ipv4(4, &[&inner])])).unwrap();
        assert_eq!((packet.outer_offset, parsed.closed), (14, Some(Skipped::TruncatedIpv4)), "opened so far");
    }

    #[test]
    fn four_tunnels_inside_each_other_are_opened() {
        let nested = |tunnels: usize| {
            let datagram = (0..tunnels).fold(IPV4_UDP.to_vec(), |inner, _| ipv4(4, &[&inner]));
            opened(&ethernet(0x0800, &[&datagram])).unwrap()
        };
        let (packet, parsed) = nested(4);
        assert_eq!((packet.oriented().destination_port, parsed.closed), (53, None));
        assert_eq!(packet.outer_offset, 14 + 60);
        for tunnels in [5, 50] {
            let (packet, parsed) = nested(tunnels);
            assert_eq!((packet.key.protocol(), packet.outer_offset), (4, 14 + 60));
            assert_eq!(parsed.closed, Some(Skipped::UnsupportedNesting));
        }
    }

    #[test]
    fn fragments_of_a_tunnel_are_not_opened_but_those_inside_are_told() {
        for fragment in [0x20, 0x01] {
            let mut outer = ethernet(0x0800, &[&ipv4(4, &[IPV4_UDP])]);
            outer[14 + 6] = fragment;
            let (packet, parsed) = opened(&outer).unwrap();
            assert_eq!((packet.key.protocol(), packet.tunnel), (4, None));
            assert_eq!(parsed.fragment.unwrap().is_first, fragment == 0x20);
            let mut inner = IPV4_UDP.to_vec();
            inner[6] = fragment;
            let (packet, parsed) = opened(&ethernet(0x0800, &[&ipv4(4, &[&inner])])).unwrap();
            assert_eq!((packet.key.protocol(), packet.later_fragment), (17, fragment == 1));
            assert_eq!(parsed.fragment.unwrap().identification, 0x1234);
        }
    }

    #[test]
    fn what_lies_behind_the_outer_datagram_is_not_inside() {
        let mut inner = IPV4_UDP.to_vec();
        inner[3] = 0;
        let frame = ethernet(0x0800, &[&ipv4(4, &[&inner]), &[0; 14]]);
        assert_eq!(opened(&frame).unwrap().0.payload(), b"abcd");
        inner[3] = 40;
        let packet = opened(&ethernet(0x0800, &[&ipv4(4, &[&inner]), &[0; 14]])).unwrap().0;
        assert_eq!((packet.payload(), packet.payload_wire_len), (&b"abcd"[..], 12));
    }
}
