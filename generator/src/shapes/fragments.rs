//! UDP datagrams in fragments.

use std::collections::VecDeque;

use crate::{
    fragment, frame,
    headers::{self, protocol},
    pool::Pool,
    random::Random,
    shapes::{filling, identity},
    traffic::{Parameters, Traffic},
};

/// See [`super::Shape::Fragments`].
pub(super) struct Fragments {
    /// The state: datagrams sent.
    pool: Pool<u32>,
    seed: u64,
    filling: Vec<u8>,
    waiting: VecDeque<Vec<u8>>,
}

/// Datagrams whose pieces travel interleaved.
const TOGETHER: usize = 4;

impl Fragments {
    pub(super) fn new(parameters: &Parameters, random: &mut Random) -> Fragments {
        let mut long = filling(random);
        long.extend_from_within(..);
        long.extend_from_within(..);
        Fragments {
            pool: Pool::new(parameters.flows),
            seed: parameters.seed,
            filling: long,
            waiting: VecDeque::new(),
        }
    }

    /// The frames of one datagram of a random flow: whole in a quarter of the cases, else in two to four pieces, of which the last
    /// comes first in one datagram of six, and two change places in another.
    fn datagram(&mut self, random: &mut Random) -> VecDeque<Vec<u8>> {
        let place = random.below(self.pool.len() as u64) as usize;
        let member = self.pool.at(place);
        let (id, sent) = (member.id, member.state);
        member.state += 1;
        if sent == 0 {
            self.pool.begin();
        }
        let mut own = identity::random_of(self.seed, id);
        let v6 = own.chance(30);
        let port = identity::high_port(&mut own);
        let path = identity::path(&mut own, v6, port);
        let pieces = if random.chance(25) { 1 } else { random.between(2, 5) as usize };
        let mut datagram = Vec::new();
        headers::udp(&mut datagram, &path, &self.filling[..1200 * pieces - 8]);
        let mut packets = if pieces == 1 {
            let mut packet = Vec::new();
            headers::ip(&mut packet, &path, protocol::UDP, datagram.len(), sent as u16);
            packet.extend_from_slice(&datagram);
            vec![packet]
        } else {
            fragment::fragments(&path, sent, protocol::UDP, &datagram, 1200)
        };
        match random.below(6) {
            0 => packets.rotate_right(1),
            1 if pieces > 2 => packets.swap(1, 2),
            _ => {}
        }
        packets
            .into_iter()
            .map(|packet| {
                let mut out = Vec::with_capacity(14 + packet.len());
                frame::ip_packet(&mut out, &path, &packet);
                out
            })
            .collect()
    }
}

impl Traffic for Fragments {
    fn frame(&mut self, random: &mut Random, out: &mut Vec<u8>) {
        if self.waiting.is_empty() {
            let mut datagrams: Vec<_> = (0..TOGETHER).map(|_| self.datagram(random)).collect();
            while datagrams.iter().any(|frames| !frames.is_empty()) {
                self.waiting.extend(datagrams.iter_mut().filter_map(VecDeque::pop_front));
            }
        }
        if let Some(frame) = self.waiting.pop_front() {
            *out = frame;
        }
    }

    fn renew(&mut self) {
        self.pool.renew();
    }

    fn flows_begun(&self) -> u64 {
        self.pool.begun()
    }
}
