//! Datagrams that look like QUIC from outside. They are not encrypted with anything: a probe that decrypts Initials finds
//! that they do not authenticate.

use crate::random::Random;

/// A datagram in the form of a client's Initial: a long header, version 1, padded to 1200 bytes.
pub fn initial_like(random: &mut Random) -> Vec<u8> {
    let mut out = vec![0xc3, 0, 0, 0, 1, 8];
    out.extend_from_slice(&random.bytes::<8>());
    out.extend_from_slice(&[8]);
    out.extend_from_slice(&random.bytes::<8>());
    out.push(0); // no token
    let rest = 1200 - out.len() - 2;
    out.extend_from_slice(&(0x4000 | rest as u16).to_be_bytes());
    let start = out.len();
    out.resize(1200, 0);
    random.fill(&mut out[start..]);
    out
}
