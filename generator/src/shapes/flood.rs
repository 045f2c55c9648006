//! A SYN flood.

use crate::{
    frame,
    headers::{SYN_OPTIONS, Tcp, flags},
    random::Random,
    shapes::identity,
    traffic::{Parameters, Traffic},
};

/// See [`super::Shape::Flood`].
pub(super) struct Flood {
    seed: u64,
    sent: u64,
}

impl Flood {
    pub(super) fn new(parameters: &Parameters) -> Flood {
        Flood { seed: parameters.seed, sent: 0 }
    }
}

impl Traffic for Flood {
    fn frame(&mut self, _random: &mut Random, out: &mut Vec<u8>) {
        let mut own = identity::random_of(self.seed, self.sent);
        let port = identity::high_port(&mut own);
        let path = identity::path(&mut own, false, port);
        let number = own.next();
        let segment = Tcp {
            sequence: number as u32,
            acknowledgement: 0,
            flags: flags::SYN,
            window: 64_240,
            options: &SYN_OPTIONS,
        };
        frame::tcp(out, &path, (number >> 32) as u16, &segment, &[]);
        self.sent += 1;
    }

    fn flows_begun(&self) -> u64 {
        self.sent
    }
}
