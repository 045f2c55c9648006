//! Writers for the headers of link, network and transport layer. Each appends one header to `out`, lengths and checksums right;
//! whoever wants a wrong one changes the bytes afterwards.

use std::net::IpAddr;

use crate::{
    checksum::Checksum,
    path::{Mac, Path},
};

/// EtherTypes.
pub mod ethertype {
    #![allow(missing_docs)]
    pub const IPV4: u16 = 0x0800;
    pub const ARP: u16 = 0x0806;
    pub const TRILL: u16 = 0x22f3;
    pub const TRANSPARENT_ETHERNET: u16 = 0x6558;
    pub const VLAN: u16 = 0x8100;
    pub const IPV6: u16 = 0x86dd;
    pub const MPLS: u16 = 0x8847;
    pub const PPPOE_SESSION: u16 = 0x8864;
    pub const SERVICE_VLAN: u16 = 0x88a8;
    pub const OLD_QINQ: u16 = 0x9100;
}

/// IP protocol numbers.
pub mod protocol {
    #![allow(missing_docs)]
    pub const HOP_BY_HOP: u8 = 0;
    pub const ICMP: u8 = 1;
    pub const IPV4: u8 = 4;
    pub const TCP: u8 = 6;
    pub const UDP: u8 = 17;
    pub const IPV6: u8 = 41;
    pub const ROUTING: u8 = 43;
    pub const FRAGMENT: u8 = 44;
    pub const GRE: u8 = 47;
    pub const AUTHENTICATION: u8 = 51;
    pub const ICMPV6: u8 = 58;
    pub const NO_NEXT_HEADER: u8 = 59;
    pub const DESTINATION_OPTIONS: u8 = 60;
}

/// TCP flags.
pub mod flags {
    #![allow(missing_docs)]
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const RST: u8 = 0x04;
    pub const PSH: u8 = 0x08;
    pub const ACK: u8 = 0x10;
}

/// What an IPv4 header says about fragmentation: the offset in bytes (a multiple of 8), and whether more follow.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct FragmentField {
    /// Where in the datagram's payload this piece belongs.
    pub offset: usize,
    /// Whether a piece follows it.
    pub more: bool,
}

/// A TCP segment's fields that are not in its [`Path`].
#[derive(Clone, Copy, Debug)]
pub struct Tcp<'a> {
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// The [`flags`].
    pub flags: u8,
    /// Receive window.
    pub window: u16,
    /// Options, a multiple of four bytes.
    pub options: &'a [u8],
}

/// The options of a usual SYN: MSS 1460, SACK permitted, timestamps, window scale 7.
pub const SYN_OPTIONS: [u8; 20] = [2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];
/// The options of a usual data segment: timestamps.
pub const DATA_OPTIONS: [u8; 12] = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1];

/// Appends an Ethernet header.
#[inline]
pub fn ethernet(out: &mut Vec<u8>, from: Mac, to: Mac, ethertype: u16) {
    out.extend_from_slice(&to);
    out.extend_from_slice(&from);
    out.extend_from_slice(&ethertype.to_be_bytes());
}

/// Appends the IPv4 or IPv6 header of a packet whose payload has `payload_len` bytes. `identification` is for IPv4.
#[inline]
pub fn ip(out: &mut Vec<u8>, path: &Path, protocol: u8, payload_len: usize, identification: u16) {
    match (path.from, path.to) {
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            out.extend_from_slice(&[0x60, 0, 0, 0]);
            out.extend_from_slice(&(payload_len as u16).to_be_bytes());
            out.extend_from_slice(&[protocol, 64]);
            out.extend_from_slice(&from.octets());
            out.extend_from_slice(&to.octets());
        }
        _ => ipv4(out, path, protocol, payload_len, identification, FragmentField::default()),
    }
}

/// Appends an IPv4 header. Packets that are no fragments carry "don't fragment".
#[inline]
pub fn ipv4(
    out: &mut Vec<u8>,
    path: &Path,
    protocol: u8,
    payload_len: usize,
    identification: u16,
    fragment: FragmentField,
) {
    let start = out.len();
    let whole = fragment == FragmentField::default();
    let field = (fragment.offset / 8) as u16
        | if fragment.more { 0x2000 } else { 0 }
        | if whole { 0x4000 } else { 0 };
    out.extend_from_slice(&[0x45, 0]);
    out.extend_from_slice(&((20 + payload_len) as u16).to_be_bytes());
    out.extend_from_slice(&identification.to_be_bytes());
    out.extend_from_slice(&field.to_be_bytes());
    out.extend_from_slice(&[64, protocol, 0, 0]);
    for address in [path.from, path.to] {
        if let IpAddr::V4(address) = address {
            out.extend_from_slice(&address.octets());
        }
    }
    let sum = Checksum::new().bytes(&out[start..]).finish();
    out[start + 10..start + 12].copy_from_slice(&sum.to_be_bytes());
}

/// Appends a TCP header and its payload.
#[inline]
pub fn tcp(out: &mut Vec<u8>, path: &Path, tcp: &Tcp<'_>, payload: &[u8]) {
    let start = out.len();
    out.extend_from_slice(&path.from_port.to_be_bytes());
    out.extend_from_slice(&path.to_port.to_be_bytes());
    out.extend_from_slice(&tcp.sequence.to_be_bytes());
    out.extend_from_slice(&tcp.acknowledgement.to_be_bytes());
    out.extend_from_slice(&[((20 + tcp.options.len()) as u8 / 4) << 4, tcp.flags]);
    out.extend_from_slice(&tcp.window.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(tcp.options);
    out.extend_from_slice(payload);
    let sum = pseudo_header(path, protocol::TCP, out.len() - start).bytes(&out[start..]).finish();
    out[start + 16..start + 18].copy_from_slice(&sum.to_be_bytes());
}

/// Appends a UDP header and its payload.
#[inline]
pub fn udp(out: &mut Vec<u8>, path: &Path, payload: &[u8]) {
    let start = out.len();
    let len = (8 + payload.len()) as u16;
    out.extend_from_slice(&path.from_port.to_be_bytes());
    out.extend_from_slice(&path.to_port.to_be_bytes());
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(payload);
    let sum = match pseudo_header(path, protocol::UDP, len.into()).bytes(&out[start..]).finish() {
        0 => 0xffff, // 0 would mean "no checksum"
        sum => sum,
    };
    out[start + 6..start + 8].copy_from_slice(&sum.to_be_bytes());
}

/// Appends an ICMP or ICMPv6 message, as the path's family asks: type, code, the four bytes of the rest of the header, payload.
#[inline]
pub fn icmp(out: &mut Vec<u8>, path: &Path, kind: u8, code: u8, rest: [u8; 4], payload: &[u8]) {
    let start = out.len();
    out.extend_from_slice(&[kind, code, 0, 0]);
    out.extend_from_slice(&rest);
    out.extend_from_slice(payload);
    let sum = if path.is_ipv6() {
        pseudo_header(path, protocol::ICMPV6, out.len() - start)
    } else {
        Checksum::new()
    };
    let sum = sum.bytes(&out[start..]).finish();
    out[start + 2..start + 4].copy_from_slice(&sum.to_be_bytes());
}

fn pseudo_header(path: &Path, protocol: u8, len: usize) -> Checksum {
    let sum = Checksum::new().word(protocol.into()).word(len as u16);
    match (path.from, path.to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => sum.bytes(&from.octets()).bytes(&to.octets()),
        (IpAddr::V6(from), IpAddr::V6(to)) => sum.bytes(&from.octets()).bytes(&to.octets()),
        _ => sum,
    }
}
