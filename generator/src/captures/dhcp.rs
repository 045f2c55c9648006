//! Hosts that ask for addresses.

use super::{Capture, Film};
use crate::{
    content::dhcp::{ACKNOWLEDGEMENT, DISCOVER, OFFER, REQUEST, Transaction},
    path::{CLIENT_MAC, Path},
};

pub(super) const CAPTURES: &[Capture] = &[Capture::new(
    "dhcp-who-gets-which-address",
    "a host without address asks all, is offered one, requests and gets it; later it renews it; a relay passes on what two others ask, in between each other: a record of what is said to all, one of the answers and the renewal, one of two transactions of the relay",
    addresses,
)];

const SERVER: [u8; 4] = [10, 0, 0, 1];

fn addresses() -> Film {
    let host = |number: u8| Transaction {
        id: 0x5eed_0000 + u32::from(number),
        mac: [CLIENT_MAC[0], CLIENT_MAC[1], 0, 0, 0, number],
        server: SERVER,
        address: [10, 0, 0, number],
    };
    let first = host(5);
    let renewal = Transaction { id: 0x5eed_0006, ..first };
    let to_all = Path::v4([0; 4], 68, [255; 4], 67);
    let to_host = Path::v4(SERVER, 67, first.address, 68);
    let relay = Path::v4([10, 7, 0, 1], 67, SERVER, 67);
    let [laptop, printer] = [host(70), host(71)];
    Film::new()
        .udp(0, &to_all, &first.says(DISCOVER, [0; 4], "desk"))
        .udp(20, &to_host, &first.answers(OFFER))
        .udp(40, &to_all, &first.says(REQUEST, [0; 4], "desk"))
        .udp(60, &to_host, &first.answers(ACKNOWLEDGEMENT))
        .udp(5000, &to_host.reversed(), &renewal.says(REQUEST, first.address, "desk"))
        .udp(5020, &to_host, &renewal.answers(ACKNOWLEDGEMENT))
        .udp(6000, &relay, &laptop.says(REQUEST, [0; 4], "laptop"))
        .udp(6010, &relay, &printer.says(REQUEST, [0; 4], "printer"))
        .udp(6020, &relay.reversed(), &laptop.answers(ACKNOWLEDGEMENT))
        .udp(6030, &relay.reversed(), &printer.answers(ACKNOWLEDGEMENT))
}
