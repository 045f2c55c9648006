//! What other programs collect from the output `ipfix` counts what JSON counts.
#![allow(clippy::unwrap_used)]

mod probe;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use probe::messages::export;
use probe::programs::{Collector, has_python_package, is_here, nfcapd, python, wait_until_read};
use probe::sums::{field_sums_of_json, sums_of_json};
use probe::{Scratch, committed, every_plugin};
use weir_generator::shapes::Shape;

/// Sockets of collectors have room for a few hundred datagrams.
const SLOWLY: &str = "-f 2000";

/// Nothing that is waited for takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// With flows of IPv4 and IPv6.
fn captures(scratch: &Scratch) -> [PathBuf; 2] {
    [committed("quickstart"), scratch.capture(Shape::Imix, 3000, 200)]
}

#[test]
fn nfcapd_counts_what_json_counts() {
    if !["nfcapd", "nfdump"].into_iter().all(is_here) {
        return;
    }
    let scratch = Scratch::new();
    for capture in captures(&scratch) {
        for address in [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()] {
            let directory = tempfile::tempdir().unwrap();
            let collector = nfcapd(address, directory.path());
            let output = format!("ipfix;udp;time=ms;host={address};port={}", collector.port);
            export(&capture, &output, &format!("{} {SLOWLY}", every_plugin()));
            collector.stop();
            let shown = Command::new("nfdump").args(["-N", "-R"]).arg(directory.path()).output().unwrap();
            let shown = String::from_utf8_lossy(&shown.stdout);
            let summary =
                shown.lines().find(|line| line.starts_with("Summary:")).unwrap_or_else(|| panic!("{shown}"));
            let (records, bytes, packets) = sums_of_json(&capture, &every_plugin());
            for (what, expected) in [("flows", records), ("bytes", bytes), ("packets", packets)] {
                assert!(
                    summary.contains(&format!("total {what}: {expected},")),
                    "{what} {expected}: {summary}"
                );
            }
        }
    }
}

#[test]
fn nfacctd_counts_what_json_counts() {
    if !is_here("nfacctd") {
        return;
    }
    let scratch = Scratch::new();
    for capture in captures(&scratch) {
        let (_, bytes, packets) = field_sums_of_json(&capture, "", ["BYTES", "PACKETS"]);
        for address in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
            let [table, said] = ["nfacctd.csv", "nfacctd.log"].map(|name| scratch.path(name));
            let collector = Collector::start(address, |port| {
                let settings = format!(
                    "daemonize: false\nnfacctd_ip: {address}\nnfacctd_port: {port}\nplugins: print\n\
                     aggregate: proto\nprint_output: csv\nprint_output_file: {}\n\
                     print_output_file_append: true\nprint_refresh_time: 1\n",
                    table.display()
                );
                let mut nfacctd = Command::new("nfacctd");
                nfacctd.arg("-f").arg(scratch.file("nfacctd.conf", settings));
                nfacctd.stdout(Stdio::null()).stderr(File::create(&said).unwrap());
                nfacctd
            });
            // What comes before its other process is there is dropped.
            while !fs::read_to_string(&said).unwrap().contains("Purging cache - END") {
                thread::sleep(Duration::from_millis(20));
            }
            let began = Instant::now();
            export(&capture, &format!("ipfix;udp;host={address};port={}", collector.port), SLOWLY);
            loop {
                let table = fs::read_to_string(&table).unwrap_or_default();
                let rows = || table.lines().filter(|row| !row.starts_with("PROTOCOL,PACKETS,BYTES"));
                let column = |number: usize| -> u64 {
                    rows().map(|row| row.split(',').nth(number).unwrap().parse::<u64>().unwrap()).sum()
                };
                if (column(1), column(2)) == (packets, bytes) {
                    break;
                }
                assert!(began.elapsed() < PATIENCE, "{packets} {bytes}: {table}");
                thread::sleep(Duration::from_millis(100));
            }
            collector.stop();
            fs::remove_file(table).unwrap();
        }
    }
}

/// Runs a script that collects: its first line is its port, the last one how many records, and two sums of them.
fn sums_of_script(script: &str, name: &str, exports: impl FnOnce(u16)) -> (u64, u64, u64) {
    let mut collector =
        Command::new(python()).args(["-I", "-c", script, name]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(collector.stdout.take().unwrap());
    let mut port = String::new();
    lines.read_line(&mut port).unwrap();
    exports(port.trim().parse().unwrap());
    let mut sums = String::new();
    lines.read_to_string(&mut sums).unwrap();
    assert!(collector.wait().unwrap().success());
    let mut sums = sums.split_whitespace().map(|number| number.parse().unwrap());
    std::array::from_fn::<_, 3, _>(|_| sums.next().unwrap()).into()
}

#[test]
fn the_python_package_ipfix_counts_what_json_counts() {
    if !has_python_package("ipfix") {
        return;
    }
    let scratch = Scratch::new();
    for capture in captures(&scratch) {
        for (address, plugins) in [("127.0.0.1", every_plugin()), ("::1", String::new())] {
            let sums = sums_of_script(include_str!("collectors/ipfix.py"), address, |port| {
                export(&capture, &format!("ipfix;host={address};port={port}"), &plugins);
            });
            assert_eq!(sums, sums_of_json(&capture, &plugins));
        }
    }
}

#[test]
fn the_python_package_netflow_reads_what_json_says() {
    if !has_python_package("netflow") {
        return;
    }
    let scratch = Scratch::new();
    for capture in captures(&scratch) {
        // It knows neither elements of enterprises nor values with lengths of their own, as most plugins have them.
        for plugins in ["", "-p vlan -p icmp"] {
            let sums = sums_of_script(include_str!("collectors/netflow.py"), "127.0.0.1", |port| {
                export(&capture, &format!("ipfix;udp;port={port}"), &format!("{plugins} {SLOWLY}"));
                wait_until_read(port);
                UdpSocket::bind("127.0.0.1:0").unwrap().send_to(&[], ("127.0.0.1", port)).unwrap();
            });
            assert_eq!(sums, field_sums_of_json(&capture, plugins, ["SRC_PORT", "DST_PORT"]));
        }
    }
}
