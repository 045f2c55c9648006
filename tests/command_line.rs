//! What the program says, where, and with which exit status.
#![allow(clippy::unwrap_used)]

mod probe;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use probe::{ALL_PLUGINS, Ended, Scratch, Tables, committed, json, number, run, weir, weir_on};
use rustix::process::{Pid, Signal, kill_process};
use weir_generator::captures::Film;
use weir_generator::path::Path;
use weir_generator::shapes::Shape;

const READABLE: &str = "quickstart";

/// `arguments` end the program before it begins, with one line that begins like this and names all `parts`.
fn assert_refused(arguments: &str, parts: &[&str]) {
    let capture = committed(READABLE);
    let arguments = arguments.replace("CAPTURE", capture.to_str().unwrap());
    let ended = run(&mut weir(&arguments));
    assert_eq!(ended.status, Some(1), "{arguments}: {}", ended.stderr);
    assert_eq!(ended.stdout, "", "{arguments}");
    assert!(ended.stderr.starts_with("Error: "), "{arguments}: {}", ended.stderr);
    assert_eq!(ended.stderr.matches('\n').count(), 1, "{arguments}: {}", ended.stderr);
    for part in parts {
        assert!(ended.stderr.contains(part), "{arguments}: {part} is not in {}", ended.stderr);
    }
}

/// `arguments` print something and end well.
fn printed(arguments: &str) -> String {
    let ended = run(&mut weir(arguments));
    assert_eq!((ended.status, &*ended.stderr), (Some(0), ""), "{arguments}");
    ended.stdout
}

#[test]
fn help_and_version_go_to_standard_output() {
    assert_eq!(printed("-V"), concat!(env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(printed("--version=5"), printed("-V"), "what stands behind a flag is ignored");
    assert!(printed("-h").contains("Params:"));
    assert!(printed("-h -V").contains("Params:"), "help goes before version");
    for kind in ["input", "storage", "process", "output"] {
        assert!(printed(&format!("-h {kind}")).contains("Usage: "), "{kind}");
    }
    for plugin in ["pcap", "cache", "http", "pstats", "json", "text", "null"] {
        let text = printed(&format!("--help={plugin}"));
        assert!(text.starts_with(&format!("{plugin}\n")) && text.contains("\nUsage: "), "{plugin}: {text}");
    }
}

#[test]
fn help_about_something_unknown_is_no_failure() {
    let ended = run(&mut weir("-h nonsense"));
    assert_eq!((ended.status, &*ended.stdout), (Some(0), ""));
    assert!(ended.stderr.contains("nonsense"), "{}", ended.stderr);
}

#[test]
fn what_is_wrong_with_the_options_is_one_line() {
    assert_refused("", &["input"]);
    assert_refused("-o json", &["input"]);
    assert_refused("-i pcap;file=CAPTURE -o ipfix;mtu=16", &["mtu", "16"]);
    assert_refused("-i pcap;file=CAPTURE -o ipfix;udp;c", &["lz4-compression", "udp"]);
    assert_refused("-i pcap;file=CAPTURE -o ipfix;udp;transport=tls", &["udp", "transport=tls"]);
    assert_refused("-i pcap;file=CAPTURE -o ipfix;path=x;transport=tcp", &["path", "transport=tcp"]);
    assert_refused("-i pcap;file=CAPTURE -o ipfix;transport=file", &["path"]);
    assert_refused("-i pcap;file=CAPTURE -o ipfix;transport=tls;ca=x;cert=x", &["key"]);
    assert_refused("-i pcap;file=CAPTURE -o ipfix;ca=x", &["ca", "transport=tls or dtls"]);
    assert_refused("-i pcap;file=CAPTURE -o ipfix;transport=dtls;c", &["lz4-compression", "dtls"]);
    assert_refused(
        "-i pcap;file=CAPTURE -o ipfix;transport=tls;ca=/no/ca;cert=x;key=x",
        &["ca: /no/ca: No such"],
    );
    assert_refused("-i pcap;file=CAPTURE -o unirec", &["unirec", "ifc"]);
    assert_refused("-i pcap;file=CAPTURE -o unirec;ifc=b:,b:", &["plugins"]);
    assert_refused("-i pcap;file=CAPTURE -o null -s cache -s cache", &["storage"]);
    assert_refused("-i pcap;file=CAPTURE -o null -p http -p http", &["http"]);
    assert_refused("-i pcpa;file=CAPTURE -o null", &["pcpa", "did you mean pcap?"]);
    assert_refused("-i pcap;file=CAPTURE -o jsno", &["jsno", "json"]);
    assert_refused("-i pcap;file=CAPTURE -o null -s cahce", &["cahce", "cache"]);
    assert_refused("-i pcap;file=CAPTURE -o null -p htpt", &["htpt", "http"]);
    assert_refused("-i pcap;file=CAPTURE;fiel=x -o null", &["pcap: ", "fiel", "did you mean file?"]);
    assert_refused("-i pcap;file=CAPTURE -o null -s cache;size=31", &["cache: ", "size", "31"]);
    assert_refused("-i pcap;file=CAPTURE -o null -s cache;size=4;line=5", &["cache: ", "line", "size"]);
    assert_refused("-i pcap;file=CAPTURE -o null -s cache;size=x", &["cache: ", "size"]);
    assert_refused("-i pcap;file=CAPTURE -o null -s cache;frag-enable=maybe", &["frag-enable", "true"]);
    assert_refused("-i pcap;file=CAPTURE -o null -s cache;fused;shards=2", &["cache: ", "fused", "shards"]);
    assert_refused("-i pcap;file=CAPTURE -o null -s cache@1", &["cache", "@cpu"]);
    assert_refused("-i pcap;file=CAPTURE -o null -p http@1", &["http", "@cpu"]);
    assert_refused("-i pcap@x;file=CAPTURE -o null", &["single number"]);
    assert_refused("-i pcap@99999999999999999999;file=CAPTURE -o null", &["single number"]);
    assert_refused("-i pcap;file=CAPTURE -o null -q 0", &["iqueue", "from 1 to"]);
    assert_refused("-i pcap;file=CAPTURE -o null -Q 0", &["oqueue", "from 1 to"]);
    assert_refused("-i pcap;file=CAPTURE -o null -q x", &["iqueue"]);
    assert_refused("-i pcap;file=CAPTURE -o null -c -1", &["count"]);
    assert_refused("-i pcap;file=CAPTURE -o null -C 0,,1", &["cpus"]);
    assert_refused("-i pcap;file=CAPTURE -o null -C 60000", &["cpus"]);
    assert_refused("-i pcap;file=CAPTURE -o null --nonsense", &["--nonsense"]);
    assert_refused("-i pcap;file=CAPTURE -o null nonsense", &["nonsense"]);
    assert_refused("-i pcap;file=CAPTURE -o", &["missing argument", "output"]);
}

#[test]
fn what_cannot_be_opened_is_one_line_that_names_it() {
    assert_refused("-i pcap -o null", &["pcap: ", "file", "ifc"]);
    assert_refused("-i pcap;file=/nowhere/at/all -o null", &["pcap: /nowhere/at/all: No such file"]);
    assert_refused("-i pcap;file=/ -o null", &["pcap: /: "]);
    assert_refused("-i pcap;file=/dev/null -o null", &["pcap: /dev/null: "]);
    for outputs in ["-o json -o json;file=-", "-o json -o text", "-o text;file=- -o text"] {
        assert_refused(
            &format!("-i pcap;file=CAPTURE -o null {outputs}"),
            &["only one output", "standard output"],
        );
    }
    assert_refused("-i pcap;file=CAPTURE -o json;file=/nowhere/at/all", &["json: /nowhere/at/all: "]);
    let no_capture = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert_refused(&format!("-i pcap;file={no_capture} -o null"), &["pcap: ", "Cargo.toml"]);
}

#[test]
fn a_failing_output_does_not_leave_files_of_the_others_half_written() {
    let scratch = Scratch::new();
    let first = scratch.path("first.json");
    assert_refused(
        &format!("-i pcap;file=/nowhere/at/all -o json;file={}", first.display()),
        &["/nowhere/at/all"],
    );
    assert!(!first.exists(), "the inputs are opened before the outputs");
}

#[test]
fn what_is_still_to_come_says_so() {
    assert_refused("-i dpdk -o null", &["dpdk", "not available yet"]);
    assert_refused("-i pcap;file=CAPTURE -o null -t /tmp/nowhere", &["telemetry", "not available yet"]);
    assert_refused("-i pcap;file=CAPTURE -o null -L /tmp/nowhere", &["plugins", "not available yet"]);
}

#[cfg(not(feature = "libpcap"))]
#[test]
fn a_filter_and_live_capture_through_libpcap_need_the_feature() {
    assert_refused("-i pcap;file=CAPTURE;filter=udp -o null", &["filter", "libpcap"]);
    assert_refused("-i pcap;ifc=lo -o null", &["ifc", "lacks libpcap"]);
    assert_refused("-i pcap;list", &["list", "lacks libpcap"]);
}

#[cfg(feature = "libpcap")]
#[test]
fn a_filter_takes_what_it_says() {
    let capture = committed(READABLE);
    let mut command = weir("-o json");
    command.arg("-i").arg(format!("pcap;file={};filter=udp port 53", capture.display()));
    let ended = run(&mut command);
    assert_eq!((ended.status, ended.records().len()), (Some(0), 1));
    assert!(ended.records().iter().all(|r| number(r, "PROTOCOL") == 17));
}

#[test]
fn options_of_old_are_taken_with_a_warning() {
    let ended = json(&committed(READABLE), "-b 32 -B 1600");
    assert!(ended.stderr.contains("--iqueueb has no effect"), "{}", ended.stderr);
    assert!(ended.stderr.contains("--pbuf has no effect"), "{}", ended.stderr);
}

#[test]
fn the_count_is_exact_and_leaves_out_what_cannot_be_parsed() {
    let scratch = Scratch::new();
    let mut film = Film::new();
    let mut arp = vec![0xff; 12];
    arp.extend_from_slice(&[0x08, 0x06]);
    arp.resize(60, 0);
    for number in 0..300 {
        let path = Path::v4([10, 0, 0, 1], 1000 + number, [10, 0, 0, 2], 2000);
        film = film.udp(number.into(), &path, b"counted");
        if number % 3 == 0 {
            film = film.frame(number.into(), arp.clone());
        }
    }
    let capture = scratch.file("mixed.pcap", film.into_bytes());
    for count in [1, 2, 63, 64, 65, 100, 299, 300, 1000] {
        for arguments in ["-s cache;fused", "-s cache;shards=2", "-q 1", "-q 7", "-q 1000"] {
            let ended = json(&capture, &format!("-c {count} {arguments}"));
            let tables = ended.tables();
            assert_eq!(tables.packets().1, count.min(300), "-c {count} {arguments}");
            assert_eq!(ended.lines().len() as u64, count.min(300), "-c {count} {arguments}");
            tables.assert_nothing_is_lost();
        }
    }
}

#[test]
fn sizes_at_the_ends_of_their_ranges_work() {
    let capture = committed(READABLE);
    let whole = json(&capture, "").lines().len();
    for arguments in [
        "-q 4294967295",
        "-Q 4294967295",
        "-f 4294967295",
        "-c 4294967295",
        "-s cache;line=17",
        "-s cache;active=4294967295;inactive=4294967295",
        "-s cache;frag-size=1;frag-timeout=0",
    ] {
        let ended = json(&capture, arguments);
        ended.tables().assert_nothing_is_lost();
        assert_eq!(ended.lines().len(), whole, "{arguments}");
    }
    for arguments in ["-s cache;size=4;line=0", "-s cache;size=4;line=4;shards=20"] {
        json(&capture, arguments).tables().assert_nothing_is_lost();
    }
}

#[test]
fn the_count_holds_for_each_input() {
    let capture = committed(READABLE);
    let mut command = weir_on(&capture, "-c 5 -o json -i");
    command.arg(format!("pcap;file={}", capture.display()));
    let ended = run(&mut command);
    let parsed: Vec<u64> = ended.tables().inputs.iter().map(|i| i.parsed).collect();
    assert_eq!((ended.status, parsed), (Some(0), vec![5, 5]));
}

#[test]
fn flows_of_different_inputs_do_not_meet() {
    let capture = committed(READABLE);
    let once = json(&capture, "");
    for arguments in ["-s cache;fused", "-s cache;shards=1", "-s cache;shards=3"] {
        let mut command = weir_on(&capture, arguments);
        let twice = run(command.args(["-o", "json", "-i"]).arg(format!("pcap;file={}", capture.display())));
        assert_eq!(twice.status, Some(0), "{}", twice.stderr);
        twice.tables().assert_nothing_is_lost();
        let mut expected = [once.lines(), once.lines()].concat();
        let mut lines = twice.lines();
        expected.sort_unstable();
        lines.sort_unstable();
        assert_eq!(lines, expected, "{arguments}");
    }
}

#[test]
fn records_are_held_to_their_pace() {
    let scratch = Scratch::new();
    let film = (0..48).fold(Film::new(), |film, n| {
        film.udp(n.into(), &Path::v4([10, 0, 0, 1], 1000 + n, [10, 0, 0, 2], 2000), b"slowly")
    });
    let capture = scratch.file("48.pcap", film.into_bytes());
    let began = Instant::now();
    let ended = json(&capture, "-f 20");
    assert_eq!(ended.lines().len(), 48);
    // 48 records at 20 a second take 2.4 s.
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    ended.tables().assert_nothing_is_lost();
}

#[test]
fn several_outputs_say_the_same() {
    let scratch = Scratch::new();
    let capture = scratch.capture(Shape::L7, 3000, 200);
    let [first, second, third] = ["first.json", "second.json", "third.txt"].map(|name| scratch.path(name));
    // One thread, so that the order of the records is the same.
    let mut command = weir_on(&capture, &format!("-s cache;fused {ALL_PLUGINS}"));
    for output in [
        format!("json;file={}", first.display()),
        "null".to_owned(),
        format!("text;file={}", third.display()),
        format!("json;file={}", second.display()),
    ] {
        command.arg("-o").arg(output);
    }
    let ended = run(&mut command);
    assert_eq!(
        (ended.status, ended.stdout.starts_with("Input stats:\n")),
        (Some(0), true),
        "{}",
        ended.stderr
    );
    let tables = Tables::parse(&ended.stdout);
    tables.assert_nothing_is_lost();
    assert_eq!(tables.outputs.len(), 4);
    assert!(tables.outputs.windows(2).all(|pair| pair[0] == pair[1]), "{:?}", tables.outputs);
    let json = std::fs::read_to_string(first).unwrap();
    assert_eq!(json, std::fs::read_to_string(second).unwrap());
    let text = std::fs::read_to_string(third).unwrap();
    assert!(text.starts_with("mac conversation "));
    let mut seen = std::collections::HashSet::new();
    let packets: u64 = json
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        // Several instances of one plugin repeat the basic fields; as text they are in one line.
        .filter(|r| seen.insert(probe::line(r)))
        .map(|r| number(&r, "PACKETS") + number(&r, "PACKETS_REV"))
        .sum();
    assert_eq!((seen.len(), packets), (text.lines().count() - 1, 3000), "a line each, and the heading");
}

#[test]
fn the_tables_go_where_no_machine_reads() {
    let capture = committed(READABLE);
    let has_tables = |text: &str| text.contains("Input stats:") && text.contains("Output stats:");
    let text = run(&mut weir_on(&capture, "-o text"));
    assert!(has_tables(&text.stdout) && !has_tables(&text.stderr), "text on standard output is for people");
    let null = run(&mut weir_on(&capture, "-o null"));
    assert!(has_tables(&null.stdout) && !has_tables(&null.stderr));
    // One thread, so that the order of the records is the same.
    let json = run(&mut weir_on(&capture, "-s cache;fused -o json"));
    assert!(!has_tables(&json.stdout) && has_tables(&json.stderr));
    let dash = run(&mut weir_on(&capture, "-s cache;fused -o json;file=- -o null"));
    assert!(!has_tables(&dash.stdout) && has_tables(&dash.stderr));
    assert_eq!(json.stdout, dash.stdout);
}

#[test]
fn no_progress_is_shown_when_nobody_watches() {
    let ended = json(&committed(READABLE), "");
    assert!(!ended.stderr.contains('\r') && !ended.stderr.contains('\x1b'), "{:?}", ended.stderr);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let scratch = Scratch::new();
    let capture = scratch.capture(Shape::Flood, 60_000, 1);
    for output in ["json", "text"] {
        let mut child = weir_on(&capture, "-o")
            .arg(output)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        drop(stdout);
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert!(child.wait().unwrap().success(), "{output}: {stderr}");
        assert!(!first.is_empty() && !stderr.contains("Error"), "{output}: {stderr}");
    }
    let mut child = weir("-h").stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_full_disk_is_a_failure_that_is_told() {
    let scratch = Scratch::new();
    let capture = scratch.capture(Shape::Flood, 5000, 1);
    let ended = run(weir_on(&capture, "-o json;file=/dev/full").args(["-o", "null"]));
    assert_eq!(ended.status, Some(1));
    let tables = Tables::parse(&ended.stdout);
    assert!(tables.outputs[0].status.contains("/dev/full"), "{:?}", tables.outputs[0]);
    assert_eq!(tables.outputs[0].dropped, tables.outputs[0].records, "what did not arrive is counted");
    assert_eq!(
        (&*tables.outputs[1].status, tables.outputs[1].records),
        ("ok", 5000),
        "the other one goes on"
    );
}

/// A probe that reads its standard input, which stays open.
struct Running {
    child: Child,
    input: std::process::ChildStdin,
}

impl Running {
    /// Starts it and feeds it a capture; what comes after it is awaited for ever.
    fn start(command: &mut Command, capture: &[u8]) -> Running {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(capture).unwrap();
        input.flush().unwrap();
        Running { child, input }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until standard error says this, in a line of its own: the start of the run.
    fn wait_for_start(&mut self) -> String {
        let mut line = String::new();
        let stderr = self.child.stderr.as_mut().unwrap();
        let mut byte = [0];
        while stderr.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
            line.push(byte[0].into());
        }
        line
    }

    fn end(self) -> Ended {
        let Running { child, input } = self;
        let ended = Ended::of(child.wait_with_output().unwrap());
        drop(input);
        ended
    }
}

fn quickstart() -> Vec<u8> {
    std::fs::read(committed(READABLE)).unwrap()
}

#[test]
fn a_signal_ends_a_run_in_good_order() {
    let whole = json(&committed(READABLE), "-p http -p dns");
    for signal in [Signal::INT, Signal::TERM] {
        for storage in ["cache;fused", "cache;shards=2"] {
            let scratch = Scratch::new();
            let written = scratch.path("records.json");
            let mut command = weir("-i pcap;file=- -p http -p dns -s");
            command.arg(storage).arg("-o").arg(format!("json;file={}", written.display()));
            let mut running = Running::start(&mut command, &quickstart());
            assert!(running.wait_for_start().starts_with("weir: "));
            // DNS answers are records at once: when they arrive, the packets have been read.
            let began = Instant::now();
            while std::fs::read(&written).unwrap_or_default().is_empty()
                && began.elapsed() < Duration::from_secs(10)
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            running.signal(signal);
            let ended = running.end();
            assert_eq!(ended.status, Some(0), "{}", ended.stderr);
            let tables = Tables::parse(&ended.stdout);
            tables.assert_nothing_is_lost();
            assert_eq!(tables.packets(), whole.tables().packets());
            let written = std::fs::read_to_string(written).unwrap();
            let mut lines: Vec<&str> = written.lines().collect();
            let mut expected = whole.lines();
            lines.sort_unstable();
            expected.sort_unstable();
            assert_eq!(lines, expected, "{storage}");
        }
    }
}

#[test]
fn records_are_written_while_the_input_is_silent() {
    let scratch = Scratch::new();
    let written = scratch.path("records.json");
    let mut command = weir("-i pcap;file=- -p dns");
    command.arg("-o").arg(format!("json;file={}", written.display()));
    let running = Running::start(&mut command, &quickstart());
    let began = Instant::now();
    while std::fs::read(&written).unwrap_or_default().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10), "finished records wait for more packets");
        std::thread::sleep(Duration::from_millis(10));
    }
    running.signal(Signal::INT);
    assert_eq!(running.end().status, Some(0));
}

#[test]
fn a_second_signal_ends_at_once() {
    // One record a second: to drain them would take minutes.
    let scratch = Scratch::new();
    let capture = scratch.capture(Shape::Flood, 500, 1);
    let bytes = std::fs::read(capture).unwrap();
    let mut running = Running::start(&mut weir("-i pcap;file=- -s cache;fused -f 1 -o json"), &bytes);
    running.wait_for_start();
    std::thread::sleep(Duration::from_millis(300));
    running.signal(Signal::INT);
    std::thread::sleep(Duration::from_millis(300));
    assert!(running.child.try_wait().unwrap().is_none(), "the first signal drains");
    let began = Instant::now();
    running.signal(Signal::INT);
    let status = running.child.wait().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_snap_length_for_a_file_is_said_to_have_no_effect() {
    let path = committed(READABLE);
    let ended = run(&mut weir(&format!("-i pcap;file={};snaplen=200 -o null", path.display())));
    assert_eq!(ended.status, Some(0));
    assert!(
        ended.stderr.contains("Warning: pcap: option snaplen has no effect on a file\n"),
        "{}",
        ended.stderr
    );
}

#[test]
fn an_output_that_is_to_tell_how_it_is_used_needs_no_input() {
    let told = run(&mut weir("-o unirec;help"));
    assert_eq!((told.status, told.stderr.as_str()), (Some(0), ""));
    assert!(told.stdout.starts_with("TRAP interfaces") && told.stdout.contains("timeout=HALF_WAIT"));
}
