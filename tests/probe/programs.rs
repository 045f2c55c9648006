//! Other programs that collect.

use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// Whether a program is here; if not, this is told.
pub(crate) fn is_here(program: &str) -> bool {
    let is_here = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .stdin(Stdio::null())
        .status()
        .is_ok();
    if !is_here {
        eprintln!("SKIPPED: {program} is not here");
    }
    is_here
}

/// nfcapd, which stores what comes to its port in a directory.
pub(crate) struct Nfcapd {
    collector: Child,
    pub(crate) port: u16,
}

impl Nfcapd {
    pub(crate) fn start(directory: &Path) -> Nfcapd {
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut collector = Command::new("nfcapd")
            .args(["-b", "127.0.0.1", "-p", &port.to_string(), "-w"])
            .arg(directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It is there when nobody else can have its port.
        while UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            assert!(collector.try_wait().unwrap().is_none(), "nfcapd has ended");
            thread::sleep(Duration::from_millis(20));
        }
        Nfcapd { collector, port }
    }

    /// Ends it when it has taken what was sent before.
    pub(crate) fn stop(mut self) {
        thread::sleep(Duration::from_millis(500));
        let pid = rustix::process::Pid::from_child(&self.collector);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.collector.wait().unwrap();
    }
}
