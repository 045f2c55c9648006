//! A few TCP flows of full-size packets.

use crate::{
    frame,
    headers::{DATA_OPTIONS, SYN_OPTIONS, Tcp, flags},
    pool::Pool,
    random::Random,
    shapes::{filling, identity},
    traffic::{Parameters, Traffic},
};

/// See [`super::Shape::Elephants`].
pub(super) struct Elephants {
    pool: Pool<Elephant>,
    seed: u64,
    filling: Vec<u8>,
}

#[derive(Clone, Copy, Default)]
struct Elephant {
    step: u8,
    next: [u32; 2],
}

impl Elephants {
    pub(super) fn new(parameters: &Parameters, random: &mut Random) -> Elephants {
        Elephants { pool: Pool::new(parameters.flows), seed: parameters.seed, filling: filling(random) }
    }
}

impl Traffic for Elephants {
    fn frame(&mut self, random: &mut Random, out: &mut Vec<u8>) {
        let place = random.below(self.pool.len() as u64) as usize;
        let member = self.pool.at(place);
        let mut own = identity::random_of(self.seed, member.id);
        let v6 = own.chance(15);
        let path = identity::path(&mut own, v6, 443);
        let elephant = &mut member.state;
        let step = elephant.step;
        elephant.step = step.saturating_add(1);
        let (forward, bits) = match step {
            0 => (true, flags::SYN),
            1 => (false, flags::SYN | flags::ACK),
            2 => (true, flags::ACK),
            _ => (random.chance(25), flags::ACK),
        };
        let full = if v6 { 1428 } else { 1448 };
        let payload = if step > 2 && !forward { &self.filling[..full] } else { &[] };
        let (mine, theirs) = (usize::from(!forward), usize::from(forward));
        let opening = step < 2;
        let segment = Tcp {
            sequence: elephant.next[mine],
            acknowledgement: elephant.next[theirs],
            flags: bits,
            window: 64_240,
            options: if opening { &SYN_OPTIONS } else { &DATA_OPTIONS },
        };
        elephant.next[mine] = elephant.next[mine].wrapping_add(payload.len() as u32 + u32::from(opening));
        frame::tcp(out, &path.directed(forward), random.next() as u16, &segment, payload);
        if step == 0 {
            self.pool.begin();
        }
    }

    fn renew(&mut self) {
        self.pool.renew();
    }

    fn flows_begun(&self) -> u64 {
        self.pool.begun()
    }
}
