//! The capture that the README reads.

use std::net::Ipv4Addr;

use super::{Capture, Film};
use crate::{
    content::{dns, http},
    dialogue::Dialogue,
    frame,
    headers::ethertype,
    layers::Layer,
    path::Path,
};

pub(super) const CAPTURES: &[Capture] = &[Capture::new(
    "quickstart",
    "a little of everything: a web page over IPv4 and one over IPv6, DNS over UDP and over TCP, a ping, a tagged datagram",
    quickstart,
)];

const CLIENT: [u8; 4] = [192, 168, 1, 10];
const RESOLVER: [u8; 4] = [192, 168, 1, 1];
const NAME: &str = "www.example.com";
const ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 80);

fn quickstart() -> Film {
    let lookup = Path::v4(CLIENT, 53_124, RESOLVER, 53);
    let lookup_tcp = Path::v4(CLIENT, 40_321, RESOLVER, 53);
    let page = Path::v4(CLIENT, 49_152, ADDRESS.octets(), 80);
    let page_v6 = Path::v6(10, 49_153, 80, 80);
    let ping = Path::v4(CLIENT, 0, ADDRESS.octets(), 0);
    let tagged = Path::v4([10, 20, 0, 5], 40_000, [10, 20, 0, 1], 514);
    let mut film = Film::new()
        .udp(0, &lookup, &dns::query(0x1a2b, NAME))
        .udp(12, &lookup.reversed(), &dns::response(0x1a2b, NAME, &[ADDRESS]))
        .dialogue(20, 9, &page, web("/index.html", "nginx/1.26.2"))
        .dialogue(150, 7, &page_v6, web("/six.html", "Apache/2.4.62"));
    for sequence in 0..3 {
        for request in [true, false] {
            let mut out = Vec::new();
            let path = ping.directed(request);
            frame::echo(&mut out, &path, 1, request, sequence, &[0x61; 56]);
            film = film.frame(300 + u64::from(sequence) * 1000 + if request { 0 } else { 11 }, out);
        }
    }
    let over_tcp = Dialogue::new(7000, 8000)
        .handshake()
        .says(&dns::over_tcp(&dns::query(0x3c4d, "large.example.com")))
        .answers(&dns::over_tcp(&dns::response(0x3c4d, "large.example.com", &[ADDRESS; 4])))
        .close();
    film.dialogue(2500, 8, &lookup_tcp, over_tcp).inside(
        2700,
        &tagged,
        &[Layer::Vlan(ethertype::VLAN, 42)],
        b"<13>Nov 14 22:13:22 host app: a line of log",
    )
}

fn web(path: &str, server: &str) -> Dialogue {
    let body = [b'x'; 512];
    let mut response = http::response(server, 4711, body.len());
    response.extend_from_slice(&body);
    Dialogue::new(1000, 5000).handshake().says(&http::request(NAME, path, 132)).answers(&response).close()
}
