#![allow(clippy::unwrap_used)]

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread::JoinHandle;

use super::*;
use crate::protocol::encode;
use crate::socket::socket_name;
use crate::{InputNumbers, OutputNumbers, Snapshot, StatisticsSocket};

fn surroundings(directory: &Path) -> Surroundings {
    Surroundings {
        runtime_directory: Some(directory.into()),
        xdg_runtime_dir: None,
        run: directory.join("run"),
        tmp: directory.join("tmp"),
        user: 1,
    }
}

fn shown(directory: &Path, arguments: &str) -> Result<String, StatsError> {
    let words: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
    let mut out = Vec::new();
    run(&words, &surroundings(directory), true, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn snapshot() -> Snapshot {
    let input = InputNumbers { packets: 46, parsed: 45, bytes: 66168, qtime_ns: 7, dropped: 1 };
    let output = OutputNumbers { biflows: 57, bytes: 87130, packets: 203, dropped: 2 };
    Snapshot { inputs: vec![input], outputs: vec![output] }
}

/// A probe that takes a connection for each of these, reads the request, says it and closes the connection.
fn says(directory: &Path, answers: Vec<Vec<u8>>) -> JoinHandle<()> {
    let listener = UnixListener::bind(directory.join(socket_name(12))).unwrap();
    thread::spawn(move || {
        // Who looks for it connects once more.
        drop(listener.accept().unwrap());
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            if !answer.is_empty() {
                io::Read::read_exact(&mut stream, &mut [0; 4]).unwrap();
            }
            stream.write_all(&answer).unwrap();
        }
    })
}

#[test]
fn the_numbers_of_a_probe_are_shown_once() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("weir");
    let _socket = StatisticsSocket::open_in(&directory, snapshot).unwrap();
    assert_eq!(shown(&directory, "-1").unwrap(), forms::tables(&snapshot()));
    let by_id = format!("--one --pid={}", std::process::id());
    assert_eq!(shown(&directory, &by_id).unwrap(), forms::tables(&snapshot()));
    let json = shown(&directory, "--json -1").unwrap();
    assert!(json.starts_with(&format!("{{\"pid\":{},\"time_ms\":", std::process::id())), "{json}");
}

#[test]
fn help_shows_all_options_and_asks_nobody() {
    let text = shown(Path::new("/nowhere"), "-h").unwrap();
    assert!(text.starts_with("weir stats\n"), "{text}");
    for option in ["-p --pid", "-1 --one", "--json", "-h --help"] {
        assert!(text.contains(option), "{text}");
    }
}

#[test]
fn arguments_that_mean_nothing_are_errors() {
    for arguments in ["--pdi 3", "-p", "-p 0", "-p x", "-p 99999999999", "nonsense"] {
        let error = shown(Path::new("/nowhere"), arguments).unwrap_err();
        assert!(matches!(error, StatsError::Option(_)), "{arguments}: {error:?}");
    }
}

#[test]
fn a_refresh_takes_the_place_of_the_one_before_and_the_end_of_the_probe_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let probe = says(directory.path(), vec![encode(&snapshot()), encode(&snapshot())]);
    let mut out = Vec::new();
    let error = run(&[], &surroundings(directory.path()), true, &mut out).unwrap_err();
    probe.join().unwrap();
    assert!(matches!(error, StatsError::Client(ClientError::Connect { .. })), "{error:?}");
    let tables = forms::tables(&snapshot());
    let expected = format!("{tables}{}{tables}", "\x1b[A\x1b[2K".repeat(7));
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn a_probe_that_is_busy_is_asked_again() {
    let directory = tempfile::tempdir().unwrap();
    let probe = says(directory.path(), vec![Vec::new(), Vec::new(), encode(&snapshot())]);
    assert_eq!(shown(directory.path(), "-1").unwrap(), forms::tables(&snapshot()));
    probe.join().unwrap();
}

#[test]
fn a_probe_that_stays_busy_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let probe = says(directory.path(), vec![Vec::new(); 20]);
    let error = shown(directory.path(), "-1").unwrap_err();
    assert!(matches!(error, StatsError::Client(ClientError::Busy(_))), "{error:?}");
    probe.join().unwrap();
}

#[test]
fn an_answer_that_is_none_is_an_error() {
    let mut other_magic = encode(&snapshot());
    other_magic[0] ^= 1;
    let mut too_many = encode(&snapshot());
    too_many[6..8].copy_from_slice(&1000u16.to_ne_bytes());
    for answer in [other_magic, too_many] {
        let directory = tempfile::tempdir().unwrap();
        let probe = says(directory.path(), vec![answer]);
        let error = shown(directory.path(), "-1").unwrap_err();
        assert!(matches!(error, StatsError::Client(ClientError::Protocol { .. })), "{error:?}");
        probe.join().unwrap();
    }
}

#[test]
fn an_answer_that_is_cut_off_is_an_error() {
    let whole = encode(&snapshot());
    for len in [1, 11, 12, whole.len() - 1] {
        let directory = tempfile::tempdir().unwrap();
        let probe = says(directory.path(), vec![whole[..len].to_vec()]);
        let error = shown(directory.path(), "-1").unwrap_err();
        assert!(matches!(error, StatsError::Client(ClientError::Silent { .. })), "{len}: {error:?}");
        probe.join().unwrap();
    }
}

#[test]
fn a_probe_that_does_not_answer_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let _silent = UnixListener::bind(directory.path().join(socket_name(12))).unwrap();
    let error = shown(directory.path(), "-1").unwrap_err();
    assert!(matches!(error, StatsError::Client(ClientError::Silent { .. })), "{error:?}");
}
