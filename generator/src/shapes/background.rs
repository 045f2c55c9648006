//! Legitimate flows beside other traffic.

use std::net::{IpAddr, Ipv4Addr};

use crate::{
    content::{self, http},
    frame,
    headers::{DATA_OPTIONS, SYN_OPTIONS, Tcp, flags},
    path::Path,
    pool::Pool,
    random::{Random, mix},
    traffic::{self, Traffic},
};

/// Some traffic, and a share of packets that belong to flows which live all the time: three of four are TCP, opened by an
/// HTTP request and its response, of which no end is ever seen, the fourth is UDP. Their clients are in 172.16.0.0/12, one for each
/// flow (up to a million), and no shape uses these addresses otherwise; their servers are in 203.0.113.0/24.
pub(super) struct Background {
    other: Box<dyn Traffic>,
    flows: Pool<Flow>,
    /// Of 100 packets.
    share: u64,
    renewed: bool,
    packets: u64,
    /// The fewest and the most packets of a flow that had to give its place to a new one.
    ended: Option<(u64, u64)>,
}

#[derive(Clone, Copy, Default)]
struct Flow {
    packets: u64,
    /// The sequence numbers that client and server use next.
    next: [u32; 2],
}

impl Background {
    /// A fixed set of flows; the oldest flow that gives its place to a new one is one of the other traffic.
    pub(super) fn fixed(other: Box<dyn Traffic>, share: u64, flows: usize) -> Background {
        Background { other, flows: Pool::new(flows), share, renewed: false, packets: 0, ended: None }
    }

    /// The oldest flow that gives its place to a new one is one of these.
    pub(super) fn renewed(other: Box<dyn Traffic>, share: u64, flows: usize) -> Background {
        Background { renewed: true, ..Background::fixed(other, share, flows) }
    }
}

/// The bytes that a TCP flow's server sends at once.
const DATA: [u8; 300] = [0x55; 300];

/// What the server announces: more than it will ever send.
const BODY: usize = 1 << 40;

/// The next packet of a flow.
fn packet(id: u64, flow: &mut Flow, out: &mut Vec<u8>) {
    let from = Ipv4Addr::from_bits(172 << 24 | 16 << 16 | (id as u32 & 0xf_ffff));
    let to = Ipv4Addr::new(203, 0, 113, (id % 200) as u8 + 1);
    let from_port = 1024 + (id % 60_000) as u16;
    let step = flow.packets;
    flow.packets += 1;
    // After the handshake and the request, the client acknowledges what the server sends, piece by piece.
    let forward = match step {
        0..=4 => matches!(step, 0 | 2 | 3),
        _ => !step.is_multiple_of(2),
    };
    if id % 4 == 3 {
        let path = Path::new(IpAddr::V4(from), from_port, IpAddr::V4(to), 40_000).directed(forward);
        return frame::udp(out, &path, step as u16, &DATA[..if forward { 60 } else { 300 }]);
    }
    if step == 0 {
        let numbers = mix(id);
        flow.next = [numbers as u32, (numbers >> 32) as u32];
    }
    let message = match step {
        3 => http::request(&content::host(id), "/live", 100),
        4 => http::response("live", id, BODY),
        _ => Vec::new(),
    };
    let payload = if step > 4 && !forward { &DATA[..] } else { &message };
    let (mine, theirs) = (usize::from(!forward), usize::from(forward));
    let opening = step < 2;
    let segment = Tcp {
        sequence: flow.next[mine],
        acknowledgement: if step == 0 { 0 } else { flow.next[theirs] },
        flags: match step {
            0 => flags::SYN,
            1 => flags::SYN | flags::ACK,
            _ if payload.is_empty() => flags::ACK,
            _ => flags::PSH | flags::ACK,
        },
        window: 64_240,
        options: if opening { &SYN_OPTIONS } else { &DATA_OPTIONS },
    };
    flow.next[mine] = flow.next[mine].wrapping_add(payload.len() as u32 + u32::from(opening));
    let path = Path::new(IpAddr::V4(from), from_port, IpAddr::V4(to), 80).directed(forward);
    frame::tcp(out, &path, step as u16, &segment, payload);
}

impl Traffic for Background {
    fn frame(&mut self, random: &mut Random, out: &mut Vec<u8>) {
        if !random.chance(self.share) {
            return self.other.frame(random, out);
        }
        let place = random.below(self.flows.len() as u64) as usize;
        let member = self.flows.at(place);
        packet(member.id, &mut member.state, out);
        self.packets += 1;
        if member.state.packets == 1 {
            self.flows.begin();
        }
    }

    fn renew(&mut self) {
        if !self.renewed {
            return self.other.renew();
        }
        let packets = self.flows.at(self.flows.oldest()).state.packets;
        if packets > 0 {
            let (least, most) = self.ended.unwrap_or((packets, packets));
            self.ended = Some((least.min(packets), most.max(packets)));
        }
        self.flows.renew();
    }

    fn pause_us(&self, packet: u64) -> u64 {
        self.other.pause_us(packet)
    }

    fn flows_begun(&self) -> u64 {
        self.flows.begun() + self.other.flows_begun()
    }

    fn background(&self) -> Option<traffic::Background> {
        let present = self.flows.iter().map(|member| member.state.packets).filter(|&packets| packets > 0);
        let (ended_least, ended_most) = self.ended.unwrap_or((u64::MAX, 0));
        let (least, most) = present.fold((ended_least, ended_most), |(least, most), packets| {
            (least.min(packets), most.max(packets))
        });
        let flows = self.flows.begun();
        let least = if flows == 0 { 0 } else { least };
        Some(traffic::Background { packets: self.packets, flows, least, most })
    }
}
