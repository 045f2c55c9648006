//! QUIC: connections with real packets, and datagrams that look like QUIC from outside. The latter are not encrypted with anything: a
//! probe that decrypts Initials finds that they do not authenticate.

mod connection;
pub mod vectors;

pub use connection::{Connection, Version, ack, crypto, padded};

use crate::random::Random;

/// The least length of a datagram with a client's Initial (RFC 9000, 14.1).
pub const INITIAL_LEN: usize = 1200;

/// First byte, without its lowest four bits, of an Initial, and version: 1 (RFC 9000), 2 (RFC 9369), draft 29.
const VERSIONS: [(u8, u32); 3] = [(0xc0, 1), (0xd0, 0x6b33_43cf), (0xc0, 0xff00_001d)];

/// A datagram in the form of a client's Initial: a long header, version 1, padded to 1200 bytes.
pub fn initial_like(random: &mut Random) -> Vec<u8> {
    let mut out = vec![0xc3, 0, 0, 0, 1, 8];
    out.extend_from_slice(&random.bytes::<8>());
    out.extend_from_slice(&[8]);
    out.extend_from_slice(&random.bytes::<8>());
    finish_head(&mut out);
    let start = out.len();
    out.resize(INITIAL_LEN, 0);
    random.fill(&mut out[start..]);
    out
}

/// Appends the header of a client's Initial of one of the versions, with connection ids of any length, up to where the protected
/// bytes begin. The datagram is to be [`INITIAL_LEN`] bytes long.
pub fn head_like(random: &mut Random, out: &mut Vec<u8>) {
    let (first, version) = VERSIONS[random.below(VERSIONS.len() as u64) as usize];
    out.push(first | random.below(16) as u8);
    out.extend_from_slice(&version.to_be_bytes());
    for least in [8, 0] {
        let len = random.between(least, 21) as usize;
        out.push(len as u8);
        out.extend_from_slice(&random.bytes::<20>()[..len]);
    }
    finish_head(out);
}

/// No token, and the length of what follows.
fn finish_head(out: &mut Vec<u8>) {
    out.push(0);
    let rest = INITIAL_LEN - out.len() - 2;
    out.extend_from_slice(&(0x4000 | rest as u16).to_be_bytes());
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_length_in_the_header_reaches_to_the_end_of_the_datagram() {
        let mut random = Random::new(3);
        for _ in 0..200 {
            let mut head = Vec::new();
            head_like(&mut random, &mut head);
            let destination = usize::from(head[5]);
            let source = usize::from(head[6 + destination]);
            assert!((8..=20).contains(&destination) && source <= 20);
            let token = 7 + destination + source;
            assert_eq!((head[0] & 0xc0, head[token], head.len()), (0xc0, 0, token + 3));
            let length = u16::from_be_bytes(*head.last_chunk().unwrap());
            assert_eq!(usize::from(length & 0x3fff) + head.len(), INITIAL_LEN);
        }
    }
}
