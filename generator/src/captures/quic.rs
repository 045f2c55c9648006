//! Handshakes of QUIC.

use super::{Capture, Film};
use crate::{
    content::{
        quic::{Connection, Version, ack, crypto, padded},
        tls,
    },
    path::Path,
    random::Random,
};

pub(super) const CAPTURES: &[Capture] = &[
    Capture::new(
        "quic-handshakes-of-three-versions",
        "versions 1, 2 and draft 29: Initial, Initial and Handshake of the server, the client's, short headers: three records with server name, user agent, three connection ids",
        three_versions,
    ),
    Capture::new(
        "a-quic-client-hello-in-pieces",
        "a ClientHello of 1.5 KB in two Initials of one datagram; in two datagrams, the second part first; in one datagram, five parts shuffled: three records with the server name",
        in_pieces,
    ),
    Capture::new(
        "quic-retry-and-version-negotiation",
        "an Initial, a Retry with a token of 30 bytes, an Initial with it; an Initial of version 0xbabababa, Version Negotiation, an Initial of version 1: two records",
        second_attempts,
    ),
    Capture::new(
        "quic-0-rtt-and-a-server-that-is-seen-first",
        "0-RTT, then an Initial and 0-RTT in one datagram; an Initial and Handshake of the server before the Initial that they answer: two records, the second turned around",
        early_data,
    ),
];

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];

/// What ML-KEM-768 takes, which makes a ClientHello longer than a packet.
const LONG_KEY: usize = 1184;

fn path(number: u16) -> Path {
    Path::v4(CLIENT, 50_000 + number, SERVER, 443)
}

fn hello(number: u64, key_len: usize) -> Vec<u8> {
    tls::quic_client_hello(
        &format!("host{number}.example.com"),
        "Agent/1.0",
        key_len,
        &mut Random::new(number),
    )
}

/// What the server answers to an Initial.
fn answer(connection: &Connection) -> Vec<u8> {
    let hello = crypto(0, &tls::server_hello(&mut Random::new(1))[5..]);
    [connection.server_initial(0, &[ack(0), hello].concat()), connection.handshake(false, 800)].concat()
}

fn three_versions() -> Film {
    let mut film = Film::new();
    for (number, version) in [(1, Version::V1), (2, Version::V2), (3, Version::Draft29)] {
        let connection = Connection::new(version, number);
        let there = path(number.into());
        let back = there.reversed();
        let ms = u64::from(number) * 100;
        let finished = [connection.later_initial(1, &ack(0)), connection.handshake(true, 60)].concat();
        film = film
            .udp(ms, &there, &connection.initial(0, &padded(&crypto(0, &hello(number.into(), 32)))))
            .udp(ms + 20, &back, &answer(&connection))
            .udp(ms + 21, &there, &finished)
            .udp(ms + 22, &there, &connection.short(true, 40))
            .udp(ms + 40, &back, &connection.short(false, 60));
    }
    film
}

fn in_pieces() -> Film {
    let hello = |number| hello(number, LONG_KEY);
    let connections = [4, 5, 6].map(|number| Connection::new(Version::V1, number));
    let parts = |number: u64, at: usize| {
        let hello = hello(number);
        [crypto(0, &hello[..at]), crypto(at, &hello[at..])]
    };
    let [first, second] = parts(4, 600);
    let together = [connections[0].initial(0, &first), connections[0].initial(1, &second)].concat();
    let [first, second] = parts(5, 1100);
    let [first, second] = [connections[1].initial(0, &first), connections[1].initial(1, &padded(&second))];
    let whole = hello(6);
    let shuffled: Vec<u8> = [(900, 1200), (300, 500), (1200, whole.len()), (0, 350), (500, 900)]
        .into_iter()
        .flat_map(|(from, to)| [&[1, 0][..], &crypto(from, &whole[from..to])].concat())
        .collect();
    Film::new().udp(0, &path(4), &together).udp(100, &path(5), &second).udp(101, &path(5), &first).udp(
        200,
        &path(6),
        &connections[2].initial(0, &shuffled),
    )
}

fn second_attempts() -> Film {
    let mut retried = Connection::new(Version::V1, 7);
    let hello_frame = |number| padded(&crypto(0, &hello(number, 32)));
    let film = Film::new().udp(0, &path(7), &retried.initial(0, &hello_frame(7)));
    retried.retry = Some((b"retry".to_vec(), vec![0x70; 30]));
    let film = film
        .udp(20, &path(7).reversed(), &retried.retry_packet())
        .udp(21, &path(7), &retried.initial(1, &hello_frame(7)))
        .udp(40, &path(7).reversed(), &answer(&retried));

    let mut negotiated = Connection::new(Version::Reserved, 8);
    let film = film.udp(100, &path(8), &negotiated.initial(0, &hello_frame(8))).udp(
        120,
        &path(8).reversed(),
        &negotiated.version_negotiation(),
    );
    negotiated.version = Version::V1;
    film.udp(121, &path(8), &negotiated.initial(1, &hello_frame(8))).udp(
        140,
        &path(8).reversed(),
        &answer(&negotiated),
    )
}

fn early_data() -> Film {
    let early = Connection::new(Version::V1, 9);
    let initial = early.initial(0, &crypto(0, &hello(9, 32)));
    let late = Connection::new(Version::V1, 10);
    Film::new()
        .udp(0, &path(9), &early.zero_rtt(100))
        .udp(1, &path(9), &[initial, early.zero_rtt(300)].concat())
        .udp(100, &path(10).reversed(), &answer(&late))
        .udp(101, &path(10), &late.initial(0, &padded(&crypto(0, &hello(10, 32)))))
}
