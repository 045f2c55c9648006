//! Two hosts to send between.

use std::{
    cell::Cell,
    fs::File,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use rustix::{
    io::Errno,
    net::{AddressFamily, Protocol, RawProtocol, RecvFlags, SocketType, recv, socket, sockopt},
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

/// Two namespaces and a cable between `left` in the one and `right` in the other.
pub(super) struct Cable {
    pub(super) namespaces: [String; 2],
}

impl Cable {
    /// `None`, and a line that says so, where namespaces cannot be made.
    pub(super) fn new() -> Option<Cable> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let namespaces = ["l", "r"].map(|side| format!("weir-send-{}-{number}{side}", std::process::id()));
        let cable = Cable { namespaces };
        let [left, right] = &cable.namespaces;
        let made = ip(&["netns", "add", left])
            && ip(&["netns", "add", right])
            && ip(&[
                "link", "add", "name", "left", "netns", left, "type", "veth", "peer", "name", "right",
                "netns", right,
            ])
            && cable.inside(0, &["sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"])
            && cable.inside(1, &["sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"])
            && ip(&["-n", left, "link", "set", "left", "up"])
            && ip(&["-n", right, "link", "set", "right", "up"]);
        if !made {
            eprintln!(
                "SKIPPED: cannot make network namespaces joined by a veth pair (this needs root and ip(8))"
            );
            return None;
        }
        Some(cable)
    }

    fn inside(&self, side: usize, command: &[&str]) -> bool {
        let arguments: Vec<&str> =
            ["netns", "exec", &self.namespaces[side]].into_iter().chain(command.iter().copied()).collect();
        ip(&arguments)
    }

    pub(super) fn sender(&self, arguments: &str) -> Child {
        self.generator(0, "--interface left", arguments)
    }

    /// What lets frames come in at the other end.
    pub(super) fn injector(&self, arguments: &str) -> Child {
        self.generator(1, "--inject --interface right", arguments)
    }

    fn generator(&self, side: usize, place: &str, arguments: &str) -> Child {
        Command::new("ip")
            .args(["netns", "exec", &self.namespaces[side], env!("CARGO_BIN_EXE_weir-generator"), "send"])
            .args(place.split_whitespace())
            .args(arguments.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Sends; says what was printed.
    pub(super) fn send(&self, arguments: &str) -> String {
        success(self.sender(arguments))
    }

    /// Sends in vain; says why.
    pub(super) fn fail(&self, arguments: &str) -> String {
        failure(self.sender(arguments))
    }

    /// Packets that came in at the other end.
    pub(super) fn received(&self) -> u64 {
        let Output { stdout, .. } = Command::new("ip")
            .args(["netns", "exec", &self.namespaces[1], "cat", "/sys/class/net/right/statistics/rx_packets"])
            .output()
            .unwrap();
        String::from_utf8(stdout).unwrap().trim().parse().unwrap()
    }

    /// A packet socket at the other end, which hears everything.
    fn ear(&self) -> OwnedFd {
        let namespace = File::open(format!("/run/netns/{}", self.namespaces[1])).unwrap();
        let open = move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            let all = Protocol::from_raw(RawProtocol::new(u32::from(3u16.to_be())).unwrap());
            socket(AddressFamily::PACKET, SocketType::RAW, Some(all)).unwrap()
        };
        // Only that thread moves.
        thread::spawn(open).join().unwrap()
    }

    /// Begins to count at the other end.
    pub(super) fn count(&self) -> Counter {
        Counter { socket: self.ear(), come: Cell::new(0) }
    }

    /// Begins to listen at the other end; the thread answers with the first `count` frames.
    pub(super) fn listen(&self, count: usize) -> thread::JoinHandle<Vec<Vec<u8>>> {
        let socket = self.ear();
        sockopt::set_socket_recv_buffer_size(&socket, 4 << 20).unwrap();
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(Duration::from_secs(5))).unwrap();
        thread::spawn(move || {
            let (mut frames, mut buffer) = (Vec::new(), vec![0; 65_536]);
            while frames.len() < count {
                match recv(&socket, &mut buffer[..], RecvFlags::empty()) {
                    Ok((len, _)) => frames.push(buffer[..len].to_vec()),
                    Err(Errno::INTR) => {}
                    Err(error) => panic!("{error} after {} frames", frames.len()),
                }
            }
            frames
        })
    }
}

/// Counts frames that came in, by what the kernel counts for a packet socket, whether they find room in it or not.
pub(super) struct Counter {
    socket: OwnedFd,
    come: Cell<u64>,
}

impl Counter {
    /// How many have come in since it was made.
    pub(super) fn come(&self) -> u64 {
        let mut counted = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
        let mut len = size_of::<libc::tpacket_stats>() as libc::socklen_t;
        // SAFETY: the pointers and the length are those of the values on the stack.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut counted).cast(),
                &raw mut len,
            )
        };
        assert_eq!(result, 0);
        // Being asked sets it to zero.
        self.come.set(self.come.get() + u64::from(counted.tp_packets));
        self.come.get()
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for namespace in &self.namespaces {
            ip(&["netns", "delete", namespace]);
        }
    }
}

/// What a program printed.
pub(super) fn success(program: Child) -> String {
    let output = program.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Why it failed.
pub(super) fn failure(program: Child) -> String {
    let output = program.wait_with_output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

pub(super) fn ip(arguments: &[&str]) -> bool {
    Command::new("ip").args(arguments).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
