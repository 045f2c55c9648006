//! Protocols with which hosts find names, services and the time.

use super::{Capture, Film};
use crate::{
    content::{dns, netbios, ntp},
    dialogue::Dialogue,
    headers::flags,
    path::Path,
};

pub(super) const CAPTURES: &[Capture] = &[
    Capture::new(
        "dns-answers-connect-names-and-addresses",
        "over UDP a response with an alias, its two addresses and an IPv6 address, and one without answer; one with the names of an IPv4 and an IPv6 address; over TCP an address in a message cut in three: with passivedns six pairs, each response ends a record",
        pairs,
    ),
    Capture::new(
        "each-ntp-datagram-is-a-record",
        "on port 123 a request, its answer with timestamps full of zeros and one that rounds up to the next second, one of version 3, one cut short: four records, with ntp fields of the first two",
        time,
    ),
    Capture::new(
        "netbios-names-of-one-flow",
        "three queries, for one name twice and for another, one with letters that encode nothing, and one cut off inside the name: a record with three netbios instances",
        names,
    ),
    Capture::new(
        "ssdp-searches-and-advertisements",
        "a search seen after its response, advertisements with field names in any case and a target that is a part of the one before, over IPv6 a location; a TCP SYN to port 1900: with ssdp server and user agent in their own fields, values without CR",
        discovery,
    ),
    Capture::new(
        "services-in-multicast-dns",
        "a query, a response with OPT between its additional records, a probe that proposes a record, a query that knows an answer: with dnssd one entry for each name, with txt their attributes",
        services,
    ),
];

/// Types of DNS records.
mod kind {
    pub(super) const A: u16 = 1;
    pub(super) const CNAME: u16 = 5;
    pub(super) const PTR: u16 = 12;
    pub(super) const HINFO: u16 = 13;
    pub(super) const TXT: u16 = 16;
    pub(super) const AAAA: u16 = 28;
    pub(super) const SRV: u16 = 33;
    pub(super) const OPT: u16 = 41;
}

const RESPONSE: u16 = 0x8180;

fn pairs() -> Film {
    let record = |owner, kind, data: &[u8]| dns::Record { owner, kind, data: data.to_vec() };
    let alias = "cdn.example.net";
    let forward = [
        record("www.example.com", kind::CNAME, &dns::name(alias)),
        record(alias, kind::A, &[192, 0, 2, 1]),
        record(alias, kind::A, &[192, 0, 2, 2]),
        record(alias, kind::AAAA, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
    ];
    let host = dns::name("host.example.com");
    let nibbles = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
    let reverse = [record("7.2.0.192.IN-ADDR.ARPA", kind::PTR, &host), record(nibbles, kind::PTR, &host)];
    let path = Path::v4(HOST, 40_000, SERVER, 53);
    let back = path.reversed();
    let over_tcp = dns::over_tcp(&dns::response(4, "tcp.example.com", &[[192, 0, 2, 9].into()]));
    let dialogue = Dialogue::new(1000, 5000)
        .handshake()
        .says(&dns::over_tcp(&dns::query(4, "tcp.example.com")))
        .pieces(false, &over_tcp, &[1, 30])
        .close();
    Film::new()
        .udp(0, &path, &dns::query(1, "www.example.com"))
        .udp(10, &back, &dns::message(1, RESPONSE, &[("www.example.com", kind::A)], &forward))
        .udp(100, &path, &dns::query(2, "nothing.example.com"))
        .udp(110, &back, &dns::response(2, "nothing.example.com", &[]))
        .udp(200, &path, &dns::message(3, 0x0100, &[("7.2.0.192.in-addr.arpa", kind::PTR)], &[]))
        .udp(210, &back, &dns::message(3, RESPONSE, &[("7.2.0.192.in-addr.arpa", kind::PTR)], &reverse))
        .dialogue(300, 10, &Path::v4(HOST, 40_001, SERVER, 53), dialogue)
}

const HOST: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];

fn time() -> Film {
    let path = Path::v4(HOST, 123, SERVER, 123);
    let sent = 0xdab3_0510_0102_0304;
    let request = ntp::packet(ntp::CLIENT, [0, 0, 0, sent]);
    let answer =
        ntp::packet(ntp::SERVER, [0xdab2_0000_e70a_3d71, sent, 0x0010_0000_0000_0001, 0xdab3_0510_ffff_ffff]);
    let mut older = request.clone();
    older[0] = 3 << 3 | ntp::CLIENT;
    Film::new().udp(0, &path, &request).udp(20, &path.reversed(), &answer).udp(1000, &path, &older).udp(
        1020,
        &path.reversed(),
        &answer[..40],
    )
}

fn names() -> Film {
    let path = Path::v4(HOST, 137, [10, 0, 0, 255], 137);
    let query = netbios::query(1, "WORKGROUP", 29);
    let mut unencoded = query.clone();
    unencoded[20] = b'Q';
    Film::new()
        .udp(0, &path, &query)
        .udp(250, &path, &query)
        .udp(500, &path, &netbios::query(2, "FILE-SERVER", 32))
        .udp(750, &path, &unencoded)
        .udp(1000, &path, &query[..40])
}

fn discovery() -> Film {
    let group = Path::v4(HOST, 50_000, [239, 255, 255, 250], 1900);
    let direct = Path::v4(HOST, 50_001, SERVER, 1900);
    let group_v6 = Path::v6(1, 50_002, 0xc, 1900);
    let search = b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n\
                   ST: urn:dial-multiscreen-org:service:dial:1\r\nUSER-AGENT: browser/1.0 Linux\r\n\r\n";
    let response = b"HTTP/1.1 200 OK\r\nST: urn:dial-multiscreen-org:service:dial:1\r\nSERVER: other\r\n\r\n";
    let advertisement = |target: &str, location: &str| {
        format!(
            "NOTIFY * HTTP/1.1\r\nhost: 239.255.255.250:1900\r\nnt: {target}\r\nNTS: ssdp:alive\r\n\
             Location: {location}\r\nSERVER: Linux/6.1 UPnP/1.0\r\n\r\n"
        )
        .into_bytes()
    };
    let location = "http://10.0.0.1:2869/description.xml";
    Film::new()
        .udp(0, &direct.reversed(), response)
        .udp(10, &direct, search)
        .udp(1000, &group, &advertisement("urn:schemas-upnp-org:device:MediaServer:1", location))
        .udp(1010, &group, &advertisement("urn:device:MediaServer:1", location))
        .udp(1020, &group, &advertisement("upnp:rootdevice", location))
        .udp(2000, &group_v6, &advertisement("uuid:1", "http://[2001:db8::1]:8080/description.xml"))
        .tcp(3000, &direct, flags::SYN)
}

fn services() -> Film {
    let record = |owner, kind, data: &[u8]| dns::Record { owner, kind, data: data.to_vec() };
    let server = |owner, port: u16| {
        let data = [&[0; 4], &port.to_be_bytes()[..], &dns::name("host.local")].concat();
        record(owner, kind::SRV, &data)
    };
    let (printer, web) = ("Printer._ipp._tcp.local", "Printer._http._tcp.local");
    let path = Path::v4(HOST, 5353, [224, 0, 0, 251], 5353);
    let question = [("_ipp._tcp.local", kind::PTR), ("1.0.0.10.in-addr.arpa", kind::PTR)];
    let mut response = dns::message(
        0,
        0x8400,
        &[],
        &[
            server(printer, 631),
            record("", kind::OPT, &[]),
            record("host.local", kind::HINFO, b"\x06X86_64\x05LINUX"),
            record(printer, kind::TXT, b"\x0aty=Example\x07Color=T"),
        ],
    );
    // The last three are additional records.
    (response[7], response[11]) = (1, 3);
    let mut probe = dns::message(0, 0, &[(web, 255)], &[server(web, 80)]);
    (probe[7], probe[9]) = (0, 1);
    let known = dns::message(0, 0, &question[..1], &[server("Known._ipp._tcp.local", 1)]);
    Film::new()
        .udp(0, &path, &dns::message(0, 0, &question, &[]))
        .udp(100, &path, &response)
        .udp(200, &path, &probe)
        .udp(300, &path, &known)
}
