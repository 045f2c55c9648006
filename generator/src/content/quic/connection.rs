//! A QUIC connection in the making (RFC 9000): real packets, Initials protected as they are on the wire (RFC 9001, RFC 9369). What a
//! probe cannot read, the payloads of other packets, is random.

use aes_gcm::{
    Aes128Gcm, KeyInit,
    aead::AeadInOut,
    aes::{Aes128, cipher::BlockCipherEncrypt},
};
use hkdf::Hkdf;
use sha2::Sha256;

use crate::random::Random;

/// A version of QUIC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// RFC 9000.
    V1,
    /// RFC 9369.
    V2,
    /// The draft that was in use longest.
    Draft29,
    /// One of the numbers that are reserved to force Version Negotiation (RFC 9000 section 15).
    Reserved,
}

impl Version {
    /// The number on the wire.
    pub const fn number(self) -> u32 {
        match self {
            Version::V1 => 1,
            Version::V2 => 0x6b33_43cf,
            Version::Draft29 => 0xff00_001d,
            Version::Reserved => 0xbaba_baba,
        }
    }

    const fn salt(self) -> [u8; 20] {
        match self {
            Version::V1 | Version::Reserved => {
                *b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a"
            }
            Version::V2 => {
                *b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9"
            }
            Version::Draft29 => {
                *b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99"
            }
        }
    }

    const fn prefix(self) -> &'static str {
        if matches!(self, Version::V2) { "quicv2" } else { "quic" }
    }

    /// The first byte of a packet of this kind: 0 Initial, 1 0-RTT, 2 Handshake, 3 Retry. Its low bits are 0.
    const fn first_byte(self, kind: u8) -> u8 {
        let bits = if matches!(self, Version::V2) { (kind + 1) & 3 } else { kind };
        0xc0 | bits << 4
    }
}

/// The least length of what protection takes its sample from, behind the packet number.
const LEAST_PAYLOAD: usize = 4;
const TAG_LEN: usize = 16;

/// A connection: its version, and what both sides call each other.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The version.
    pub version: Version,
    /// What the client makes up for the server at first. Keys of Initials follow from it.
    pub original: Vec<u8>,
    /// The id that the client chose.
    pub client: Vec<u8>,
    /// The id that the server chose.
    pub server: Vec<u8>,
    /// The id that the server chose in a Retry, from which keys follow then, and its token.
    pub retry: Option<(Vec<u8>, Vec<u8>)>,
    /// The token of an earlier connection that the client shows.
    pub token: Vec<u8>,
}

impl Connection {
    /// A connection whose ids begin with `number`.
    pub fn new(version: Version, number: u8) -> Connection {
        let id = |letter: u8| vec![number, letter, 0x00, 0x0f, 0xf0, 0x99, 0x00, letter];
        Connection {
            version,
            original: id(0x0a),
            client: id(0x0c),
            server: id(0x05),
            retry: None,
            token: Vec::new(),
        }
    }

    /// An Initial of the client with these frames, to the id that it knows the server by at first.
    pub fn initial(&self, number: u8, frames: &[u8]) -> Vec<u8> {
        self.numbered_initial(&[number], frames)
    }

    /// The same with a packet number of one to four bytes.
    pub fn numbered_initial(&self, number: &[u8], frames: &[u8]) -> Vec<u8> {
        let (id, token) = match &self.retry {
            Some((id, token)) => (id, token),
            None => (&self.original, &self.token),
        };
        self.seal("client in", &self.head(0, id, &self.client, Some(token)), number, frames)
    }

    /// An Initial of the client with these frames, to the id that the server chose.
    pub fn later_initial(&self, number: u8, frames: &[u8]) -> Vec<u8> {
        let head = self.head(0, &self.server, &self.client, Some(&self.token));
        self.seal("client in", &head, &[number], frames)
    }

    /// An Initial of the server with these frames.
    pub fn server_initial(&self, number: u8, frames: &[u8]) -> Vec<u8> {
        self.seal("server in", &self.head(0, &self.client, &self.server, Some(&[])), &[number], frames)
    }

    /// A 0-RTT packet of the client with a payload of `len` bytes.
    pub fn zero_rtt(&self, len: usize) -> Vec<u8> {
        Connection::opaque(self.head(1, &self.original, &self.client, None), len)
    }

    /// A Handshake packet with a payload of `len` bytes.
    pub fn handshake(&self, from_client: bool, len: usize) -> Vec<u8> {
        let (to, from) =
            if from_client { (&self.server, &self.client) } else { (&self.client, &self.server) };
        Connection::opaque(self.head(2, to, from, None), len)
    }

    /// A packet with a short header and a payload of `len` bytes.
    pub fn short(&self, from_client: bool, len: usize) -> Vec<u8> {
        let to = if from_client { &self.server } else { &self.client };
        let mut packet = vec![0x45];
        packet.extend_from_slice(to);
        fill(&mut packet, len);
        packet
    }

    /// The server's Retry, with the token of [`Connection::retry`].
    pub fn retry_packet(&self) -> Vec<u8> {
        let (id, token) = self.retry.clone().unwrap_or_default();
        let mut packet = self.head(3, &self.client, &id, None);
        packet.extend_from_slice(&token);
        fill(&mut packet, TAG_LEN);
        packet
    }

    /// The server's Version Negotiation, which offers versions 1 and 2.
    pub fn version_negotiation(&self) -> Vec<u8> {
        let mut packet = vec![0xc0, 0, 0, 0, 0];
        ids(&mut packet, &self.client, &self.original);
        for version in [Version::V1, Version::V2] {
            packet.extend_from_slice(&version.number().to_be_bytes());
        }
        packet
    }

    /// A long header up to where its length is.
    fn head(&self, kind: u8, destination: &[u8], source: &[u8], token: Option<&[u8]>) -> Vec<u8> {
        let mut head = vec![self.version.first_byte(kind)];
        head.extend_from_slice(&self.version.number().to_be_bytes());
        ids(&mut head, destination, source);
        if let Some(token) = token {
            head.extend_from_slice(&varint(token.len() as u64));
            head.extend_from_slice(token);
        }
        head
    }

    /// Appends a random payload to a header.
    fn opaque(mut head: Vec<u8>, len: usize) -> Vec<u8> {
        head.extend_from_slice(&varint(len as u64));
        fill(&mut head, len);
        head
    }

    /// Appends a packet number and frames to a header, and protects both. Short payloads are padded.
    fn seal(&self, label: &str, head: &[u8], number: &[u8], frames: &[u8]) -> Vec<u8> {
        let id = self.retry.as_ref().map_or(&self.original, |(id, _)| id);
        let secret: [u8; 32] = expand(&Hkdf::new(Some(&self.version.salt()), id), label);
        let secret = from_secret(&secret);
        let prefix = self.version.prefix();
        let key: [u8; 16] = expand(&secret, &format!("{prefix} key"));
        let mut nonce: [u8; 12] = expand(&secret, &format!("{prefix} iv"));
        let header_key: [u8; 16] = expand(&secret, &format!("{prefix} hp"));

        let mut payload = frames.to_vec();
        payload.resize(frames.len().max(LEAST_PAYLOAD), 0);
        let mut packet = head.to_vec();
        packet[0] |= number.len() as u8 - 1;
        packet.extend_from_slice(&long_varint(number.len() + payload.len() + TAG_LEN));
        let number_at = packet.len();
        packet.extend_from_slice(number);
        nonce.iter_mut().rev().zip(number.iter().rev()).for_each(|(byte, number)| *byte ^= number);
        let cipher = Aes128Gcm::new(&key.into());
        // Sealing fails for 64 GiB and more.
        let tag = cipher
            .encrypt_inout_detached(&nonce.into(), &packet, payload.as_mut_slice().into())
            .unwrap_or_default();
        packet.extend_from_slice(&payload);
        packet.extend_from_slice(&tag);

        let mut mask = [0; 16];
        mask.copy_from_slice(&packet[number_at + 4..][..16]);
        Aes128::new(&header_key.into()).encrypt_block((&mut mask).into());
        packet[0] ^= mask[0] & 0x0f;
        packet[number_at..].iter_mut().zip(&mask[1..=number.len()]).for_each(|(byte, mask)| *byte ^= mask);
        packet
    }
}

/// CRYPTO with these bytes of a stream.
pub fn crypto(offset: usize, data: &[u8]) -> Vec<u8> {
    let mut frame = vec![6];
    frame.extend_from_slice(&varint(offset as u64));
    frame.extend_from_slice(&varint(data.len() as u64));
    frame.extend_from_slice(data);
    frame
}

/// ACK of the packets up to `largest`.
pub fn ack(largest: u8) -> Vec<u8> {
    vec![2, largest, 0, 0, largest]
}

/// `frames` and as much PADDING as makes a packet with these and usual ids as long as a datagram with an Initial has to be.
pub fn padded(frames: &[u8]) -> Vec<u8> {
    let mut out = frames.to_vec();
    out.resize(super::INITIAL_LEN.max(frames.len()), 0);
    out
}

fn ids(out: &mut Vec<u8>, destination: &[u8], source: &[u8]) {
    for id in [destination, source] {
        out.push(id.len() as u8);
        out.extend_from_slice(id);
    }
}

/// Appends `len` bytes that look random and are always the same.
fn fill(out: &mut Vec<u8>, len: usize) {
    let start = out.len();
    out.resize(start + len, 0);
    Random::new(len as u64).fill(&mut out[start..]);
}

/// A variable-length integer (RFC 9000 section 16) below 2^30.
fn varint(value: u64) -> Vec<u8> {
    match value {
        0..0x40 => vec![value as u8],
        0x40..0x4000 => (0x4000 | value as u16).to_be_bytes().to_vec(),
        _ => (0x8000_0000 | value as u32).to_be_bytes().to_vec(),
    }
}

/// A length in two bytes, as implementations write it before they know it.
fn long_varint(value: usize) -> [u8; 2] {
    (0x4000 | value as u16).to_be_bytes()
}

fn from_secret(secret: &[u8; 32]) -> Hkdf<Sha256> {
    // A secret of this length is never too short.
    Hkdf::from_prk(secret).unwrap_or_else(|_| Hkdf::new(None, secret))
}

/// HKDF-Expand-Label (RFC 8446 section 7.1) without context.
fn expand<const N: usize>(secret: &Hkdf<Sha256>, label: &str) -> [u8; N] {
    let label = format!("tls13 {label}");
    let mut info = (N as u16).to_be_bytes().to_vec();
    info.push(label.len() as u8);
    info.extend_from_slice(label.as_bytes());
    info.push(0);
    let mut out = [0; N];
    // It fails for outputs of more than 255 hashes.
    let _ = secret.expand(&info, &mut out);
    out
}
