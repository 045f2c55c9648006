//! Makes all frames ready before the first one is due.

use std::{path::PathBuf, time::Duration};

use super::pool::{HEADER, LONGEST, Pool, SHORTEST};
use crate::{
    random::Random,
    send::{
        Material, Repeat, SendError, Sender, Settings,
        link::BATCH,
        supply::{Live, Supply},
    },
    shapes::Shape,
    traffic::Parameters,
};

/// The most memory for frames, in bytes.
const MOST: usize = 1 << 30;

/// The memory for a shape that may repeat itself, in bytes.
const ROUND: usize = 256 << 20;

/// The frames, and whether they are to be sent again and again. Frames left out are counted in the report.
pub(super) fn prepare(sender: &mut Sender<'_>, material: &Material) -> Result<(Pool, bool), SendError> {
    match material {
        Material::File(path, repeat) => Ok((of_file(sender, path)?, *repeat == Repeat::Forever)),
        Material::Shape(shape, parameters) => of_shape(sender, *shape, parameters),
    }
}

fn longest(sender: &Sender<'_>) -> usize {
    sender.link.longest().min(LONGEST)
}

fn of_file(sender: &mut Sender<'_>, path: &PathBuf) -> Result<Pool, SendError> {
    let recording = sender.load(path, longest(sender))?;
    let most =
        sender.settings.packets.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
    let mut pool = Pool::new();
    for number in 0..recording.len().min(most) {
        pool.push(recording.frame(number));
        if pool.size() > MOST {
            return Err(SendError::TooMuch(MOST));
        }
    }
    Ok(pool)
}

fn of_shape(
    sender: &mut Sender<'_>,
    shape: Shape,
    parameters: &Parameters,
) -> Result<(Pool, bool), SendError> {
    let refuse = |why| SendError::NotAhead { shape: shape.name(), why };
    if parameters.background > 0 || shape == Shape::LiveInFlood {
        return Err(refuse("its background is counted as it is sent"));
    }
    if parameters.new_flows > 0 {
        return Err(refuse("its new flows come while it is sent"));
    }
    let (wanted, repeats) = (wanted(sender.settings), may_repeat(shape));
    if wanted.is_none() && !repeats {
        return Err(refuse("its flows are always new, so that it needs --count, or --pps and --seconds"));
    }
    let least = wanted.unwrap_or(0).saturating_mul((HEADER + SHORTEST) as u64);
    if !repeats && least > MOST as u64 {
        return Err(SendError::TooMuch(MOST));
    }
    let longest = longest(sender);
    let mut random = Random::new(parameters.seed);
    let traffic = shape.traffic(parameters, &mut random);
    let mut live = Live::new(traffic, random, 0);
    let mut pool = Pool::new();
    loop {
        for index in 0..live.prepare(BATCH, Duration::ZERO) {
            if wanted == Some(pool.frames()) {
                return Ok((pool, false));
            }
            if repeats && pool.size() > ROUND {
                return Ok((pool, true));
            }
            let frame = live.frame(index);
            if frame.len() <= longest {
                pool.push(frame);
            } else if sender.settings.skip_long {
                sender.report.skipped += 1;
            } else {
                return Err(sender.too_long(frame, longest));
            }
        }
        if pool.size() > MOST {
            return Err(SendError::TooMuch(MOST));
        }
    }
}

/// How many frames are needed, if that can be known.
fn wanted(settings: &Settings) -> Option<u64> {
    let in_time = settings.duration.filter(|_| settings.rate > 0).map(|duration| {
        let frames = (duration.as_nanos() * u128::from(settings.rate)).div_ceil(1_000_000_000);
        u64::try_from(frames).unwrap_or(u64::MAX)
    });
    settings.packets.into_iter().chain(in_time).min()
}

/// Whether a shape stays what it is when its flows begin again.
fn may_repeat(shape: Shape) -> bool {
    match shape {
        Shape::Imix
        | Shape::Small
        | Shape::Elephants
        | Shape::L7
        | Shape::Fragments
        | Shape::Tunnels
        | Shape::SplitHeads => true,
        Shape::Flood
        | Shape::LiveInFlood
        | Shape::UdpFlood
        | Shape::QuicFlood
        | Shape::EndlessHeads
        | Shape::EndlessFragments
        | Shape::DeepStacks => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_follows_from_the_count_or_from_rate_and_time() {
        let settings = |rate, packets, duration: Option<u64>| Settings {
            interface: String::new(),
            rate,
            packets,
            duration: duration.map(Duration::from_millis),
            cpu: None,
            skip_long: false,
        };
        assert_eq!(wanted(&settings(0, None, Some(1000))), None);
        assert_eq!(wanted(&settings(1000, None, None)), None);
        assert_eq!(wanted(&settings(0, Some(5), Some(1000))), Some(5));
        assert_eq!(wanted(&settings(3, None, Some(1500))), Some(5));
        assert_eq!(wanted(&settings(3, Some(9), Some(1500))), Some(5));
    }
}
