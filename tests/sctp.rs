//! The output `ipfix` over SCTP. `scripts/test-sctp` runs this in a kernel that has it.
#![allow(clippy::unwrap_used)]

mod probe;

use std::net::Ipv4Addr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use probe::{ALL_PLUGINS, Scratch, committed, json, run, weir_on};
use weir_generator::shapes::Shape;
use weir_ipfix::collect::{Collector, CollectorSettings, Event, News};

#[test]
fn a_kernel_without_sctp_is_told_at_the_start_with_the_option() {
    let mut collector = Collector::new(CollectorSettings::default());
    if collector.listen_sctp((Ipv4Addr::LOCALHOST, 0).into()).is_ok() {
        eprintln!("SKIPPED: the kernel has SCTP");
        return;
    }
    let ended = run(&mut weir_on(&committed("quickstart"), "-o ipfix;transport=sctp"));
    assert_eq!((ended.status, ended.stderr.trim_end().lines().count()), (Some(1), 1), "{}", ended.stderr);
    assert!(ended.stderr.contains("transport=sctp: the kernel has no SCTP"), "{}", ended.stderr);
}

#[test]
#[ignore = "needs a kernel with SCTP"]
fn all_that_json_has_is_exported_over_sctp() {
    let scratch = Scratch::new();
    let capture = scratch.capture(Shape::Imix, 5000, 500);
    let records = json(&capture, ALL_PLUGINS).records().len() as u64;
    let mut collector = Collector::new(CollectorSettings::default());
    let port = collector.listen_sctp((Ipv4Addr::LOCALHOST, 0).into()).unwrap().port();
    let mut weir = weir_on(&capture, ALL_PLUGINS)
        .arg("-o")
        .arg(format!("ipfix;transport=sctp;sctp-streams=3;port={port}"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (mut received, mut faults, mut ended) = (0, 0, None);
    let began = Instant::now();
    while ended.is_none() {
        assert!(began.elapsed() < Duration::from_secs(60), "{received} of {records}");
        collector
            .poll(Duration::from_millis(20), |_, news| match news {
                News::Event(_, Event::Record(_)) => received += 1,
                News::Event(_, Event::Fault(_)) | News::Malformed(_) => faults += 1,
                News::Closed(why, counters) => ended = Some((why.to_string(), counters)),
                _ => {}
            })
            .unwrap();
    }
    assert!(weir.wait().unwrap().success());
    let (why, counters) = ended.unwrap();
    assert_eq!((&*why, received, faults, counters.lost_records), ("at its end", records, 0, 0));
}
