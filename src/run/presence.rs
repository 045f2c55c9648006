//! What a run shows of itself to the system: its process id in a file, its numbers at a socket, its reaction to signals.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use weir_service::signals::Actions;
use weir_service::{InputNumbers, OutputNumbers, PidFile, Signals, Snapshot, StatisticsSocket};

use super::StartError;
use crate::engine::ledger::Ledger;
use crate::summary::{self, Moment, Report};

/// What a run shows of itself. All of it goes when this is dropped.
pub(super) struct Presence {
    _signals: Signals,
    _pid_file: Option<Arc<PidFile>>,
    _socket: Option<Arc<StatisticsSocket>>,
}

impl Presence {
    /// Writes the process id to `pid_file`, opens the statistics socket and heeds signals: SIGINT and SIGTERM set `stop`, a second
    /// one ends the process at once, SIGUSR1 has the tables written to standard error. Without the socket the run goes on.
    ///
    /// # Errors
    /// If the file cannot be written or signals cannot be heeded.
    pub(super) fn show(
        pid_file: Option<&str>,
        ledger: &Arc<Ledger>,
        stop: &Arc<AtomicBool>,
    ) -> Result<Presence, StartError> {
        let pid_file = pid_file.map(|path| PidFile::create(Path::new(path))).transpose();
        let pid_file = pid_file.map_err(|error| error.to_string())?.map(Arc::new);
        let asked = Arc::clone(ledger);
        let socket = StatisticsSocket::open(move || snapshot(&asked))
            .map(Arc::new)
            .inspect_err(|error| eprintln!("Warning: no live statistics: {error}"))
            .ok();
        let (left_pid_file, left_socket, asked) = (pid_file.clone(), socket.clone(), Arc::clone(ledger));
        let signals = Signals::listen(Actions {
            stop: Arc::clone(stop),
            // The threads look at the flag often enough.
            wake: Box::new(|| ()),
            clean_up: Box::new(move || {
                left_pid_file.iter().for_each(|file| file.remove_now());
                left_socket.iter().for_each(|socket| socket.remove_now());
            }),
            report: Box::new(move || {
                // Nobody is there to be told if it cannot be written.
                let _ = summary::write_to(&mut io::stderr().lock(), &asked, Moment::Running);
            }),
        })
        .map_err(|error| format!("cannot handle signals: {error}"))?;
        Ok(Presence { _signals: signals, _pid_file: pid_file, _socket: socket })
    }
}

/// What the statistics socket tells.
fn snapshot(ledger: &Ledger) -> Snapshot {
    let report = Report::of(ledger, Moment::Running);
    Snapshot {
        inputs: report
            .inputs
            .iter()
            .map(|row| InputNumbers {
                packets: row.packets,
                parsed: row.parsed,
                bytes: row.bytes,
                qtime_ns: row.qtime_ns,
                dropped: row.dropped,
            })
            .collect(),
        outputs: report
            .outputs
            .iter()
            .map(|row| OutputNumbers {
                biflows: row.biflows,
                bytes: row.bytes,
                packets: row.packets,
                dropped: row.dropped,
            })
            .collect(),
    }
}
