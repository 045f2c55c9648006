//! The probe on an interface: nothing is lost without being told, time passes without packets, no output holds up another.
#![allow(clippy::unwrap_used)]

mod probe;

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use probe::network::{INTERFACE, Network};
use probe::running::Running;
use probe::{Ended, Scratch, Tables, number, weir_on};
use rustix::process::Signal;
use serde_json::Value;
use weir_generator::send::{Material, Repeat};
use weir_generator::shapes::Shape;
use weir_generator::traffic::Parameters;

/// The probe on the host's interface, with further arguments separated by blanks.
fn weir_in(network: &Network, inputs: &[&str], arguments: &str) -> Command {
    let mut command = network.command(env!("CARGO_BIN_EXE_weir"));
    for input in inputs {
        command.args(["-i", &format!("raw;ifc={INTERFACE}{input}")]);
    }
    command.args(arguments.split_whitespace());
    command
}

/// Waits until so many packets have come, dropped ones among them, and ends the probe.
fn end_after(running: Running, packets: u64) -> Ended {
    running.wait_for(|tables| tables.fates[0].received >= packets);
    running.end()
}

/// The tables at the end: on standard output unless records go there; then behind those that were asked for before.
fn last_tables(ended: &Ended) -> Tables {
    let text = if ended.stdout.starts_with("Input stats:") { &ended.stdout } else { &ended.stderr };
    Tables::parse(&text[text.rfind("Input stats:").unwrap()..])
}

fn packets_in(records: &[Value]) -> u64 {
    records.iter().map(|record| number(record, "PACKETS") + number(record, "PACKETS_REV")).sum()
}

/// The records without what tells when they were seen, sorted.
fn without_times(text: &str) -> Vec<String> {
    let mut records: Vec<String> = text
        .lines()
        .map(|line| {
            let mut record: Value = serde_json::from_str(line).unwrap();
            record.as_object_mut().unwrap().retain(|key, _| !key.starts_with("TIME_"));
            record.to_string()
        })
        .collect();
    records.sort();
    records
}

fn capture_agrees_with_the_wire(name: &str, inputs: &[&str], threading: &str) {
    let Some(network) = Network::new(name) else { return };
    let scratch = Scratch::new();
    let packets = 1_000_000;
    let capture = scratch.capture(Shape::Imix, packets, 20_000);
    // Only what is said of the packets is compared, so no flow is to end because of time.
    let arguments = format!("-p http -p dns -o json -s cache;s=18;a=9999;i=9999;{threading}");
    let running = Running::start(&mut weir_in(&network, inputs, &arguments));
    let report = network.send(&Material::File(capture.clone(), Repeat::Once), 150_000, None);
    assert_eq!(report.packets, packets);
    let live = end_after(running, packets);
    assert_eq!(live.status, Some(0), "{}", live.stderr);
    let tables = last_tables(&live);
    assert_eq!(tables.fates[0].received, packets);
    assert_eq!(tables.fates[0].dropped, 0, "{tables:#?}");
    tables.assert_nothing_is_lost();
    let file = probe::run(&mut weir_on(&capture, &arguments));
    let (live, file) = (without_times(&live.stdout), without_times(&file.stdout));
    assert_eq!(live.len(), file.len());
    let different: Vec<_> = live.iter().zip(&file).filter(|(live, file)| live != file).take(3).collect();
    assert!(different.is_empty(), "{different:#?}");
}

#[test]
fn a_million_packets_over_the_wire_give_the_records_of_the_file() {
    capture_agrees_with_the_wire("million", &[""], "fused");
}

#[test]
fn two_inputs_that_share_an_interface_give_the_records_of_the_file() {
    capture_agrees_with_the_wire("fanout", &[";f=7", ";f=7"], "shards=2");
}

#[test]
fn at_full_speed_into_a_small_ring_every_packet_is_in_a_record_or_reported_as_dropped() {
    let Some(network) = Network::new("speed") else { return };
    let running = Running::start(&mut weir_in(&network, &[";blocks=2;pkts=8"], "-o json -p http -p dns"));
    let material = Material::Shape(Shape::Small, Parameters { flows: 1000, ..Parameters::of(Shape::Small) });
    // Stopped, it takes nothing, and the ring overflows.
    running.signal(Signal::STOP);
    let before = network.send(&material, 0, Some(20_000)).packets;
    running.signal(Signal::CONT);
    let sent = before + network.send(&material, 0, Some(300_000)).packets;
    let ended = end_after(running, sent);
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    let tables = last_tables(&ended);
    let fate = tables.fates[0];
    assert_eq!(fate.received, sent, "{tables:#?}");
    assert!(fate.dropped > 0 && fate.written > 0, "{tables:#?}");
    assert_eq!(fate.dropped + fate.written, sent, "{tables:#?}");
    let in_records: u64 =
        ended.records().iter().map(|r| number(r, "PACKETS") + number(r, "PACKETS_REV")).sum();
    assert_eq!(in_records, fate.written);
}

#[test]
fn a_flow_ends_though_nothing_comes_any_more() {
    let Some(network) = Network::new("silence") else { return };
    let scratch = Scratch::new();
    for threading in ["fused", "shards=3"] {
        let file = scratch.path(threading);
        let output = format!("-o json;file={} -s cache;i=1;{threading}", file.display());
        let running = Running::start(&mut weir_in(&network, &[""], &output));
        let parameters = Parameters { flows: 50, ..Parameters::of(Shape::Small) };
        network.send(&Material::Shape(Shape::Small, parameters), 0, Some(500));
        let began = Instant::now();
        while fs::read_to_string(&file).unwrap().lines().count() < 50 {
            assert!(began.elapsed() < Duration::from_secs(30), "{:#?}", running.tables());
            thread::sleep(Duration::from_millis(100));
        }
        let tables = last_tables(&running.end());
        assert_eq!(tables.cache.get("records ended: inactive"), Some(&50), "{tables:#?}");
    }
}

#[test]
fn an_output_that_hangs_holds_up_neither_the_others_nor_the_end() {
    let Some(network) = Network::new("hangs") else { return };
    let scratch = Scratch::new();
    let (pipe, file) = (scratch.path("pipe"), scratch.path("file"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Open at both ends, and never read.
    let _reader = fs::File::options().read(true).write(true).open(&pipe).unwrap();
    let outputs =
        format!("-s cache;i=1 -Q 64 -o json;file={} -o json;file={}", pipe.display(), file.display());
    let running = Running::start(&mut weir_in(&network, &[""], &outputs));
    let parameters = Parameters { flows: 5000, ..Parameters::of(Shape::Small) };
    network.send(&Material::Shape(Shape::Small, parameters), 10_000, Some(5000));
    // The other output writes on.
    running.wait_for(|tables| tables.fates[1].written > 4000);
    let ended = running.end();
    assert_eq!(ended.status, Some(1), "{}", ended.stderr);
    let tables = last_tables(&ended);
    assert!(tables.outputs[0].status.contains("is not waited for any more"), "{tables:#?}");
    assert_eq!(tables.outputs[1].status, "ok");
    let [hung, other] = tables.fates[..] else { panic!("{tables:#?}") };
    assert_eq!((hung.received, hung.written + hung.lost), (5000, 5000), "{tables:#?}");
    assert_eq!(other.written + other.lost, 5000, "{tables:#?}");
    let written = Ended { status: None, stdout: fs::read_to_string(&file).unwrap(), stderr: String::new() };
    assert_eq!(packets_in(&written.records()), other.written);
}

#[test]
fn records_beyond_the_pace_are_dropped_and_counted() {
    let Some(network) = Network::new("pace") else { return };
    let running = Running::start(&mut weir_in(&network, &[""], "-s cache;i=1 -f 200 -Q 32 -o json"));
    let parameters = Parameters { flows: 2000, ..Parameters::of(Shape::Small) };
    network.send(&Material::Shape(Shape::Small, parameters), 0, Some(2000));
    let ended = end_after(running, 2000);
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    let tables = last_tables(&ended);
    let fate = tables.fates[0];
    assert!(fate.lost > 0, "{tables:#?}");
    assert_eq!(fate.written + fate.lost, 2000, "{tables:#?}");
    assert_eq!(ended.lines().len() as u64, tables.outputs[0].records, "{tables:#?}");
}

#[test]
fn at_every_moment_all_packets_are_accounted_for() {
    let Some(network) = Network::new("moment") else { return };
    for threading in ["fused", "shards=2"] {
        let arguments = format!("-s cache;s=10;i=1;{threading} -o null -o json;file=/dev/null");
        let running = Running::start(&mut weir_in(&network, &[""], &arguments));
        let material =
            Material::Shape(Shape::Imix, Parameters { flows: 5000, ..Parameters::of(Shape::Imix) });
        let sent = thread::scope(|scope| {
            let sending = scope.spawn(|| network.send(&material, 100_000, Some(200_000)).packets);
            let mut before = 0;
            while !sending.is_finished() {
                // Reading them asserts that they add up.
                let fate = running.tables().fates[0];
                assert!(fate.received >= before);
                before = fate.received;
            }
            sending.join().unwrap()
        });
        let ended = end_after(running, sent);
        last_tables(&ended).assert_nothing_is_lost();
    }
}

#[test]
fn a_missing_interface_is_one_clear_line() {
    let Some(network) = Network::new("missing") else { return };
    let mut command = network.command(env!("CARGO_BIN_EXE_weir"));
    let ended = probe::run(command.args(["-i", "raw;ifc=nosuch0", "-o", "null"]));
    assert_eq!(ended.status, Some(1));
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.starts_with("Error: raw: nosuch0: "), "{}", ended.stderr);
}
