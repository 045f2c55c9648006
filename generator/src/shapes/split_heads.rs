//! HTTP heads and DNS over TCP, split over segments, reordered, sent twice.

use std::{net::Ipv4Addr, ops::Range};

use crate::{
    content::{self, dns, http},
    dialogue::{Dialogue, Segment},
    pool::Pool,
    random::Random,
    shapes::identity,
    traffic::{Parameters, Traffic},
};

/// See [`super::Shape::SplitHeads`].
pub(super) struct SplitHeads {
    pool: Pool<Script>,
    seed: u64,
}

/// What a flow has still to say; empty before its first packet.
#[derive(Default)]
struct Script {
    segments: Vec<Segment>,
    next: usize,
}

impl SplitHeads {
    pub(super) fn new(parameters: &Parameters) -> SplitHeads {
        SplitHeads { pool: Pool::new(parameters.flows), seed: parameters.seed }
    }
}

/// Segments of a conversation: handshake, a request and a response each in one to five pieces, the end. The pieces of one
/// message may change places, and one may be sent twice.
fn script(own: &mut Random, web: bool) -> Vec<Segment> {
    let number = own.below(5000);
    let name = content::host(number);
    let (request, response) = if web {
        (
            http::request(&name, &format!("/split/{number}"), 60 + number % 80),
            http::response("nginx/1.25", number, 0),
        )
    } else {
        let address = Ipv4Addr::new(198, 18, number as u8, 1);
        (
            dns::over_tcp(&dns::query(number as u16, &name)),
            dns::over_tcp(&dns::response(number as u16, &name, &[address])),
        )
    };
    let mut dialogue = Dialogue::new(own.next() as u32, own.next() as u32).handshake();
    let mut messages: Vec<Range<usize>> = Vec::new();
    let mut written = 3;
    for (forward, message) in [(true, request), (false, response)] {
        let cuts = cuts(own, message.len());
        dialogue = dialogue.pieces(forward, &message, &cuts);
        messages.push(written..written + cuts.len() + 1);
        written += cuts.len() + 1;
    }
    let mut segments = dialogue.close().segments();
    for message in messages.into_iter().rev() {
        let (first, count) = (message.start, message.len() as u64);
        if count > 1 && own.chance(30) {
            let piece = first + own.below(count - 1) as usize;
            segments.swap(piece, piece + 1);
        }
        if own.chance(20) {
            let again = segments[first + own.below(count) as usize].clone();
            segments.insert(message.end, again);
        }
    }
    segments
}

/// Up to four places to cut a message of this length at, ascending.
fn cuts(own: &mut Random, len: usize) -> Vec<usize> {
    let mut cuts: Vec<usize> = (0..own.below(5)).map(|_| 1 + own.below(len as u64 - 1) as usize).collect();
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

impl Traffic for SplitHeads {
    fn frame(&mut self, random: &mut Random, out: &mut Vec<u8>) {
        let place = random.below(self.pool.len() as u64) as usize;
        let member = self.pool.at(place);
        let mut own = identity::random_of(self.seed, member.id);
        let v6 = own.chance(15);
        let web = own.chance(70);
        let path = identity::path(&mut own, v6, if web { 80 } else { 53 });
        let first = member.state.segments.is_empty();
        if first {
            member.state.segments = script(&mut own, web);
        }
        let script = &mut member.state;
        script.segments[script.next].frame(&path, out);
        script.next += 1;
        let over = script.next == script.segments.len();
        if first {
            self.pool.begin();
        }
        if over {
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
