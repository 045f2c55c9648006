//! Every tag and tunnel.

use super::{Capture, Film};
use crate::{
    headers::ethertype,
    layers::Layer,
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
