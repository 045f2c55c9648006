//! Frames that are sent.

use std::{
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use weir_generator::{
    pcap::{ETHERNET, Writer},
    shapes::Shape,
};

use super::{
    cable::{Cable, ip},
    capture,
};

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
        // So many that every flow of the background is among them.
        while cable.received() < before + 500 {
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
