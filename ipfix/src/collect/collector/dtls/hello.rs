//! The first message of a handshake, and the answer to it (RFC 6347, 4.2.1): who asks is given a cookie, and remembered only when it shows the
//! cookie, and so that it is where it says it is.

use std::net::{IpAddr, SocketAddr};

use dimpl::CryptoError;
use dimpl::crypto::rust_crypto;

use crate::wire::Reader;

/// The kind of records, and of messages in them.
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const HELLO_VERIFY_REQUEST: u8 = 3;

/// Where things begin in the datagram.
const RECORD_LENGTH: usize = 11;
const MESSAGE: usize = 13;
const BODY: usize = MESSAGE + 12;

/// A ClientHello that is the whole of a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ClientHello<'d> {
    datagram: &'d [u8],
    pub(super) random: [u8; 32],
    cookie: &'d [u8],
    /// Where the length of the cookie is.
    cookie_at: usize,
}

impl<'d> ClientHello<'d> {
    /// The ClientHello in a datagram, if there is one, in one piece.
    pub(super) fn read(datagram: &'d [u8]) -> Option<ClientHello<'d>> {
        let mut reader = Reader::new(datagram);
        let kind = reader.u8()?;
        let version = reader.u16()?;
        let epoch = reader.u16()?;
        reader.take(6)?;
        let record_len = usize::from(reader.u16()?);
        if kind != HANDSHAKE || version >> 8 != 0xfe || epoch != 0 || reader.rest().len() != record_len {
            return None;
        }
        let kind = reader.u8()?;
        let length = u24(reader.take(3)?);
        reader.u16()?;
        let (offset, fragment) = (u24(reader.take(3)?), u24(reader.take(3)?));
        if kind != CLIENT_HELLO || offset != 0 || fragment != length || reader.rest().len() != length {
            return None;
        }
        reader.u16()?;
        let random = reader.take(32)?.try_into().ok()?;
        let session = reader.u8()?;
        reader.take(session.into())?;
        let cookie_at = datagram.len() - reader.rest().len();
        let cookie = reader.u8()?;
        let cookie = reader.take(cookie.into())?;
        Some(ClientHello { datagram, random, cookie, cookie_at })
    }

    /// Whether it shows this cookie.
    pub(super) fn shows(&self, cookie: &[u8; 32]) -> bool {
        // What is compared is known to whoever may know it: the time that it takes tells less than a guess.
        let differences = self.cookie.iter().zip(cookie).fold(0, |all, (one, other)| all | (one ^ other));
        self.cookie.len() == cookie.len() && differences == 0
    }

    /// The same without a cookie, as it must have come before.
    pub(super) fn without_cookie(&self) -> Vec<u8> {
        let mut datagram = self.datagram.to_vec();
        datagram.splice(self.cookie_at..=self.cookie_at + self.cookie.len(), [0]);
        let message_len = datagram.len() - MESSAGE;
        let body_len = (datagram.len() - BODY) as u32;
        datagram[RECORD_LENGTH..MESSAGE].copy_from_slice(&(message_len as u16).to_be_bytes());
        // The length of the message, and that of its only fragment; in between its number and where the fragment begins.
        for at in [MESSAGE + 1, MESSAGE + 9] {
            datagram[at..at + 3].copy_from_slice(&body_len.to_be_bytes()[1..]);
        }
        datagram[MESSAGE + 4..MESSAGE + 6].fill(0);
        datagram
    }
}

fn u24(octets: &[u8]) -> usize {
    octets.iter().fold(0, |number, &octet| number << 8 | usize::from(octet))
}

/// Makes cookies.
#[derive(Debug)]
pub(super) struct Cookies {
    secret: [u8; 32],
}

impl Cookies {
    pub(super) fn new() -> Result<Cookies, CryptoError> {
        let mut secret = [0; 32];
        rust_crypto::default_provider().secure_random.fill(&mut secret)?;
        Ok(Cookies { secret })
    }

    /// The cookie for who asks from there.
    pub(super) fn of(&self, from: SocketAddr, hello: &ClientHello<'_>) -> Result<[u8; 32], CryptoError> {
        let mut asked = Vec::with_capacity(16 + 2 + 32);
        match from.ip() {
            IpAddr::V4(address) => asked.extend_from_slice(&address.octets()),
            IpAddr::V6(address) => asked.extend_from_slice(&address.octets()),
        }
        asked.extend_from_slice(&from.port().to_be_bytes());
        asked.extend_from_slice(&hello.random);
        rust_crypto::default_provider().hmac_provider.hmac_sha256(&self.secret, &asked)
    }
}

/// The datagram that gives a cookie to who asks. It is shorter than what it answers to: nothing is amplified.
pub(super) fn hello_verify_request(cookie: &[u8; 32]) -> Vec<u8> {
    let body_len = 2 + 1 + cookie.len() as u8;
    let mut datagram = vec![HANDSHAKE, 0xfe, 0xfd];
    // Epoch and number of the record: whoever gets a second one has not got the first.
    datagram.extend_from_slice(&[0; 8]);
    datagram.extend_from_slice(&[0, 12 + body_len, HELLO_VERIFY_REQUEST, 0, 0, body_len]);
    datagram.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, body_len]);
    // As if it were DTLS 1.0 (RFC 6347, 4.2.1).
    datagram.extend_from_slice(&[0xfe, 0xff, cookie.len() as u8]);
    datagram.extend_from_slice(cookie);
    datagram
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    /// A ClientHello with this cookie and what follows it.
    fn hello(session: &[u8], cookie: &[u8], rest: &[u8]) -> Vec<u8> {
        let mut body = vec![0xfe, 0xfd];
        body.extend_from_slice(&[7; 32]);
        for part in [session, cookie] {
            body.push(part.len() as u8);
            body.extend_from_slice(part);
        }
        body.extend_from_slice(rest);
        let length = (body.len() as u32).to_be_bytes();
        let number = [0, u8::from(!cookie.is_empty())];
        let message = [&[1], &length[1..], &number, &[0; 3], &length[1..], &body].concat();
        let record = [&[22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 5], &(message.len() as u16).to_be_bytes()[..]];
        [&record.concat()[..], &message].concat()
    }

    #[test]
    fn a_cookie_is_good_for_one_address_one_port_and_one_attempt() {
        let cookies = Cookies::new().unwrap();
        let asked = hello(&[], &[], &[0, 2, 1, 2, 1, 0]);
        let asked = ClientHello::read(&asked).unwrap();
        let from: SocketAddr = ([192, 0, 2, 1], 7).into();
        let cookie = cookies.of(from, &asked).unwrap();
        assert!(!asked.shows(&cookie));
        let shown = hello(&[], &cookie, &[0, 2, 1, 2, 1, 0]);
        let shown = ClientHello::read(&shown).unwrap();
        assert!(shown.shows(&cookies.of(from, &shown).unwrap()));
        assert!(!shown.shows(&cookies.of(([192, 0, 2, 1], 8).into(), &shown).unwrap()));
        assert!(!shown.shows(&cookies.of(([192, 0, 2, 2], 7).into(), &shown).unwrap()));
        assert!(!shown.shows(&Cookies::new().unwrap().of(from, &shown).unwrap()));
        let other = ClientHello { random: [8; 32], ..shown };
        assert!(!other.shows(&cookies.of(from, &other).unwrap()));
    }

    proptest! {
        #[test]
        fn without_its_cookie_a_hello_is_what_came_first(
            session in proptest::collection::vec(any::<u8>(), 0..33),
            cookie in proptest::collection::vec(any::<u8>(), 1..256),
            rest in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let shown = hello(&session, &cookie, &rest);
            let read = ClientHello::read(&shown).unwrap();
            prop_assert_eq!((read.cookie, read.random), (&cookie[..], [7; 32]));
            prop_assert_eq!(read.without_cookie(), hello(&session, &[], &rest));
        }

        #[test]
        fn whatever_comes_is_read_or_not(
            octets in proptest::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
            to in any::<u8>(),
        ) {
            let mut garbled = hello(&[1, 2], &[3; 32], &octets);
            let at = at.index(garbled.len());
            garbled[at] = to;
            for datagram in [&octets[..], &garbled, &garbled[..at]] {
                if let Some(hello) = ClientHello::read(datagram) {
                    prop_assert!(ClientHello::read(&hello.without_cookie()).is_some());
                }
            }
        }
    }
}
