//! What this program and the one in the kernel tell each other.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// The value of `over` when everything asked for has been sent.
pub(super) const FINISHED: u64 = 1;

/// The value of `over` when the kernel's side could not make a frame.
pub(super) const FAILED: u64 = 2;

/// Lies in a map that is in the memory of both. Times are nanoseconds of the monotonic clock.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct State {
    /// When it began; 0 before.
    pub(super) begin: AtomicU64,
    /// How long it is to last.
    pub(super) lasting: AtomicU64,
    /// When it must end.
    pub(super) end: AtomicU64,
    /// How many frames are still to be sent.
    pub(super) left: AtomicU64,
    /// When the next frame is due.
    pub(super) due: AtomicU64,
    /// From one frame to the next: whole nanoseconds, and `fraction / divisor` of one.
    pub(super) interval: AtomicU64,
    pub(super) fraction: AtomicU64,
    pub(super) divisor: AtomicU64,
    /// Fractions that have come together.
    pub(super) remainder: AtomicU64,
    /// Where the next record lies: the chunk, and bytes from its beginning.
    pub(super) chunk: AtomicU64,
    pub(super) within: AtomicU64,
    /// How many frames of the pool have been sent in this round.
    pub(super) index: AtomicU64,
    /// How many there are.
    pub(super) frames: AtomicU64,
    /// Frames sent.
    pub(super) sent: AtomicU64,
    /// Their lengths.
    pub(super) bytes: AtomicU64,
    /// When the last one was sent.
    pub(super) last: AtomicU64,
    /// Whether it is over: 0, [`FINISHED`] or [`FAILED`].
    pub(super) over: AtomicU64,
}

impl State {
    /// Says what is to be done, before it begins: so many of the pool's `frames`, beginning again after the last, at `rate` a second (0: as fast as
    /// it goes).
    pub(super) fn ask(&self, frames: u64, count: u64, rate: u64, lasting: Option<Duration>) {
        // Half the range of the clock, so that the sum does not overflow.
        let most = u64::MAX / 2;
        let lasting = lasting.map_or(most, |time| u64::try_from(time.as_nanos()).unwrap_or(most).min(most));
        self.lasting.store(lasting, Ordering::Relaxed);
        self.frames.store(frames, Ordering::Relaxed);
        self.left.store(count, Ordering::Relaxed);
        let (interval, fraction) = match rate {
            0 => (0, 0),
            rate => (1_000_000_000 / rate, 1_000_000_000 % rate),
        };
        self.interval.store(interval, Ordering::Relaxed);
        self.fraction.store(fraction, Ordering::Relaxed);
        self.divisor.store(rate.max(1), Ordering::Relaxed);
    }

    pub(super) fn over(&self) -> u64 {
        self.over.load(Ordering::Relaxed)
    }

    /// From the first frame to the last.
    pub(super) fn duration(&self) -> Duration {
        let last = self.last.load(Ordering::Relaxed);
        Duration::from_nanos(last.saturating_sub(self.begin.load(Ordering::Relaxed)))
    }
}
