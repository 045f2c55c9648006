#![allow(clippy::unwrap_used)]

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Instant};

use super::*;
use crate::driver::{Driver, PacketBuilder, placeholders};

/// What takes the place of osqueryi: a script, gone with its directory.
struct Stub {
    directory: tempfile::TempDir,
}

/// Answers about 10.0.0.1, in a line or over several.
const ANSWERS: &str = r#"
    case "$line" in
        *os_version*) printf '[\n  {"arch":"x86_64","build":"","hostname":"probe.example","major":"12","minor":"7",'
                      printf '"name":"Debian","platform":"debian","platform_like":"debian","version":"6.1.0"}\n]\n' ;;
        *process_open_sockets*10.0.0.1*|*process_open_sockets*2001:db8::1*) printf '[\n  {"pid":"4242"}\n]\n' ;;
        *process_open_sockets*) printf '[\n\n]\n' ;;
        *"processes.pid = '4242'"*) printf '[\n  {"name":"a \\"b\\" }","username":"root"}\n]\n' ;;
        *) printf '[]\n' ;;
    esac
"#;

const TEXT: &str = "program=\"a \"b\" }\",username=\"root\",osname=\"Debian\",major=12,minor=7,build=\"\",\
                    platform=\"debian\",arch=\"x86_64\",kernel=\"6.1.0\",hostname=\"probe.example\"";

impl Stub {
    /// Runs `each` for every statement, which is in `$line`.
    fn new(each: &str) -> Stub {
        let stub = Stub { directory: tempfile::tempdir().unwrap() };
        let script = format!(
            "#!/bin/sh\necho x >> \"$0.starts\"\nwhile read -r line; do\necho \"$line\" >> \"$0.statements\"\n{each}\ndone\n"
        );
        fs::write(stub.path(), script).unwrap();
        fs::set_permissions(stub.path(), fs::Permissions::from_mode(0o755)).unwrap();
        stub
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("osqueryi")
    }

    fn lines(&self, of: &str) -> usize {
        fs::read_to_string(self.path().with_extension(of)).unwrap_or_default().lines().count()
    }

    fn driver(&self, wait_ms: u32) -> Driver {
        Driver::new(&DESCRIPTOR, &format!("path={};wait={wait_ms}", self.path().display()))
    }
}

fn udp(host: &str) -> PacketBuilder {
    PacketBuilder::udp(&format!("{host}:40000"), "192.0.2.9:53")
}

#[test]
fn a_flow_of_this_host_has_its_program_and_one_of_others_has_nothing() {
    let stub = Stub::new(ANSWERS);
    let said = |packet: PacketBuilder| {
        let mut driver = stub.driver(20_000);
        driver.put(&packet);
        assert!(!driver.is_interested());
        driver.finish_text()
    };
    assert_eq!(said(udp("10.0.0.1")), [TEXT]);
    assert_eq!(said(PacketBuilder::tcp("192.0.2.9:443", "10.0.0.1:5555")), [TEXT]);
    assert_eq!(said(PacketBuilder::tcp("[2001:db8::1]:443", "[2001:db8::2]:5555")), [TEXT]);
    assert!(said(udp("10.0.0.2")).is_empty());
}

#[test]
fn one_process_serves_all_shards_and_is_asked_once_about_two_ends() {
    let stub = Stub::new(ANSWERS);
    let string = weir_flow::options::PluginString::parse(&format!("osquery;path={}", stub.path().display()));
    let parameters = string.unwrap().parameters(OPTIONS).unwrap();
    let factory = (DESCRIPTOR.configure)(&parameters).unwrap();
    let shards = [factory.build(8), factory.build(8)];
    drop((shards, factory));
    let resolver = Resolver::start(stub.path().to_str().unwrap());
    for _ in 0..3 {
        let flow = crate::driver::flow("10.0.0.1:1", "10.0.0.9:2", 6, 0);
        let answer = resolver.ask(|| Socket::of(&flow)).unwrap();
        resolver.wait(&answer, Duration::from_secs(20));
        assert!(answer.get().unwrap().is_some());
    }
    // The shards' process had no time to start or has started once; then this one.
    assert!(stub.lines("starts") <= 2);
    drop(resolver);
    let statements = fs::read_to_string(stub.path().with_extension("statements")).unwrap();
    assert_eq!(statements.matches("process_open_sockets").count(), 1);
    assert!(statements.lines().all(|line| line.ends_with(';') || line.ends_with(";\r")), "{statements}");
}

#[test]
fn a_process_that_ends_after_each_answer_is_started_again() {
    let stub = Stub::new(&format!("{ANSWERS}\nexit 0"));
    let mut driver = stub.driver(20_000);
    driver.put(&udp("10.0.0.1"));
    assert_eq!(driver.finish_text(), [TEXT]);
    assert_eq!(stub.lines("starts"), 3);
}

#[test]
fn packets_do_not_wait_for_a_slow_process() {
    let stub = Stub::new(&format!("sleep 0.3\n{ANSWERS}"));
    let begin = Instant::now();
    let mut driver = stub.driver(0);
    driver.put(&udp("10.0.0.1"));
    assert!(driver.finish_text().is_empty(), "the record was over before the answer");
    // The child is killed, not waited for.
    assert!(begin.elapsed() < Duration::from_secs(3));
    let mut driver = stub.driver(20_000);
    driver.put(&udp("10.0.0.1"));
    assert_eq!(driver.finish_text(), [TEXT]);
}

#[test]
fn a_process_that_speaks_garbage_or_without_end_is_given_up() {
    for each in [
        "echo nonsense",
        "echo '{\"pid\":1}'",
        "echo '[1]'",
        "yes '[' | head -c 100000",
        "printf '[]'; exec true",
    ] {
        let stub = Stub::new(each);
        let resolver = Resolver::start(stub.path().to_str().unwrap());
        let flow = crate::driver::flow("10.0.0.1:1", "10.0.0.9:2", 6, 0);
        let answer = resolver.ask(|| Socket::of(&flow));
        if let Some(answer) = answer {
            resolver.wait(&answer, Duration::from_secs(20));
            assert!(answer.get().is_none_or(Option::is_none), "{each}");
        }
        if !each.contains("exec") {
            assert!(resolver.is_over(), "{each}");
            assert_eq!(stub.lines("starts"), 3, "{each}");
            assert!(resolver.ask(|| Socket::of(&flow)).is_none());
        }
    }
}

#[test]
fn a_program_that_is_not_there_is_given_up_at_once() {
    let resolver = Resolver::start("/nowhere/osqueryi");
    let flow = crate::driver::flow("10.0.0.1:1", "10.0.0.9:2", 6, 0);
    if let Some(answer) = resolver.ask(|| Socket::of(&flow)) {
        resolver.wait(&answer, Duration::from_secs(20));
        assert!(answer.get().is_none());
    }
    assert!(resolver.is_over());
}

#[test]
fn questions_beyond_the_queue_are_not_kept() {
    let stub = Stub::new("sleep 1000");
    let resolver = Resolver::start(stub.path().to_str().unwrap());
    let flow = crate::driver::flow("10.0.0.1:1", "10.0.0.9:2", 6, 0);
    let asked = (0..5000).filter_map(|_| resolver.ask(|| Socket::of(&flow))).count();
    assert_eq!(asked, 1024);
    let begin = Instant::now();
    drop(resolver);
    assert!(begin.elapsed() < Duration::from_secs(3), "the end does not wait for the process");
}

#[test]
fn names_without_prefix_are_those_of_older_releases() {
    assert_eq!(UNPREFIXED.fields.len(), SCHEMA.fields.len());
    for (plain, prefixed) in UNPREFIXED.fields.iter().zip(&*SCHEMA.fields) {
        assert_eq!(format!("OSQUERY_{}", plain.name), prefixed.name);
        assert_eq!(plain.element, prefixed.element);
    }
    for (_, name, _) in placeholders(&UNPREFIXED.text) {
        assert!(name.is_empty() || UNPREFIXED.fields.iter().any(|field| field.name == name), "{name}");
    }
    let string = weir_flow::options::PluginString::parse("osquery;unprefixed").unwrap();
    let factory = (DESCRIPTOR.configure)(&string.parameters(OPTIONS).unwrap()).unwrap();
    let schema = DESCRIPTOR.schema_of(factory.as_ref());
    assert_eq!(schema.fields[0].name, "PROGRAM_NAME");
}
