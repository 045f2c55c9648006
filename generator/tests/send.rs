//! Sending, between two network namespaces that the test makes. Needs root.
#![allow(clippy::unwrap_used)]

use std::{
    fs::File,
    io::Write,
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    net::{AddressFamily, Protocol, RawProtocol, RecvFlags, SocketType, recv, socket, sockopt},
    process::{Pid, Signal, kill_process},
    thread::{LinkNameSpaceType, move_into_link_name_space},
};
use weir_generator::{
    pcap::{ETHERNET, Recording, Writer},
    shapes::Shape,
    traffic::{self, Parameters},
};

/// Two namespaces and a cable between `left` in the one and `right` in the other.
struct Cable {
    namespaces: [String; 2],
}

impl Cable {
    /// `None`, and a line that says so, where namespaces cannot be made.
    fn new() -> Option<Cable> {
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

    fn sender(&self, arguments: &str) -> Child {
        Command::new("ip")
            .args([
                "netns",
                "exec",
                &self.namespaces[0],
                env!("CARGO_BIN_EXE_weir-generator"),
                "send",
                "--interface",
                "left",
            ])
            .args(arguments.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Sends; says what was printed.
    fn send(&self, arguments: &str) -> String {
        let output = self.sender(arguments).wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Sends in vain; says why.
    fn fail(&self, arguments: &str) -> String {
        let output = self.sender(arguments).wait_with_output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }

    /// Packets that came in at the other end.
    fn received(&self) -> u64 {
        let Output { stdout, .. } = Command::new("ip")
            .args(["netns", "exec", &self.namespaces[1], "cat", "/sys/class/net/right/statistics/rx_packets"])
            .output()
            .unwrap();
        String::from_utf8(stdout).unwrap().trim().parse().unwrap()
    }

    /// Begins to listen at the other end; the thread answers with the first `count` frames.
    fn listen(&self, count: usize) -> thread::JoinHandle<Vec<Vec<u8>>> {
        let namespace = File::open(format!("/run/netns/{}", self.namespaces[1])).unwrap();
        let (ready, begun) = std::sync::mpsc::channel();
        let listener = thread::spawn(move || {
            use std::os::fd::AsFd;
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            let all = Protocol::from_raw(RawProtocol::new(u32::from(3u16.to_be())).unwrap());
            let socket = socket(AddressFamily::PACKET, SocketType::RAW, Some(all)).unwrap();
            sockopt::set_socket_recv_buffer_size(&socket, 4 << 20).unwrap();
            sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(Duration::from_secs(5)))
                .unwrap();
            ready.send(()).unwrap();
            let (mut frames, mut buffer) = (Vec::new(), vec![0; 65_536]);
            while frames.len() < count {
                match recv(&socket, &mut buffer[..], RecvFlags::empty()) {
                    Ok((len, _)) => frames.push(buffer[..len].to_vec()),
                    Err(Errno::INTR) => {}
                    Err(error) => panic!("{error} after {} frames", frames.len()),
                }
            }
            frames
        });
        begun.recv().unwrap();
        listener
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for namespace in &self.namespaces {
            ip(&["netns", "delete", namespace]);
        }
    }
}

fn ip(arguments: &[&str]) -> bool {
    Command::new("ip").args(arguments).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// A capture on disk, and its frames.
fn capture(shape: Shape, packets: u64) -> (tempfile::NamedTempFile, Recording) {
    let parameters = Parameters { packets, ..Parameters::of(shape) };
    let mut bytes = Vec::new();
    traffic::generate(shape, &parameters, &mut bytes).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    (file, Recording::new(bytes).unwrap())
}

#[test]
fn every_frame_of_a_file_arrives_once_and_in_order() {
    let Some(cable) = Cable::new() else { return };
    let (file, recording) = capture(Shape::Imix, 300);
    let listener = cable.listen(300);
    let said = cable.send(&format!("--pps 5K {}", file.path().display()));
    let frames = listener.join().unwrap();
    assert!((0..300).all(|number| frames[number] == recording.frame(number)));
    let bytes: usize = frames.iter().map(Vec::len).sum();
    assert!(
        said.starts_with(&format!("sent 300 packets {bytes} bytes in ")) && said.ends_with(" s, refused 0\n"),
        "{said}"
    );
    assert_eq!(cable.received(), 300);
}

#[test]
fn a_file_goes_on_from_its_beginning_if_asked() {
    let Some(cable) = Cable::new() else { return };
    let (file, recording) = capture(Shape::Small, 100);
    let listener = cable.listen(250);
    let said = cable.send(&format!("--pps 5K --loop --count 250 --json {}", file.path().display()));
    let frames = listener.join().unwrap();
    assert!((0..250).all(|number| frames[number] == recording.frame(number % 100)));
    assert!(said.starts_with(r#"{"packets":250,"#), "{said}");
}

#[test]
fn packets_go_out_at_the_rate_asked_for() {
    let Some(cable) = Cable::new() else { return };
    let started = Instant::now();
    cable.send("--pps 1K --count 500 flood");
    let took = started.elapsed();
    assert!((Duration::from_millis(480)..Duration::from_secs(3)).contains(&took), "{took:?}");
    assert_eq!(cable.received(), 500);
}

#[test]
fn sending_ends_in_time() {
    let Some(cable) = Cable::new() else { return };
    let started = Instant::now();
    let said = cable.send("--pps 2 --seconds 1 flood");
    assert!(started.elapsed() < Duration::from_secs(3));
    assert!(said.starts_with("sent 2 packets "), "{said}");
}

#[test]
fn a_signal_ends_sending_and_the_numbers_are_right() {
    let Some(cable) = Cable::new() else { return };
    for signal in [Signal::INT, Signal::TERM] {
        let before = cable.received();
        let sender = cable.sender("--background 50 --flows 10 --pps 20K quic-flood");
        let pid = Pid::from_raw(sender.id() as i32).unwrap();
        while cable.received() == before {
            thread::sleep(Duration::from_millis(10));
        }
        kill_process(pid, signal).unwrap();
        let output = sender.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        let numbers: Vec<u64> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        assert_eq!(numbers[0], cable.received() - before, "{said}");
        assert!(said.contains(" background packets in 10 flows, "), "{said}");
    }
}

#[test]
fn frames_that_do_not_fit_are_an_error_unless_they_are_to_be_skipped() {
    let Some(cable) = Cable::new() else { return };
    assert!(ip(&["-n", &cable.namespaces[0], "link", "set", "left", "mtu", "1000"]));
    let mut writer = Writer::new(tempfile::NamedTempFile::new().unwrap(), ETHERNET).unwrap();
    for len in [60, 1014, 1015, 60] {
        writer.write(0, &vec![0; len]).unwrap();
    }
    let file = writer.finish().unwrap();
    let path = file.path().display();
    let error = cable.fail(&format!("{path}"));
    assert!(error.contains("a frame of 1015 bytes does not fit left, which takes 1014"), "{error}");
    assert_eq!(cable.received(), 0);
    let said = cable.send(&format!("--skip-long {path}"));
    assert!(
        said.starts_with("sent 3 packets 1134 bytes ") && said.ends_with("\nskipped 1 too long\n"),
        "{said}"
    );
    assert_eq!(cable.received(), 3);
    let error = cable.fail("--count 100 quic-flood");
    assert!(error.contains("does not fit left"), "{error}");
}

#[test]
fn what_cannot_be_sent_is_told() {
    let Some(cable) = Cable::new() else { return };
    let error = cable.fail("/does/not/exist.pcap");
    assert!(error.contains("/does/not/exist.pcap: No such file"), "{error}");
    let error = cable.fail("--interface nowhere flood");
    assert!(error.contains("nowhere: No such device"), "{error}");
    let error = cable.fail("--cpu 9999 flood");
    assert!(error.contains("cannot run on CPU 9999"), "{error}");
    assert!(ip(&["-n", &cable.namespaces[0], "link", "set", "left", "down"]));
    let error = cable.fail("flood");
    assert!(error.contains("left: Network is down"), "{error}");
}

#[test]
fn an_interface_without_a_peer_takes_nothing_and_this_is_told() {
    let Some(cable) = Cable::new() else { return };
    assert!(ip(&["-n", &cable.namespaces[1], "link", "set", "right", "down"]));
    let error = cable.fail("flood");
    assert!(error.contains("left: takes no frames"), "{error}");
}
