//! What the output `ipfix` sends over TLS and DTLS arrives whole, and nowhere else than it should.
#![allow(clippy::unwrap_used)]

mod probe;

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use probe::certificates::Certificates;
use probe::{Ended, committed, json, number, weir_on};
use weir_ipfix::collect::{Collector, CollectorSettings, Event, News, Peer};
use weir_ipfix::element::ElementId;
use weir_ipfix::value::unsigned;

/// Starts the program on a capture.
fn exporting(capture: &Path, output: &str) -> Child {
    let mut command = weir_on(capture, "");
    command.args(["-o", output]).stderr(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    command.spawn().unwrap()
}

/// Records, bytes and packets of both directions, and records lost by the sequence numbers.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    records: u64,
    bytes: u64,
    packets: u64,
    lost: u64,
}

impl Sums {
    fn take(&mut self, news: News<'_>) {
        match news {
            News::Event(_, Event::Record(record)) => {
                let counter = |id| unsigned(record.get(id).unwrap());
                let both = |id: ElementId| counter(id) + counter(id.reversed().unwrap());
                self.records += 1;
                self.bytes += both(ElementId::iana(1));
                self.packets += both(ElementId::iana(2));
            }
            News::Event(_, Event::Template(_)) | News::Opened => {}
            News::Closed(_, counters) => self.lost += counters.lost_records,
            other => panic!("{other:?}"),
        }
    }

    fn of_json(capture: &Path) -> Sums {
        let lines = json(capture, "").records();
        let sum = |names: [&str; 2]| -> u64 {
            lines.iter().map(|line| names.iter().map(|name| number(line, name)).sum::<u64>()).sum()
        };
        Sums {
            records: lines.len() as u64,
            bytes: sum(["BYTES", "BYTES_REV"]),
            packets: sum(["PACKETS", "PACKETS_REV"]),
            lost: 0,
        }
    }
}

/// Collects until a session has ended.
fn collect(collector: &mut Collector) -> (Sums, Vec<Peer>) {
    let (mut sums, mut peers) = (Sums::default(), Vec::new());
    let (mut has_ended, since) = (false, Instant::now());
    while !has_ended {
        assert!(since.elapsed().as_secs() < 60, "{sums:?}");
        collector
            .poll(Duration::from_millis(50), |peer, news| {
                match news {
                    News::Opened => peers.push(peer.clone()),
                    News::Closed(..) => has_ended = true,
                    _ => {}
                }
                sums.take(news);
            })
            .unwrap();
    }
    (sums, peers)
}

fn ended(child: Child) -> Ended {
    Ended::of(child.wait_with_output().unwrap())
}

#[test]
fn over_tls_all_records_arrive() {
    let certificates = Certificates::new();
    let mut collector = Collector::new(CollectorSettings::default());
    let address = collector.listen_tls((Ipv4Addr::LOCALHOST, 0).into(), &certificates.collector()).unwrap();
    let capture = committed("quickstart");
    for more in ["", ";c"] {
        let output =
            format!("ipfix;transport=tls;port={};{}{more}", address.port(), certificates.parameters());
        let probe = exporting(&capture, &output);
        let (sums, peers) = collect(&mut collector);
        let ended = ended(probe);
        assert_eq!((ended.status, sums), (Some(0), Sums::of_json(&capture)), "{}", ended.stderr);
        assert!(matches!(&peers[..], [Peer::Tls { names, .. }] if names == &["exporter"]));
    }
}

#[test]
fn over_dtls_all_records_arrive() {
    let certificates = Certificates::new();
    let mut collector = Collector::new(CollectorSettings::default());
    let identity = certificates.collector().for_dtls().unwrap();
    let address = collector.listen_dtls((Ipv4Addr::LOCALHOST, 0).into(), identity).unwrap();
    let capture = committed("quickstart");
    let output = format!("ipfix;transport=dtls;port={};{}", address.port(), certificates.parameters());
    let probe = exporting(&capture, &output);
    let (sums, peers) = collect(&mut collector);
    let ended = ended(probe);
    assert_eq!((ended.status, sums), (Some(0), Sums::of_json(&capture)), "{}", ended.stderr);
    assert!(matches!(&peers[..], [Peer::Dtls { names, .. }] if names == &["exporter"]));
}
