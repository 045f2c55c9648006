//! Protocols with which hosts find names, services and the time.

use super::{Capture, Film};
use crate::{content::ntp, path::Path};

pub(super) const CAPTURES: &[Capture] = &[Capture::new(
    "each-ntp-datagram-is-a-record",
    "on port 123 a request, its answer with timestamps full of zeros and one that rounds up to the next second, one of version 3, one cut short: four records, with ntp fields of the first two",
    time,
)];

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
