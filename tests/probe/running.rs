//! A probe that runs until it is told to end.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Ended, Tables};

/// A running probe. Killed with the value, if it has not ended by then.
pub(crate) struct Running {
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<()>>,
    said: Arc<Mutex<String>>,
}

/// Nothing that is waited for takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

impl Running {
    /// Starts it, and waits until it is ready.
    pub(crate) fn start(command: &mut Command) -> Running {
        let running = Running::spawn(command);
        running.wait_until_ready();
        running
    }

    /// Starts it with something to read, which it may need to be ready, and waits until it is. It reads on from what is answered.
    pub(crate) fn fed(command: &mut Command, beginning: &[u8]) -> (Running, ChildStdin) {
        let mut running = Running::spawn(command.stdin(Stdio::piped()));
        let mut stdin = running.child.stdin.take().unwrap();
        stdin.write_all(beginning).unwrap();
        running.wait_until_ready();
        (running, stdin)
    }

    fn spawn(command: &mut Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let said = Arc::new(Mutex::new(String::new()));
        let saying = Arc::clone(&said);
        let stdout = thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let stderr = thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                *saying.lock().unwrap() += &(line.unwrap() + "\n");
            }
        });
        Running { child, stdout: Some(stdout), stderr: Some(stderr), said }
    }

    fn wait_until_ready(&self) {
        self.wait_until(|said| said.contains("weir: a flow cache of"));
    }

    fn wait_until(&self, mut is_so: impl FnMut(&str) -> bool) {
        let began = Instant::now();
        while !is_so(&self.said.lock().unwrap()) {
            assert!(began.elapsed() < PATIENCE, "{}", self.said.lock().unwrap());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(mut self) -> Ended {
        let status = self.child.wait().unwrap();
        self.stderr.take().unwrap().join().unwrap();
        let stdout = self.stdout.take().unwrap().join().unwrap();
        Ended {
            status: status.code(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: std::mem::take(&mut self.said.lock().unwrap()),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The tables as they are now.
    pub(crate) fn tables(&self) -> Tables {
        let before = self.said.lock().unwrap().len();
        self.signal(Signal::USR1);
        let complete = |said: &str| {
            let new = &said[before..];
            new.contains("Packets by output:") && new.ends_with('\n')
        };
        self.wait_until(complete);
        // The lists that may follow are written together with the table.
        thread::sleep(Duration::from_millis(50));
        Tables::parse(&self.said.lock().unwrap()[before..])
    }

    /// Waits until the tables say so.
    pub(crate) fn wait_for(&self, mut is_so: impl FnMut(&Tables) -> bool) -> Tables {
        let began = Instant::now();
        loop {
            let tables = self.tables();
            if is_so(&tables) {
                return tables;
            }
            assert!(began.elapsed() < PATIENCE, "{tables:#?}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn end(self) -> Ended {
        self.signal(Signal::INT);
        self.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
