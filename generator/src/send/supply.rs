//! Where the frames come from.

use std::time::Duration;

use super::link::BATCH;
use crate::{pcap::Recording, random::Random, traffic::Traffic};

/// Frames, made ready in batches.
pub(super) trait Supply {
    /// Makes up to `most` frames ready, at most [`BATCH`], in place of those before; `elapsed` is how long sending has gone on. Says
    /// how many there are; none when all have been sent.
    fn prepare(&mut self, most: usize, elapsed: Duration) -> usize;

    /// A frame of those made ready.
    fn frame(&self, index: usize) -> &[u8];

    /// What makes the traffic, if it is made.
    fn traffic(&self) -> Option<&dyn Traffic> {
        None
    }
}

/// The frames of a file, once or again and again.
pub(super) struct Replay {
    recording: Recording,
    repeat: bool,
    /// Where the frames that are ready begin.
    start: usize,
    ready: usize,
}

impl Replay {
    pub(super) fn new(recording: Recording, repeat: bool) -> Replay {
        Replay { recording, repeat, start: 0, ready: 0 }
    }
}

impl Supply for Replay {
    fn prepare(&mut self, most: usize, _elapsed: Duration) -> usize {
        self.start += self.ready;
        if self.start == self.recording.len() && self.repeat {
            self.start = 0;
        }
        self.ready = most.min(BATCH).min(self.recording.len() - self.start);
        self.ready
    }

    fn frame(&self, index: usize) -> &[u8] {
        self.recording.frame(self.start + index)
    }
}

/// The frames of a shape, made while they are sent: nothing is repeated, however long it takes.
pub(super) struct Live {
    traffic: Box<dyn Traffic>,
    random: Random,
    new_flows: u64,
    renewed: u64,
    frames: Vec<Vec<u8>>,
}

impl Live {
    /// `new_flows` times a second the oldest flow gives its place to a new one.
    pub(super) fn new(traffic: Box<dyn Traffic>, random: Random, new_flows: u64) -> Live {
        let frames = (0..BATCH).map(|_| Vec::with_capacity(2048)).collect();
        Live { traffic, random, new_flows, renewed: 0, frames }
    }
}

impl Supply for Live {
    fn prepare(&mut self, most: usize, elapsed: Duration) -> usize {
        let due = (elapsed.as_micros() * u128::from(self.new_flows) / 1_000_000) as u64;
        while self.renewed < due {
            self.traffic.renew();
            self.renewed += 1;
        }
        let ready = most.min(BATCH);
        for frame in &mut self.frames[..ready] {
            self.traffic.frame(&mut self.random, frame);
        }
        ready
    }

    fn frame(&self, index: usize) -> &[u8] {
        &self.frames[index]
    }

    fn traffic(&self) -> Option<&dyn Traffic> {
        Some(self.traffic.as_ref())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{
        pcap::{ETHERNET, Writer},
        shapes::Shape,
        traffic::Parameters,
    };

    fn replay(frames: u8, repeat: bool) -> Replay {
        let mut writer = Writer::new(Vec::new(), ETHERNET).unwrap();
        for number in 0..frames {
            writer.write(0, &[number; 60]).unwrap();
        }
        Replay::new(Recording::new(writer.finish().unwrap()).unwrap(), repeat)
    }

    fn first_bytes(supply: &mut dyn Supply, most: usize, times: usize) -> Vec<Vec<u8>> {
        (0..times)
            .map(|_| {
                let ready = supply.prepare(most, Duration::ZERO);
                (0..ready).map(|index| supply.frame(index)[0]).collect()
            })
            .collect()
    }

    #[test]
    fn a_file_is_sent_once_and_then_there_is_nothing() {
        assert_eq!(first_bytes(&mut replay(5, false), 3, 4), [vec![0, 1, 2], vec![3, 4], vec![], vec![]]);
    }

    #[test]
    fn a_file_is_sent_again_and_again_if_asked() {
        assert_eq!(first_bytes(&mut replay(3, true), 2, 4), [vec![0, 1], vec![2], vec![0, 1], vec![2]]);
    }

    #[test]
    fn a_batch_is_never_too_large() {
        assert_eq!(replay(200, false).prepare(1000, Duration::ZERO), BATCH);
        let (parameters, mut random) = (Parameters::of(Shape::Flood), Random::new(7));
        let traffic = Shape::Flood.traffic(&parameters, &mut random);
        assert_eq!(Live::new(traffic, random, 0).prepare(1000, Duration::ZERO), BATCH);
    }

    #[test]
    fn a_shape_sends_what_a_capture_of_it_holds() {
        let parameters = Parameters { packets: 300, ..Parameters::of(Shape::Small) };
        let mut bytes = Vec::new();
        crate::traffic::generate(Shape::Small, &parameters, &mut bytes).unwrap();
        let recording = Recording::new(bytes).unwrap();
        let mut random = Random::new(parameters.seed);
        let traffic = Shape::Small.traffic(&parameters, &mut random);
        let mut live = Live::new(traffic, random, 0);
        for batch in 0..5 {
            assert_eq!(live.prepare(60, Duration::ZERO), 60);
            for index in 0..60 {
                assert!(live.frame(index) == recording.frame(batch * 60 + index));
            }
        }
    }
}
