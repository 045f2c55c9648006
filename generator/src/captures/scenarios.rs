//! What is known about how records begin and end.

use super::{
    Capture, Film,
    film::{ethernet, udp, udp_packet},
};
use crate::{
    content::http,
    dialogue::Dialogue,
    headers::{self, ethertype, flags, protocol},
    layers::Layer,
    path::{CLIENT_MAC, Path},
};

pub(super) const CAPTURES: &[Capture] = &[
    Capture::new(
        "a-packet-after-the-inactive-timeout-begins-a-new-record",
        "UDP at 0, 29.9 and 59.1 s: a record of two packets and one of one; only whole seconds count",
        inactive,
    ),
    Capture::new(
        "after-the-active-timeout-the-next-packet-decides-the-direction",
        "UDP A→B every 20 s from 0 to 280 s, B→A at 300 s, A→B at 301 s: a record A→B of 15 and 0 packets, then one B→A of 1 and 1",
        active,
    ),
    Capture::new(
        "a-syn-after-a-fin-begins-a-new-record",
        "TCP, one second apart: A SYN, B SYN+ACK, A FIN+ACK, B FIN+ACK, B SYN+ACK, A SYN: A→B 2 and 2 packets, then B→A 1 and 1",
        syn_after_fin,
    ),
    Capture::new(
        "a-late-http-message-begins-a-new-record",
        "request at 1 s, response 2 s, request 5 s, responses 6 s and 8 s: with http records 1–2 s, 5–6 s and 8 s, without it one of 2 and 3 packets",
        http_again,
    ),
    Capture::new(
        "two-vlan-tags-are-one-flow-by-the-outer-one",
        "tags 0x88a8(5)+0x8100(6) and 0x8100(5)+0x8100(6), otherwise equal packets: one flow, VLAN 5",
        double_tags,
    ),
    Capture::new(
        "vlan-tags-in-any-order-are-read",
        "tags 0x8100(5)+0x88a8(6), and 0x9100(5)+0x8100(6), to two ports: two flows, VLAN 5",
        odd_tags,
    ),
    Capture::new(
        "arp-is-counted-and-makes-no-flow",
        "two ARP and two UDP packets: four packets read, two parsed, one flow",
        arp,
    ),
    Capture::new(
        "raw-ip-has-no-mac-addresses",
        "link type raw IP: an IPv4, an IPv6 and a version-5 packet: two flows, MAC addresses zero",
        raw_ip,
    ),
    Capture::new(
        "pppoe-carries-ip",
        "a PPPoE session with IPv4 and with IPv6: two flows with the outer MAC addresses, bytes are the inner IP length",
        pppoe,
    ),
    Capture::new(
        "gre-is-a-flow-of-the-inner-addresses",
        "UDP in IPv4 in GRE: one flow, of the inner addresses",
        gre,
    ),
    Capture::new(
        "a-file-cut-off-inside-a-packet",
        "two UDP packets and a ping, the file ends in the middle of the third: one flow of two packets, an error, exit status 1",
        cut_off,
    ),
];

const A_TO_B: Path = Path::v4([10, 0, 0, 1], 1000, [10, 0, 0, 2], 2000);

fn inactive() -> Film {
    Film::new().udp(0, &A_TO_B, b"one").udp(29_900, &A_TO_B, b"two").udp(59_100, &A_TO_B, b"three")
}

fn active() -> Film {
    let film = (0..15).fold(Film::new(), |film, step| film.udp(step * 20_000, &A_TO_B, b"tick"));
    film.udp(300_000, &A_TO_B.reversed(), b"tock").udp(301_000, &A_TO_B, b"tick")
}

fn syn_after_fin() -> Film {
    use flags::{ACK, FIN, SYN};
    let back = A_TO_B.reversed();
    Film::new()
        .tcp(1000, &A_TO_B, SYN)
        .tcp(2000, &back, SYN | ACK)
        .tcp(3000, &A_TO_B, FIN | ACK)
        .tcp(4000, &back, FIN | ACK)
        .tcp(5000, &back, SYN | ACK)
        .tcp(6000, &A_TO_B, SYN)
}

fn http_again() -> Film {
    let path = Path::v4([10, 0, 0, 1], 40_000, [10, 0, 0, 2], 80);
    let dialogue = Dialogue::new(1000, 2000)
        .says(&http::request("one.example.com", "/1", 60))
        .answers(&http::response("first", 1, 0))
        .says(&http::request("two.example.com", "/2", 60))
        .answers(&http::response("second", 2, 0))
        .answers(&http::response("third", 3, 0));
    let mut film = Film::new();
    for (segment, ms) in dialogue.segments().iter().zip([1000, 2000, 5000, 6000, 8000]) {
        let mut frame = Vec::new();
        segment.frame(&path, &mut frame);
        film = film.frame(ms, frame);
    }
    film
}

fn double_tags() -> Film {
    let inner = Layer::Vlan(ethertype::VLAN, 6);
    Film::new().inside(0, &A_TO_B, &[Layer::Vlan(ethertype::SERVICE_VLAN, 5), inner], b"tagged").inside(
        100,
        &A_TO_B,
        &[Layer::Vlan(ethertype::VLAN, 5), inner],
        b"tagged",
    )
}

fn odd_tags() -> Film {
    let other = Path { to_port: 2001, ..A_TO_B };
    let plain_outside = [Layer::Vlan(ethertype::VLAN, 5), Layer::Vlan(ethertype::SERVICE_VLAN, 6)];
    let old_outside = [Layer::Vlan(ethertype::OLD_QINQ, 5), Layer::Vlan(ethertype::VLAN, 6)];
    Film::new().inside(0, &A_TO_B, &plain_outside, b"tagged").inside(100, &other, &old_outside, b"tagged")
}

fn arp() -> Film {
    let mut request = Vec::new();
    headers::ethernet(&mut request, CLIENT_MAC, [0xff; 6], ethertype::ARP);
    request.extend_from_slice(&[0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1]);
    request.extend_from_slice(&[0, 0, 0, 0, 0, 0, 10, 0, 0, 2]);
    request.resize(60, 0);
    Film::new().frame(0, request.clone()).udp(10, &A_TO_B, b"one").frame(20, request).udp(30, &A_TO_B, b"two")
}

fn raw_ip() -> Film {
    let mut version_five = udp_packet(&A_TO_B, b"five");
    version_five[0] = 0x55;
    Film::raw_ip()
        .frame(0, udp_packet(&A_TO_B, b"four"))
        .frame(10, udp_packet(&Path::v6(1, 1000, 2, 2000), b"six"))
        .frame(20, version_five)
}

fn pppoe() -> Film {
    let v6 = Path::v6(1, 1000, 2, 2000);
    Film::new().inside(0, &A_TO_B, &[Layer::Pppoe], b"four").inside(10, &v6, &[Layer::Pppoe], b"six")
}

fn gre() -> Film {
    let tunnel = Path::v4([192, 0, 2, 1], 0, [192, 0, 2, 2], 0);
    let layer = Layer::Gre { path: tunnel, checksum: false, key: false, sequence: false };
    Film::new().inside(0, &A_TO_B, &[layer], b"inside").inside(10, &A_TO_B.reversed(), &[layer], b"and back")
}

fn cut_off() -> Film {
    let mut icmp = Vec::new();
    headers::ip(&mut icmp, &A_TO_B, protocol::ICMP, 8, 1);
    headers::icmp(&mut icmp, &A_TO_B, 8, 0, [0, 1, 0, 1], &[]);
    Film::new()
        .udp(0, &A_TO_B, b"one")
        .frame(10, udp(&A_TO_B, b"two"))
        .frame(20, ethernet(&A_TO_B, &icmp))
        .cut_off(33)
}
