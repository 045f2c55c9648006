//! The main thread while the others work: it waits for them, ends them all when one fails, and gives up on an output that hangs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::outputs::Started;
use crate::engine::ledger::Ledger;
use crate::progress::Progress;

/// A thread has ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ended {
    /// The capture thread of the input of this number.
    Input(usize),
    /// A worker.
    Worker,
    /// The thread of the output of this number.
    Output(usize),
}

/// Announces the end of a thread when it is dropped; so the end by a panic, too.
pub(super) struct Announcement {
    to: Sender<Ended>,
    what: Ended,
}

impl Announcement {
    pub(super) fn of(to: &Sender<Ended>, what: Ended) -> Announcement {
        Announcement { to: to.clone(), what }
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // Nobody listens any more if the start has failed.
        let _ = self.to.send(self.what);
    }
}

/// How often the main thread looks around.
const LOOK: Duration = Duration::from_millis(100);

/// An output that takes nothing for so long while the program is to end does not wait for others any more.
const OTHERS_PATIENCE: Duration = Duration::from_secs(5);

/// An output that takes nothing for so long while the program is to end is not waited for any more.
const OUTPUT_PATIENCE: Duration = Duration::from_secs(10);

/// Waits until `threads` inputs and workers, and all outputs, have ended. Ends the inputs when one of them fails or nobody takes
/// records any more.
pub(super) fn wait_for_all(
    ended: &Receiver<Ended>,
    threads: usize,
    outputs: &[Started],
    ledger: &Ledger,
    stop: &AtomicBool,
    progress: &Progress<'_>,
) {
    let mut running = threads;
    let mut watches: Vec<Watch> = outputs.iter().map(|_| Watch::default()).collect();
    while running > 0 || watches.iter().any(|w| !w.is_over) {
        match ended.recv_timeout(LOOK) {
            Ok(Ended::Input(number)) => {
                running -= 1;
                // An input that ended without a word has panicked.
                if !matches!(ledger.inputs[number].ended.get(), Some(Ok(()))) {
                    stop.store(true, Ordering::Relaxed);
                }
            }
            Ok(Ended::Worker) => running -= 1,
            Ok(Ended::Output(number)) => watches[number].is_over = true,
            Err(RecvTimeoutError::Timeout) => progress.show(),
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if ledger.outputs.iter().all(|page| page.ended.get().is_some()) {
            stop.store(true, Ordering::Relaxed);
        }
        if stop.load(Ordering::Relaxed) {
            for (watch, output) in watches.iter_mut().zip(outputs) {
                watch.look_at(output, running > 0);
            }
        }
    }
    progress.clear();
}

/// What is known of an output while the program is to end.
#[derive(Default)]
struct Watch {
    /// It has ended, or was given up.
    is_over: bool,
    /// It was told to wait for others no more.
    is_hurried: bool,
    /// How many records it had taken, and when it was first seen so.
    seen: Option<(u64, Instant)>,
}

impl Watch {
    /// Looks at an output that may still get records if there are `others` at work.
    fn look_at(&mut self, output: &Started, others: bool) {
        let page = output.station.page();
        let passes = page.passes();
        let taken = passes.taken.all.records;
        if others && passes.waiting().records == 0 {
            self.seen = None;
            return;
        }
        match self.seen {
            Some((before, since)) if before == taken => {
                if !self.is_hurried && since.elapsed() >= OTHERS_PATIENCE {
                    self.is_hurried = true;
                    output.running.hurry.iter().for_each(|hurry| hurry());
                }
                if !self.is_over && since.elapsed() >= OUTPUT_PATIENCE {
                    let seconds = OUTPUT_PATIENCE.as_secs();
                    let error = format!("has taken no record for {seconds} s and is not waited for any more");
                    let _ = page.ended.set(Err(error));
                    output.station.give_up();
                    self.is_over = true;
                }
            }
            _ => self.seen = Some((taken, Instant::now())),
        }
    }
}
