//! Two hosts with a cable between them: network namespaces joined by a veth pair.

use std::fs::File;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use weir_generator::send::{self, Material, Report, Settings};

/// Two hosts: one sends, the other has the probe. Gone with the value.
pub(crate) struct Network {
    sender: String,
    probe: String,
}

/// The interface of either host.
pub(crate) const INTERFACE: &str = "veth0";

fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip")
        .args(arguments.split_whitespace())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("ip (iproute2): {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

impl Network {
    /// The hosts of the test `name`; `None`, said loudly, where they cannot be had.
    pub(crate) fn new(name: &str) -> Option<Network> {
        let of = |role: &str| format!("weir-{name}-{role}-{}", std::process::id());
        let network = Network { sender: of("a"), probe: of("b") };
        match network.build() {
            Ok(()) => Some(network),
            Err(error) => {
                eprintln!("SKIPPED: {name}: network namespaces with a veth pair need root: {error}");
                None
            }
        }
    }

    fn build(&self) -> Result<(), String> {
        let Network { sender, probe } = self;
        ip(&format!("netns add {sender}"))?;
        ip(&format!("netns add {probe}"))?;
        ip(&format!("link add {INTERFACE} netns {sender} type veth peer name {INTERFACE} netns {probe}"))?;
        for host in [sender, probe] {
            // The kernels themselves have nothing to say.
            let quiet = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 2>/dev/null";
            let _ = Command::new("ip").args(["netns", "exec", host, "sh", "-c", quiet]).status();
            ip(&format!("-n {host} link set {INTERFACE} arp off up"))?;
        }
        Ok(())
    }

    /// A program on the host with the probe.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.probe, program]).stdin(Stdio::null());
        command
    }

    /// Sends to the probe's host, and waits until everything is sent.
    pub(crate) fn send(&self, material: &Material, rate: u64, packets: Option<u64>) -> Report {
        let namespace = File::open(format!("/run/netns/{}", self.sender)).unwrap();
        let settings = Settings {
            interface: INTERFACE.to_owned(),
            rate,
            packets,
            duration: None,
            cpu: None,
            skip_long: false,
        };
        let work = || {
            // This thread only.
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            send::run(&settings, material).unwrap()
        };
        thread::scope(|scope| scope.spawn(work).join().unwrap())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for host in [&self.sender, &self.probe] {
            let _ = ip(&format!("netns del {host}"));
        }
    }
}
