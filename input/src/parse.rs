//! The header parser: from a captured frame to a [`Packet`], or to the reason why not.
//!
//! One file a layer; each names the byte ranges of its header, proves once that the header lies within the captured
//! bytes and then reads it. Everything here is safe code; no input makes it panic, and since every layer moves at least one byte
//! forward and nothing is followed past 64 KiB, none makes it loop.
//!
//! Ethernet, Linux cooked, BSD loopback, PPP and raw IP frames are read, and VLAN tags, MPLS, PPPoE and TRILL are followed to the IP
//! header. Tunnels have several. [`parse`] takes the innermost that is reached through GRE over IPv4; IP in IP, VXLAN, GTP and
//! others are left to the flow of their outer header. [`parse_opening`] opens the tunnels it is told to, [`parse_decapsulated`] does
//! what the option says.
//!
//! Both hold the common case, Ethernet with IP right behind it and no tunnel; everything else branches off out of line.

mod cooked;
mod encapsulation;
mod erspan;
mod ethernet;
mod geneve;
mod gre;
mod gtp;
mod ipv4;
mod ipv6;
mod loopback;
mod mpls;
mod network;
mod ppp;
mod pppoe;
mod raw;
pub mod skipped;
mod tcp;
mod teredo;
mod trill;
mod tunnel;
mod udp;
mod vlan;
mod vxlan;
mod wire;

use weir_flow::key::Oriented;
use weir_flow::packet::{Fragment, protocol};
use weir_flow::{Decapsulation, Packet, TunnelKind, TunnelSet};

use crate::{CapturedFrame, LinkType};
use encapsulation::{Addresses, Link, Outer};
use network::{Network, Transport};
pub use skipped::{Kind, SkipCounters, Skipped};

/// The link types that [`parse`] reads, with the names for people.
pub const LINK_TYPES: &[(LinkType, &str)] = &[
    (LinkType::NULL, "BSD loopback"),
    (LinkType::ETHERNET, "Ethernet"),
    (LinkType::PPP, "PPP"),
    (raw::RAW_BSD, "raw IP (12)"),
    (raw::RAW_OPENBSD, "raw IP (14)"),
    (ppp::SERIAL, "PPP in HDLC-like framing"),
    (pppoe::LINK_TYPE, "PPPoE"),
    (LinkType::RAW, "raw IP"),
    (LinkType::LOOP, "OpenBSD loopback"),
    (LinkType::LINUX_SLL, "Linux cooked v1"),
    (LinkType::IPV4, "raw IPv4"),
    (LinkType::IPV6, "raw IPv6"),
    (LinkType::LINUX_SLL2, "Linux cooked v2"),
];

/// Parses the headers of `captured` into `packet`: every field but `hash` and `clock_s`, whatever was there before. Yields what
/// the IP header says about fragmentation, `None` for a datagram that is not fragmented. The ports of a later fragment are 0.
///
/// # Errors
/// Why there is no packet. `packet` is then as it was.
#[inline]
pub fn parse(captured: &CapturedFrame, packet: &mut Packet) -> Result<Option<Fragment>, Skipped> {
    let is_tunnel = |_: &[u8], network: &Network| !network.ipv6 && network.protocol == protocol::GRE;
    parse_plain(captured, packet, is_tunnel, |fragment| fragment, parse_encapsulated)
}

/// What [`parse_opening`] has to say beyond the packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parsed {
    /// What the IP header says about fragmentation, as in [`parse`].
    pub fragment: Option<Fragment>,
    /// Why a tunnel was left closed that was to be opened: what is wrong with its inside. The packet is that of its outer header.
    pub closed: Option<Skipped>,
}

/// As [`parse`], with the IP header that is reached through tunnels of the kinds `opened`.
///
/// # Errors
/// Why there is no packet. `packet` is then as it was.
#[inline]
pub fn parse_opening(
    captured: &CapturedFrame,
    opened: TunnelSet,
    packet: &mut Packet,
) -> Result<Parsed, Skipped> {
    let plain = |fragment| Parsed { fragment, closed: None };
    parse_plain(captured, packet, tunnel::may_follow, plain, |captured, packet| {
        tunnel::parse(captured, opened, packet)
    })
}

/// As [`parse`] or [`parse_opening`], with the IP header that `decapsulation` asks for; of both the inner one. The outer one is
/// that of [`parse_opening`] with [`TunnelSet::NONE`].
///
/// # Errors
/// Why there is no packet. `packet` is then as it was.
#[inline]
pub fn parse_decapsulated(
    captured: &CapturedFrame,
    decapsulation: Decapsulation,
    packet: &mut Packet,
) -> Result<Parsed, Skipped> {
    let opened = match decapsulation {
        Decapsulation::GreOverIpv4 => {
            return parse(captured, packet).map(|fragment| Parsed { fragment, closed: None });
        }
        Decapsulation::Outer => TunnelSet::NONE,
        Decapsulation::Inner(kinds) | Decapsulation::Both(kinds) => kinds,
    };
    parse_opening(captured, opened, packet)
}

/// Parses what has IP right behind Ethernet or one VLAN tag, and no tunnel behind that; in registers, for nothing of it is handed to a
/// function out of line. All else is left to `otherwise`.
#[inline(always)]
fn parse_plain<T>(
    captured: &CapturedFrame,
    packet: &mut Packet,
    is_tunnel: impl Fn(&[u8], &Network) -> bool,
    plain: impl Fn(Option<Fragment>) -> T,
    otherwise: impl FnOnce(&CapturedFrame, &mut Packet) -> Result<T, Skipped>,
) -> Result<T, Skipped> {
    let bytes = captured.frame.bytes();
    if captured.link_type == LinkType::ETHERNET {
        let mut link = Link { addresses: Addresses::Ethernet(0), ..Link::default() };
        let (mut ether_type, mut at) = ethernet::parse(bytes, 0)?;
        if ether_type == vlan::CUSTOMER {
            (ether_type, at) = vlan::parse(bytes, at, &mut link)?;
        }
        // Each version for itself: what joins them goes through memory.
        match ether_type {
            ethernet::IPV4 => {
                let network = ipv4::parse(bytes, at)?;
                if !is_tunnel(bytes, &network) {
                    return finish(captured, bytes, &network, &link, packet).map(plain);
                }
            }
            ethernet::IPV6 => {
                let network = ipv6::parse(bytes, at)?;
                if !is_tunnel(bytes, &network) {
                    return finish(captured, bytes, &network, &link, packet).map(plain);
                }
            }
            _ => {}
        }
    }
    otherwise(captured, packet)
}

/// As [`parse`], for any frame. GRE over IPv4 is followed to the innermost IP header; a tunnel that carries something else is a
/// flow itself.
#[inline(never)]
fn parse_encapsulated(captured: &CapturedFrame, packet: &mut Packet) -> Result<Option<Fragment>, Skipped> {
    let bytes = captured.frame.bytes();
    let mut link = Link::default();
    let mut located = encapsulation::outermost(bytes, captured.link_type, &mut link)?;
    loop {
        let network = located.network(bytes)?;
        if network.protocol == protocol::GRE && !network.later_fragment && !network.ipv6 {
            let mut inner_link =
                Link { tunnel: Some(Outer { kind: TunnelKind::Gre, at: located.at }), ..link };
            match gre::locate(bytes, network.payload_offset, &mut inner_link) {
                Ok(inside) => {
                    (located, link) = (inside, inner_link);
                    continue;
                }
                Err(skipped) if skipped.kind() == Kind::Unsupported => {}
                Err(skipped) => return Err(skipped),
            }
        }
        return finish(captured, bytes, &network, &link, packet);
    }
}

/// Reads the transport header and writes the packet. What lies behind `bytes` is not the packet's.
#[inline(always)]
fn finish(
    captured: &CapturedFrame,
    bytes: &[u8],
    network: &Network,
    link: &Link,
    packet: &mut Packet,
) -> Result<Option<Fragment>, Skipped> {
    let transport = match network.protocol {
        _ if network.later_fragment => Transport::default(),
        protocol::TCP => tcp::parse(bytes, network)?,
        protocol::UDP => udp::parse(bytes, network)?,
        _ => Transport::default(),
    };

    // Everything below was proven to lie within the captured bytes.
    let payload_offset = network.payload_offset + transport.header_len;
    let Ok(narrow_payload_offset) = u16::try_from(payload_offset) else {
        return Err(Skipped::MalformedNesting);
    };
    let remaining = bytes.len().saturating_sub(payload_offset) as u32;
    let (payload_len, payload_wire_len) = match network.payload_len {
        Some(len) => {
            let wire_len = len.saturating_sub(transport.header_len as u32);
            (remaining.min(wire_len), wire_len)
        }
        None => (remaining, captured.wire_len.saturating_sub(payload_offset as u32).max(remaining)),
    };

    packet.set_key(&Oriented {
        source: network.source,
        destination: network.destination,
        source_port: transport.source_port,
        destination_port: transport.destination_port,
        protocol: network.protocol,
        vlan_id: link.vlan_id,
        ipv6: network.ipv6,
    });
    packet.time = captured.time;
    packet.ip_len = network.ip_len;
    packet.frame = captured.frame;
    packet.wire_len = captured.wire_len;
    packet.payload_len = payload_len;
    packet.payload_wire_len = payload_wire_len;
    packet.tcp_sequence = transport.tcp_sequence;
    packet.tcp_acknowledgement = transport.tcp_acknowledgement;
    packet.payload_offset = narrow_payload_offset;
    // None of these lies behind the payload.
    packet.transport_offset = network.payload_offset as u16;
    packet.mpls_offset = link.mpls_offset as u16;
    packet.outer_offset = link.tunnel.map_or(0, |outer| outer.at as u16);
    packet.tcp_flags = transport.tcp_flags;
    packet.ttl = network.ttl;
    (packet.source_mac, packet.destination_mac) = link.addresses.read(bytes);
    packet.ip_flags = network.ip_flags;
    packet.later_fragment = network.later_fragment;
    packet.tunnel = link.tunnel.map(|outer| outer.kind);
    Ok(network.fragment)
}

#[cfg(test)]
pub(crate) mod tests;
