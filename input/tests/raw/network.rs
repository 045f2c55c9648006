//! A network of the test's own: a namespace with two interfaces, `left` and `right`, at the ends of one cable.

use std::ffi::c_ulong;
use std::fs::File;
use std::io::Write;
use std::mem::zeroed;
use std::os::fd::AsRawFd;
use std::panic::resume_unwind;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{CapabilitySet, UnshareFlags, capabilities, unshare_unsafe};

/// Long enough for anything that is going to happen, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Runs `test` on a thread whose network is a new namespace, with `left` and `right` up and silent. The namespace vanishes with the thread
/// and its sockets. Without the permission to make one the test is skipped, loudly.
pub(crate) fn with_cable(test: impl FnOnce() + Send + 'static) {
    let done = thread::spawn(|| {
        let may = capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN));
        // SAFETY: changes the namespace of this thread only; no descriptors are involved.
        if !may || unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.is_err() {
            eprintln!("SKIPPED: no permission to make a network namespace, nothing was captured");
            return;
        }
        for conf in ["default", "all"] {
            // So that nobody but the test says anything. Where there is no IPv6 there is no need.
            let _ = std::fs::write(format!("/proc/sys/net/ipv6/conf/{conf}/disable_ipv6"), "1");
        }
        ip("link set lo up");
        lay_cable();
        test();
    });
    if let Err(panic) = done.join() {
        resume_unwind(panic);
    }
}

/// Makes `left` and `right`.
pub(crate) fn lay_cable() {
    ip("link add name left type veth peer name right");
    switch_on(&["left", "right"]);
}

/// Switches both ends of the cable on, and waits until frames pass, which is a little later: the kernel has a thread for that.
pub(crate) fn switch_on(ends: &[&str; 2]) {
    for end in ends {
        ip(&format!("link set {end} up arp off"));
    }
    let started = Instant::now();
    while !ends.iter().all(|end| ip(&format!("link show {end}")).contains("state UP")) {
        assert!(started.elapsed() < PATIENCE, "no carrier");
        thread::sleep(Duration::from_millis(1));
    }
    // That thread holds a lock from the change of state until frames pass, and this needs the same one.
    for end in ends {
        ip(&format!("link set {end} arp off"));
    }
}

/// Runs `ip` in the namespace of this thread. What it printed.
pub(crate) fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// An interface whose wire is this process.
pub(crate) struct Tunnel {
    device: File,
}

impl Tunnel {
    /// Makes it, and switches it on. `None`, loudly, where the kernel has none.
    pub(crate) fn new(name: &str) -> Option<Tunnel> {
        let opened = File::options().read(true).write(true).open("/dev/net/tun");
        let Ok(device) = opened else {
            eprintln!("SKIPPED: /dev/net/tun cannot be opened, no tunnel was captured from");
            return None;
        };
        // SAFETY: a name and numbers.
        let mut request: libc::ifreq = unsafe { zeroed() };
        for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
            *to = from as libc::c_char;
        }
        request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as i16;
        // SAFETY: TUNSETIFF takes an ifreq.
        let made = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &raw const request) };
        assert_eq!(made, 0, "{}", std::io::Error::last_os_error());
        ip(&format!("link set {name} up"));
        Some(Tunnel { device })
    }

    /// The interface receives `packet`.
    pub(crate) fn receive(&mut self, packet: &[u8]) {
        self.device.write_all(packet).unwrap();
    }

    /// Pretends to be other hardware. It must be down.
    pub(crate) fn set_hardware_type(&mut self, arphrd: u16) {
        // SAFETY: TUNSETLINK takes a number.
        let set = unsafe { libc::ioctl(self.device.as_raw_fd(), libc::TUNSETLINK, c_ulong::from(arphrd)) };
        assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
    }
}
