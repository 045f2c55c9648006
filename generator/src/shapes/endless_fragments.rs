//! Fragments of datagrams that never become whole.

use crate::{
    fragment, frame,
    headers::{self, FragmentField, protocol},
    random::Random,
    shapes::{Filling, identity},
    traffic::{Parameters, Traffic},
};

/// See [`super::Shape::EndlessFragments`]. Every packet is the only fragment of a datagram of its own; one in eight is a first
/// one.
pub(super) struct EndlessFragments {
    seed: u64,
    sent: u64,
    filling: Filling,
    piece: Vec<u8>,
}

/// The longest piece, a multiple of 8.
const LONGEST: usize = 1400;

impl EndlessFragments {
    pub(super) fn new(parameters: &Parameters, random: &mut Random) -> EndlessFragments {
        EndlessFragments {
            seed: parameters.seed,
            sent: 0,
            filling: Filling::new(random),
            piece: Vec::with_capacity(LONGEST),
        }
    }
}

impl Traffic for EndlessFragments {
    fn frame(&mut self, _random: &mut Random, out: &mut Vec<u8>) {
        let mut own = identity::random_of(self.seed, self.sent);
        self.sent += 1;
        let v6 = own.chance(30);
        let port = identity::high_port(&mut own);
        let path = identity::path(&mut own, v6, port);
        let len = if own.chance(70) { 8 * own.between(1, 8) } else { 8 * own.between(8, 176) } as usize;
        let identification = own.next() as u32;
        self.piece.clear();
        // Between the longest first piece and the others there is always a gap, so that not even chance makes a datagram whole.
        let field = if own.chance(12) {
            headers::udp(&mut self.piece, &path, &[]);
            self.piece[4..6].copy_from_slice(&(8 * own.between(500, 8000) as u16).to_be_bytes());
            FragmentField { offset: 0, more: true }
        } else {
            FragmentField { offset: 2 * LONGEST + 8 * own.below(7000) as usize, more: own.chance(80) }
        };
        self.filling.extend_to(&mut self.piece, len, &mut own);
        let packet = fragment::fragment(&path, identification, protocol::UDP, &self.piece, field);
        frame::ip_packet(out, &path, &packet);
    }

    fn flows_begun(&self) -> u64 {
        self.sent
    }
}
