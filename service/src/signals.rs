//! The signals that end the probe or ask it something.
//!
//! | Signal | Effect |
//! |---|---|
//! | SIGINT, SIGTERM | the first one sets a flag and wakes whoever waits; the second one cleans up and ends the process at once |
//! | SIGUSR1 | a report of the numbers so far |
//!
//! Handlers only write into a pipe; everything else is done by the thread `signals`, which sleeps until then, so that any
//! function may be called. The report has a thread of its own, `report`: standard error may be a terminal that is stopped, and
//! that must not keep a signal from ending the process.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::{self, Handle};

/// What signals do. None of the functions may wait for the thread that drops [`Signals`].
pub struct Actions {
    /// Set by the first SIGINT or SIGTERM.
    pub stop: Arc<AtomicBool>,
    /// Called after `stop` was set, for those who do not look at it because they sleep. Must be quick.
    pub wake: Box<dyn Fn() + Send>,
    /// Called before the process is ended by the second SIGINT or SIGTERM; nothing is unwound then. Must be quick.
    pub clean_up: Box<dyn Fn() + Send>,
    /// Called for SIGUSR1. While it runs one further request waits, more are not remembered.
    pub report: Box<dyn Fn() + Send>,
}

/// Heeds signals as long as it lives. Afterwards SIGINT, SIGTERM and SIGUSR1 have no effect: it lives as long as the program can be
/// interrupted.
#[derive(Debug)]
pub struct Signals {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Signals {
    /// Installs the handlers and starts the threads. After [`Background::fork`](crate::Background::fork), which threads do not
    /// survive.
    ///
    /// # Errors
    /// If a handler or a thread cannot be had.
    pub fn listen(actions: Actions) -> io::Result<Signals> {
        let Actions { stop, wake, clean_up, report } = actions;
        let (report_request, report_requests) = mpsc::sync_channel(1);
        thread::Builder::new().name("report".to_owned()).spawn(move || {
            // Until the other end is dropped. Nobody joins this thread: it may be waiting for a terminal.
            report_requests.iter().for_each(|()| report());
        })?;
        let mut signals = iterator::Signals::new([SIGINT, SIGTERM, SIGUSR1])?;
        let handle = signals.handle();
        let thread = thread::Builder::new().name("signals".to_owned()).spawn(move || {
            // Not the flag: others may set that too, and then a first signal is still the first.
            let mut asked_to_stop = false;
            for signal in signals.forever() {
                if signal == SIGUSR1 {
                    // Full: a report is under way, and another one is asked for.
                    let _ = report_request.try_send(());
                } else if !asked_to_stop {
                    asked_to_stop = true;
                    stop.store(true, Ordering::Relaxed);
                    wake();
                } else {
                    clean_up();
                    signal_hook::low_level::exit(1);
                }
            }
        })?;
        Ok(Signals { handle, thread: Some(thread) })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // A function that panicked has said so.
            let _ = thread.join();
        }
    }
}
