//! The output `unirec` and its clients: whoever comes late, stops reading or goes, and a file system that is full. Nothing is lost
//! without being counted, and capture waits for nobody.
#![allow(clippy::unwrap_used)]

mod probe;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use probe::running::Running;
use probe::{Ended, Scratch, Tables, committed, run, weir, weir_on};
use weir_generator::shapes::Shape;

/// Nothing that is waited for takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program on a capture with the output `unirec`, its sockets in a directory of the test's own.
fn offline(scratch: &Scratch, capture: &std::path::Path, parameters: &str) -> Command {
    let mut command = weir_on(capture, "-s cache;fused");
    command.args(["-o", &format!("unirec;{parameters}")]).env("TRAP_SOCKET_DIR", scratch.path(""));
    command
}

/// The program on packets that it makes itself, every one of them a flow, until it is told to end. As on an interface, records for which
/// the output has no time are dropped.
fn live(scratch: &Scratch, parameters: &str) -> Running {
    let mut command = weir("-i benchmark;mode=nf;size=64 -s cache;s=10;fused");
    command.args(["-o", &format!("unirec;{parameters};full=drop")]).env("TRAP_SOCKET_DIR", scratch.path(""));
    Running::start(command.env("RUNTIME_DIRECTORY", scratch.path("run")))
}

/// Connects once somebody listens.
fn connect(scratch: &Scratch) -> UnixStream {
    let began = Instant::now();
    loop {
        match UnixStream::connect(scratch.path("trap-x.sock")) {
            Ok(stream) => return stream,
            Err(error) => assert!(began.elapsed() < PATIENCE, "{error}"),
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Takes the hello.
fn greet(mut stream: &UnixStream) {
    let mut header = [0; 8];
    stream.read_exact(&mut header).unwrap();
    let mut specifier = vec![0; usize::from(u16::from_be_bytes([header[6], header[7]]))];
    stream.read_exact(&mut specifier).unwrap();
}

/// How many messages come until the end.
fn messages(mut stream: UnixStream) -> u64 {
    greet(&stream);
    let mut messages = 0;
    let mut header = [0; 14];
    while stream.read_exact(&mut header).is_ok() {
        let mut payload = vec![0; u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize];
        stream.read_exact(&mut payload).unwrap();
        messages += u64::from(u16::from_le_bytes([header[12], header[13]]));
    }
    messages
}

fn start(mut command: Command) -> thread::JoinHandle<Ended> {
    thread::spawn(move || run(&mut command))
}

/// Of the only output: records written, records lost. The tables add up when they are read.
fn written_and_lost(tables: &Tables) -> (u64, u64) {
    let output = &tables.outputs[0];
    assert_eq!(tables.fates[0].lost > 0, output.dropped > 0, "{tables:#?}");
    (output.records, output.dropped)
}

/// It ends within bounds, and leaves nothing behind.
fn end(probe: Running, scratch: &Scratch) -> Tables {
    let began = Instant::now();
    let ended = probe.end();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    let left: Vec<_> = std::fs::read_dir(scratch.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "run"), "{left:?}");
    Tables::parse(&ended.stdout)
}

#[test]
fn ten_clients_at_once_get_everything() {
    let scratch = Scratch::new();
    let capture = scratch.capture(Shape::Flood, 20_000, 1);
    // Nothing is sent before the first one is there; the others may miss the beginning.
    let probe = start(offline(&scratch, &capture, "ifc=u:x:timeout=WAIT"));
    let clients: Vec<_> = (0..10)
        .map(|_| {
            let stream = connect(&scratch);
            thread::spawn(move || messages(stream))
        })
        .collect();
    let got: Vec<u64> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    let ended = probe.join().unwrap();
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    let (records, lost) = written_and_lost(&Tables::parse(&ended.stdout));
    assert_eq!((got.iter().max(), lost), (Some(&records), 0));
}

#[test]
fn without_a_client_all_is_lost_and_counted() {
    let scratch = Scratch::new();
    let ended = run(&mut offline(&scratch, &committed("quickstart"), "ifc=u:x"));
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    let tables = Tables::parse(&ended.stdout);
    assert_eq!((tables.outputs[0].dropped, tables.fates[0].written), (tables.outputs[0].records, 0));
    assert!(ended.stderr.contains("u:x: 6 messages, 6 reached nobody"), "{}", ended.stderr);
    let left: Vec<_> = std::fs::read_dir(scratch.path("")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_client_that_comes_late_gets_what_follows() {
    let scratch = Scratch::new();
    let probe = live(&scratch, "ifc=u:x:timeout=NO_WAIT");
    probe.wait_for(|tables| tables.fates[0].lost > 0);
    let client = thread::spawn({
        let stream = connect(&scratch);
        move || messages(stream)
    });
    probe.wait_for(|tables| tables.fates[0].written > 10_000);
    let tables = end(probe, &scratch);
    // Every packet is a record.
    assert_eq!(client.join().unwrap(), tables.fates[0].written, "{tables:#?}");
}

#[test]
fn a_client_that_stops_reading_does_not_stop_capture() {
    for timeout in ["NO_WAIT", "HALF_WAIT", "WAIT"] {
        let scratch = Scratch::new();
        let probe = live(&scratch, &format!("ifc=u:x:timeout={timeout}"));
        let stopped = connect(&scratch);
        greet(&stopped);
        let (before, _) = probe.wait_for(|tables| tables.fates[0].lost > 0).packets();
        probe.wait_for(|tables| tables.packets().0 > before + 1_000_000);
        let tables = end(probe, &scratch);
        assert!(written_and_lost(&tables).1 > 0, "{timeout}: {tables:#?}");
        drop(stopped);
    }
}

#[test]
fn who_waits_for_a_client_that_never_comes_can_be_ended() {
    let scratch = Scratch::new();
    let probe = live(&scratch, "ifc=u:x:timeout=WAIT");
    probe.wait_for(|tables| tables.fates[0].lost > 0);
    let tables = end(probe, &scratch);
    assert_eq!(tables.fates[0].written, 0, "{tables:#?}");
}

#[test]
fn after_a_client_that_goes_in_the_middle_of_a_buffer_the_next_one_gets_the_rest() {
    let scratch = Scratch::new();
    let capture = scratch.capture(Shape::Flood, 20_000, 1);
    let probe = start(offline(&scratch, &capture, "ifc=u:x:timeout=WAIT"));
    let mut first = connect(&scratch);
    greet(&first);
    first.read_exact(&mut [0; 1000]).unwrap();
    drop(first);
    // What could not be given to the first one, the second one gets.
    let got = messages(connect(&scratch));
    let ended = probe.join().unwrap();
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    let (records, lost) = written_and_lost(&Tables::parse(&ended.stdout));
    // But for what lay in the socket; the buffer that was on its way is lost if the second one was there when it failed.
    assert!(lost <= 1000 && got + lost + 5_000 > records, "{got} of {records}, {lost} lost");
}

#[test]
fn what_a_full_file_system_does_not_take_is_told_and_counted() {
    let scratch = Scratch::new();
    let ended = run(&mut offline(&scratch, &committed("quickstart"), "ifc=f:/dev/full"));
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("Warning: unirec: f:/dev/full: No space left on device"),
        "{}",
        ended.stderr
    );
    let tables = Tables::parse(&ended.stdout);
    assert_eq!((tables.fates[0].written, tables.outputs[0].dropped), (0, tables.outputs[0].records));
}

#[test]
fn a_file_that_met_a_full_file_system_ends_behind_its_last_whole_buffer() {
    let scratch = Scratch::new();
    let capture = scratch.capture(Shape::Flood, 20_000, 1);
    // 2 MB of records for 256 KiB, in a mount that nobody else sees.
    let script = format!(
        "mount -t tmpfs -o size=256k none {directory} || exit 77
         {weir} -i 'pcap;file={capture}' -o 'unirec;ifc=f:{directory}/x' || exit 1
         {weir} print {directory}/x | wc -l",
        directory = scratch.path("").display(),
        weir = env!("CARGO_BIN_EXE_weir"),
        capture = "/proc/self/fd/3",
    );
    let mut shell = Command::new("sh");
    // The capture lies beneath the mount.
    shell.args(["-c", &format!("exec 3<{}; exec unshare -m sh -c \"$0\"", capture.display()), &script]);
    let ended = run(&mut shell);
    if ended.status == Some(77) || ended.stderr.contains("unshare failed") || ended.status == Some(127) {
        println!("skipped: it needs root, for a mount");
        return;
    }
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    let (tables, lines) = ended.stdout.trim_end().rsplit_once('\n').unwrap();
    let tables = Tables::parse(tables);
    let written: u64 = lines.trim().parse().unwrap();
    assert!(written > 0 && tables.fates[0].lost > 0, "{tables:#?}");
    assert_eq!(written, tables.fates[0].written, "{tables:#?}");
}

#[test]
fn statistics_are_told_at_the_service_interface() {
    let scratch = Scratch::new();
    let probe = live(&scratch, "ifc=u:x:timeout=NO_WAIT,b:;plugins=basic,basic");
    let path = scratch.path(&format!("trap-service_{}.sock", probe.id()));
    let mut service = UnixStream::connect(path).unwrap();
    service.write_all(&[10, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    let mut header = [0; 8];
    service.read_exact(&mut header).unwrap();
    let mut text = vec![0; u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize];
    service.read_exact(&mut text).unwrap();
    assert_eq!((header[0], text.pop()), (12, Some(0)));
    let told: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!((&told["out_cnt"], &told["out"][0]["ifc_id"]), (&2.into(), &"x".into()));
    assert_eq!(told["out"][1]["ifc_type"], u32::from('b'));
    end(probe, &scratch);
}
