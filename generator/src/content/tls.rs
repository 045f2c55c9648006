//! TLS hellos (RFC 8446), as far as a probe reads them.

use crate::random::Random;

const CIPHER_SUITES: [u16; 15] = [
    0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d,
    0x002f, 0x0035,
];

/// A ClientHello record for `host`.
pub fn client_hello(host: &str, random: &mut Random) -> Vec<u8> {
    let mut extensions = Vec::with_capacity(256);
    let mut server_name = ((host.len() + 3) as u16).to_be_bytes().to_vec();
    server_name.push(0);
    server_name.extend_from_slice(&prefixed(host.as_bytes()));
    let mut key_share = vec![0, 36, 0, 29, 0, 32];
    key_share.extend_from_slice(&random.bytes::<32>());
    extension(&mut extensions, 0, &server_name);
    extension(&mut extensions, 23, &[]); // extended master secret
    extension(&mut extensions, 10, &[0, 6, 0, 29, 0, 23, 0, 24]); // groups
    extension(&mut extensions, 11, &[1, 0]); // point formats
    extension(&mut extensions, 16, b"\x00\x0c\x02h2\x08http/1.1"); // ALPN
    extension(&mut extensions, 13, &[0, 6, 4, 3, 8, 4, 4, 1]); // signatures
    extension(&mut extensions, 43, &[4, 3, 4, 3, 3]); // versions
    extension(&mut extensions, 51, &key_share);

    let mut body = hello_start(random);
    body.extend_from_slice(&((CIPHER_SUITES.len() * 2) as u16).to_be_bytes());
    for suite in CIPHER_SUITES {
        body.extend_from_slice(&suite.to_be_bytes());
    }
    body.extend_from_slice(&[1, 0]);
    body.extend_from_slice(&prefixed(&extensions));
    record(1, &body)
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

/// A ServerHello record.
pub fn server_hello(random: &mut Random) -> Vec<u8> {
    let mut extensions = Vec::with_capacity(64);
    extension(&mut extensions, 43, &[3, 4]);
    let mut key_share = vec![0, 29, 0, 32];
    key_share.extend_from_slice(&random.bytes::<32>());
    extension(&mut extensions, 51, &key_share);
    let mut body = hello_start(random);
    body.extend_from_slice(&[0x13, 0x01, 0]);
    body.extend_from_slice(&prefixed(&extensions));
    record(2, &body)
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

/// A handshake record with one message.
fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![22, 3, 1];
    out.extend_from_slice(&prefixed(&message(kind, body)));
    out
}

/// A handshake message.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind, 0];
    out.extend_from_slice(&prefixed(body));
    out
}
