//! Other programs that collect or export.

use std::fs;
use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Whether a program is here; if not, this is told.
pub(crate) fn is_here(program: &str) -> bool {
    let is_here = quiet(Command::new(program).arg("--version")).status().is_ok();
    if !is_here {
        eprintln!("SKIPPED: {program} is not here");
    }
    is_here
}

/// Nothing in, nothing out.
pub(crate) fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

/// The interpreter that has the packages which `scripts/test` installs.
pub(crate) fn python() -> String {
    std::env::var("WEIR_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// Whether a package for Python is here; if not, this is told.
pub(crate) fn has_python_package(package: &str) -> bool {
    let import = format!("import {package}");
    let run = quiet(Command::new(python()).args(["-I", "-c", &import])).status();
    let is_here = run.is_ok_and(|status| status.success());
    if !is_here {
        eprintln!("SKIPPED: the Python package {package} is not here");
    }
    is_here
}

/// A program that collects datagrams. Killed with the value, if it has not ended by then.
pub(crate) struct Collector {
    program: Child,
    pub(crate) port: u16,
}

impl Collector {
    /// Starts it with arguments that depend on its port, and waits until it has it.
    pub(crate) fn start(address: IpAddr, command: impl FnOnce(u16) -> Command) -> Collector {
        let port = UdpSocket::bind((address, 0)).unwrap().local_addr().unwrap().port();
        let mut program = command(port).stdin(Stdio::null()).spawn().unwrap();
        // It is there when nobody else can have its port.
        while UdpSocket::bind((address, port)).is_ok() {
            assert!(program.try_wait().unwrap().is_none(), "the collector has ended");
            thread::sleep(Duration::from_millis(20));
        }
        Collector { program, port }
    }

    /// Ends it when it has read what was sent before.
    pub(crate) fn stop(mut self) {
        wait_until_read(self.port);
        kill_process(Pid::from_child(&self.program), Signal::INT).unwrap();
        self.program.wait().unwrap();
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// Waits until all datagrams that came to a port have been read.
pub(crate) fn wait_until_read(port: u16) {
    let is_waiting = |line: &str| {
        let mut columns = line.split_whitespace();
        let is_here = columns.nth(1).is_some_and(|local| local.ends_with(&format!(":{port:04X}")));
        is_here && columns.nth(2).is_some_and(|queues| !queues.ends_with(":00000000"))
    };
    for table in ["/proc/net/udp", "/proc/net/udp6"] {
        while fs::read_to_string(table).unwrap().lines().any(is_waiting) {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// nfcapd, which stores what comes to its port in a directory.
pub(crate) fn nfcapd(address: IpAddr, directory: &Path) -> Collector {
    Collector::start(address, |port| {
        let mut nfcapd = Command::new("nfcapd");
        nfcapd.args(["-b", &address.to_string(), "-p", &port.to_string(), "-w"]).arg(directory);
        quiet(&mut nfcapd);
        nfcapd
    })
}
