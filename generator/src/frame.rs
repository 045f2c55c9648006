//! Whole Ethernet frames, written into a buffer that is used again.

use crate::{
    headers::{self, Tcp, protocol},
    path::Path,
};

/// The least length of an Ethernet frame, without its checksum.
pub const MINIMUM: usize = 60;

/// Replaces `out` by a TCP segment.
#[inline]
pub fn tcp(out: &mut Vec<u8>, path: &Path, identification: u16, segment: &Tcp<'_>, payload: &[u8]) {
    begin(out, path);
    let len = 20 + segment.options.len() + payload.len();
    headers::ip(out, path, protocol::TCP, len, identification);
    headers::tcp(out, path, segment, payload);
    pad(out);
}

/// Replaces `out` by a UDP datagram.
#[inline]
pub fn udp(out: &mut Vec<u8>, path: &Path, identification: u16, payload: &[u8]) {
    begin(out, path);
    headers::ip(out, path, protocol::UDP, 8 + payload.len(), identification);
    headers::udp(out, path, payload);
    pad(out);
}

/// Replaces `out` by an echo request or reply, ICMP or ICMPv6.
#[inline]
pub fn echo(
    out: &mut Vec<u8>,
    path: &Path,
    identification: u16,
    request: bool,
    sequence: u16,
    payload: &[u8],
) {
    begin(out, path);
    let (number, kind) = match (path.is_ipv6(), request) {
        (false, true) => (protocol::ICMP, 8),
        (false, false) => (protocol::ICMP, 0),
        (true, true) => (protocol::ICMPV6, 128),
        (true, false) => (protocol::ICMPV6, 129),
    };
    headers::ip(out, path, number, 8 + payload.len(), identification);
    let [high, low] = sequence.to_be_bytes();
    headers::icmp(out, path, kind, 0, [0, 1, high, low], payload);
    pad(out);
}

/// Replaces `out` by an IP packet, given whole, behind an Ethernet header.
pub fn ip_packet(out: &mut Vec<u8>, path: &Path, packet: &[u8]) {
    begin(out, path);
    out.extend_from_slice(packet);
    pad(out);
}

/// Pads a frame to the least length.
#[inline]
pub fn pad(out: &mut Vec<u8>) {
    if out.len() < MINIMUM {
        out.resize(MINIMUM, 0);
    }
}

#[inline]
fn begin(out: &mut Vec<u8>, path: &Path) {
    out.clear();
    headers::ethernet(out, path.from_mac, path.to_mac, path.ethertype());
}
