//! JA3 and JA3S: what a client offers, and what a server chooses, as an MD5 hash
//! (<https://github.com/salesforce/ja3>). Its text is numbers in decimal, `version,ciphers,extensions,groups,point formats`
//! of a client and `version,cipher,extensions` of a server, lists joined by `-` in the order of the wire and without the random values of RFC 8701.

use md5::Md5;

use super::{
    hashed::Hashed,
    hello::{ClientHello, ServerHello, is_grease},
};

/// A hash, as its 16 bytes.
pub type Ja3 = [u8; 16];

/// The JA3 of a client.
pub fn ja3(hello: &ClientHello<'_>) -> Ja3 {
    let mut text = Text::new();
    number(&mut text, hello.version);
    list(&mut text, hello.cipher_suites.meaningful());
    list(&mut text, hello.extensions.iter().map(|extension| extension.kind).filter(|&kind| !is_grease(kind)));
    list(&mut text, hello.groups().meaningful());
    list(&mut text, hello.point_formats().iter().map(|&format| u16::from(format)));
    text.finish().into()
}

/// The JA3S of a server.
pub fn ja3s(hello: &ServerHello<'_>) -> Ja3 {
    let mut text = Text::new();
    number(&mut text, hello.version);
    list(&mut text, std::iter::once(hello.cipher_suite));
    list(&mut text, hello.extensions.iter().map(|extension| extension.kind).filter(|&kind| !is_grease(kind)));
    text.finish().into()
}

type Text = Hashed<Md5>;

fn number(text: &mut Text, number: u16) {
    text.push(itoa::Buffer::new().format(number).as_bytes());
}

fn list(text: &mut Text, numbers: impl Iterator<Item = u16>) {
    text.push(b",");
    text.join(b'-', numbers, number);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::samples::{Client, Server, hex};

    fn of(client: &Client<'_>) -> String {
        hex(&ja3(&ClientHello::parse(&client.body()).expect("a ClientHello")))
    }

    #[test]
    fn the_published_examples_have_their_published_hashes() {
        let ciphers = [47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4];
        let extensions = [
            (0, &b"\x00\x04\x00\x00\x01a"[..]),
            (10, b"\x00\x06\x00\x17\x00\x18\x00\x19"),
            (11, b"\x01\x00"),
        ];
        let client = Client { version: 769, ciphers: &ciphers, extensions: &extensions };
        assert_eq!(of(&client), "ada70206e40642a3e4461f35503241d5");
        let ciphers = [4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99];
        let client = Client { version: 769, ciphers: &ciphers, extensions: &[] };
        assert_eq!(of(&client), "de350869b8c85de67a350c8d186f11e6");
        let kinds = [65281, 0, 11, 35, 5, 16].map(|kind| (kind, &b""[..]));
        let server = Server { version: 769, cipher: 47, extensions: &kinds, ..Server::default() }.body();
        let server = ServerHello::parse(&server).expect("a ServerHello");
        assert_eq!(hex(&ja3s(&server)), "836ce314215654b5b1f85f97c73e506f");
    }

    #[test]
    fn random_values_do_not_count() {
        let plain = Client::default();
        assert_eq!(of(&plain), "c1a43d8d2c56daaba91e8d85f5768f55");
        let ciphers: Vec<u16> = [&[0xfafa], plain.ciphers].concat();
        let extensions: Vec<_> = [plain.extensions, &[(0x1a1a, &b"x"[..])]].concat();
        assert_eq!(of(&Client { ciphers: &ciphers, extensions: &extensions, ..plain }), of(&plain));
        // 0x0202 has equal bytes, but is no value of RFC 8701.
        assert_ne!(of(&Client { ciphers: &[0x0202], ..plain }), of(&Client { ciphers: &[], ..plain }));
    }

    #[test]
    fn a_text_longer_than_is_gathered_at_once_is_hashed_whole() {
        // The hash of "771," + "65535-" × 999 + "65535,0-10-11-16-13-43,29-23,0", computed elsewhere.
        let client = Client { ciphers: &[65535; 1000], ..Client::default() };
        assert_eq!(of(&client), "7043a254d7454b3ec3313d0c334b90f1");
    }
}
