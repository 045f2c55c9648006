//! The shapes of traffic there are.

mod conversations;
mod elephants;
mod flood;
mod fragments;
mod identity;
mod small;
mod split_heads;
mod tunnels;

use crate::{
    random::Random,
    traffic::{Parameters, Traffic},
};

/// A shape of traffic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Heavy-tailed flows, IPv4 and IPv6, with HTTP, TLS and DNS openings; packet sizes as on a backbone.
    Imix,
    /// 64-byte frames spread evenly over many flows: bound by the flow table's cache misses.
    Small,
    /// Every packet the SYN of a new flow: bound by eviction.
    Flood,
    /// A few TCP flows of full-size packets.
    Elephants,
    /// Only short flows: HTTP transactions, TLS hellos, DNS pairs, QUIC-like datagrams: bound by parsers.
    L7,
    /// UDP datagrams in fragments, IPv4 and IPv6, in and out of order.
    Fragments,
    /// VLAN, QinQ, MPLS, EoMPLS, PPPoE, GRE and TRILL, alone and stacked.
    Tunnels,
    /// HTTP heads and DNS over TCP, split over segments, reordered, sent twice.
    SplitHeads,
    /// Flows that live inside a SYN flood.
    LiveInFlood,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Shape; 9] = [
        Shape::Imix,
        Shape::Small,
        Shape::Flood,
        Shape::Elephants,
        Shape::L7,
        Shape::Fragments,
        Shape::Tunnels,
        Shape::SplitHeads,
        Shape::LiveInFlood,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Shape::Imix => "imix",
            Shape::Small => "small",
            Shape::Flood => "flood",
            Shape::Elephants => "elephants",
            Shape::L7 => "l7",
            Shape::Fragments => "fragments",
            Shape::Tunnels => "tunnels",
            Shape::SplitHeads => "split-heads",
            Shape::LiveInFlood => "live-in-flood",
        }
    }

    /// One line for people.
    pub const fn about(self) -> &'static str {
        match self {
            Shape::Imix => "heavy-tailed flows, IPv4 and IPv6, HTTP, TLS and DNS openings, mixed sizes",
            Shape::Small => "64-byte frames spread evenly over many flows",
            Shape::Flood => "every packet the SYN of a new flow",
            Shape::Elephants => "a few TCP flows of full-size packets",
            Shape::L7 => "only short flows: HTTP, TLS hellos, DNS pairs, QUIC-like datagrams",
            Shape::Fragments => "UDP datagrams in fragments, IPv4 and IPv6, in and out of order",
            Shape::Tunnels => "VLAN, QinQ, MPLS, EoMPLS, PPPoE, GRE and TRILL, alone and stacked",
            Shape::SplitHeads => "HTTP heads and DNS over TCP, split over segments, reordered, sent twice",
            Shape::LiveInFlood => "flows that live inside a SYN flood",
        }
    }

    /// The shape of this name.
    pub fn named(name: &str) -> Option<Shape> {
        Shape::ALL.into_iter().find(|shape| shape.name() == name)
    }

    /// How many flows are active at the same time unless asked otherwise.
    pub const fn usual_flows(self) -> usize {
        match self {
            Shape::Imix => 60_000,
            Shape::Small => 1 << 20,
            Shape::Flood => 1,
            Shape::Elephants => 64,
            Shape::L7 | Shape::Tunnels => 20_000,
            Shape::Fragments => 5_000,
            Shape::SplitHeads => 2_000,
            Shape::LiveInFlood => 1_000,
        }
    }

    /// What makes the packets.
    pub fn traffic(self, parameters: &Parameters, random: &mut Random) -> Box<dyn Traffic> {
        use conversations::{Conversations, Mix};
        match self {
            Shape::Imix => Box::new(Conversations::new(Mix::Internet, parameters, random)),
            Shape::L7 => Box::new(Conversations::new(Mix::Short, parameters, random)),
            Shape::Small => Box::new(small::Small::new(parameters)),
            Shape::Flood => Box::new(flood::Flood::new(parameters)),
            Shape::LiveInFlood => Box::new(flood::LiveInFlood::new(parameters)),
            Shape::Elephants => Box::new(elephants::Elephants::new(parameters, random)),
            Shape::Fragments => Box::new(fragments::Fragments::new(parameters, random)),
            Shape::Tunnels => Box::new(tunnels::Tunnels::new(parameters, random)),
            Shape::SplitHeads => Box::new(split_heads::SplitHeads::new(parameters)),
        }
    }
}

/// Bytes without meaning for payloads, made once per capture.
fn filling(random: &mut Random) -> Vec<u8> {
    let mut bytes = vec![0; 1500];
    random.fill(&mut bytes);
    bytes
}
