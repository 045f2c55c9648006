//! The probe as a process: in the background, told to end, asked for its numbers.
#![allow(clippy::unwrap_used)]

mod probe;

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use probe::running::Running;
use probe::{Scratch, Tables, run, weir};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// A probe that makes its own packets until it is told to end; its socket is in `scratch`.
fn endless(scratch: &Scratch, arguments: &str) -> Command {
    let mut command = weir("-i benchmark;mode=nf;size=64 -s cache;s=10 -o null");
    command.args(arguments.split_whitespace()).env("RUNTIME_DIRECTORY", scratch.path("run"));
    command
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn in_the_background_it_writes_its_process_id_and_ends_in_good_order() {
    let scratch = Scratch::new();
    let (pid_file, records) = (scratch.path("weir.pid"), scratch.path("records"));
    let arguments = format!("-d -P {} -o json;file={}", pid_file.display(), records.display());
    let started = run(endless(&scratch, &arguments).arg("-c").arg("100000000"));
    assert_eq!((started.status, started.stdout.as_str()), (Some(0), ""), "{}", started.stderr);
    let pid = Pid::from_raw(fs::read_to_string(&pid_file).unwrap().parse().unwrap()).unwrap();
    wait_until("it makes records", || fs::metadata(&records).is_ok_and(|m| m.len() > 0));
    kill_process(pid, Signal::TERM).unwrap();
    wait_until("it ends", || test_kill_process(pid).is_err());
    assert!(!pid_file.exists());
    // The last record is whole.
    assert!(fs::read_to_string(&records).unwrap().ends_with("}\n"));
}

#[test]
fn an_error_at_start_is_seen_though_it_was_to_go_to_the_background() {
    let scratch = Scratch::new();
    let pid_file = scratch.path("weir.pid");
    let ended = run(weir("-d -o null -i pcap;file=/nowhere/at/all -P").arg(&pid_file));
    assert_eq!(ended.status, Some(1));
    assert!(ended.stderr.contains("/nowhere/at/all"), "{}", ended.stderr);
    assert!(!pid_file.exists());
}

#[test]
fn a_process_id_file_that_cannot_be_written_is_an_error_that_names_the_option() {
    let ended = run(&mut weir("-i benchmark -o null -P /nowhere/at/all"));
    assert_eq!(ended.status, Some(1));
    assert!(ended.stderr.contains("--pid") && ended.stderr.contains("/nowhere/at/all"), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

#[test]
fn help_and_errors_leave_the_file_of_another_process_alone() {
    let scratch = Scratch::new();
    let pid_file = scratch.file("weir.pid", "1");
    for arguments in ["-h", "-i benchmark -o null --no-such-option"] {
        run(weir(arguments).arg("-P").arg(&pid_file));
        assert_eq!(fs::read_to_string(&pid_file).unwrap(), "1");
    }
}

#[test]
fn the_numbers_can_be_asked_for_at_any_time_and_always_add_up() {
    for threading in ["fused", "shards=2"] {
        let running = Running::start(
            weir("-i benchmark;mode=nf;size=64 -i benchmark;id=1 -o null -o json;file=/dev/null")
                .args(["-s", &format!("cache;s=10;{threading}")]),
        );
        let mut before = 0;
        for _ in 0..20 {
            // Reading them asserts that they add up.
            let fate = running.tables().fates[1];
            assert!(fate.received > before, "{fate:?}");
            before = fate.received;
        }
        let ended = running.end();
        assert_eq!(ended.status, Some(0), "{}", ended.stderr);
        Tables::parse(&ended.stdout).assert_nothing_is_lost();
    }
}

#[test]
fn stats_shows_a_running_probe() {
    let scratch = Scratch::new();
    let running = Running::start(&mut endless(&scratch, ""));
    let mut stats = weir("stats -1 --json");
    let shown =
        run(stats.env("RUNTIME_DIRECTORY", scratch.path("run")).arg("-p").arg(running.id().to_string()));
    assert_eq!(shown.status, Some(0), "{}", shown.stderr);
    let numbers: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert!(numbers.to_string().contains("packets"), "{numbers}");
    let tables = run(weir("stats -1")
        .env("RUNTIME_DIRECTORY", scratch.path("run"))
        .arg("-p")
        .arg(running.id().to_string()));
    assert!(tables.stdout.contains("biflows"), "{}", tables.stdout);
    assert_eq!(running.end().status, Some(0));
    let gone = run(weir("stats -1 -p 1").env("RUNTIME_DIRECTORY", scratch.path("run")));
    assert_eq!(gone.status, Some(1));
}

#[test]
fn a_second_signal_ends_it_at_once_and_leaves_nothing_behind() {
    let scratch = Scratch::new();
    let pipe = scratch.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Open at both ends, and never read: the probe cannot end in good order.
    let _reader = fs::File::options().read(true).write(true).open(&pipe).unwrap();
    let pid_file = scratch.path("weir.pid");
    let arguments = format!("-P {} -o json;file={}", pid_file.display(), pipe.display());
    let mut child =
        endless(&scratch, &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let pid = Pid::from_child(&child);
    wait_until("it is there", || pid_file.exists());
    thread::sleep(Duration::from_millis(500));
    kill_process(pid, Signal::INT).unwrap();
    thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none(), "it has ended although its output hangs");
    let began = Instant::now();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(!pid_file.exists());
    assert_eq!(fs::read_dir(scratch.path("run")).unwrap().count(), 0);
}
