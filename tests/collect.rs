//! The collector of `weir-ipfix` reads what other programs export, of every version.
#![allow(clippy::unwrap_used)]

mod probe;

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};
use probe::Scratch;
use probe::programs::{is_here, nfcapd, quiet};
use weir_generator::shapes::Shape;
use weir_ipfix::collect::{
    Collector, CollectorCounters, CollectorSettings, Event, News, Protocol, SessionCounters,
};
use weir_ipfix::element::ElementId;
use weir_ipfix::registry;
use weir_ipfix::time::Time;
use weir_ipfix::value::unsigned;

/// Records of flows, and what they count.
#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
struct Sums {
    flows: u64,
    packets: u64,
    octets: u64,
}

impl Sums {
    const fn add(&mut self, packets: u64, octets: u64) {
        self.flows += 1;
        self.packets += packets;
        self.octets += octets;
    }
}

/// What was collected.
#[derive(Debug, Default)]
struct Collected {
    all: Sums,
    /// Those of IPv4.
    ipv4: Sums,
    by_destination_port: BTreeMap<u64, Sums>,
    options: u64,
    protocols: Vec<Protocol>,
    faults: Vec<String>,
    /// When the first flow began and the last one ended.
    times: Option<(Time, Time)>,
    counters: SessionCounters,
}

impl Collected {
    fn take(&mut self, news: News<'_>) {
        match news {
            News::Event(packet, Event::Record(record)) => {
                self.protocols.push(packet.protocol());
                self.protocols.dedup();
                for field in record.fields() {
                    assert!(registry::by_id(field.specifier.id).is_some(), "{}", field.specifier.id);
                }
                if record.template().is_options() {
                    self.options += 1;
                    return;
                }
                let number = |number| record.get(ElementId::iana(number)).map(unsigned);
                let packets = number(2).or(number(86)).unwrap();
                let octets = number(1).or(number(85)).unwrap();
                self.all.add(packets, octets);
                self.by_destination_port
                    .entry(number(11).unwrap_or_default())
                    .or_default()
                    .add(packets, octets);
                if number(8).is_some() {
                    self.ipv4.add(packets, octets);
                }
                if let (Some(clock), Some(begin), Some(end)) = (packet.clock(), number(22), number(21)) {
                    let (begin, end) = (clock.time(begin as u32), clock.time(end as u32));
                    let (first, last) = self.times.unwrap_or((begin, end));
                    self.times = Some((first.min(begin), last.max(end)));
                }
            }
            News::Event(_, Event::Fault(fault)) => self.faults.push(fault.to_string()),
            News::Malformed(error) => self.faults.push(error.to_string()),
            News::Skipped(skipped) => self.faults.push(skipped.to_string()),
            News::Refused(why) => self.faults.push(why.to_owned()),
            News::Closed(_, counters) => self.counters = counters,
            News::Opened | News::Event(..) => {}
        }
    }
}

/// Starts a program that exports to a port, and collects until it has ended and nothing comes any more.
fn collected(start: impl FnOnce(u16) -> Child) -> Collected {
    let mut collector = Collector::new(CollectorSettings::default());
    let port = collector.listen_udp((Ipv4Addr::LOCALHOST, 0).into()).unwrap().port();
    let mut exporter = start(port);
    let mut collected = Collected::default();
    let mut last = Instant::now();
    // To its end, and a little longer, unless nothing comes for long.
    loop {
        collector
            .poll(Duration::from_millis(50), |_, news| {
                last = Instant::now();
                collected.take(news);
            })
            .unwrap();
        let has_ended = exporter.try_wait().unwrap().is_some();
        if last.elapsed() > if has_ended { Duration::from_millis(300) } else { Duration::from_secs(20) } {
            break;
        }
    }
    let has_ended = exporter.try_wait().unwrap().is_some();
    exporter.kill().unwrap();
    exporter.wait().unwrap();
    assert!(has_ended, "the exporter does not end: {collected:?}");
    assert_eq!(collector.counters(), CollectorCounters::default());
    collector.close(|_, news| collected.take(news));
    collected
}

/// Starts softflowd, which exports the flows of a capture.
fn softflowd(capture: &Path, scratch: &Scratch, version: &str, port: u16) -> Child {
    Command::new("softflowd")
        .args(["-d", "-v", version, "-n", &format!("127.0.0.1:{port}"), "-r"])
        .arg(capture)
        .arg("-p")
        .arg(scratch.path("pid"))
        // With a control socket it may wait for somebody who controls it, even if there is a file.
        .args(["-c", "none"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

const PACKETS: u64 = 3000;

/// A capture, and the octets of its packets as IP counts them.
fn capture(scratch: &Scratch) -> (PathBuf, u64) {
    let path = scratch.capture(Shape::Imix, PACKETS, 200);
    // The file has a header, each packet has one, and one of Ethernet.
    let octets = fs::metadata(&path).unwrap().len() - 24 - PACKETS * (16 + 14);
    (path, octets)
}

#[test]
fn softflowd_is_read() {
    if !is_here("softflowd") {
        return;
    }
    let scratch = Scratch::new();
    let (capture, octets) = capture(&scratch);
    let [v5, v9, ipfix] =
        ["5", "9", "10"].map(|version| collected(|port| softflowd(&capture, &scratch, version, port)));
    for (collected, protocol) in
        [(&v5, Protocol::NetFlow5), (&v9, Protocol::NetFlow9), (&ipfix, Protocol::Ipfix)]
    {
        assert_eq!((&*collected.protocols, &*collected.faults), (&[protocol][..], &[][..]));
        assert_eq!(collected.counters.records, collected.all.flows + collected.options);
    }
    for collected in [&v9, &ipfix] {
        assert_eq!((collected.all.packets, collected.all.octets), (PACKETS, octets));
        assert!(collected.options > 0);
    }
    assert_eq!(v9.all, ipfix.all);
    // Only IPv4, and all of that.
    assert_eq!((v5.all, v5.ipv4), (v9.ipv4, v9.ipv4));
    // In IPFIX its numbers count the records of the message itself, and no options: they say nothing.
    assert_eq!((v5.counters.lost_records, v9.counters.lost_messages), (0, 0));
    for collected in [&v5, &v9] {
        let (first, last) = collected.times.unwrap();
        // 3000 packets, 10,000 a second.
        let lasted_ms = last.to_milliseconds() - first.to_milliseconds();
        assert!((299..=301).contains(&lasted_ms), "{lasted_ms}");
    }
}

#[test]
fn nfreplay_is_read() {
    if !["softflowd", "nfcapd", "nfreplay"].into_iter().all(is_here) {
        return;
    }
    let scratch = Scratch::new();
    let (capture, octets) = capture(&scratch);
    let stored = stored(&capture, &scratch);
    let [v5, v9] = ["5", "9"].map(|version| {
        collected(|port| {
            Command::new("nfreplay")
                .args(["-H", "127.0.0.1", "-p", &port.to_string(), "-v", version, "-r"])
                .arg(&stored)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
    });
    assert_eq!((&*v9.protocols, &*v9.faults), (&[Protocol::NetFlow9][..], &[][..]));
    assert_eq!((v9.all.packets, v9.all.octets), (PACKETS, octets));
    assert_eq!((&*v5.protocols, &*v5.faults), (&[Protocol::NetFlow5][..], &[][..]));
    assert_eq!(v5.all, v9.ipv4);
}

#[test]
fn pmacctd_is_read() {
    if !is_here("pmacctd") {
        return;
    }
    let scratch = Scratch::new();
    let (capture, octets) = capture(&scratch);
    let exported = |version: &str, protocol: Protocol| {
        let collected = collected(|port| {
            let settings = format!(
                "daemonize: false\npcap_savefile: {}\nplugins: nfprobe\nnfprobe_receiver: 127.0.0.1:{port}\n\
                 nfprobe_version: {version}\naggregate: src_host, dst_host, src_port, dst_port, proto, tos\n",
                capture.display()
            );
            let settings = scratch.file(&format!("pmacctd{version}.conf"), settings);
            quiet(Command::new("pmacctd").arg("-f").arg(settings)).spawn().unwrap()
        });
        assert_eq!((&*collected.protocols, &*collected.faults), (&[protocol][..], &[][..]));
        collected
    };
    thread::scope(|scope| {
        let v5 = scope.spawn(|| exported("5", Protocol::NetFlow5));
        let v9 = scope.spawn(|| exported("9", Protocol::NetFlow9));
        let ipfix = exported("10", Protocol::Ipfix);
        let (v5, v9) = (v5.join().unwrap(), v9.join().unwrap());
        for collected in [&v9, &ipfix] {
            assert_eq!((collected.all.packets, collected.all.octets), (PACKETS, octets));
        }
        assert_eq!((v5.all, v9.all), (v9.ipv4, ipfix.all));
        assert_eq!((v5.counters.lost_records, v9.counters.lost_messages), (0, 0));
    });
}

/// Six datagrams of 34 octets with their headers, which conntrack follows until it is told to forget them.
const DATAGRAMS: &str = r#"
    ip link set lo up
    nft add table ip weir
    nft 'add chain ip weir input { type filter hook input priority 0; }'
    nft add rule ip weir input ct state new counter
    echo 1 > /proc/sys/net/netfilter/nf_conntrack_acct
    ulogd -c "$1" &
    while ! conntrack -L >/dev/null 2>&1 || ! grep -q 'event mode' "$2"; do sleep 0.05; done
    for port in 1 2 3 4 5 6; do printf 'hello
' > "/dev/udp/127.0.0.1/500$port"; done
    until [ "$(conntrack -L 2>/dev/null | grep -c 'dport=500')" = 6 ]; do sleep 0.05; done
    conntrack -F
    sleep 1
    kill %1
    wait
"#;

#[test]
fn ulogd_is_read() {
    let Some(plugins) = glob("/usr/lib/*/ulogd/ulogd_output_IPFIX.so") else {
        return eprintln!("SKIPPED: ulogd with its plugin IPFIX is not here");
    };
    if !["nft", "conntrack"].into_iter().all(is_here) {
        return;
    }
    let in_own_network = move || {
        if let Err(error) = unshare(CloneFlags::CLONE_NEWNET) {
            return eprintln!("SKIPPED: ulogd is not read: a network of its own needs root: {error}");
        }
        let scratch = Scratch::new();
        let log = scratch.file("ulogd.log", "");
        let collected = collected(|port| {
            let settings = format!(
                "[global]\nlogfile=\"{}\"\nplugin=\"{}\"\nplugin=\"{}\"\nstack=\"ct1:NFCT,ipfix1:IPFIX\"\n\
                 [ct1]\nevent_mask=0x4\n\
                 [ipfix1]\noid=7\nhost=\"127.0.0.1\"\nport={port}\nproto=\"udp\"\nsend_template=\"once\"\nmtu=110\n",
                log.display(),
                plugins.with_file_name("ulogd_inpflow_NFCT.so").display(),
                plugins.display(),
            );
            let settings = scratch.file("ulogd.conf", settings);
            quiet(Command::new("bash").args(["-c", DATAGRAMS, "bash"]).arg(settings).arg(&log))
                .spawn()
                .unwrap()
        });
        assert_eq!((&*collected.protocols, &*collected.faults), (&[Protocol::Ipfix][..], &[][..]));
        // It holds back what does not fill a message: the last one or two.
        let datagrams: Vec<&Sums> =
            collected.by_destination_port.range(5001..=5006).map(|(_, sums)| sums).collect();
        assert!(datagrams.len() >= 4, "{collected:?}");
        for sums in datagrams {
            assert_eq!(*sums, Sums { flows: 1, packets: 1, octets: 34 });
        }
    };
    thread::spawn(in_own_network).join().unwrap();
}

/// The first file whose path fits.
fn glob(pattern: &str) -> Option<PathBuf> {
    glob::glob(pattern).unwrap().find_map(Result::ok)
}

/// The flows of a capture in a file of nfcapd.
fn stored(capture: &Path, scratch: &Scratch) -> PathBuf {
    let directory = scratch.path("stored");
    fs::create_dir(&directory).unwrap();
    let nfcapd = nfcapd(Ipv4Addr::LOCALHOST.into(), &directory);
    softflowd(capture, scratch, "9", nfcapd.port).wait().unwrap();
    nfcapd.stop();
    let mut files = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| fs::metadata(path).unwrap().len() > 1000).unwrap()
}
