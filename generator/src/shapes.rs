//! The shapes of traffic there are.

mod background;
mod conversations;
mod deep_stacks;
mod elephants;
mod endless_fragments;
mod endless_heads;
mod flood;
mod fragments;
mod identity;
mod small;
mod split_heads;
mod tunnels;
mod udp_flood;

use background::Background;

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
    /// Random datagrams of new flows to the ports where parsers listen, short ones and such of the size of QUIC's first.
    UdpFlood,
    /// Every packet what looks like the first of a new QUIC connection from outside.
    QuicFlood,
    /// HTTP heads and DNS messages over TCP that never end, in flows that fall silent and give way to others.
    EndlessHeads,
    /// Single fragments of IPv4 and IPv6 datagrams, most without ports.
    EndlessFragments,
    /// SYNs of new flows below 64 VLAN tags, MPLS labels or IPv6 extension headers, or GRE in GRE up to the MTU.
    DeepStacks,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Shape; 14] = [
        Shape::Imix,
        Shape::Small,
        Shape::Flood,
        Shape::Elephants,
        Shape::L7,
        Shape::Fragments,
        Shape::Tunnels,
        Shape::SplitHeads,
        Shape::LiveInFlood,
        Shape::UdpFlood,
        Shape::QuicFlood,
        Shape::EndlessHeads,
        Shape::EndlessFragments,
        Shape::DeepStacks,
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
            Shape::UdpFlood => "udp-flood",
            Shape::QuicFlood => "quic-flood",
            Shape::EndlessHeads => "endless-heads",
            Shape::EndlessFragments => "endless-fragments",
            Shape::DeepStacks => "deep-stacks",
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
            Shape::UdpFlood => "random datagrams of new flows to the ports where parsers listen",
            Shape::QuicFlood => "every packet what looks like the first of a new QUIC connection",
            Shape::EndlessHeads => "HTTP heads and DNS over TCP that never end, in ever new flows",
            Shape::EndlessFragments => "single fragments of datagrams that never become whole",
            Shape::DeepStacks => {
                "64 VLAN tags, MPLS labels or IPv6 extension headers; GRE in GRE up to the MTU"
            }
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
            Shape::Flood
            | Shape::UdpFlood
            | Shape::QuicFlood
            | Shape::EndlessFragments
            | Shape::DeepStacks => 1,
            Shape::EndlessHeads => 50_000,
            Shape::Elephants => 64,
            Shape::L7 | Shape::Tunnels => 20_000,
            Shape::Fragments => 5_000,
            Shape::SplitHeads => 2_000,
            Shape::LiveInFlood => 1_000,
        }
    }

    /// Whether there are flows of more than one packet.
    pub const fn keeps_flows(self) -> bool {
        self.usual_flows() > 1
    }

    /// What makes the packets, those of the background among them.
    pub fn traffic(self, parameters: &Parameters, random: &mut Random) -> Box<dyn Traffic> {
        let traffic = self.alone(parameters, random);
        match parameters.background {
            0 => traffic,
            share => Box::new(Background::fixed(traffic, share, parameters.background_flows)),
        }
    }

    fn alone(self, parameters: &Parameters, random: &mut Random) -> Box<dyn Traffic> {
        use conversations::{Conversations, Mix};
        match self {
            Shape::Imix => Box::new(Conversations::new(Mix::Internet, parameters, random)),
            Shape::L7 => Box::new(Conversations::new(Mix::Short, parameters, random)),
            Shape::Small => Box::new(small::Small::new(parameters)),
            Shape::Flood => Box::new(flood::Flood::new(parameters)),
            Shape::LiveInFlood => {
                let flood = Box::new(flood::Flood::new(parameters));
                Box::new(Background::renewed(flood, parameters.live_share, parameters.flows))
            }
            Shape::UdpFlood => {
                Box::new(udp_flood::UdpFlood::new(udp_flood::Kind::Random, parameters, random))
            }
            Shape::QuicFlood => Box::new(udp_flood::UdpFlood::new(udp_flood::Kind::Quic, parameters, random)),
            Shape::EndlessHeads => Box::new(endless_heads::EndlessHeads::new(parameters, random)),
            Shape::EndlessFragments => Box::new(endless_fragments::EndlessFragments::new(parameters, random)),
            Shape::DeepStacks => Box::new(deep_stacks::DeepStacks::new(parameters)),
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

/// Random bytes of which a piece from anywhere is as good as new ones, and much faster.
struct Filling(Vec<u8>);

impl Filling {
    /// The longest piece.
    const LONGEST: usize = 1500;

    fn new(random: &mut Random) -> Filling {
        let mut bytes = vec![0; 1 << 14];
        random.fill(&mut bytes);
        Filling(bytes)
    }

    /// Appends such a piece, so that `out` is `len` bytes long; at most [`Filling::LONGEST`] bytes are added.
    fn extend_to(&self, out: &mut Vec<u8>, len: usize, random: &mut Random) {
        let more = len.saturating_sub(out.len()).min(Filling::LONGEST);
        let start = random.below((self.0.len() - more) as u64) as usize;
        out.extend_from_slice(&self.0[start..start + more]);
    }
}
