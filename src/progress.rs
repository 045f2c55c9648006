//! The progress line of a run over files.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line on standard error that says how much of the files is read. Shown only to people: both standard output and standard
/// error are a terminal; and only when it takes a while.
pub(crate) struct Progress<'a> {
    read: &'a [AtomicU64],
    bar: Option<ProgressBar>,
}

/// Calls of [`Progress::show`], one each 100 ms, before the line appears.
const PATIENCE: u64 = 10;

impl<'a> Progress<'a> {
    /// A line for inputs that have `read` so many bytes of `total`, if that is known.
    pub(crate) fn new(read: &'a [AtomicU64], total: Option<u64>) -> Progress<'a> {
        let people = std::io::stderr().is_terminal() && std::io::stdout().is_terminal();
        let bar = total.filter(|&total| people && total > 0).map(|total| {
            let style =
                ProgressStyle::with_template("{bytes}/{total_bytes} {wide_bar} {bytes_per_sec} {eta}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden()).with_style(style)
        });
        Progress { read, bar }
    }

    /// Draws the line, if it is time for it.
    pub(crate) fn show(&self) {
        let Some(bar) = &self.bar else { return };
        if bar.elapsed().as_millis() >= PATIENCE as u128 * 100 && bar.is_hidden() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.set_position(self.read.iter().map(|r| r.load(Ordering::Relaxed)).sum());
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
