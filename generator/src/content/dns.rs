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

/// A resource record.
#[derive(Clone, Debug)]
pub struct Record {
    /// The name it is about.
    pub owner: &'static str,
    /// Its type.
    pub kind: u16,
    /// Its data.
    pub data: Vec<u8>,
}

/// A message with questions (name, type) and answers, names in full. `flags` are those of the header.
pub fn message(id: u16, flags: u16, questions: &[(&str, u16)], answers: &[Record]) -> Vec<u8> {
    let mut out = Vec::new();
    let [questions_count, answers_count] = [questions.len(), answers.len()].map(|count| count as u16);
    for number in [id, flags, questions_count, answers_count, 0, 0] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    for (asked, kind) in questions {
        out.extend(name(asked));
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&[0, 1]);
    }
    for Record { owner, kind, data } in answers {
        out.extend(name(owner));
        out.extend_from_slice(&kind.to_be_bytes());
        // IN, 300 s.
        out.extend_from_slice(&[0, 1, 0, 0, 1, 44]);
        out.extend_from_slice(&(data.len() as u16).to_be_bytes());
        out.extend_from_slice(data);
    }
    out
}

/// A name as it is in messages, without compression; the empty one is the root.
pub fn name(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        out.push(label.len() as u8);
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
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

fn question(out: &mut Vec<u8>, asked: &str) {
    out.extend(name(asked));
    out.extend_from_slice(&[0, 1, 0, 1]);
}
