//! TCP messages that begin and never end.

use crate::{
    content::{self, dns},
    frame,
    headers::{DATA_OPTIONS, SYN_OPTIONS, Tcp, flags},
    path::Path,
    pool::Pool,
    random::Random,
    shapes::{Filling, identity},
    traffic::{Parameters, Traffic},
};

/// See [`super::Shape::EndlessHeads`]. Every flow falls silent after a while, without a FIN, and a new one takes its place.
pub(super) struct EndlessHeads {
    pool: Pool<Progress>,
    seed: u64,
    filling: Filling,
    payload: Vec<u8>,
}

#[derive(Clone, Copy, Default)]
struct Progress {
    segments: u32,
    /// Bytes that the client has sent.
    said: u32,
}

/// Segments of the handshake.
const HANDSHAKE: u32 = 3;

/// The length that a DNS message over TCP announces, and never has.
pub(super) const ANNOUNCED: u16 = u16::MAX;

impl EndlessHeads {
    pub(super) fn new(parameters: &Parameters, random: &mut Random) -> EndlessHeads {
        EndlessHeads {
            pool: Pool::new(parameters.flows),
            seed: parameters.seed,
            filling: Filling::new(random),
            payload: Vec::with_capacity(1500),
        }
    }
}

/// The next piece of a message: the beginning of one, or more of it. The pieces of a DNS message are together shorter than what was
/// announced.
fn piece(web: bool, id: u64, said: u32, random: &mut Random, filling: &Filling, out: &mut Vec<u8>) {
    let len = random.between(20, 1000) as usize;
    match (web, said) {
        (true, 0) => {
            out.extend_from_slice(format!("GET /{id} HTTP/1.1\r\nHost: {}\r\n", content::host(id)).as_bytes())
        }
        (true, _) => {
            out.extend_from_slice(format!("X-{said}: ").as_bytes());
            let start = out.len();
            filling.extend_to(out, start + len, random);
            // Visible characters: nothing in a value ends the line, or makes the head an error.
            for byte in &mut out[start..] {
                *byte = b'a' + *byte % 26;
            }
            out.extend_from_slice(b"\r\n");
        }
        (false, 0) => {
            out.extend_from_slice(&ANNOUNCED.to_be_bytes());
            out.extend_from_slice(&dns::query(id as u16, &content::host(id)));
        }
        (false, _) => filling.extend_to(out, len, random),
    }
}

impl Traffic for EndlessHeads {
    fn frame(&mut self, random: &mut Random, out: &mut Vec<u8>) {
        let place = random.below(self.pool.len() as u64) as usize;
        let member = self.pool.at(place);
        let mut own = identity::random_of(self.seed, member.id);
        let v6 = own.chance(15);
        let web = own.chance(60);
        let path: Path = identity::path(&mut own, v6, if web { 80 } else { 53 });
        let (client, server) = (own.next() as u32, own.next() as u32);
        let last = HANDSHAKE + own.between(2, 60) as u32;
        let (id, Progress { segments, said }) = (member.id, member.state);
        self.payload.clear();
        let forward = segments != 1;
        if segments >= HANDSHAKE {
            piece(web, id, said, random, &self.filling, &mut self.payload);
        }
        let (mine, theirs) = match segments {
            0 => (client, 0),
            1 => (server, client.wrapping_add(1)),
            _ => (client.wrapping_add(1).wrapping_add(said), server.wrapping_add(1)),
        };
        let segment = Tcp {
            sequence: mine,
            acknowledgement: theirs,
            flags: match segments {
                0 => flags::SYN,
                1 => flags::SYN | flags::ACK,
                2 => flags::ACK,
                _ => flags::PSH | flags::ACK,
            },
            window: 64_240,
            options: if segments < 2 { &SYN_OPTIONS } else { &DATA_OPTIONS },
        };
        frame::tcp(out, &path.directed(forward), segments as u16, &segment, &self.payload);
        member.state = Progress { segments: segments + 1, said: said + self.payload.len() as u32 };
        if segments == 0 {
            self.pool.begin();
        }
        if segments + 1 == last {
            self.pool.replace(place);
        }
    }

    fn renew(&mut self) {
        self.pool.renew();
    }

    fn flows_begun(&self) -> u64 {
        self.pool.begun()
    }
}
