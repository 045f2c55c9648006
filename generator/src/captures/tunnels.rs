//! Every tag and tunnel.

use super::{
    Capture, Film,
    film::{udp_packet, wrapped},
};
use crate::{
    fragment::fragments,
    headers::{self, ethertype, protocol},
    layers::{self, Layer},
    path::{Mac, Path},
};

pub(super) const CAPTURES: &[Capture] = &[
    Capture::new(
        "tags-and-tunnels-of-every-kind",
        "UDP from port 1000 + n to 2000, each n in another stack: VLAN, QinQ in three spellings, MPLS with one and three labels, EoMPLS, PPPoE, GRE plain, full and over IPv6, TRILL without and with options, and mixtures: a flow for each n and address family, but GRE over IPv6 is not opened: one flow of the tunnel",
        every_kind,
    ),
    Capture::new(
        "a-priority-tag-is-no-vlan",
        "the same UDP packet without a tag and with VLAN id 0: one flow",
        priority_tag,
    ),
    Capture::new(
        "tunnels-that-are-opened-on-request",
        "UDP from port 1000 + n to 2000, each n in another tunnel: GRE over IPv6 and with Ethernet inside, ERSPAN of types I, II and III, VXLAN, Geneve with Ethernet and with IP, GTP-U plain and with extension headers, IPv4 and IPv6 in IPv4 and IPv6, Teredo plain and from a server: by default the flows of the outer headers, with decap=inner a flow for each n, with decap=both all of these",
        on_request,
    ),
    Capture::new(
        "tunnels-inside-each-other",
        "UDP from port 1000 + n to 2000 in n + 1 tunnels, n from 0 to 5: opened are four at most",
        nested,
    ),
    Capture::new(
        "tunnels-with-nothing-to-meter-inside",
        "VXLAN with ARP, with an IPv4 header of version 5, and cut off by the snap length; GTP-U with an echo request and with an empty message; Geneve with a control packet; a DNS query to port 4789: flows of the outer headers, whatever is opened",
        unreadable,
    ),
    Capture::new(
        "fragments-inside-and-outside-of-tunnels",
        "a UDP datagram in two fragments, each in VXLAN; then an IPv4-in-IPv4 datagram in two fragments: with decap=inner the former are a flow with the real ports, the latter of the outer header",
        fragmented,
    ),
];

const INNER: [Mac; 2] = [[2, 0, 0, 0, 1, 1], [2, 0, 0, 0, 1, 2]];
const TUNNEL: Path = Path::v4([192, 0, 2, 1], 0, [192, 0, 2, 2], 0);
const TUNNEL_V6: Path = Path::v6(0xf1, 0, 0xf2, 0);

const fn gre(path: Path, all: bool) -> Layer {
    Layer::Gre { path, checksum: all, key: all, sequence: all }
}

fn every_kind() -> Film {
    let [from, to] = INNER;
    let tag = Layer::Vlan(ethertype::VLAN, 100);
    let in_mpls = Layer::EthernetInMpls { from, to };
    let stacks: &[&[Layer]] = &[
        &[tag],
        &[Layer::Vlan(ethertype::SERVICE_VLAN, 200), tag],
        &[Layer::Vlan(ethertype::OLD_QINQ, 200), tag],
        &[tag, tag, tag],
        &[Layer::Mpls(1000)],
        &[Layer::Mpls(1000), Layer::Mpls(1001), Layer::Mpls(1002)],
        &[Layer::Mpls(1000), in_mpls],
        &[Layer::Mpls(1000), in_mpls, tag],
        &[Layer::Pppoe],
        &[tag, Layer::Pppoe],
        &[gre(TUNNEL, false)],
        &[gre(TUNNEL, true)],
        &[gre(TUNNEL_V6, false)],
        &[Layer::Trill { options: 0, from, to }],
        &[Layer::Trill { options: 2, from, to }, tag],
        &[tag, Layer::Mpls(1000), gre(TUNNEL, true)],
    ];
    let mut film = Film::new();
    for (number, layers) in stacks.iter().enumerate() {
        let port = 1000 + number as u16;
        for path in [Path::v4([10, 0, 0, 1], port, [10, 0, 0, 2], 2000), Path::v6(1, port, 2, 2000)] {
            let ms = film.len() as u64 * 10;
            film = film.inside(ms, &path, layers, b"in the tunnel");
        }
    }
    film
}

fn priority_tag() -> Film {
    let path = Path::v4([10, 0, 0, 1], 1000, [10, 0, 0, 2], 2000);
    Film::new().udp(0, &path, b"untagged").inside(
        10,
        &path,
        &[Layer::Vlan(ethertype::VLAN, 0xe000)],
        b"priority 7",
    )
}

const VXLAN: Path = Path::v4([192, 0, 2, 1], 50_000, [192, 0, 2, 2], 4789);
const VXLAN_V6: Path = Path::v6(0xf1, 50_000, 0xf2, 4789);
const GENEVE: Path = Path::v4([192, 0, 2, 1], 50_001, [192, 0, 2, 2], 6081);
const GTP: Path = Path::v4([192, 0, 2, 1], 2152, [192, 0, 2, 2], 2152);
const TEREDO: Path = Path::v4([192, 0, 2, 1], 50_002, [192, 0, 2, 2], 3544);
const FROM_TEREDO: Path = TEREDO.reversed();

const IN_ETHERNET: Layer = Layer::Ethernet { from: INNER[0], to: INNER[1] };
const IN_VXLAN: [Layer; 2] = [Layer::Vxlan { path: VXLAN, network: 0x0a_0b0c }, IN_ETHERNET];

fn on_request() -> Film {
    let tag = Layer::Vlan(ethertype::VLAN, 100);
    let erspan = |kind| Layer::Erspan { path: TUNNEL, kind, session: 0x0203 };
    let geneve = |options| Layer::Geneve { path: GENEVE, network: 77, options };
    let gtp = |extended| Layer::Gtp { path: GTP, endpoint: 0xdead_beef, extended };
    let vxlan_v6 = Layer::Vxlan { path: VXLAN_V6, network: 1 };
    let v6_only = |from_server, path| Layer::Teredo { path, from_server };
    let stacks: &[&[Layer]] = &[
        &[gre(TUNNEL_V6, true)],
        &[gre(TUNNEL, true), IN_ETHERNET],
        &[gre(TUNNEL_V6, false), IN_ETHERNET, tag],
        &[erspan(1), IN_ETHERNET],
        &[erspan(2), IN_ETHERNET],
        &[erspan(3), IN_ETHERNET, tag],
        &IN_VXLAN,
        &[tag, vxlan_v6, IN_ETHERNET, tag],
        &[geneve(0), IN_ETHERNET],
        &[geneve(3)],
        &[gtp(false)],
        &[gtp(true)],
        &[Layer::Ip(TUNNEL)],
        &[Layer::Ip(TUNNEL_V6)],
        &[v6_only(false, TEREDO)],
        &[v6_only(true, FROM_TEREDO)],
    ];
    let mut film = Film::new();
    for (number, layers) in stacks.iter().enumerate() {
        let port = 1000 + number as u16;
        for path in [Path::v4([10, 0, 0, 1], port, [10, 0, 0, 2], 2000), Path::v6(1, port, 2, 2000)] {
            if path.is_ipv6() || !matches!(layers, [Layer::Teredo { .. }, ..]) {
                let ms = film.len() as u64 * 10;
                film = film.inside(ms, &path, layers, b"in the tunnel");
            }
        }
    }
    film
}

fn nested() -> Film {
    let mut film = Film::new();
    for number in 0..6 {
        let path = Path::v4([10, 0, 0, 1], 1000 + number, [10, 0, 0, 2], 2000);
        let tunnel = |level| Layer::Ip(Path::v4([192, 0, 2, level], 0, [198, 51, 100, level], 0));
        let layers: Vec<Layer> = (0..=number as u8).map(tunnel).collect();
        film = film.inside(u64::from(number) * 10, &path, &layers, b"deep inside");
    }
    film
}

fn unreadable() -> Film {
    let path = Path::v4([10, 0, 0, 1], 1000, [10, 0, 0, 2], 2000);
    let inside = wrapped(&path, &IN_VXLAN, b"in the tunnel");
    let outer_len = inside.len() - udp_packet(&path, b"in the tunnel").len();
    let mut arp = Vec::new();
    layers::wrap(&mut arp, &path, &IN_VXLAN, ethertype::ARP, &[0; 28]);
    let mut version_5 = inside.clone();
    version_5[outer_len] = 0x55;
    let wire_len = inside.len() as u32;
    let mut cut = inside;
    cut.truncate(outer_len + 24);
    Film::new()
        .frame(0, arp)
        .frame(10, version_5)
        .cut_frame(20, cut, wire_len)
        .udp(30, &GTP, &[0x32, 1, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0])
        .udp(40, &GTP, &[0x30, 255, 0, 0, 0, 0, 0, 1])
        .udp(50, &GENEVE, &[0, 0x80, 0x65, 0x58, 0, 0, 77, 0])
        .udp(60, &VXLAN, b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03www\0\0\x01\0\x01")
}

fn fragmented() -> Film {
    let path = Path::v4([10, 0, 0, 1], 1000, [10, 0, 0, 2], 2000);
    let mut datagram = Vec::new();
    headers::udp(&mut datagram, &path, &[b'u'; 40]);
    let mut film = Film::new();
    for piece in fragments(&path, 1, protocol::UDP, &datagram, 24) {
        let mut frame = Vec::new();
        layers::wrap(&mut frame, &path, &IN_VXLAN, ethertype::IPV4, &piece);
        let ms = film.len() as u64 * 10;
        film = film.frame(ms, frame);
    }
    let other = Path::v4([10, 0, 0, 3], 1000, [10, 0, 0, 4], 2000);
    for piece in fragments(&TUNNEL, 2, protocol::IPV4, &udp_packet(&other, &[b'u'; 40]), 40) {
        let mut frame = Vec::new();
        layers::wrap(&mut frame, &TUNNEL, &[], ethertype::IPV4, &piece);
        let ms = film.len() as u64 * 10;
        film = film.frame(ms, frame);
    }
    film
}
