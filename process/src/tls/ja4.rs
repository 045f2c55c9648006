//! JA4: what a client offers, in a form of which parts can be read and compared
//! (<https://github.com/FoxIO-LLC/ja4>, technical details of JA4): `t13d1516h2_8daaf6152771_e5627efa2ab1`.

use sha2::Sha256;
use smallvec::SmallVec;

use super::{
    hashed::Hashed,
    hello::{ClientHello, extension, is_grease},
};

/// Bytes of a JA4.
pub const LEN: usize = 36;

/// A JA4: ASCII.
pub type Ja4 = [u8; LEN];

/// What carried the ClientHello.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// TLS over TCP.
    Tcp,
    /// QUIC.
    Quic,
}

/// Lists up to this length are sorted without an allocation. No client offers more.
const USUAL_LEN: usize = 128;

type Sorted = SmallVec<[u16; USUAL_LEN]>;

/// The JA4 of a client.
pub fn ja4(transport: Transport, hello: &ClientHello<'_>) -> Ja4 {
    let mut ciphers: Sorted = hello.cipher_suites.meaningful().collect();
    let mut extensions: Sorted =
        hello.extensions.iter().map(|extension| extension.kind).filter(|&kind| !is_grease(kind)).collect();
    let counts = [&ciphers, &extensions].map(|list| two_digits(list.len()));
    ciphers.sort_unstable();
    extensions.retain(|kind| ![extension::SERVER_NAME, extension::APPLICATION_PROTOCOLS].contains(kind));
    extensions.sort_unstable();

    let mut ja4 = [b'_'; LEN];
    ja4[0] = match transport {
        Transport::Tcp => b't',
        Transport::Quic => b'q',
    };
    ja4[1..3].copy_from_slice(version(hello.highest_version()));
    ja4[3] = if hello.has_server_name() { b'd' } else { b'i' };
    ja4[4..8].copy_from_slice(counts.as_flattened());
    ja4[8..10].copy_from_slice(&ends(hello.application_protocol().unwrap_or(b"")));
    ja4[11..23].copy_from_slice(&hash(&ciphers, std::iter::empty()));
    ja4[24..36].copy_from_slice(&hash(&extensions, hello.signature_algorithms().meaningful()));
    ja4
}

const fn version(version: u16) -> &'static [u8; 2] {
    match version {
        0x0304 => b"13",
        0x0303 => b"12",
        0x0302 => b"11",
        0x0301 => b"10",
        0x0300 => b"s3",
        0x0002 => b"s2",
        0xfeff => b"d1",
        0xfefd => b"d2",
        0xfefc => b"d3",
        _ => b"00",
    }
}

/// `count` as two digits, at most 99.
fn two_digits(count: usize) -> [u8; 2] {
    let count = count.min(99) as u8;
    [b'0' + count / 10, b'0' + count % 10]
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn hex_of(byte: u8) -> [u8; 2] {
    [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]
}

/// First and last character of an application protocol; of its hexadecimal form, where one of them is no letter or digit.
fn ends(protocol: &[u8]) -> [u8; 2] {
    match (protocol.first(), protocol.last()) {
        (Some(first), Some(last)) if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() => {
            [*first, *last]
        }
        (Some(&first), Some(&last)) => [hex_of(first)[0], hex_of(last)[1]],
        _ => *b"00",
    }
}

/// The first twelve digits of the hash of `sorted`, and behind `_` of `further` if there are any; zeros if nothing was sorted.
fn hash(sorted: &[u16], further: impl Iterator<Item = u16>) -> [u8; 12] {
    if sorted.is_empty() {
        return [b'0'; 12];
    }
    let four_digits = |text: &mut Hashed<Sha256>, number: u16| {
        text.push(number.to_be_bytes().map(hex_of).as_flattened());
    };
    let mut text = Hashed::new();
    text.join(b',', sorted.iter().copied(), four_digits);
    let mut further = further.peekable();
    if further.peek().is_some() {
        text.push(b"_");
        text.join(b',', further, four_digits);
    }
    let hash = text.finish();
    let mut digits = [0; 12];
    for (place, &byte) in digits.chunks_exact_mut(2).zip(hash.iter()) {
        place.copy_from_slice(&hex_of(byte));
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::samples::Client;

    fn of(client: &Client<'_>) -> String {
        let body = client.body();
        let hello = ClientHello::parse(&body).expect("a ClientHello");
        ja4(Transport::Tcp, &hello).map(char::from).iter().collect()
    }

    /// The example of the published description, as Chrome sends it.
    const CIPHERS: [u16; 16] = [
        0x7a7a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
        0x009c, 0x009d, 0x002f, 0x0035,
    ];
    const EXTENSIONS: [(u16, &[u8]); 18] = [
        (0x3a3a, b""),
        (0x001b, b""),
        (0x0000, b"\x00\x04\x00\x00\x01a"),
        (0x0033, b""),
        (0x0010, b"\x00\x0c\x02h2\x08http/1.1"),
        (0x4469, b""),
        (0x0017, b""),
        (0x002d, b""),
        (0x000d, b"\x00\x10\x04\x03\x08\x04\x04\x01\x05\x03\x08\x05\x05\x01\x08\x06\x06\x01"),
        (0x0005, b""),
        (0x0023, b""),
        (0x0012, b""),
        (0x002b, b"\x06\xea\xea\x03\x04\x03\x03"),
        (0xff01, b""),
        (0x000b, b""),
        (0x000a, b""),
        (0x0015, b""),
        (0x2a2a, b"\x00"),
    ];

    #[test]
    fn the_published_examples_have_their_published_values() {
        let mut client = Client { ciphers: &CIPHERS, extensions: &EXTENSIONS, ..Client::default() };
        assert_eq!(of(&client), "t13d1516h2_8daaf6152771_e5627efa2ab1");
        let mut extensions = EXTENSIONS;
        extensions[8].1 = b"\x00\x00";
        client.extensions = &extensions;
        assert_eq!(of(&client), "t13d1516h2_8daaf6152771_6d807ffa2a79");
    }

    #[test]
    fn versions_names_and_counts_have_two_characters() {
        let client = Client { version: 0x0301, ..Client::default() };
        assert_eq!(of(&client), "t13d0306h2_40b44b994229_fb71836bce29");
        let name = [(0, &b"\x00\x0e\x00\x00\x0bexample.com"[..])];
        assert_eq!(of(&Client { extensions: &name, ..client }), "t10d030100_40b44b994229_000000000000");
        let kinds: Vec<_> = (100..250).map(|kind| (kind, &b""[..])).collect();
        let many = Client { version: 0x0300, ciphers: &[5; 300], extensions: &kinds };
        assert!(of(&many).starts_with("ts3i999900_"));
        let none = Client { version: 0x0399, ciphers: &[], extensions: &[] };
        assert_eq!(of(&none), "t00i000000_000000000000_000000000000");
    }

    #[test]
    fn random_signature_algorithms_do_not_count() {
        let [plain, random] = [&b"\x00\x02\x04\x03"[..], b"\x00\x04\x0a\x0a\x04\x03"]
            .map(|algorithms| of(&Client { extensions: &[(13, algorithms)], ..Client::default() }));
        assert_eq!(plain, random);
    }

    #[test]
    fn an_application_protocol_gives_two_characters_whatever_its_bytes() {
        let cases: [(&[u8], &[u8; 2]); 9] = [
            (b"", b"00"),
            (b"h", b"hh"),
            (b"http/1.1", b"h1"),
            (b"\xab", b"ab"),
            (b"\xab\xcd", b"ad"),
            (b"\x30\xab", b"3b"),
            (b"\x30\x31\xab\xcd", b"3d"),
            (b"\x30\xab\xcd\x31", b"01"),
            (b"h2-", b"6d"),
        ];
        for (protocol, characters) in cases {
            assert_eq!(&ends(protocol), characters, "{protocol:x?}");
        }
    }
}
