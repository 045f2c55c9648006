//! A SYN flood, and flows that live inside one.

use std::net::{IpAddr, Ipv4Addr};

use crate::{
    frame,
    headers::{DATA_OPTIONS, SYN_OPTIONS, Tcp, flags},
    path::Path,
    pool::Pool,
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

/// See [`super::Shape::LiveInFlood`]. The live flows come from 172.16/12, the flood does not.
pub(super) struct LiveInFlood {
    flood: Flood,
    live: Pool<Live>,
    share: u64,
}

#[derive(Clone, Copy, Default)]
struct Live {
    packets: u32,
    next: [u32; 2],
}

impl LiveInFlood {
    pub(super) fn new(parameters: &Parameters) -> LiveInFlood {
        LiveInFlood {
            flood: Flood::new(parameters),
            live: Pool::new(parameters.flows),
            share: parameters.live_share,
        }
    }
}

impl Traffic for LiveInFlood {
    fn frame(&mut self, random: &mut Random, out: &mut Vec<u8>) {
        if !random.chance(self.share) {
            return self.flood.frame(random, out);
        }
        let place = random.below(self.live.len() as u64) as usize;
        let member = self.live.at(place);
        let from = Ipv4Addr::from_bits(172 << 24 | 16 << 16 | (member.id as u32 & 0xf_ffff));
        let to = Ipv4Addr::new(203, 0, 113, (member.id % 200) as u8 + 1);
        let port = 1024 + (member.id % 60_000) as u16;
        let live = &mut member.state;
        let step = live.packets;
        live.packets += 1;
        let forward = step.is_multiple_of(2);
        let path = Path::new(IpAddr::V4(from), port, IpAddr::V4(to), 443).directed(forward);
        let (mine, theirs) = (usize::from(!forward), usize::from(forward));
        let opening = step < 2;
        let payload: &[u8] = if step > 2 { &[0x55; 300] } else { &[] };
        let segment = Tcp {
            sequence: live.next[mine],
            acknowledgement: live.next[theirs],
            flags: match step {
                0 => flags::SYN,
                1 => flags::SYN | flags::ACK,
                _ => flags::ACK,
            },
            window: 64_240,
            options: if opening { &SYN_OPTIONS } else { &DATA_OPTIONS },
        };
        live.next[mine] = live.next[mine].wrapping_add(payload.len() as u32 + u32::from(opening));
        frame::tcp(out, &path, step as u16, &segment, payload);
        if step == 0 {
            self.live.begin();
        }
    }

    fn renew(&mut self) {
        self.live.renew();
    }

    fn flows_begun(&self) -> u64 {
        self.live.begun() + self.flood.flows_begun()
    }
}
