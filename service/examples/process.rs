//! A process that lives as a probe does, and counts instead of probing. Shows in which order to use this crate, and is what its tests run.
//!
//!     process [--daemon] [--pid FILE] [--slow] [--fail] [--stubborn]
//!     process stats ...
//!
//! With `--slow` the start takes two seconds, with `--fail` it fails, with `--stubborn` the process takes ten minutes to end.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use weir_service::signals::Actions;
use weir_service::{
    Background, InputNumbers, OutputNumbers, PidFile, Signals, Snapshot, StatisticsSocket, stats,
};

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1).peekable();
    if arguments.next_if(|word| word == "stats").is_some() {
        return stats::main(arguments);
    }
    match run(&arguments.collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[OsString]) -> Result<(), Box<dyn std::error::Error>> {
    let is_given = |name: &str| arguments.iter().any(|word| word == name);

    // The child goes on here, before there is any thread.
    let background = is_given("--daemon").then(Background::fork).transpose()?;

    let pid_file = arguments.iter().skip_while(|word| *word != "--pid").nth(1);
    let pid_file = pid_file.map(|path| PidFile::create(Path::new(path))).transpose()?.map(Arc::new);

    let seconds = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&seconds);
    let snapshot = move || {
        let packets = counted.load(Ordering::Relaxed);
        Snapshot {
            inputs: vec![InputNumbers { packets, parsed: packets, ..InputNumbers::default() }],
            outputs: vec![OutputNumbers { packets, ..OutputNumbers::default() }],
        }
    };
    // Without the socket the process can do.
    let socket = StatisticsSocket::open(snapshot.clone())
        .map(Arc::new)
        .inspect_err(|error| eprintln!("Warning: no live statistics: {error}"))
        .ok();

    let stop = Arc::new(AtomicBool::new(false));
    let main_thread = thread::current();
    let (pid_file_left, socket_left) = (pid_file.clone(), socket.clone());
    let signals = Signals::listen(Actions {
        stop: Arc::clone(&stop),
        wake: Box::new(move || main_thread.unpark()),
        clean_up: Box::new(move || {
            pid_file_left.iter().for_each(|file| file.remove_now());
            socket_left.iter().for_each(|socket| socket.remove_now());
        }),
        report: Box::new(move || eprintln!("{:?}", snapshot())),
    })?;

    if is_given("--slow") {
        thread::sleep(Duration::from_secs(2));
    }
    if is_given("--fail") {
        return Err("this is wrong with the configuration".into());
    }
    // Nothing can fail any more: who started us may go on.
    match background {
        Some(background) => background.ready()?,
        None => println!("started"),
    }

    while !stop.load(Ordering::Relaxed) {
        thread::park_timeout(Duration::from_secs(1));
        seconds.fetch_add(1, Ordering::Relaxed);
    }
    if is_given("--stubborn") {
        println!("not yet");
        thread::sleep(Duration::from_secs(600));
    }
    // The signals last, so that the end can be cut short too. With them go the last shares in the file and the socket.
    drop((pid_file, socket));
    drop(signals);
    Ok(())
}
