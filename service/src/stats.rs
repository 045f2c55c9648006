//! `weir stats`: shows the numbers of a running probe, each second or once.
//!
//! Every refresh is a connection of its own, so that several people and scripts can look at the same probe, which serves one
//! client at a time.

mod client;
mod find;
mod forms;

use std::ffi::OsString;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, SystemTime};

use signal_hook::consts::{SIGINT, SIGTERM};
use thiserror::Error;
use weir_flow::options::{Argument, OptionError, OptionSpec, Parsed, parse_words, usage};

use self::client::{ClientError, ask};
use self::find::{FindError, find};
use crate::socket::directory::Surroundings;

static OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "pid",
        "p",
        Argument::Number("NUM", 1, i32::MAX as u64),
        "Process id of the probe; not needed if only one is running",
    ),
    OptionSpec::new("one", "1", Argument::Flag, "Show the numbers once and end"),
    OptionSpec::new("json", "", Argument::Flag, "Show each refresh as a line of JSON"),
    OptionSpec::new("help", "h", Argument::Flag, "Show this help"),
];

const REFRESH: Duration = Duration::from_secs(1);

/// Why there are no numbers to show, in one line.
#[derive(Debug, Error)]
enum StatsError {
    #[error(transparent)]
    Option(#[from] OptionError),
    #[error("argument {0:?} is not valid UTF-8")]
    NotUtf8(OsString),
    #[error("cannot handle signals: {0}")]
    Signals(#[source] io::Error),
    #[error(transparent)]
    Find(#[from] FindError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

/// Runs with the arguments that follow the word `stats`. SIGINT and SIGTERM end the process with status 0.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut out = io::stdout();
    let redraw = out.is_terminal();
    let result = end_on_signals()
        .and_then(|()| words(arguments))
        .and_then(|words| run(&words, &Surroundings::of_this_process(), redraw, &mut out));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Who closes the pipe has seen enough.
        Err(StatsError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn end_on_signals() -> Result<(), StatsError> {
    let always = Arc::new(AtomicBool::new(true));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 0, Arc::clone(&always))
            .map_err(StatsError::Signals)?;
    }
    Ok(())
}

fn words(arguments: impl Iterator<Item = OsString>) -> Result<Vec<String>, StatsError> {
    arguments.map(|argument| argument.into_string().map_err(StatsError::NotUtf8)).collect()
}

/// Shows what `words` ask for. With `redraw` each refresh takes the place of the one before on a terminal.
fn run(
    words: &[String],
    surroundings: &Surroundings,
    redraw: bool,
    out: &mut impl Write,
) -> Result<(), StatsError> {
    let options = parse_words(OPTIONS, words, true)?;
    if options.is_given("help") {
        out.write_all(usage("weir stats", "Numbers of a running probe", OPTIONS, true).as_bytes())?;
        return Ok(());
    }
    watch(&options, surroundings, redraw, out)
}

fn watch(
    options: &Parsed,
    surroundings: &Surroundings,
    redraw: bool,
    out: &mut impl Write,
) -> Result<(), StatsError> {
    let process_id = options.is_given("pid").then(|| options.number("pid") as u32);
    let probe = find(surroundings, process_id)?;
    let mut shown_lines = 0;
    loop {
        let snapshot = ask(&probe.socket)?;
        let text = if options.is_given("json") {
            forms::json(probe.process_id, SystemTime::now(), &snapshot)
        } else {
            let erase = if redraw { forms::erase(shown_lines) } else { String::new() };
            let tables = forms::tables(&snapshot);
            shown_lines = tables.matches('\n').count();
            erase + &tables
        };
        // In one piece: the process may be ended by a signal at any time.
        out.write_all(text.as_bytes())?;
        out.flush()?;
        if options.is_given("one") {
            return Ok(());
        }
        thread::sleep(REFRESH);
    }
}

#[cfg(test)]
mod tests;
