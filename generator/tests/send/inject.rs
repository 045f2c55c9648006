//! Frames that come in without having been sent.

use std::{
    io::Write,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use weir_generator::{
    pcap::{ETHERNET, Writer},
    shapes::Shape,
};

use super::{
    cable::{Cable, failure, ip, success},
    capture,
};

/// `None`, and a line that says so, where the kernel does not let us inject.
fn cable() -> Option<Cable> {
    let cable = Cable::new()?;
    let output = cable.injector("--count 1 small").wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    if error.contains("injecting needs root") {
        eprintln!("SKIPPED: the kernel does not allow or know injecting frames: {error}");
        return None;
    }
    assert!(output.status.success(), "{error}");
    Some(cable)
}

/// A file of frames of these lengths, each filled with other bytes.
fn file(lengths: impl IntoIterator<Item = usize>) -> (tempfile::NamedTempFile, Vec<Vec<u8>>) {
    let mut writer = Writer::new(tempfile::NamedTempFile::new().unwrap(), ETHERNET).unwrap();
    let frames: Vec<Vec<u8>> = lengths
        .into_iter()
        .enumerate()
        .map(|(number, len)| (0..len).map(|at| (number * 7 + at * 13) as u8).collect())
        .collect();
    for frame in &frames {
        writer.write(0, frame).unwrap();
    }
    let mut file = writer.finish().unwrap();
    file.flush().unwrap();
    (file, frames)
}

/// The frames that came are those.
fn same<'a>(came: &[Vec<u8>], those: impl Iterator<Item = &'a [u8]>) {
    for (number, (came, that)) in came.iter().zip(those).enumerate() {
        assert_eq!(came, that, "frame {number}");
    }
}

#[test]
fn frames_of_every_length_arrive_byte_for_byte_and_in_order() {
    let Some(cable) = cable() else { return };
    let (file, frames) = file(60..=1514);
    let listener = cable.listen(frames.len());
    let said = success(cable.injector(&format!("--pps 5K {}", file.path().display())));
    same(&listener.join().unwrap(), frames.iter().map(Vec::as_slice));
    let bytes: usize = frames.iter().map(Vec::len).sum();
    assert!(said.starts_with(&format!("sent 1455 packets {bytes} bytes in ")), "{said}");
    assert!(said.ends_with(" s, refused 0\n"), "{said}");
}

#[test]
fn a_shape_injects_what_a_capture_of_it_holds() {
    let Some(cable) = cable() else { return };
    for shape in [Shape::Small, Shape::Imix, Shape::Flood] {
        let (_, recording) = capture(shape, 700);
        let listener = cable.listen(700);
        success(cable.injector(&format!("--pps 5K --count 700 {}", shape.name())));
        let frames = listener.join().unwrap();
        same(&frames, (0..700).map(|number| recording.frame(number)));
    }
}

#[test]
fn a_file_of_several_chunks_goes_on_from_its_beginning() {
    let Some(cable) = cable() else { return };
    // 2.2 MiB.
    let (file, frames) = file((0..1600).map(|number| 1300 + number % 215));
    let listener = cable.listen(4000);
    let said =
        success(cable.injector(&format!("--pps 5K --loop --count 4000 --json {}", file.path().display())));
    let came = listener.join().unwrap();
    same(&came, (0..4000).map(|number| frames[number % 1600].as_slice()));
    assert!(said.starts_with(r#"{"packets":4000,"#), "{said}");
}

#[test]
fn frames_come_in_evenly() {
    let Some(cable) = cable() else { return };
    let listener = cable.listen(1000);
    let said = success(cable.injector("--pps 2K --count 1000 --json small"));
    listener.join().unwrap();
    let seconds: f64 = field(&said, "seconds");
    // The last is due 499.5 ms after the first.
    assert!((0.4994..0.6).contains(&seconds), "{said}");
}

#[test]
fn the_rate_is_kept_where_a_packet_socket_cannot() {
    let Some(cable) = cable() else { return };
    let counter = cable.count();
    let said = success(cable.injector("--pps 600K --count 300K --json small"));
    let seconds: f64 = field(&said, "seconds");
    // Where the CPU is shared it may take longer, but never less.
    assert!(seconds >= 0.4999, "{said}");
    assert_eq!(counter.come(), 300_000);
}

#[test]
fn injecting_ends_in_time() {
    let Some(cable) = cable() else { return };
    let started = Instant::now();
    let said = success(cable.injector("--pps 2 --seconds 1 flood"));
    assert!(started.elapsed() < Duration::from_secs(3));
    assert!(said.starts_with("sent 2 packets "), "{said}");
    let (file, _) = file([60; 100]);
    let said = success(cable.injector(&format!("--seconds 1 --loop --json {}", file.path().display())));
    let seconds: f64 = field(&said, "seconds");
    assert!((0.5..=1.0).contains(&seconds), "{said}");
}

#[test]
fn a_signal_ends_injecting_and_the_numbers_are_right() {
    let Some(cable) = cable() else { return };
    let (file, _) = file((0..100).map(|number| 60 + number));
    let arguments = format!("--pps 20K --loop --json {}", file.path().display());
    for signal in [Signal::INT, Signal::TERM] {
        let counter = cable.count();
        let injector = cable.injector(&arguments);
        let pid = Pid::from_raw(injector.id() as i32).unwrap();
        while counter.come() == 0 {
            thread::sleep(Duration::from_millis(10));
        }
        kill_process(pid, signal).unwrap();
        let said = success(injector);
        assert_eq!(field::<u64>(&said, "packets"), counter.come(), "{said}");
    }
}

#[test]
fn what_cannot_be_injected_is_told() {
    let Some(cable) = cable() else { return };
    let error = |arguments: &str| failure(cable.injector(arguments));
    assert!(error("flood").contains("flood cannot be injected: its flows are always new"));
    assert!(error("--seconds 1 quic-flood").contains("always new"));
    assert!(error("--count 9 --background 10 flood").contains("its background is counted as it is sent"));
    assert!(error("--count 9 --new-flows 1 small").contains("its new flows come while it is sent"));
    assert!(error("--count 1000M flood").contains("more than 1024 MiB of frames"));
    assert!(ip(&["-n", &cable.namespaces[1], "link", "set", "right", "mtu", "9000"]));
    let (long, _) = file([60, 2044, 2045, 60]);
    let path = long.path().display();
    assert!(error(&format!("{path}")).contains("a frame of 2045 bytes does not fit right, which takes 2044"));
    let said = success(cable.injector(&format!("--skip-long {path}")));
    assert!(
        said.starts_with("sent 3 packets 2164 bytes ") && said.ends_with("\nskipped 1 too long\n"),
        "{said}"
    );
    assert!(ip(&["-n", &cable.namespaces[1], "link", "set", "right", "down"]));
    assert!(error("--count 9 small").contains("right: Network is down"));
}

/// A number in an object of JSON.
fn field<T: std::str::FromStr>(json: &str, name: &str) -> T {
    let (_, rest) = json.split_once(&format!("\"{name}\":")).unwrap();
    let text: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    text.parse().ok().unwrap()
}
