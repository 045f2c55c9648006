//! 64-byte frames spread evenly over many flows.

use crate::{
    frame,
    headers::{DATA_OPTIONS, SYN_OPTIONS, Tcp, flags},
    pool::Pool,
    random::Random,
    shapes::identity,
    traffic::{Parameters, Traffic},
};

/// See [`super::Shape::Small`].
pub(super) struct Small {
    /// The state: whether the flow has begun.
    pool: Pool<bool>,
    seed: u64,
}

impl Small {
    pub(super) fn new(parameters: &Parameters) -> Small {
        Small { pool: Pool::new(parameters.flows), seed: parameters.seed }
    }
}

impl Traffic for Small {
    fn frame(&mut self, random: &mut Random, out: &mut Vec<u8>) {
        let place = random.below(self.pool.len() as u64) as usize;
        let member = self.pool.at(place);
        let first = !std::mem::replace(&mut member.state, true);
        let mut own = identity::random_of(self.seed, member.id);
        let tcp = own.chance(70);
        let port = identity::high_port(&mut own);
        let forward = first || random.chance(50);
        let path = identity::path(&mut own, false, port).directed(forward);
        let number = random.next();
        if tcp {
            let segment = Tcp {
                sequence: number as u32,
                acknowledgement: if first { 0 } else { (number >> 32) as u32 },
                flags: if first { flags::SYN } else { flags::ACK },
                window: 64_240,
                options: if first { &SYN_OPTIONS } else { &DATA_OPTIONS },
            };
            frame::tcp(out, &path, number as u16, &segment, &[]);
        } else {
            frame::udp(out, &path, number as u16, &[0x55; 18]);
        }
        if first {
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
