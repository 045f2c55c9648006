//! Sessions of application protocols, in which messages share segments, or do not fit one.

use super::{Capture, Film, film::conversation};
use crate::{
    content::{mqtt, rtsp, sip, smtp},
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
    Capture::new(
        "smtp-pipelined-and-split",
        "greeting, EHLO, the envelope of two recipients in one segment, their replies in another, mail whose end is cut between its dot and CR LF, with QUIT behind it: with smtp all commands and replies are counted",
        || mail_session(|_| {}),
    ),
    Capture::new(
        "smtp-split-and-out-of-order",
        "the same with two pieces of the mail changed places, one of which comes twice",
        || {
            mail_session(|segments| {
                segments.swap(8, 9);
                segments.insert(10, segments[9].clone());
            })
        },
    ),
    Capture::new(
        "smtp-that-becomes-tls",
        "greeting, EHLO, STARTTLS and 220, then bytes of TLS with line ends and words of commands: with smtp only what came before",
        mail_encrypted,
    ),
    Capture::new(
        "sip-in-datagrams",
        "a keep-alive, INVITE, 100, 180, 200, ACK, and MESSAGE that is sent twice, over UDP: with sip a record for each, and the keep-alive in one of its own",
        call,
    ),
    Capture::new(
        "sip-messages-that-share-segments",
        "over TCP: INVITE cut in its head and in its body, whose last piece brings UPDATE and the beginning of BYE, and three responses in one segment: with sip all six messages, and every packet counted once",
        || trunk(|_| {}),
    ),
    Capture::new(
        "sip-messages-that-share-segments-out-of-order",
        "the same with two pieces of INVITE changed places, and the responses sent twice",
        || {
            trunk(|segments| {
                segments.swap(4, 5);
                segments.insert(9, segments[8].clone());
            })
        },
    ),
    Capture::new(
        "rtsp-between-media",
        "DESCRIBE and its answer in three segments, PLAY, then media in the connection; GET_PARAMETER arrives while a frame is half sent, and its answer lies behind the other half: with rtsp a record for each transaction",
        || film_stream(|_| {}),
    ),
    Capture::new(
        "rtsp-between-media-out-of-order",
        "the same with two pieces of the first answer changed places, and one of media sent twice",
        || {
            film_stream(|segments| {
                segments.swap(4, 5);
                segments.insert(10, segments[9].clone());
            })
        },
    ),
];

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];

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
    conversation(&Path::v4(CLIENT, 40_010, SERVER, 1883), &segments)
}

/// The mail is in segments 8 to 10, and QUIT with the last.
fn mail_session(change: fn(&mut Vec<Segment>)) -> Film {
    let mail = [smtp::mail("a test", 50), b"QUIT\r\n".to_vec()].concat();
    let mut segments = Dialogue::new(1000, 5000)
        .handshake()
        .answers(b"220 mx.example.com ESMTP\r\n")
        .says(b"ehlo client.example.com\r\n")
        .answers(b"250-mx.example.com\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
        .says(&smtp::envelope("alice@example.com", &["bob@example.com", "nobody@example.com"]))
        .answers(b"250 ok\r\n250 ok\r\n550 no such user\r\n354 go on\r\n")
        .pieces(true, &mail, &[700, mail.len() - 8])
        .answers(b"250 taken\r\n221 bye\r\n")
        .close()
        .segments();
    change(&mut segments);
    conversation(&Path::v4(CLIENT, 40_011, SERVER, 25), &segments)
}

fn mail_encrypted() -> Film {
    let segments = Dialogue::new(1000, 5000)
        .handshake()
        .answers(b"220 mx.example.com ESMTP\r\n")
        .says(b"EHLO client.example.com\r\n")
        .answers(b"250-mx.example.com\r\n250 STARTTLS\r\n")
        .says(b"STARTTLS\r\n")
        .answers(b"220 go ahead\r\n")
        .says(b"\x17\x03\x03\x00\x10\r\nQUIT\r\nDATA\r\n..")
        .answers(b"\x17\x03\x03\x00\x10\r\n554 spam\r\n....")
        .close()
        .segments();
    conversation(&Path::v4(CLIENT, 40_012, SERVER, 25), &segments)
}

fn call() -> Film {
    let path = Path::v4(CLIENT, 5060, SERVER, 5060);
    let message = sip::request("MESSAGE", 2, 1);
    Film::new()
        .udp(0, &path, b"\r\n\r\n")
        .udp(10, &path, &sip::request("INVITE", 1, 5))
        .udp(20, &path.reversed(), &sip::response("100 Trying", "INVITE", 1))
        .udp(30, &path.reversed(), &sip::response("180 Ringing", "INVITE", 1))
        .udp(40, &path.reversed(), &sip::response("200 OK", "INVITE", 1))
        .udp(50, &path, &sip::request("ACK", 1, 0))
        .udp(60, &path, &message)
        .udp(560, &path, &message)
}

/// The requests are in segments 3 to 7, the responses in 8.
fn trunk(change: fn(&mut Vec<Segment>)) -> Film {
    let requests =
        [sip::request("INVITE", 1, 20), sip::request("UPDATE", 2, 2), sip::request("BYE", 3, 0)].concat();
    let responses = [
        sip::response("183 Session Progress", "INVITE", 1),
        sip::response("200 OK", "UPDATE", 2),
        sip::response("200 OK", "BYE", 3),
    ]
    .concat();
    let mut segments = Dialogue::new(1000, 5000)
        .handshake()
        .pieces(true, &requests, &[70, 300, 700, requests.len() - 100])
        .answers(&responses)
        .close()
        .segments();
    change(&mut segments);
    conversation(&Path::v4(CLIENT, 40_013, SERVER, 5060), &segments)
}

/// The answer to DESCRIBE is in segments 4 to 6, media in 9, 10 and 12.
fn film_stream(change: fn(&mut Vec<Segment>)) -> Film {
    let media = [rtsp::media(0, 900), rtsp::media(1, 40)].concat();
    let half = media.len() / 2;
    let mut segments = Dialogue::new(1000, 5000)
        .handshake()
        .says(&rtsp::request("DESCRIBE", 1))
        .pieces(false, &rtsp::response(200, 1, 9), &[30, 200])
        .says(&rtsp::request("PLAY", 2))
        .answers(&rtsp::response(200, 2, 0))
        .answers(&media)
        .answers(&media[..half])
        .says(&[rtsp::media(1, 20), rtsp::request("GET_PARAMETER", 3)].concat())
        .answers(&[&media[half..], &rtsp::response(451, 3, 0)[..]].concat())
        .close()
        .segments();
    change(&mut segments);
    conversation(&Path::v4(CLIENT, 40_014, SERVER, 8554), &segments)
}
