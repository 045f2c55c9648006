//! A capture thread: from the source to the pipeline.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use weir_flow::{KeyHasher, Packet};
use weir_input::parse::{SkipCounters, parse};
use weir_input::{CapturedFrame, Lease, Poll, Source, SourceError};
use weir_storage::clock::Tick;
use weir_storage::fragments::FragmentCounters;
use weir_storage::{Clock, FragmentCache};

use super::pipeline::Pipeline;
use super::wait::Wait;

/// What a capture thread needs besides its source and its pipeline.
pub(crate) struct CaptureSettings<'a> {
    /// Frames per poll (`-q`).
    pub(crate) batch: usize,
    /// Parsed packets after which the input ends, 0 for no limit (`-c`).
    pub(crate) most_packets: u64,
    pub(crate) inactive_s: u32,
    pub(crate) hasher: KeyHasher,
    pub(crate) fragments: Option<FragmentCache>,
    /// Set when the program is to end.
    pub(crate) stop: &'a AtomicBool,
    /// Bytes of the file read so far, for the progress line.
    pub(crate) progress: &'a AtomicU64,
}

/// What a capture thread leaves behind.
pub(crate) struct CaptureEnd {
    pub(crate) packets: u64,
    pub(crate) parsed: u64,
    /// Sum of wire lengths of parsed packets.
    pub(crate) bytes: u64,
    pub(crate) skipped: SkipCounters,
    pub(crate) fragments: FragmentCounters,
    pub(crate) storage_time: Duration,
    pub(crate) result: Result<(), SourceError>,
}

/// The loop of a capture thread: until the source ends, fails, has given enough, or the program is to end.
pub(crate) fn run<P: Pipeline>(
    source: &mut dyn Source,
    pipeline: &mut P,
    mut settings: CaptureSettings<'_>,
) -> CaptureEnd {
    let mut end = CaptureEnd {
        packets: 0,
        parsed: 0,
        bytes: 0,
        skipped: SkipCounters::default(),
        fragments: FragmentCounters::default(),
        storage_time: Duration::ZERO,
        result: Ok(()),
    };
    let mut clock = Clock::new(settings.inactive_s);
    let mut frames: Vec<CapturedFrame> = Vec::with_capacity(settings.batch);
    // Parsed in place: what the parser accepts it writes whole.
    let mut packets = vec![Packet::default(); settings.batch];
    let mut wait = Wait::alert();
    let mut current = None;
    while !settings.stop.load(Ordering::Relaxed) {
        let left = match settings.most_packets {
            0 => usize::MAX,
            most => (most - end.parsed).min(usize::MAX as u64) as usize,
        };
        if left == 0 {
            break;
        }
        frames.clear();
        let lease = match source.poll(&mut frames, settings.batch.min(left)) {
            Ok(Poll::Frames(lease)) => lease,
            Ok(Poll::Idle) => {
                // Perhaps the source waits for what it has lent.
                pipeline.flush();
                give_back(source, pipeline, current);
                wait.idle();
                continue;
            }
            Ok(Poll::End) => break,
            Err(error) => {
                end.result = Err(error);
                break;
            }
        };
        wait.worked();
        current = Some(lease);
        end.packets += frames.len() as u64;
        let mut parsed = 0;
        for frame in &frames {
            let packet = &mut packets[parsed];
            let fragment = match parse(frame, packet) {
                Ok(fragment) => fragment,
                Err(skipped) => {
                    end.skipped.add(skipped);
                    continue;
                }
            };
            parsed += 1;
            end.bytes += frame.wire_len as u64;
            if let (Some(fragment), Some(cache)) = (fragment, &mut settings.fragments) {
                cache.take_in(packet, fragment);
            }
            packet.hash = settings.hasher.hash(&packet.key);
            match clock.observe(packet.time) {
                Tick::Now(now_s) => packet.clock_s = now_s,
                Tick::Restart { ended_s, now_s } => {
                    packet.clock_s = now_s;
                    end.parsed += parsed as u64 - 1;
                    pipeline.take(&packets[..parsed - 1], lease);
                    pipeline.restart(ended_s);
                    packets.swap(0, parsed - 1);
                    parsed = 1;
                }
            }
        }
        end.parsed += parsed as u64;
        pipeline.take(&packets[..parsed], lease);
        give_back(source, pipeline, current);
        if let Some((read, _)) = source.progress() {
            settings.progress.store(read, Ordering::Relaxed);
        }
    }
    pipeline.end(clock.now_s());
    give_back(source, pipeline, None);
    end.storage_time = pipeline.storage_time();
    if let Some(cache) = &settings.fragments {
        end.fragments = cache.counters();
    }
    end
}

/// Gives the leases back that no packet under way lies in any more. `current` is still being filled.
fn give_back<P: Pipeline>(source: &mut dyn Source, pipeline: &mut P, current: Option<Lease>) {
    while let Some(free) = pipeline.free_lease(current) {
        source.give_back(free);
    }
}
