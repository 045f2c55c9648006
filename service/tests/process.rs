//! How a process lives that uses this crate: `examples/process.rs`, started, signalled and asked as a user would.
#![allow(clippy::unwrap_used)]

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, getsid, kill_process, test_kill_process};
use tempfile::TempDir;

/// A place with a directory for sockets, in which the process is started.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    /// The example, with arguments separated by blanks.
    fn command(&self, arguments: &str) -> Command {
        // Beside the directory of this test, where `cargo test` has put it.
        let directory = env::current_exe().unwrap().ancestors().nth(2).unwrap().join("examples");
        let mut command = Command::new(directory.join("process"));
        command
            .args(arguments.split_whitespace())
            .env("RUNTIME_DIRECTORY", self.path("run"))
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs to the end. What it says goes to files: pipes end only when all who hold them do, and a process in the background that
    /// holds them should fail a test, not hold it up.
    fn run(&self, arguments: &str) -> Ended {
        let [stdout, stderr] = ["stdout", "stderr"].map(|name| self.path(name));
        let mut command = self.command(arguments);
        command.stdout(File::create(&stdout).unwrap()).stderr(File::create(&stderr).unwrap());
        let status = Running::of(command.spawn().unwrap()).ended();
        let [stdout, stderr] = [stdout, stderr].map(|path| fs::read_to_string(path).unwrap());
        Ended { status, stdout, stderr }
    }

    /// The example in the foreground, when it has started.
    fn started(&self, arguments: &str) -> Running {
        let mut command = self.command(arguments);
        let running = Running::of(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        running.says("started\n")
    }

    /// The process id in the file `pid`, once it is there.
    fn written_id(&self) -> Pid {
        let mut id = None;
        eventually("the process id is written", || {
            let text = fs::read_to_string(self.path("pid")).unwrap_or_default();
            id = text.parse().ok().and_then(Pid::from_raw);
            id.is_some()
        });
        id.unwrap()
    }

    fn sockets(&self) -> usize {
        fs::read_dir(self.path("run")).map_or(0, Iterator::count)
    }
}

/// How a run ended.
#[derive(Debug)]
struct Ended {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

/// A child of this test, which does not outlive it.
struct Running {
    child: Child,
    id: Pid,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Running {
    fn of(mut child: Child) -> Running {
        let id = Pid::from_child(&child);
        let stdout = child.stdout.take().map(BufReader::new);
        Running { child, id, stdout }
    }

    /// The next line it writes.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        line
    }

    /// Waits until it says this.
    fn says(mut self, line: &str) -> Running {
        assert_eq!(self.line(), line);
        self
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.id, signal).unwrap();
    }

    /// The exit status, which must come soon.
    fn ended(mut self) -> Option<i32> {
        let mut status = None;
        eventually("the process ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap().code()
    }
}

/// A process in the background, which does not outlive the test.
struct Daemon(Pid);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::KILL);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(20), "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn is_gone(id: Pid) -> bool {
    // Whoever adopts it may not collect it.
    let zombie = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero())).unwrap_or_default();
        stat.contains(") Z ")
    };
    test_kill_process(id) == Err(Errno::SRCH) || zombie()
}

#[test]
fn in_the_background_it_has_a_session_and_no_terminal_and_the_starter_is_free() {
    let place = Place::new();
    let ended = place.run("--daemon --pid pid");
    assert_eq!((ended.status, &*ended.stdout, &*ended.stderr), (Some(0), "", ""));
    let id = place.written_id();
    let _daemon = Daemon(id);
    assert_eq!(getsid(Some(id)).unwrap(), id);
    let process = PathBuf::from(format!("/proc/{}", id.as_raw_nonzero()));
    for stream in 0..3 {
        let target = || fs::read_link(process.join(format!("fd/{stream}"))).unwrap();
        eventually("the streams are on the null device", || target() == Path::new("/dev/null"));
    }
    assert_eq!(fs::read_link(process.join("cwd")).unwrap(), place.path(""));
    assert_eq!(place.sockets(), 1);
    kill_process(id, Signal::TERM).unwrap();
    eventually("the process ends", || is_gone(id));
    assert!(!place.path("pid").exists());
    assert_eq!(place.sockets(), 0);
}

#[test]
fn the_starter_sees_why_the_background_process_cannot_start() {
    let place = Place::new();
    let ended = place.run("--daemon --pid pid --slow --fail");
    assert_eq!(ended.status, Some(1));
    assert_eq!(ended.stderr, "Error: this is wrong with the configuration\n");
    assert!(!place.path("pid").exists());
    assert_eq!(place.sockets(), 0);
    let ended = place.run("--daemon --pid absent/pid");
    assert_eq!(ended.status, Some(1));
    assert!(ended.stderr.starts_with("Error: option --pid: cannot write absent/pid: "), "{ended:?}");
}

#[test]
fn the_starter_ends_as_a_background_process_that_is_killed_before_it_is_ready() {
    let place = Place::new();
    let starter = place.command("--daemon --pid pid --slow").spawn().unwrap();
    let starter = Running::of(starter);
    kill_process(place.written_id(), Signal::KILL).unwrap();
    assert_eq!(starter.ended(), Some(128 + 9));
}

#[test]
fn a_start_that_is_given_up_leaves_no_process_in_the_background() {
    let place = Place::new();
    let starter = place.command("--daemon --pid pid --slow").stderr(Stdio::null()).spawn().unwrap();
    let starter = Running::of(starter);
    let id = place.written_id();
    let _daemon = Daemon(id);
    assert_ne!(id, starter.id);
    starter.signal(Signal::INT);
    assert_eq!(starter.ended(), None, "by the signal");
    eventually("the process ends", || is_gone(id));
    assert!(!place.path("pid").exists());
    assert_eq!(place.sockets(), 0);
}

#[test]
fn the_first_signal_ends_in_good_order() {
    for signal in [Signal::INT, Signal::TERM] {
        let place = Place::new();
        let process = place.started("--pid pid");
        assert_eq!(place.written_id(), process.id);
        assert_eq!(place.sockets(), 1);
        process.signal(signal);
        assert_eq!(process.ended(), Some(0));
        assert!(!place.path("pid").exists());
        assert_eq!(place.sockets(), 0);
    }
}

#[test]
fn the_second_signal_ends_at_once_and_leaves_nothing_behind() {
    for second in [Signal::INT, Signal::TERM] {
        let place = Place::new();
        let process = place.started("--pid pid --stubborn");
        process.signal(Signal::INT);
        let process = process.says("not yet\n");
        assert!(place.path("pid").exists());
        assert_eq!(place.sockets(), 1);
        process.signal(second);
        assert_eq!(process.ended(), Some(1));
        assert!(!place.path("pid").exists());
        assert_eq!(place.sockets(), 0);
    }
}

#[test]
fn sigusr1_asks_for_a_report_and_ends_nothing() {
    let place = Place::new();
    let mut process = place.started("--stubborn");
    let mut stderr = BufReader::new(process.child.stderr.take().unwrap());
    for _ in 0..3 {
        process.signal(Signal::USR1);
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        assert!(line.starts_with("Snapshot {"), "{line}");
    }
    // It was no first signal either.
    process.signal(Signal::TERM);
    process.says("not yet\n");
}

#[test]
fn a_report_that_nobody_reads_keeps_no_signal_from_its_effect() {
    // Two different ones: of equal signals that are not yet delivered, the kernel keeps one.
    let cases: [(&str, &[Signal], i32); 2] =
        [("", &[Signal::TERM], 0), ("--stubborn", &[Signal::INT, Signal::TERM], 1)];
    for (arguments, signals, status) in cases {
        let place = Place::new();
        let (_unread, full) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        rustix::fs::fcntl_setfl(&full, OFlags::NONBLOCK).unwrap();
        while rustix::io::write(&full, &[0; 4096]).is_ok() {}
        rustix::fs::fcntl_setfl(&full, OFlags::empty()).unwrap();
        let mut command = place.command(arguments);
        let process = Running::of(command.stdout(Stdio::piped()).stderr(full).spawn().unwrap());
        let process = process.says("started\n");
        for _ in 0..3 {
            process.signal(Signal::USR1);
            thread::sleep(Duration::from_millis(50));
        }
        for &signal in signals {
            process.signal(signal);
        }
        assert_eq!(process.ended(), Some(status));
    }
}

#[test]
fn its_threads_have_names_and_sleep_while_nothing_happens() {
    /// How often each thread but the first has been given a CPU.
    fn switches(id: Pid) -> Vec<(String, String)> {
        let tasks = format!("/proc/{}/task", id.as_raw_nonzero());
        let mut found: Vec<_> = fs::read_dir(tasks)
            .unwrap()
            .map(|task| fs::read_to_string(task.unwrap().path().join("status")).unwrap())
            .map(|status| {
                let value = |name| {
                    let line = status.lines().find_map(|line| line.strip_prefix(name));
                    line.unwrap().trim().to_owned()
                };
                (value("Name:"), value("voluntary_ctxt_switches:"))
            })
            .filter(|(name, _)| name != "process")
            .collect();
        found.sort();
        found
    }
    let place = Place::new();
    let process = place.started("");
    // On a busy machine it may take a while until they have names and wait.
    eventually("for two seconds none of them wakes up", || {
        let before = switches(process.id);
        thread::sleep(Duration::from_secs(2));
        let names: Vec<&str> = before.iter().map(|(name, _)| &**name).collect();
        names == ["report", "signals", "statistics"] && switches(process.id) == before
    });
}

#[test]
fn without_a_private_directory_there_is_a_warning_and_everything_else() {
    let place = Place::new();
    fs::create_dir(place.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(place.path("elsewhere"), place.path("run")).unwrap();
    let mut process = place.started("");
    process.signal(Signal::TERM);
    let mut said = String::new();
    process.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let directory = place.path("run");
    let warning = format!("Warning: no live statistics: cannot use directory {}: ", directory.display());
    assert!(said.starts_with(&warning), "{said}");
    assert_eq!(process.ended(), Some(0));
    assert_eq!(fs::read_dir(place.path("elsewhere")).unwrap().count(), 0);
}

#[test]
fn stats_shows_the_numbers_of_a_process_once() {
    let place = Place::new();
    let process = place.started("");
    let id = process.id.as_raw_nonzero();
    let ended = place.run(&format!("stats -1 -p {id}"));
    assert_eq!((ended.status, &*ended.stderr), (Some(0), ""));
    let tables = &ended.stdout;
    assert!(tables.starts_with("Input stats:\n  #   packets"), "{tables}");
    assert_eq!(tables.lines().count(), 7, "{tables}");
    let ended = place.run(&format!("stats --one --json --pid={id}"));
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(json["pid"], id.get());
    assert_eq!(json["inputs"].as_array().unwrap().len(), 1);
}

#[test]
fn stats_goes_on_each_second_until_a_signal_and_ends_well() {
    let place = Place::new();
    let process = place.started("");
    for signal in [Signal::INT, Signal::TERM] {
        let mut command = place.command(&format!("stats --json -p {}", process.id.as_raw_nonzero()));
        let mut watching = Running::of(command.stdout(Stdio::piped()).spawn().unwrap());
        let mut time = || {
            let line: serde_json::Value = serde_json::from_str(&watching.line()).unwrap();
            line["time_ms"].as_u64().unwrap()
        };
        let (first, second) = (time(), time());
        assert!((900..5000).contains(&(second - first)), "{first} {second}");
        watching.signal(signal);
        assert_eq!(watching.ended(), Some(0));
    }
}

#[test]
fn several_can_watch_the_same_process() {
    let place = Place::new();
    let process = place.started("");
    let arguments = format!("stats -p {}", process.id.as_raw_nonzero());
    let watching: Vec<Running> = (0..4)
        .map(|_| Running::of(place.command(&arguments).stdout(Stdio::null()).spawn().unwrap()))
        .collect();
    thread::sleep(Duration::from_millis(2500));
    for watching in watching {
        watching.signal(Signal::TERM);
        assert_eq!(watching.ended(), Some(0));
    }
}

#[test]
fn stats_of_a_process_that_is_not_there_fails() {
    let place = Place::new();
    let ended = place.run("stats -p 2147483647");
    assert_eq!((ended.status, &*ended.stdout), (Some(1), ""));
    let said = &ended.stderr;
    assert!(said.starts_with("Error: no probe with process id 2147483647 is running (looked in "), "{said}");
    assert_eq!(said.matches('\n').count(), 1, "{said}");
}

#[test]
fn stats_whose_reader_has_seen_enough_ends_well() {
    let place = Place::new();
    let process = place.started("");
    let mut command = place.command(&format!("stats -p {}", process.id.as_raw_nonzero()));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((Running::of(child).ended(), &*said), (Some(0), ""));
}

#[test]
fn the_process_id_file_of_a_successor_stays() {
    let place = Place::new();
    let first = place.started("--pid pid");
    let second = place.started("--pid pid");
    let inode = fs::metadata(place.path("pid")).unwrap().ino();
    first.signal(Signal::TERM);
    assert_eq!(first.ended(), Some(0));
    assert_eq!(place.written_id(), second.id);
    assert_eq!(fs::metadata(place.path("pid")).unwrap().ino(), inode);
    second.signal(Signal::TERM);
    assert_eq!(second.ended(), Some(0));
    assert!(!place.path("pid").exists());
}
