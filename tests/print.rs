//! `weir print` shows what the outputs sent: what is in it is what the output `json` says.
#![allow(clippy::unwrap_used)]

mod probe;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use probe::{Ended, Scratch, committed, json, number, run, text, weir, weir_on};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Runs the program on a capture, with one output.
fn export(capture: &Path, plugins: &str, output: &str) {
    let ended = run(weir_on(capture, plugins).args(["-s", "cache;fused", "-o", output]));
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
}

fn trapcap(scratch: &Scratch, capture: &str, plugins: &str) -> String {
    let path = scratch.path(capture).display().to_string();
    export(&committed(capture), plugins, &format!("unirec;ifc=f:{path}"));
    path
}

/// What the output `ipfix` sends to a collector, as a file.
fn ipfix(scratch: &Scratch, capture: &str, plugins: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let collector = thread::spawn(move || {
        let mut octets = Vec::new();
        listener.accept().unwrap().0.read_to_end(&mut octets).unwrap();
        octets
    });
    export(&committed(capture), plugins, &format!("ipfix;port={port}"));
    scratch.file(&format!("{capture}.ipfix"), collector.join().unwrap()).display().to_string()
}

/// Arguments of `weir print` that end well.
fn printed(arguments: &str) -> String {
    let ended = run(&mut weir(&format!("print {arguments}")));
    assert_eq!((ended.status, &*ended.stderr), (Some(0), ""), "{arguments}");
    ended.stdout
}

fn refused(arguments: &str) -> String {
    let Ended { status, stderr, .. } = run(&mut weir(&format!("print {arguments}")));
    assert_eq!((status, stderr.matches('\n').count()), (Some(1), 1), "{stderr}");
    assert!(stderr.starts_with("Error: "), "{stderr}");
    stderr
}

fn objects(arguments: &str) -> Vec<Value> {
    printed(&format!("--format json {arguments}")).lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[test]
fn a_trapcap_file_holds_what_json_says() {
    let scratch = Scratch::new();
    let path = trapcap(&scratch, "quickstart", "-p dns");
    let said = json(&committed("quickstart"), "-s cache;fused -p dns");
    let said: Vec<Value> = said.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let said: Vec<&Value> = said.iter().filter(|record| record.get("DNS_ID").is_some()).collect();
    let shown = objects(&path);
    assert!(!shown.is_empty());
    assert_eq!(shown.len(), said.len());
    for (shown, said) in shown.iter().zip(said) {
        for (name, value) in said.as_object().unwrap().iter().filter(|(name, _)| *name != "FLOW_END_REASON") {
            assert_eq!(&shown[name], value, "{name}");
        }
    }
    assert_eq!(objects(&format!("f:{path}")), shown, "as an interface");
}

#[test]
fn csv_has_a_header_for_every_format() {
    let scratch = Scratch::new();
    let basic = trapcap(&scratch, "an-http-head-split-over-segments", "");
    let http = trapcap(&scratch, "quickstart", "-p http");
    let lines = printed(&format!("-f csv {basic} {basic} {http}"));
    let headers: Vec<&str> = lines.lines().filter(|line| line.starts_with("ipaddr DST_IP,")).collect();
    assert_eq!(headers.len(), 2, "the same one is not repeated: {lines}");
    assert!(headers[0].ends_with(",uint8 TCP_FLAGS,uint8 TCP_FLAGS_REV"));
    assert!(headers[1].contains(",string HTTP_REQUEST_HOST,"));
    assert!(lines.lines().any(|line| line.contains(",\"www.example.com\",\"GET\",")), "{lines}");
}

#[test]
fn text_has_names_and_values_and_ends_where_it_is_told() {
    let scratch = Scratch::new();
    let path = trapcap(&scratch, "quickstart", "-p http");
    let all = printed(&path);
    assert!(
        all.lines().count() > 1
            && all.contains(" PROTOCOL=6 ")
            && all.contains(" HTTP_REQUEST_METHOD=\"GET\" ")
    );
    let one = printed(&format!("--count 1 {path} {path}"));
    assert_eq!(one.lines().collect::<Vec<_>>(), [all.lines().next().unwrap()]);
}

#[test]
fn an_ipfix_file_holds_what_json_says() {
    let scratch = Scratch::new();
    let path = ipfix(&scratch, "quickstart", "-p http -p pstats");
    let said = json(&committed("quickstart"), "-p http -p pstats").records();
    let mut shown = objects(&path);
    shown.sort_by_cached_key(|record| {
        ["flowStartMicroseconds", "flowEndMicroseconds"].map(|name| text(record, name).to_owned())
    });
    assert_eq!(shown.len(), said.len());
    for (shown, said) in shown.iter().zip(&said) {
        for (element, name) in [
            ("octetDeltaCount", "BYTES"),
            ("reverseOctetDeltaCount", "BYTES_REV"),
            ("sourceTransportPort", "SRC_PORT"),
        ] {
            assert_eq!(number(shown, element), number(said, name), "{element}");
        }
        assert_eq!(shown["flowStartMicroseconds"], said["TIME_FIRST"]);
        assert_eq!(
            shown.get("packetLength"),
            said.get("PPI_PKT_LENGTHS"),
            "a list has the name of its element"
        );
        assert_eq!(shown.get("packetTime"), said.get("PPI_PKT_TIMES"));
        assert_eq!(shown.get("httpRequestHost"), None, "names are those of the registry: {shown}");
    }
    let csv = printed(&format!("-f csv {path}"));
    assert!(csv.contains("unsigned16* packetLength"), "{csv}");
}

#[test]
fn what_is_wrong_is_one_line() {
    let scratch = Scratch::new();
    assert!(refused("").contains("needs a file or an interface"));
    assert!(refused("u:").contains("u:: interface u: the name is missing"));
    assert!(refused("--format xml x").contains("xml"));
    assert!(refused("/nowhere/at/all").contains("/nowhere/at/all: No such file"));
    assert!(refused("f:/nowhere/at/all").contains("/nowhere/at/all: No such file"));
    assert!(refused("Cargo.toml").contains("neither a trapcap nor an IPFIX file"));
    let socket = "u:nobody-is-there:timeout=1000";
    assert!(refused(socket).contains(socket));
    let whole = std::fs::read(trapcap(&scratch, "quickstart", "")).unwrap();
    let cut = scratch.file("cut.trapcap", &whole[..whole.len() - 1]);
    assert!(refused(cut.to_str().unwrap()).contains("it ends in the middle of a buffer"));
    let whole = std::fs::read(ipfix(&scratch, "quickstart", "")).unwrap();
    let cut = scratch.file("cut.ipfix", &whole[..whole.len() - 1]);
    let ended = run(&mut weir(&format!("print {}", cut.display())));
    assert_eq!(ended.status, Some(1));
    assert!(ended.stderr.contains("a message is cut off"), "{}", ended.stderr);
    assert_eq!(printed(scratch.file("empty", "").to_str().unwrap()), "");
}

#[test]
fn behind_what_is_damaged_in_an_ipfix_file_records_are_shown() {
    let scratch = Scratch::new();
    let whole = std::fs::read(ipfix(&scratch, "quickstart", "")).unwrap();
    let shown = printed(scratch.file("whole", &whole).to_str().unwrap());
    // Between the first message and those behind it.
    let first = usize::from(u16::from_be_bytes([whole[2], whole[3]]));
    assert!(first < whole.len());
    let damaged = [&whole[..first], b"GET / HTTP/1.1", &whole[first..]].concat();
    let ended = run(&mut weir(&format!("print {}", scratch.file("damaged", damaged).display())));
    assert_eq!((ended.status, ended.stdout), (Some(1), shown));
    let skipped =
        format!("damaged: 14 octets were skipped from octet {first} on: version 18245 is not IPFIX\n");
    assert!(ended.stderr.starts_with("Error: ") && ended.stderr.ends_with(&skipped), "{}", ended.stderr);
}

#[test]
fn who_closes_the_pipe_has_seen_enough() {
    let scratch = Scratch::new();
    let path = trapcap(&scratch, "quickstart", "");
    let files = vec![path.as_str(); 2000].join(" ");
    let mut child = weir(&format!("print {files}")).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("DST_IP="));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_interface_is_shown_until_its_sender_says_that_there_will_be_no_more() {
    let scratch = Scratch::new();
    let directory = scratch.path("sockets");
    std::fs::create_dir(&directory).unwrap();
    let with_sockets = |command: &mut Command| {
        command.env("TRAP_SOCKET_DIR", &directory);
    };
    let capture = committed("quickstart");
    let mut probe = weir_on(&capture, "-s cache;fused -o unirec;ifc=u:flows:timeout=WAIT;eof");
    with_sockets(&mut probe);
    let probe = thread::spawn(move || run(&mut probe));
    // It is there first, or it is not: both work.
    let mut print = weir("print --format json u:flows");
    with_sockets(&mut print);
    let shown = run(&mut print);
    assert_eq!(shown.status, Some(0), "{}", shown.stderr);
    assert_eq!(shown.stdout.lines().count(), json(&capture, "").stdout.lines().count());
    assert_eq!(probe.join().unwrap().status, Some(0));
}

#[test]
fn a_signal_ends_it_and_what_came_before_is_shown() {
    let scratch = Scratch::new();
    let bytes = std::fs::read(trapcap(&scratch, "quickstart", "")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut child = weir(&format!("print t:127.0.0.1:{port}")).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    // The hello and the only buffer of the file, with the header that buffers have over sockets.
    let hello = 8 + usize::from(u16::from_be_bytes([bytes[6], bytes[7]]));
    let (hello, buffer) = bytes.split_at(hello);
    let (length, payload) = buffer.split_at(4);
    stream.write_all(&[hello, length, &[0; 8], &[9, 0], payload].concat()).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert!(line.starts_with("DST_IP="), "a record is shown when it comes");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_file_is_shown_by_what_it_tells_of_its_elements_and_of_what_records_have_in_common() {
    use weir_ipfix::element::{DataType, Element, ElementId};
    use weir_ipfix::export::{COMMON_PROPERTIES_FIELD, common_properties_template};
    use weir_ipfix::options::{OptionsRecord, TypeInformation};
    use weir_ipfix::template::{FieldSpecifier, Template, VARIABLE};
    use weir_ipfix::writer::MessageWriter;

    let doors = Element::new(ElementId::new(4711, 12), "doors", DataType::Unsigned16);
    let types = TypeInformation::new(&doors);
    let (types, told) = (types.template(300).unwrap(), types.to_record().unwrap());
    let common =
        common_properties_template(301, &[FieldSpecifier::new(ElementId::iana(82), VARIABLE)]).unwrap();
    let data = Template::new(256, [COMMON_PROPERTIES_FIELD, FieldSpecifier::new(doors.id, 2)]).unwrap();
    let mut buffer = [0; 1000];
    let mut message = MessageWriter::new(&mut buffer, 1).unwrap();
    for template in [&types, &common, &data] {
        message.put_template(template).unwrap();
    }
    message.put_encoded(&types, &told).unwrap();
    message.put_encoded(&common, b"\0\0\0\0\0\0\0\x09\x04eth0").unwrap();
    message.put_encoded(&data, b"\0\0\0\0\0\0\0\x09\0\x03").unwrap();
    let message = message.finish(1_600_000_000, 0).unwrap();
    let scratch = Scratch::new();
    let file = scratch.file("told.ipfix", &*message.octets).display().to_string();
    let shown = objects(&file);
    assert_eq!(shown.last().unwrap(), &serde_json::json!({"interfaceName": "eth0", "doors": 3}));
}
