//! Flows told by the lengths and times of their packets, or by the form of encrypted messages.

use super::{Capture, Film};
use crate::{
    content::{openvpn, wireguard},
    path::Path,
};

pub(super) const CAPTURES: &[Capture] = &[
    Capture::new(
        "an-openvpn-tunnel-is-told-by-its-messages",
        "resets, hellos and acknowledgements of OpenVPN, then data: ovpn is sure",
        openvpn_tunnel,
    ),
    Capture::new(
        "a-new-wireguard-session-begins-a-new-record",
        "two WireGuard sessions between the same ports: with wg two records, each with its indices",
        wireguard_sessions,
    ),
    Capture::new(
        "handshakes-inside-a-tunnel",
        "every five seconds a packet of 78 bytes, one of 82 back and one of 66: suspects for ssadetector",
        handshakes,
    ),
];

fn openvpn_tunnel() -> Film {
    let path = Path::v4([10, 0, 0, 1], 50_000, [10, 0, 0, 2], 1194);
    let beginning = [
        (true, openvpn::message(openvpn::CLIENT_RESET, 5)),
        (false, openvpn::message(openvpn::SERVER_RESET, 17)),
        (true, openvpn::message(openvpn::ACKNOWLEDGEMENT, 13)),
        (true, openvpn::hello(true)),
        (false, openvpn::hello(false)),
        (true, openvpn::message(openvpn::ACKNOWLEDGEMENT, 13)),
        (true, openvpn::message(openvpn::CONTROL, 100)),
    ];
    let data = (0..16).map(|number| (number % 3 == 0, openvpn::message(openvpn::DATA, 900)));
    (0..)
        .zip(beginning.into_iter().chain(data))
        .fold(Film::new(), |film, (number, (from_client, message))| {
            film.udp(number * 10, &path.directed(from_client), &message)
        })
}

fn wireguard_sessions() -> Film {
    let path = Path::v4([10, 0, 0, 1], 51_820, [10, 0, 0, 2], 51_820);
    (0..2).fold(Film::new(), |film, session| {
        let (client, server) = (0x0100_0007 + session, 0x0200_0009 + session);
        let start = 10_000 * u64::from(session);
        film.udp(start, &path, &wireguard::initiation(client))
            .udp(start + 20, &path.reversed(), &wireguard::response(server, client))
            .udp(start + 40, &path, &wireguard::data(server, 0))
            .udp(start + 60, &path, &wireguard::data(server, 96))
            .udp(start + 80, &path.reversed(), &wireguard::data(client, 1420))
    })
}

fn handshakes() -> Film {
    let path = Path::v4([10, 0, 0, 1], 40_000, [10, 0, 0, 2], 4500);
    (0..15u64).fold(Film::new(), |film, handshake| {
        let start = 5000 * handshake;
        film.udp(start, &path, &[1; 78]).udp(start + 30, &path.reversed(), &[2; 82]).udp(
            start + 31,
            &path,
            &[3; 66],
        )
    })
}
