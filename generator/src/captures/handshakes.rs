//! Handshakes of TLS.

use super::{Capture, Film, film::conversation};
use crate::{
    content::tls::{self, Validity},
    dialogue::Dialogue,
    path::Path,
    random::Random,
};

pub(super) const CAPTURES: &[Capture] = &[
    Capture::new(
        "a-tls-hello-in-two-segments",
        "a ClientHello with a post-quantum key, which fills two segments, and the ServerHello of TLS 1.3: one record with server name and fingerprints",
        in_segments,
    ),
    Capture::new(
        "a-tls-hello-in-two-records-behind-a-warning",
        "an alert of the level warning, and behind it in the same segment a ClientHello in two records: the same fields",
        in_records,
    ),
    Capture::new(
        "tls-1-2-shows-the-certificate",
        "ServerHello and Certificate in one record that is cut into three segments: with `cert` subject, issuer and validity",
        with_certificate,
    ),
    Capture::new(
        "tls-asks-for-another-hello",
        "a HelloRetryRequest, a second ClientHello and the real ServerHello: the fields of the first ClientHello, with `server` those of the real ServerHello",
        asked_again,
    ),
    Capture::new(
        "tls-behind-starttls",
        "a mail client that says STARTTLS, and then a ClientHello on port 25: one record with its fields",
        behind_starttls,
    ),
];

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];
const HOST: &str = "shop.example.com";

fn film(port: u16, dialogue: Dialogue) -> Film {
    conversation(&Path::v4(CLIENT, 40_010, SERVER, port), &dialogue.close().segments())
}

fn in_segments() -> Film {
    let random = &mut Random::new(1);
    let hello = tls::record(&tls::long_client_hello_message(HOST, random));
    let answer = [tls::server_hello(random), tls::change_cipher_spec(), tls::encrypted(900, random)].concat();
    film(443, Dialogue::new(1000, 5000).handshake().pieces(true, &hello, &[1388]).answers(&answer))
}

fn in_records() -> Film {
    let random = &mut Random::new(2);
    let hello = tls::long_client_hello_message(HOST, random);
    let (first, second) = hello.split_at(100);
    let said = [tls::warning(), tls::record(first), tls::record(second)].concat();
    film(443, Dialogue::new(1000, 5000).handshake().says(&said).answers(&tls::server_hello(random)))
}

fn with_certificate() -> Film {
    let random = &mut Random::new(3);
    let validity = Validity { not_before: "240229000000Z", not_after: "340301235959Z" };
    let leaf = tls::certificate(b"\x00\xca\xfe\x01", HOST, "Example CA", validity, random);
    let issuer = tls::certificate(b"\x07", "Example CA", "Example Root", validity, random);
    let messages =
        [tls::old_server_hello_message("h2", random), tls::certificate_message(&[leaf, issuer])].concat();
    let dialogue = Dialogue::new(1000, 5000)
        .handshake()
        .says(&tls::client_hello(HOST, random))
        .pieces(false, &tls::record(&messages), &[60, 200])
        .says(&[tls::change_cipher_spec(), tls::encrypted(40, random)].concat());
    film(443, dialogue)
}

fn asked_again() -> Film {
    let random = &mut Random::new(4);
    let dialogue = Dialogue::new(1000, 5000)
        .handshake()
        .says(&tls::client_hello(HOST, random))
        .answers(&[tls::retry_request(), tls::change_cipher_spec()].concat())
        .says(&[tls::change_cipher_spec(), tls::client_hello(HOST, random)].concat())
        .answers(&[tls::server_hello(random), tls::encrypted(900, random)].concat());
    film(443, dialogue)
}

fn behind_starttls() -> Film {
    let random = &mut Random::new(5);
    let dialogue = Dialogue::new(1000, 5000)
        .handshake()
        .answers(b"220 mail.example.com ESMTP\r\n")
        .says(b"EHLO client.example.com\r\n")
        .answers(b"250-mail.example.com\r\n250 STARTTLS\r\n")
        .says(b"STARTTLS\r\n")
        .answers(b"220 go ahead\r\n")
        .says(&tls::client_hello("mail.example.com", random))
        .answers(&tls::server_hello(random));
    film(25, dialogue)
}
