//! From a shape to a capture: the clock, the coming and going of flows, the file.

use std::{
    fmt,
    io::{self, Write},
};

use crate::{
    pcap::{self, Writer},
    random::Random,
    shapes::Shape,
};

/// When every generated capture begins, in microseconds since 1970.
pub const START_US: u64 = 1_700_000_000_000_000;

/// What to make.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// Packets in the capture.
    pub packets: u64,
    /// The same seed makes the same bytes.
    pub seed: u64,
    /// Flows that are active at the same time.
    pub flows: usize,
    /// How many times a second the oldest flow gives its place to a new one, beside those that end by themselves.
    pub new_flows: u64,
    /// Packets a second.
    pub rate: u64,
    /// Only for [`Shape::LiveInFlood`]: how many of 100 packets belong to live flows.
    pub live_share: u64,
    /// How many of 100 packets belong to the background, a fixed set of legitimate flows that live all the time.
    pub background: u64,
    /// How many flows the background has.
    pub background_flows: usize,
}

/// The flows of the background when nobody says how many.
pub const BACKGROUND_FLOWS: usize = 1000;

impl Parameters {
    /// The usual parameters of a shape.
    pub fn of(shape: Shape) -> Parameters {
        Parameters {
            packets: 1_000_000,
            seed: 7,
            flows: shape.usual_flows(),
            new_flows: 0,
            rate: 1_000_000,
            live_share: 50,
            background: 0,
            background_flows: BACKGROUND_FLOWS,
        }
    }
}

/// What a shape does, packet by packet.
pub trait Traffic {
    /// Replaces `out` by the next frame.
    fn frame(&mut self, random: &mut Random, out: &mut Vec<u8>);

    /// The oldest flow gives its place to a new one.
    fn renew(&mut self) {}

    /// Microseconds of silence before packet number `packet`.
    fn pause_us(&self, _packet: u64) -> u64 {
        0
    }

    /// Flows of which at least one packet was written.
    fn flows_begun(&self) -> u64;

    /// What was written of the background, if there is one.
    fn background(&self) -> Option<Background> {
        None
    }
}

/// What was made of legitimate flows beside something else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Background {
    /// Their packets.
    pub packets: u64,
    /// Flows of which at least one packet was written.
    pub flows: u64,
    /// Packets of the one of these that has the fewest.
    pub least: u64,
    /// Packets of the one that has the most.
    pub most: u64,
}

impl fmt::Display for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Background { packets, flows, least, most } = self;
        write!(f, "{packets} background packets in {flows} flows, {least} to {most} each")
    }
}

/// What was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Packets written.
    pub packets: u64,
    /// Their lengths on the wire.
    pub bytes: u64,
    /// Flows of which at least one packet was written.
    pub flows: u64,
    /// From the first packet to the last.
    pub duration_us: u64,
    /// What of all this is background, if there is one.
    pub background: Option<Background>,
}

/// Writes a capture of this shape.
///
/// # Errors
/// What the file says.
pub fn generate(shape: Shape, parameters: &Parameters, out: impl Write) -> io::Result<Summary> {
    let mut random = Random::new(parameters.seed);
    let mut traffic = shape.traffic(parameters, &mut random);
    let mut writer = Writer::new(out, pcap::ETHERNET)?;
    let mut frame = Vec::with_capacity(2048);
    let (mut silence_us, mut renewed, mut time_us) = (0, 0, START_US);
    for packet in 0..parameters.packets {
        let busy_us = (u128::from(packet) * 1_000_000 / u128::from(parameters.rate.max(1))) as u64;
        silence_us += traffic.pause_us(packet);
        time_us = START_US + busy_us + silence_us;
        let due = (u128::from(busy_us) * u128::from(parameters.new_flows) / 1_000_000) as u64;
        while renewed < due {
            traffic.renew();
            renewed += 1;
        }
        traffic.frame(&mut random, &mut frame);
        writer.write(time_us, &frame)?;
    }
    let summary = Summary {
        packets: writer.packets(),
        bytes: writer.bytes(),
        flows: traffic.flows_begun(),
        duration_us: time_us - START_US,
        background: traffic.background(),
    };
    writer.finish()?;
    Ok(summary)
}
