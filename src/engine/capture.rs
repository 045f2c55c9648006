//! A capture thread: from the source to the pipeline.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use weir_flow::packet::Fragment;
use weir_flow::{Decapsulation, KeyHasher, Packet, TunnelSet};
use weir_input::parse::{Parsed, parse_decapsulated, parse_opening};
use weir_input::{CapturedFrame, Lease, Poll, Source, SourceError};
use weir_storage::clock::Tick;
use weir_storage::{Clock, FragmentCache};

use super::ledger::CaptureCounters;
use super::pipeline::Pipeline;
use super::published::Published;
use super::wait::Wait;

/// What a capture thread needs besides its source and its pipeline.
pub(crate) struct CaptureSettings<'a> {
    /// The input as it is called on the command line, for what it has to say.
    pub(crate) name: &'static str,
    /// Frames per poll (`-q`).
    pub(crate) batch: usize,
    /// Parsed packets after which the input ends, 0 for no limit (`-c`).
    pub(crate) most_packets: u64,
    pub(crate) inactive_s: u32,
    pub(crate) hasher: KeyHasher,
    pub(crate) decapsulation: Decapsulation,
    pub(crate) fragments: Option<FragmentCache>,
    /// Set when the program is to end.
    pub(crate) stop: &'a AtomicBool,
    /// Bytes of the file read so far, for the progress line.
    pub(crate) progress: &'a AtomicU64,
    pub(crate) published: &'a Published<CaptureCounters>,
}

/// How long a live source is waited for at a time: so long the end of the program may have to wait for it.
const LIVE_WAIT: Duration = Duration::from_millis(100);
/// How long it is waited for while there are flows to end.
const SWEEP_WAIT: Duration = Duration::from_millis(1);
/// How long a live source that was stopped may take to deliver what it has received.
const STOP_WAIT: Duration = Duration::from_secs(5);
/// How often a source that is never idle is asked for what it lost: after so many polls.
const POLLS_PER_QUESTION: u32 = 1024;

/// The loop of a capture thread: until the source ends, fails, has given enough, or the program is to end.
pub(crate) fn run<P: Pipeline>(
    source: &mut dyn Source,
    pipeline: &mut P,
    settings: CaptureSettings<'_>,
) -> Result<(), SourceError> {
    let packets_per_frame = if let Decapsulation::Both(_) = settings.decapsulation { 2 } else { 1 };
    let mut capture = Capture {
        clock: Clock::new(settings.inactive_s),
        counters: CaptureCounters::default(),
        packets: vec![Packet::default(); packets_per_frame * settings.batch],
        silent_since: None,
        asked: Instant::now(),
        settings,
    };
    let result = capture.poll_to_the_end(source, pipeline);
    capture.counters.losses = source.losses();
    capture.publish(pipeline);
    pipeline.end(capture.clock.now_s());
    give_back(source, pipeline, None);
    capture.publish(pipeline);
    result
}

struct Capture<'a> {
    settings: CaptureSettings<'a>,
    clock: Clock,
    counters: CaptureCounters,
    /// Parsed in place: what the parser accepts it writes whole.
    packets: Vec<Packet>,
    /// Since when nothing has come.
    silent_since: Option<Instant>,
    /// When the source was asked last for what it lost and what it has to say.
    asked: Instant,
}

impl Capture<'_> {
    fn poll_to_the_end<P: Pipeline>(
        &mut self,
        source: &mut dyn Source,
        pipeline: &mut P,
    ) -> Result<(), SourceError> {
        let is_live = source.is_live();
        let mut frames: Vec<CapturedFrame> = Vec::with_capacity(self.settings.batch);
        let mut wait = Wait::alert();
        let mut current = None;
        let mut polls = 0;
        let mut stopped: Option<Instant> = None;
        loop {
            if self.settings.stop.load(Ordering::Relaxed) {
                match stopped {
                    _ if !is_live => return Ok(()),
                    None => {
                        source.stop();
                        stopped = Some(Instant::now());
                    }
                    Some(since) if since.elapsed() >= STOP_WAIT => return Ok(()),
                    Some(_) => {}
                }
            }
            let left = match self.settings.most_packets {
                0 => usize::MAX,
                most => (most - self.counters.parsed).min(usize::MAX as u64) as usize,
            };
            if left == 0 {
                return Ok(());
            }
            frames.clear();
            match source.poll(&mut frames, self.settings.batch.min(left))? {
                Poll::Frames(lease) => {
                    wait.worked();
                    self.silent_since = None;
                    current = Some(lease);
                    self.take(&frames, lease, pipeline);
                    give_back(source, pipeline, current);
                    if let Some((read, _)) = source.progress() {
                        self.settings.progress.store(read, Ordering::Relaxed);
                    }
                    polls += 1;
                    if polls == POLLS_PER_QUESTION {
                        polls = 0;
                        self.counters.losses = source.losses();
                    }
                }
                Poll::Idle => {
                    pipeline.flush();
                    let mut longest = LIVE_WAIT;
                    if is_live {
                        current = None;
                        if self.pass_time(source, pipeline) {
                            longest = SWEEP_WAIT;
                        }
                    }
                    // Perhaps the source waits for what it has lent.
                    give_back(source, pipeline, current);
                    let can_wait = is_live && !pipeline.has_packets();
                    if !(can_wait && source.wait(longest)) {
                        wait.idle();
                    }
                }
                Poll::End => return Ok(()),
            }
        }
    }

    /// Parses frames that lie in the memory of `lease` and gives the packets to the pipeline.
    fn take<P: Pipeline>(&mut self, frames: &[CapturedFrame], lease: Lease, pipeline: &mut P) {
        let mut packets = 0;
        for frame in frames {
            self.counters.packets += 1;
            let decapsulation = self.settings.decapsulation;
            match parse_decapsulated(frame, decapsulation, &mut self.packets[packets]) {
                Ok(Parsed { fragment, closed }) => {
                    if let Some(reason) = closed {
                        self.counters.closed.count(reason.kind());
                    }
                    self.counters.parsed += 1;
                    self.counters.bytes += frame.wire_len as u64;
                    packets = self.take_in(packets, fragment, lease, pipeline);
                }
                Err(skipped) => {
                    self.counters.skipped.add(skipped);
                    continue;
                }
            }
            if decapsulation.wants_outer_of(&self.packets[packets - 1])
                && let Ok(outer) = parse_opening(frame, TunnelSet::NONE, &mut self.packets[packets])
            {
                self.counters.twice += 1;
                packets = self.take_in(packets, outer.fragment, lease, pipeline);
            }
        }
        self.hand_over(packets, lease, pipeline);
    }

    /// Completes the packet of this number: ports, hash, clock. Yields how many packets there are now. If another time begins, those
    /// before are handed over first.
    #[inline]
    fn take_in<P: Pipeline>(
        &mut self,
        number: usize,
        fragment: Option<Fragment>,
        lease: Lease,
        pipeline: &mut P,
    ) -> usize {
        let packet = &mut self.packets[number];
        if let (Some(fragment), Some(cache)) = (fragment, &mut self.settings.fragments) {
            cache.take_in(packet, fragment);
        }
        packet.hash = self.settings.hasher.hash(&packet.key);
        match self.clock.observe(packet.time) {
            Tick::Now(now_s) => packet.clock_s = now_s,
            Tick::Restart { ended_s, now_s } => {
                packet.clock_s = now_s;
                self.hand_over(number, lease, pipeline);
                pipeline.restart(ended_s);
                self.packets.swap(0, number);
                return 1;
            }
        }
        number + 1
    }

    /// Gives the first `count` packets to the pipeline; counted before, so that nobody ever sees more behind than before.
    fn hand_over<P: Pipeline>(&mut self, count: usize, lease: Lease, pipeline: &mut P) {
        self.publish(pipeline);
        pipeline.take(&self.packets[..count], lease);
    }

    fn publish<P: Pipeline>(&mut self, pipeline: &P) {
        self.counters.storage_ns = pipeline.storage_time().as_nanos() as u64;
        if let Some(cache) = &self.settings.fragments {
            self.counters.fragments = cache.counters();
        }
        self.settings.published.publish(&mut self.counters);
    }

    /// A live source has nothing at the moment: time passes all the same. Whether there are more flows to end.
    fn pass_time<P: Pipeline>(&mut self, source: &mut dyn Source, pipeline: &mut P) -> bool {
        let now = Instant::now();
        let since = *self.silent_since.get_or_insert(now);
        let now_s = self.clock.now_s().saturating_add((now - since).as_secs() as u32);
        let more = self.counters.parsed > 0 && pipeline.advance(now_s);
        if now - self.asked >= LIVE_WAIT {
            self.asked = now;
            self.counters.losses = source.losses();
            while let Some(notice) = source.notice() {
                eprintln!("weir: {}: {notice}", self.settings.name);
            }
            self.publish(pipeline);
        }
        more
    }
}

/// Gives the leases back that no packet under way lies in any more. `current` is still being filled.
fn give_back<P: Pipeline>(source: &mut dyn Source, pipeline: &mut P, current: Option<Lease>) {
    while let Some(free) = pipeline.free_lease(current) {
        source.give_back(free);
    }
}
