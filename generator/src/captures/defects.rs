//! Packets that a probe may get wrong, and that were got wrong.

use std::net::Ipv4Addr;

use super::{
    Capture, Film,
    film::{ethernet, tcp, tcp_with_options, udp, wrapped},
};
use crate::{
    content::{dns, http},
    dialogue::Dialogue,
    headers::{self, SYN_OPTIONS, flags, protocol},
    layers::Layer,
    path::Path,
};

pub(super) const CAPTURES: &[Capture] = &[
    Capture::new(
        "an-ip-length-smaller-than-the-headers-is-malformed",
        "UDP with IPv4 total lengths 10 and 22, IPv6 payload length 3, and UDP length 4, and a sound packet: the first three are malformed, the others two flows with their IP lengths",
        short_lengths,
    ),
    Capture::new(
        "header-lengths-out-of-bounds-are-malformed",
        "IPv4 header lengths 16 and beyond the packet, TCP data offsets 16 and beyond the packet, and a sound SYN: one flow",
        header_lengths,
    ),
    Capture::new(
        "ethernet-in-mpls-shows-the-inner-packet",
        "a UDP packet in Ethernet in MPLS, and its answer: one flow with the inner addresses and ports",
        ethernet_in_mpls,
    ),
    Capture::new(
        "an-authentication-header-is-skipped-whole",
        "IPv6, an authentication header of 24 bytes, UDP: one flow with its ports",
        authentication_header,
    ),
    Capture::new(
        "the-mss-has-sixteen-bits",
        "a SYN whose MSS option, 1460, is followed by SACK permitted: MSS 1460",
        mss,
    ),
    Capture::new(
        "ipv6-with-no-next-header-is-a-flow",
        "IPv6 with next header 59, behind nothing and behind hop-by-hop options, without payload: one flow of protocol 59",
        no_next_header,
    ),
    Capture::new(
        "headers-cut-off-by-the-snap-length-are-counted",
        "one packet each of TCP, IPv6 with a fragment header, MPLS, PPPoE and GRE, cut at every fourth byte of its headers: no flow, all counted as truncated",
        snapped,
    ),
    Capture::new(
        "tcp-options-of-high-kinds-are-ignored",
        "a SYN with options of kind 64, 127 and 254: one flow, only the bits of known kinds",
        high_options,
    ),
    Capture::new(
        "gre-around-something-unknown-is-a-flow-of-the-outer-packet",
        "GRE over IPv4 with inner type 0x1234: one flow of protocol 47 and the outer addresses",
        unknown_in_gre,
    ),
    Capture::new(
        "a-frame-longer-than-65535-bytes",
        "96 captured bytes of frames that were 70,000 bytes long, IPv4 total length 0 and IPv6 payload length 0 (segmentation offload): two flows",
        giant,
    ),
    Capture::new(
        "a-flow-exported-by-its-first-packet-ends-as-forced",
        "a single DNS response: with dns a record that ended as forced, code 4",
        dns_at_once,
    ),
    Capture::new(
        "a-reused-connection-keeps-what-the-first-one-said",
        "an HTTP transaction, closed, then a SYN with the same ports: with http the first record has all its fields",
        reused,
    ),
    Capture::new(
        "a-late-packet-does-not-move-the-end-back",
        "UDP at 5 s, 9 s and again 7 s: one flow from 5 s to 9 s, 3 packets",
        late_packet,
    ),
    Capture::new(
        "captures-glued-together",
        "a UDP flow, then the same one two years earlier: two records",
        glued,
    ),
];

const A_TO_B: Path = Path::v4([10, 0, 0, 1], 1000, [10, 0, 0, 2], 2000);
const A_TO_B_V6: Path = Path::v6(1, 1000, 2, 2000);
const SECRET: &[u8] = b"sixteen bytes...";

/// The frame with some bytes changed.
fn patched(mut frame: Vec<u8>, offset: usize, bytes: &[u8]) -> Vec<u8> {
    frame[offset..offset + bytes.len()].copy_from_slice(bytes);
    frame
}

fn short_lengths() -> Film {
    let v4 = udp(&A_TO_B, SECRET);
    Film::new()
        .frame(0, patched(v4.clone(), 16, &[0, 10]))
        .frame(10, patched(v4.clone(), 16, &[0, 22]))
        .frame(20, patched(udp(&A_TO_B_V6, SECRET), 18, &[0, 3]))
        .frame(30, patched(v4.clone(), 38, &[0, 4]))
        .frame(40, udp(&Path { to_port: 2001, ..A_TO_B }, SECRET))
}

fn header_lengths() -> Film {
    let syn = tcp(&A_TO_B, flags::SYN, &[]);
    Film::new()
        .frame(0, patched(syn.clone(), 14, &[0x44]))
        .frame(10, patched(syn.clone(), 14, &[0x4f]))
        .frame(20, patched(syn.clone(), 46, &[0x40]))
        .frame(30, patched(syn.clone(), 46, &[0xf0]))
        .frame(40, tcp(&Path { to_port: 2001, ..A_TO_B }, flags::SYN, &[]))
}

fn ethernet_in_mpls() -> Film {
    let inside = Layer::EthernetInMpls { from: [2, 0, 0, 0, 1, 1], to: [2, 0, 0, 0, 1, 2] };
    let layers = [Layer::Mpls(16), Layer::Mpls(17), inside];
    Film::new().inside(0, &A_TO_B, &layers, b"forth").inside(10, &A_TO_B.reversed(), &layers, b"and back")
}

/// An IPv6 packet with extension headers, given as bytes, before a UDP datagram.
fn extended(first: u8, extensions: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    headers::ip(&mut packet, &A_TO_B_V6, first, extensions.len() + 8 + payload.len(), 0);
    packet.extend_from_slice(extensions);
    headers::udp(&mut packet, &A_TO_B_V6, payload);
    packet
}

fn authentication_header() -> Film {
    let mut header = [0; 24];
    header[0] = protocol::UDP;
    header[1] = 4; // in words, less two
    header[7] = 1; // security parameters index
    header[11] = 1; // sequence number
    Film::new().frame(0, ethernet(&A_TO_B_V6, &extended(protocol::AUTHENTICATION, &header, b"authentic")))
}

fn mss() -> Film {
    Film::new().frame(0, tcp_with_options(&A_TO_B, flags::SYN, &SYN_OPTIONS, &[]))
}

fn no_next_header() -> Film {
    let mut bare = Vec::new();
    headers::ip(&mut bare, &A_TO_B_V6, protocol::NO_NEXT_HEADER, 0, 0);
    let mut behind_options = Vec::new();
    headers::ip(&mut behind_options, &A_TO_B_V6, protocol::HOP_BY_HOP, 8, 0);
    behind_options.extend_from_slice(&[protocol::NO_NEXT_HEADER, 0, 1, 4, 0, 0, 0, 0]);
    Film::new().frame(0, ethernet(&A_TO_B_V6, &bare)).frame(10, ethernet(&A_TO_B_V6, &behind_options))
}

fn snapped() -> Film {
    let tunnel = Path::v4([192, 0, 2, 1], 0, [192, 0, 2, 2], 0);
    let gre = Layer::Gre { path: tunnel, checksum: true, key: true, sequence: true };
    let fragment_header = [protocol::UDP, 0, 0, 0, 0, 0, 0, 1];
    let frames = [
        (tcp(&A_TO_B, flags::SYN, &[]), 14 + 20 + 40),
        (ethernet(&A_TO_B_V6, &extended(protocol::FRAGMENT, &fragment_header, b"piece")), 14 + 40 + 8 + 8),
        (wrapped(&A_TO_B, &[Layer::Mpls(16), Layer::Mpls(17)], b"label"), 14 + 8 + 28),
        (wrapped(&A_TO_B, &[Layer::Pppoe], b"session"), 14 + 8 + 28),
        (wrapped(&A_TO_B, &[gre], b"tunnel"), 14 + 20 + 16 + 28),
    ];
    let mut film = Film::new();
    for (frame, headers_len) in frames {
        for cut in (0..headers_len).step_by(4) {
            let ms = film.len() as u64 * 10;
            film = film.cut_frame(ms, frame[..cut].to_vec(), frame.len() as u32);
        }
    }
    film
}

fn high_options() -> Film {
    let options = [64, 2, 127, 4, 1, 2, 254, 2, 2, 4, 0x05, 0xb4];
    Film::new().frame(0, tcp_with_options(&A_TO_B, flags::SYN, &options, &[]))
}

fn unknown_in_gre() -> Film {
    let tunnel = Path::v4([192, 0, 2, 1], 0, [192, 0, 2, 2], 0);
    let mut packet = Vec::new();
    headers::ip(&mut packet, &tunnel, protocol::GRE, 12, 1);
    packet.extend_from_slice(&[0, 0, 0x12, 0x34]);
    packet.extend_from_slice(b"anything");
    Film::new().frame(0, ethernet(&tunnel, &packet))
}

fn giant() -> Film {
    let v4 = patched(udp(&A_TO_B, &[b'x'; 54]), 16, &[0, 0]);
    let v6 = patched(udp(&A_TO_B_V6, &[b'x'; 34]), 18, &[0, 0]);
    Film::new().cut_frame(0, v4, 70_000).cut_frame(10, v6, 70_000)
}

fn dns_at_once() -> Film {
    let path = Path::v4([10, 0, 0, 2], 53, [10, 0, 0, 1], 1000);
    Film::new().udp(0, &path, &dns::response(7, "www.example.com", &[Ipv4Addr::new(203, 0, 113, 80)]))
}

fn reused() -> Film {
    let path = Path::v4([10, 0, 0, 1], 40_000, [10, 0, 0, 2], 80);
    let dialogue = Dialogue::new(1000, 2000)
        .handshake()
        .says(&http::request("www.example.com", "/", 60))
        .answers(&http::response("nginx", 1, 0))
        .close();
    Film::new().dialogue(0, 10, &path, dialogue).dialogue(
        1000,
        10,
        &path,
        Dialogue::new(900_000, 0).handshake(),
    )
}

fn late_packet() -> Film {
    Film::new().udp(5000, &A_TO_B, b"one").udp(9000, &A_TO_B, b"two").udp(7000, &A_TO_B, b"three")
}

fn glued() -> Film {
    let two_years = 2 * 365 * 86_400;
    Film::new()
        .udp(0, &A_TO_B, b"one")
        .udp(1000, &A_TO_B, b"two")
        .later_by(two_years)
        .udp(0, &A_TO_B, b"three")
        .udp(1000, &A_TO_B, b"four")
}
