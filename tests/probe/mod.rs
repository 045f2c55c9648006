//! Runs the program on captures and reads what it says.
#![allow(dead_code)] // each test uses some of it

pub(crate) mod capture;
pub(crate) mod certificates;
pub(crate) mod messages;
pub(crate) mod network;
pub(crate) mod programs;
pub(crate) mod running;
pub(crate) mod sums;
mod tables;

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use weir_generator::shapes::Shape;
use weir_generator::traffic::{Parameters, START_US, generate};

pub(crate) use tables::Tables;

/// All process plugins, as arguments.
pub(crate) const ALL_PLUGINS: &str = "-p basic -p basicplus -p dns -p dnssd -p flowhash -p http -p icmp -p mpls -p netbios -p ntp -p passivedns -p pstats -p ssdp -p tls -p vlan";

/// Every plugin of the registry, as arguments, but for osquery, which asks a program of this machine.
pub(crate) fn every_plugin() -> String {
    let names = weir_process::PLUGINS.iter().map(|plugin| plugin.names[0]).filter(|&name| name != "osquery");
    names.flat_map(|name| ["-p ", name, " "]).collect()
}

/// The program, with arguments separated by blanks.
pub(crate) fn weir(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(arguments.split_whitespace()).stdin(Stdio::null());
    command
}

/// The program on a capture file, with further arguments separated by blanks.
pub(crate) fn weir_on(capture: &Path, arguments: &str) -> Command {
    let mut command = weir("");
    command.arg("-i").arg(format!("pcap;file={}", capture.display()));
    command.args(arguments.split_whitespace());
    command
}

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Ended {
        Ended {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The lines of standard output: with JSON there, one a record.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }

    /// The records, in the order in which they began.
    pub(crate) fn records(&self) -> Vec<Value> {
        let mut records: Vec<Value> =
            self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        records.sort_by_cached_key(|record| {
            [text(record, "TIME_FIRST"), text(record, "TIME_LAST")].map(str::to_owned)
        });
        records
    }

    /// The tables, which JSON on standard output drives to standard error.
    pub(crate) fn tables(&self) -> Tables {
        Tables::parse(&self.stderr)
    }
}

/// Runs to the end.
pub(crate) fn run(command: &mut Command) -> Ended {
    Ended::of(command.output().unwrap())
}

/// Runs on a capture with JSON on standard output; nothing must go wrong.
pub(crate) fn json(capture: &Path, arguments: &str) -> Ended {
    let ended = run(weir_on(capture, arguments).args(["-o", "json"]));
    assert_eq!(ended.status, Some(0), "{}: {}", capture.display(), ended.stderr);
    ended
}

/// One of the captures in `tests/pcaps`.
pub(crate) fn committed(name: &str) -> PathBuf {
    let path = committed_directory().join(name).with_extension("pcap");
    assert!(path.exists(), "{}", path.display());
    path
}

pub(crate) fn committed_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pcaps")
}

/// A directory for what a test makes.
pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        Scratch(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// A capture of `packets` packets of a shape, of at most `flows` flows at a time.
    pub(crate) fn capture(&self, shape: Shape, packets: u64, flows: usize) -> PathBuf {
        self.slow_capture(shape, packets, flows, 10_000)
    }

    /// As [`Scratch::capture`], `rate` packets a second.
    pub(crate) fn slow_capture(&self, shape: Shape, packets: u64, flows: usize, rate: u64) -> PathBuf {
        let path = self.path(&format!("{}.pcap", shape.name()));
        let parameters = Parameters { packets, flows, rate, ..Parameters::of(shape) };
        generate(shape, &parameters, BufWriter::new(File::create(&path).unwrap())).unwrap();
        path
    }
}

pub(crate) fn number(record: &Value, field: &str) -> u64 {
    record[field].as_u64().unwrap_or_else(|| panic!("{field} in {record}"))
}

pub(crate) fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().unwrap_or_else(|| panic!("{field} in {record}"))
}

/// Milliseconds of a time since the usual beginning of made captures.
pub(crate) fn milliseconds(record: &Value, field: &str) -> i64 {
    let shown = text(record, field);
    let numbers: Vec<i64> = shown.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap()).collect();
    let &[year, month, day, hour, minute, second, microsecond] = &*numbers else { panic!("{shown}") };
    // Days since 1970: years begin with March, so that leap days come last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    seconds * 1000 + microsecond / 1000 - (START_US / 1000) as i64
}

/// A record in a line: protocol, endpoints, packets either way, milliseconds, why it ended.
pub(crate) fn line(record: &Value) -> String {
    let end = match number(record, "FLOW_END_REASON") {
        1 => "inactive",
        2 => "active",
        3 => "end of flow",
        4 => "forced",
        5 => "lack of resources",
        other => panic!("end reason {other}"),
    };
    format!(
        "{} {} {} > {} {}, {}/{} packets, {}-{} ms, {end}",
        number(record, "PROTOCOL"),
        text(record, "SRC_IP"),
        number(record, "SRC_PORT"),
        text(record, "DST_IP"),
        number(record, "DST_PORT"),
        number(record, "PACKETS"),
        number(record, "PACKETS_REV"),
        milliseconds(record, "TIME_FIRST"),
        milliseconds(record, "TIME_LAST"),
    )
}

/// All records as [`line`]s.
pub(crate) fn lines(records: &[Value]) -> Vec<String> {
    records.iter().map(line).collect()
}
