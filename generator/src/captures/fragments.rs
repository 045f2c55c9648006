//! Datagrams in pieces.

use super::{Capture, Film, film::ethernet};
use crate::{
    fragment::{fragment, fragments},
    headers::{self, FragmentField, Tcp, flags, protocol},
    path::Path,
};

pub(super) const CAPTURES: &[Capture] = &[
    Capture::new(
        "fragments-take-their-ports-from-the-first-one",
        "IPv4 UDP: first fragment at 1 s, second at 1.1 s, third at 6 s, at 7 s one of another datagram whose first is missing: the real ports for the first two packets; the others came too late or know no ports",
        in_time_and_late,
    ),
    Capture::new(
        "ipv6-fragments-take-their-ports-from-the-first-one",
        "an IPv6 UDP datagram in two fragments: one flow with the real ports, two packets",
        ipv6,
    ),
    Capture::new(
        "fragments-before-their-first-one",
        "IPv4 and IPv6 UDP datagrams whose last fragment comes first",
        reordered,
    ),
    Capture::new(
        "two-protocols-with-the-same-identification",
        "a UDP and a TCP packet between the same hosts, both in two fragments, interleaved, with the same identification: two flows, each with its own ports",
        two_protocols,
    ),
    Capture::new(
        "an-atomic-fragment-is-a-whole-packet",
        "IPv6 with a fragment header that says offset 0 and no more: one flow with its ports",
        atomic,
    ),
];

const A_TO_B: Path = Path::v4([10, 0, 0, 1], 1000, [10, 0, 0, 2], 2000);
const A_TO_B_V6: Path = Path::v6(1, 1000, 2, 2000);

/// A UDP datagram of 24 + 24 + 16 bytes, header included.
fn datagram(path: &Path) -> Vec<u8> {
    let mut out = Vec::new();
    headers::udp(&mut out, path, &[b'u'; 56]);
    out
}

/// The frames of a datagram in fragments of 24 bytes.
fn pieces(path: &Path, identification: u32) -> Vec<Vec<u8>> {
    let packets = fragments(path, identification, protocol::UDP, &datagram(path), 24);
    packets.iter().map(|packet| ethernet(path, packet)).collect()
}

fn in_time_and_late() -> Film {
    let first = pieces(&A_TO_B, 1);
    let other = pieces(&A_TO_B, 2);
    Film::new()
        .frame(1000, first[0].clone())
        .frame(1100, first[1].clone())
        .frame(6000, first[2].clone())
        .frame(7000, other[1].clone())
}

fn ipv6() -> Film {
    let packets = fragments(&A_TO_B_V6, 7, protocol::UDP, &datagram(&A_TO_B_V6), 32);
    packets.iter().enumerate().fold(Film::new(), |film, (index, packet)| {
        film.frame(index as u64 * 100, ethernet(&A_TO_B_V6, packet))
    })
}

fn reordered() -> Film {
    let mut film = Film::new();
    for path in [A_TO_B, A_TO_B_V6] {
        let mut frames = pieces(&path, 3);
        frames.rotate_right(1);
        for frame in frames {
            let ms = film.len() as u64 * 10;
            film = film.frame(ms, frame);
        }
    }
    film
}

fn two_protocols() -> Film {
    let tcp_path = Path { from_port: 3000, to_port: 4000, ..A_TO_B };
    let mut segment = Vec::new();
    let header = Tcp { sequence: 1, acknowledgement: 1, flags: flags::ACK, window: 1000, options: &[] };
    headers::tcp(&mut segment, &tcp_path, &header, &[b't'; 44]);
    let udp = fragments(&A_TO_B, 9, protocol::UDP, &datagram(&A_TO_B), 32);
    let tcp = fragments(&tcp_path, 9, protocol::TCP, &segment, 32);
    Film::new()
        .frame(0, ethernet(&A_TO_B, &udp[0]))
        .frame(10, ethernet(&tcp_path, &tcp[0]))
        .frame(20, ethernet(&A_TO_B, &udp[1]))
        .frame(30, ethernet(&tcp_path, &tcp[1]))
}

fn atomic() -> Film {
    let whole = FragmentField::default();
    let packet = fragment(&A_TO_B_V6, 5, protocol::UDP, &datagram(&A_TO_B_V6), whole);
    Film::new().frame(0, ethernet(&A_TO_B_V6, &packet))
}
