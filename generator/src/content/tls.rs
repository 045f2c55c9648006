//! The plaintext part of TLS handshakes (RFC 8446, RFC 5246), as far as a probe reads it.

mod certificate;

pub use certificate::{Validity, certificate};

use crate::random::Random;

const CIPHER_SUITES: [u16; 15] = [
    0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d,
    0x002f, 0x0035,
];

/// A group for key exchange: its number and the length of a key.
const X25519: (u16, usize) = (29, 32);
/// The usual one against quantum computers, X25519MLKEM768.
const HYBRID: (u16, usize) = (4588, 1216);

/// A ClientHello record for `host`.
pub fn client_hello(host: &str, random: &mut Random) -> Vec<u8> {
    record(&client_hello_message(host, &[X25519], random))
}

/// A ClientHello message for `host` that does not fit a segment, because of its post-quantum key.
pub fn long_client_hello_message(host: &str, random: &mut Random) -> Vec<u8> {
    client_hello_message(host, &[HYBRID, X25519], random)
}

fn client_hello_message(host: &str, keys: &[(u16, usize)], random: &mut Random) -> Vec<u8> {
    let mut extensions = Vec::with_capacity(256);
    let mut server_name = ((host.len() + 3) as u16).to_be_bytes().to_vec();
    server_name.push(0);
    server_name.extend_from_slice(&prefixed(host.as_bytes()));
    let mut key_shares = Vec::new();
    for &(group, len) in keys {
        let mut key = vec![0; len];
        random.fill(&mut key);
        key_shares.extend_from_slice(&group.to_be_bytes());
        key_shares.extend_from_slice(&prefixed(&key));
    }
    extension(&mut extensions, 0, &server_name);
    extension(&mut extensions, 23, &[]); // extended master secret
    extension(&mut extensions, 10, &[0, 6, 0, 29, 0, 23, 0, 24]); // groups
    extension(&mut extensions, 11, &[1, 0]); // point formats
    extension(&mut extensions, 16, b"\x00\x0c\x02h2\x08http/1.1"); // ALPN
    extension(&mut extensions, 13, &[0, 6, 4, 3, 8, 4, 4, 1]); // signatures
    extension(&mut extensions, 43, &[4, 3, 4, 3, 3]); // versions
    extension(&mut extensions, 51, &prefixed(&key_shares));

    let mut body = hello_start(random);
    body.extend_from_slice(&((CIPHER_SUITES.len() * 2) as u16).to_be_bytes());
    for suite in CIPHER_SUITES {
        body.extend_from_slice(&suite.to_be_bytes());
    }
    body.extend_from_slice(&[1, 0]);
    body.extend_from_slice(&prefixed(&extensions));
    message(1, &body)
}

/// A ClientHello for `host` as QUIC carries it (RFC 9001): the message without record. The key shares make it long, with `key_len`
/// bytes of a key beside the usual 32; 1184 is what ML-KEM-768 takes.
pub fn quic_client_hello(host: &str, user_agent: &str, key_len: usize, random: &mut Random) -> Vec<u8> {
    let mut server_name = ((host.len() + 3) as u16).to_be_bytes().to_vec();
    server_name.push(0);
    server_name.extend_from_slice(&prefixed(host.as_bytes()));
    let mut key = vec![0; key_len];
    random.fill(&mut key);
    let mut shares = vec![0x11, 0xec];
    shares.extend_from_slice(&prefixed(&key));
    shares.extend_from_slice(&[0, 29]);
    shares.extend_from_slice(&prefixed(&random.bytes::<32>()));
    // Idle timeout, initial limits of data, and Google's user agent.
    let mut parameters = vec![0x01, 4, 0x80, 0, 0x75, 0x30, 0x04, 4, 0x80, 0xf0, 0, 0];
    parameters.extend_from_slice(&[0x71, 0x29, user_agent.len() as u8]);
    parameters.extend_from_slice(user_agent.as_bytes());

    let mut extensions = Vec::with_capacity(256);
    extension(&mut extensions, 0, &server_name);
    extension(&mut extensions, 10, &[0, 4, 0x11, 0xec, 0, 29]);
    extension(&mut extensions, 16, b"\x00\x03\x02h3");
    extension(&mut extensions, 13, &[0, 4, 4, 3, 8, 4]);
    extension(&mut extensions, 51, &prefixed(&shares));
    extension(&mut extensions, 43, &[2, 3, 4]);
    extension(&mut extensions, 57, &parameters);

    let mut body = vec![3, 3];
    body.extend_from_slice(&random.bytes::<32>());
    body.extend_from_slice(&[0, 0, 2, 0x13, 0x01, 1, 0]);
    body.extend_from_slice(&prefixed(&extensions));
    message(1, &body)
}

/// A ServerHello record of TLS 1.3.
pub fn server_hello(random: &mut Random) -> Vec<u8> {
    let mut extensions = Vec::with_capacity(64);
    extension(&mut extensions, 43, &[3, 4]);
    let mut key_share = vec![0, 29, 0, 32];
    key_share.extend_from_slice(&random.bytes::<32>());
    extension(&mut extensions, 51, &key_share);
    let mut body = hello_start(random);
    body.extend_from_slice(&[0x13, 0x01, 0]);
    body.extend_from_slice(&prefixed(&extensions));
    record(&message(2, &body))
}

/// A ServerHello message of TLS 1.2 that chooses `protocol` (ALPN).
pub fn old_server_hello_message(protocol: &str, random: &mut Random) -> Vec<u8> {
    let mut name = vec![protocol.len() as u8];
    name.extend_from_slice(protocol.as_bytes());
    let mut extensions = Vec::new();
    extension(&mut extensions, 16, &prefixed(&name));
    let mut body = hello_start(random);
    body.extend_from_slice(&[0xc0, 0x2f, 0]);
    body.extend_from_slice(&prefixed(&extensions));
    message(2, &body)
}

/// A HelloRetryRequest record (RFC 8446 section 4.1.4), which asks for a key of another group.
pub fn retry_request() -> Vec<u8> {
    let random = b"\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\
                   \xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c";
    let mut extensions = Vec::new();
    extension(&mut extensions, 43, &[3, 4]);
    extension(&mut extensions, 51, &[0, 23]);
    let body = [&[3, 3], &random[..], &[0, 0x13, 0x01, 0], &prefixed(&extensions)].concat();
    record(&message(2, &body))
}

/// A Certificate message with these certificates.
pub fn certificate_message(certificates: &[Vec<u8>]) -> Vec<u8> {
    let list: Vec<u8> = certificates.iter().flat_map(|certificate| long_prefixed(certificate)).collect();
    message(11, &long_prefixed(&list))
}

/// A record of handshake messages, or of a part of one.
pub fn record(content: &[u8]) -> Vec<u8> {
    [&[22, 3, 1], &prefixed(content)[..]].concat()
}

/// A record that tells of a small mishap: an alert of the level warning.
pub fn warning() -> Vec<u8> {
    vec![21, 3, 1, 0, 2, 1, 112]
}

/// The ChangeCipherSpec record.
pub fn change_cipher_spec() -> Vec<u8> {
    vec![20, 3, 3, 0, 1, 1]
}

/// A record of encrypted data.
pub fn encrypted(len: usize, random: &mut Random) -> Vec<u8> {
    let mut content = vec![0; len];
    random.fill(&mut content);
    [&[23, 3, 3], &prefixed(&content)[..]].concat()
}

/// A handshake message.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind];
    message.extend_from_slice(&long_prefixed(body));
    message
}

/// `content` behind its length in three bytes.
fn long_prefixed(content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32).to_be_bytes()[1..], content].concat()
}

/// Version, random and session id, with which both hellos begin.
fn hello_start(random: &mut Random) -> Vec<u8> {
    let mut body = Vec::with_capacity(512);
    body.extend_from_slice(&[3, 3]);
    body.extend_from_slice(&random.bytes::<32>());
    body.push(32);
    body.extend_from_slice(&random.bytes::<32>());
    body
}

fn extension(out: &mut Vec<u8>, kind: u16, content: &[u8]) {
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&prefixed(content));
}

fn prefixed(content: &[u8]) -> Vec<u8> {
    let mut out = (content.len() as u16).to_be_bytes().to_vec();
    out.extend_from_slice(content);
    out
}
