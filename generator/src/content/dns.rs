//! DNS messages (RFC 1035).

use std::net::Ipv4Addr;

/// A query for the addresses of `name`.
pub fn query(id: u16, name: &str) -> Vec<u8> {
    let mut out = header(id, [0x01, 0x00], 0);
    question(&mut out, name);
    out
}

/// The answer to [`query`].
pub fn response(id: u16, name: &str, addresses: &[Ipv4Addr]) -> Vec<u8> {
    let mut out = header(id, [0x81, 0x80], addresses.len() as u16);
    question(&mut out, name);
    for address in addresses {
        // The name by reference to the question, A, IN, 300 s, 4 bytes.
        out.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4]);
        out.extend_from_slice(&address.octets());
    }
    out
}

/// A message as it goes over TCP: behind its length.
pub fn over_tcp(message: &[u8]) -> Vec<u8> {
    let mut out = (message.len() as u16).to_be_bytes().to_vec();
    out.extend_from_slice(message);
    out
}

fn header(id: u16, bits: [u8; 2], answers: u16) -> Vec<u8> {
    let mut out = id.to_be_bytes().to_vec();
    out.extend_from_slice(&bits);
    out.extend_from_slice(&[0, 1]);
    out.extend_from_slice(&answers.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out
}

fn question(out: &mut Vec<u8>, name: &str) {
    for label in name.split('.') {
        out.push(label.len() as u8);
        out.extend_from_slice(label.as_bytes());
    }
    out.extend_from_slice(&[0, 0, 1, 0, 1]);
}
