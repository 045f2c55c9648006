//! What the generator makes is what it says: read back by another implementation.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use etherparse::{EtherType, NetSlice, SlicedPacket, TransportSlice};
use weir_generator::{
    captures,
    checksum::Checksum,
    shapes::Shape,
    traffic::{self, Parameters},
};

fn capture(shape: Shape, packets: u64, seed: u64) -> Vec<u8> {
    let mut parameters = Parameters::of(shape);
    parameters.packets = packets;
    parameters.seed = seed;
    parameters.flows = parameters.flows.min(500);
    parameters.new_flows = 50_000;
    let mut bytes = Vec::new();
    traffic::generate(shape, &parameters, &mut bytes).unwrap();
    bytes
}

/// The captured frames of a classic little-endian pcap file.
fn frames(bytes: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    let mut rest = &bytes[24..];
    while !rest.is_empty() {
        let len = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        frames.push(&rest[16..16 + len]);
        rest = &rest[16 + len..];
    }
    frames
}

/// Asserts that lengths and checksums of an IP packet and of what it carries are right.
fn check(frame: &[u8], parsed: &SlicedPacket<'_>) {
    let (source, destination, fragmented) = match parsed.net.as_ref().unwrap() {
        NetSlice::Ipv4(ip) => {
            let header = ip.header();
            assert_eq!(header.to_header().calc_header_checksum(), header.header_checksum());
            assert!(usize::from(header.total_len()) <= frame.len() - 14);
            (header.source().to_vec(), header.destination().to_vec(), ip.payload().fragmented)
        }
        NetSlice::Ipv6(ip) => {
            let header = ip.header();
            (header.source().to_vec(), header.destination().to_vec(), ip.payload().fragmented)
        }
        NetSlice::Arp(_) => return,
    };
    if fragmented {
        return;
    }
    let (number, bytes) = match parsed.transport.as_ref() {
        Some(TransportSlice::Tcp(tcp)) => (6, tcp.slice()),
        Some(TransportSlice::Udp(udp)) => {
            assert_eq!(usize::from(udp.length()), udp.slice().len());
            (17, udp.slice())
        }
        Some(TransportSlice::Icmpv6(icmp)) => (58, icmp.slice()),
        Some(TransportSlice::Icmpv4(icmp)) => {
            assert_eq!(Checksum::new().bytes(icmp.slice()).finish(), 0);
            return;
        }
        _ => panic!("no transport header"),
    };
    let sum = Checksum::new().bytes(&source).bytes(&destination).word(number).word(bytes.len() as u16);
    assert_eq!(sum.bytes(bytes).finish(), 0, "checksum of protocol {number}");
}

#[test]
fn the_same_seed_makes_the_same_bytes_and_another_seed_others() {
    for shape in Shape::ALL {
        let first = capture(shape, 2000, 1);
        assert!(first == capture(shape, 2000, 1), "{}", shape.name());
        assert!(first != capture(shape, 2000, 2), "{}", shape.name());
    }
}

#[test]
fn lengths_and_checksums_of_every_shape_are_right() {
    for shape in Shape::ALL {
        let bytes = capture(shape, 5000, 3);
        let frames = frames(&bytes);
        assert_eq!(frames.len(), 5000, "{}", shape.name());
        for frame in frames {
            assert!(frame.len() >= 60);
            if matches!(shape, Shape::Tunnels | Shape::DeepStacks) {
                continue; // see the test of tunnels below
            }
            check(frame, &SlicedPacket::from_ethernet(frame).unwrap());
        }
    }
}

/// Takes one layer off a frame of the `tunnels` shape: what follows, and its EtherType.
fn peel(kind: u16, bytes: &[u8]) -> (u16, &[u8]) {
    let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    match kind {
        0x8100 | 0x88a8 | 0x9100 => (word(2), &bytes[4..]),
        0x8847 => {
            let mut rest = bytes;
            while rest[2] & 1 == 0 {
                rest = &rest[4..];
            }
            match rest[4] >> 4 {
                4 => (0x0800, &rest[4..]),
                6 => (0x86dd, &rest[4..]),
                _ => (u16::from_be_bytes([rest[20], rest[21]]), &rest[22..]),
            }
        }
        0x8864 => {
            assert_eq!(word(4) as usize, bytes.len() - 6);
            (if word(6) == 0x57 { 0x86dd } else { 0x0800 }, &bytes[8..])
        }
        0x22f3 => {
            let options = usize::from(word(0) >> 6 & 31) * 4;
            (word(6 + options + 12), &bytes[6 + options + 14..])
        }
        0x0800 | 0x86dd => {
            let header = if kind == 0x0800 { 20 } else { 40 };
            let gre = &bytes[header..];
            let bits = gre[0];
            let optional = (bits >> 7) + (bits >> 5 & 1) + (bits >> 4 & 1);
            if bits & 0x80 != 0 {
                assert_eq!(Checksum::new().bytes(gre).finish(), 0);
            }
            (u16::from_be_bytes([gre[2], gre[3]]), &gre[4 + 4 * usize::from(optional)..])
        }
        _ => panic!("EtherType {kind:#x}"),
    }
}

#[test]
fn every_tunnel_leads_to_a_sound_packet() {
    for shape in [Shape::Tunnels, Shape::DeepStacks] {
        let bytes = capture(shape, 5000, 3);
        for frame in frames(&bytes) {
            let (mut kind, mut rest) = (u16::from_be_bytes([frame[12], frame[13]]), &frame[14..]);
            let is_gre = |kind: u16, bytes: &[u8]| {
                kind == 0x0800 && bytes[9] == 47 || kind == 0x86dd && bytes[6] == 47
            };
            while !matches!(kind, 0x0800 | 0x86dd) || is_gre(kind, rest) {
                (kind, rest) = peel(kind, rest);
            }
            let parsed = SlicedPacket::from_ether_type(EtherType(kind), rest).unwrap();
            check(frame, &parsed);
        }
    }
}

#[test]
fn captures_are_read_by_another_parser_where_they_are_meant_to_be() {
    for name in ["quickstart", "pipelined-requests", "an-http-head-split-and-out-of-order"] {
        let bytes = captures::named(name).unwrap().bytes();
        for frame in frames(&bytes) {
            check(frame, &SlicedPacket::from_ethernet(frame).unwrap());
        }
    }
}

#[test]
fn the_committed_captures_are_what_the_generator_makes() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/pcaps");
    let again = "run `cargo run -p weir-generator -- test-captures tests/pcaps`";
    let mut expected = vec!["README.md".to_owned()];
    for capture in captures::all() {
        let name = format!("{}.pcap", capture.name);
        let committed = fs::read(directory.join(&name)).unwrap_or_default();
        assert!(committed == capture.bytes(), "{name} differs: {again}");
        assert!(committed.len() < 16_384, "{name} is large");
        expected.push(name);
    }
    assert!(fs::read_to_string(directory.join("README.md")).unwrap() == captures::contents(), "{again}");
    let mut found: Vec<String> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "names that the generator does not make, or double ones");
}
