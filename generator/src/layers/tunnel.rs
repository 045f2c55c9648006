//! The heads of tunnels: the outer IP header, and what stands between it and the inside.

use crate::{
    checksum::Checksum,
    headers::{self, ethertype, protocol},
    path::Path,
};

/// GRE with the optional fields asked for (checksum, key, sequence number) around `content` of the EtherType `kind`.
pub(super) fn gre(
    head: &mut Vec<u8>,
    path: &Path,
    [checksum, key, sequence]: [bool; 3],
    kind: u16,
    content: &[u8],
) {
    let fields = [checksum, key, sequence];
    let len = 4 + 4 * fields.iter().filter(|&&present| present).count();
    headers::ip(head, path, protocol::GRE, len + content.len(), 1);
    let start = head.len();
    head.push(u8::from(checksum) << 7 | u8::from(key) << 5 | u8::from(sequence) << 4);
    head.push(0);
    head.extend_from_slice(&kind.to_be_bytes());
    if checksum {
        head.extend_from_slice(&[0; 4]);
    }
    if key {
        head.extend_from_slice(&[0, 0, 0x30, 0x39]);
    }
    if sequence {
        head.extend_from_slice(&[0, 0, 0, 7]);
    }
    if checksum {
        let sum = Checksum::new().bytes(&head[start..]).bytes(content).finish();
        head[start + 4..start + 6].copy_from_slice(&sum.to_be_bytes());
    }
}

/// ERSPAN of type 1, 2 or 3 in GRE. Type 3 has its optional header.
pub(super) fn erspan(head: &mut Vec<u8>, path: &Path, number: u8, session: u16, content: &[u8]) {
    let [high, low] = session.to_be_bytes();
    let (kind, header): (u16, &[u8]) = match number {
        1 => (0x88be, &[]),
        2 => (0x88be, &[0x10, 100, high, low, 0, 0, 0, 1]),
        // Ethernet, the optional header follows.
        _ => (0x22eb, &[0x20, 100, high, low, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
    };
    let inside = [header, content].concat();
    gre(head, path, [false, false, number > 1], kind, &inside);
    head.extend_from_slice(header);
}

/// IP in IP: `content` of the EtherType `kind`.
pub(super) fn ip(head: &mut Vec<u8>, path: &Path, kind: u16, content: &[u8]) {
    let number = if kind == ethertype::IPV6 { protocol::IPV6 } else { protocol::IPV4 };
    headers::ip(head, path, number, content.len(), 1);
}

/// `header` and `content` in UDP.
fn udp(head: &mut Vec<u8>, path: &Path, header: &[u8], content: &[u8]) {
    headers::ip(head, path, protocol::UDP, 8 + header.len() + content.len(), 1);
    headers::udp(head, path, &[header, content].concat());
    head.truncate(head.len() - content.len());
}

/// VXLAN.
pub(super) fn vxlan(head: &mut Vec<u8>, path: &Path, network: u32, content: &[u8]) {
    let [_, a, b, c] = network.to_be_bytes();
    udp(head, path, &[0x08, 0, 0, 0, a, b, c, 0], content);
}

/// Geneve with so many 4-byte words of options.
pub(super) fn geneve(head: &mut Vec<u8>, path: &Path, network: u32, options: u8, kind: u16, content: &[u8]) {
    let [_, a, b, c] = network.to_be_bytes();
    let [high, low] = kind.to_be_bytes();
    let mut header = vec![options, 0, high, low, a, b, c, 0];
    header.resize(8 + 4 * usize::from(options), 0);
    udp(head, path, &header, content);
}

/// GTP-U, with or without a sequence number and two extension headers.
pub(super) fn gtp(head: &mut Vec<u8>, path: &Path, endpoint: u32, extended: bool, content: &[u8]) {
    // A PDU session container (0x85), a long PDCP number (0x82), no more.
    let extensions: &[u8] =
        if extended { &[0, 7, 0, 0x85, 1, 0x10, 9, 0x82, 2, 0, 0, 1, 0, 0, 0, 0] } else { &[] };
    let mut header = vec![if extended { 0x36 } else { 0x30 }, 255];
    header.extend_from_slice(&((extensions.len() + content.len()) as u16).to_be_bytes());
    header.extend_from_slice(&endpoint.to_be_bytes());
    header.extend_from_slice(extensions);
    udp(head, path, &header, content);
}

/// Teredo, with or without an authentication header and an origin indication.
pub(super) fn teredo(head: &mut Vec<u8>, path: &Path, from_server: bool, content: &[u8]) {
    let indications: &[u8] = if from_server {
        &[0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0xf0, 0x0f, 0x3f, 0xff, 0xfd, 0xfc]
    } else {
        &[]
    };
    udp(head, path, indications, content);
}
