//! Sessions of application protocols, in which messages share segments, or do not fit one.

use super::{Capture, Film};
use crate::{
    content::mqtt,
    dialogue::{Dialogue, Segment},
    path::Path,
};

pub(super) const CAPTURES: &[Capture] = &[
    Capture::new(
        "mqtt-behind-a-handshake",
        "CONNECT of 140 bytes and CONNACK, SUBSCRIBE and a PUBLISH of 2000 bytes in three segments, DISCONNECT: with mqtt one record with types 1, 2, 3, 8 and 14, and the closing of the connection in another",
        || mqtt_session(|_| {}),
    ),
    Capture::new(
        "mqtt-split-and-out-of-order",
        "the same with two pieces of PUBLISH changed places and one sent twice",
        || {
            mqtt_session(|segments| {
                segments.swap(6, 7);
                segments.insert(8, segments[7].clone());
            })
        },
    ),
];

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];

fn film(path: &Path, segments: &[Segment]) -> Film {
    let mut film = Film::new();
    for segment in segments {
        let mut frame = Vec::new();
        segment.frame(path, &mut frame);
        let ms = film.len() as u64 * 10;
        film = film.frame(ms, frame);
    }
    film
}

/// SUBSCRIBE and PUBLISH are in segments 5 to 7.
fn mqtt_session(change: fn(&mut Vec<Segment>)) -> Film {
    let packets =
        [mqtt::subscribe("house/+"), mqtt::publish("house/kitchen/temperature", &[b'2'; 1970])].concat();
    let mut segments = Dialogue::new(1000, 5000)
        .handshake()
        .says(&mqtt::connect(&"c".repeat(126)))
        .answers(&mqtt::connack())
        .pieces(true, &packets, &[16, 900])
        .says(&mqtt::disconnect())
        .close()
        .segments();
    change(&mut segments);
    film(&Path::v4(CLIENT, 40_010, SERVER, 1883), &segments)
}
