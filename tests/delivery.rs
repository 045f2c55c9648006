//! Whatever becomes of a collector while the probe runs: records received + records reported dropped = records exported.
#![allow(clippy::unwrap_used)]

mod probe;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use probe::certificates::{Certificates, collector_of};
use probe::running::Running;
use probe::{Scratch, weir};
use rustix::process::{Pid, Signal, kill_process};
use weir_ipfix::collect::{Collector, CollectorSettings, Event, News};

/// Nothing that is waited for takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Over what a collector is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Over {
    Tcp,
    Tls,
    Udp,
}

/// How a collector behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Manner {
    Prompt,
    /// With a pause before each read.
    Slow,
    /// From the beginning of a session on it does not read before it is told to.
    Late,
}

/// The value that has this name in `Debug`.
fn named<T: Copy + std::fmt::Debug>(values: &[T], name: &str) -> T {
    *values.iter().find(|value| format!("{value:?}") == name).unwrap()
}

/// What the process of a collector is told, in the order of [`Site::start`].
const ENVIRONMENT: [&str; 5] = ["OVER", "MANNER", "PORT", "COUNT", "CERTIFICATES"];

/// Where collectors and a probe come together.
struct Site {
    scratch: Scratch,
    over: Over,
    certificates: Certificates,
}

impl Site {
    fn new(over: Over) -> Site {
        Site { scratch: Scratch::new(), over, certificates: Certificates::new() }
    }

    /// Starts a collector of this name.
    fn start(&self, name: &str, manner: Manner, port: u16) -> CollectorProcess {
        let count = self.scratch.path(name);
        let values = [
            format!("{:?}", self.over),
            format!("{manner:?}"),
            port.to_string(),
            count.display().to_string(),
            self.certificates.directory().display().to_string(),
        ];
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "the_process_of_a_collector"])
            .envs(ENVIRONMENT.map(variable).into_iter().zip(values))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let process = CollectorProcess { child, count };
        wait_until("it listens", || process.count.exists());
        process
    }

    /// The program with its output, which has further parameters.
    fn probe(&self, parameters: &str) -> Probe {
        let transport = match self.over {
            Over::Tcp => "transport=tcp".to_owned(),
            Over::Tls => format!("transport=tls;{}", self.certificates.parameters()),
            Over::Udp => "transport=udp".to_owned(),
        };
        Probe::start(&format!("ipfix;{transport};{parameters}"))
    }

    /// The parameters of a spool.
    fn spool(&self) -> String {
        format!("spool={};spool-size=50000000", self.scratch.path("").display())
    }
}

fn variable(name: &str) -> String {
    format!("WEIR_COLLECTOR_{name}")
}

/// A collector of `weir-ipfix` in a process of its own, which writes how many records it has received into a file.
struct CollectorProcess {
    child: Child,
    count: PathBuf,
}

impl CollectorProcess {
    fn received(&self) -> u64 {
        fs::read(&self.count).unwrap().try_into().map_or(0, u64::from_be_bytes)
    }

    /// Waits until it has received at least so many records, and then no more come for a while.
    fn wait_for(&self, records: u64) -> u64 {
        let mut last = (0, Instant::now());
        wait_until("it has received them", || {
            let received = self.received();
            if received != last.0 {
                last = (received, Instant::now());
            }
            received >= records && last.1.elapsed() > Duration::from_millis(500)
        });
        last.0
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Kills it; answers what it has received.
    fn kill(mut self) -> u64 {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.received()
    }

    /// Has one that is late read.
    fn go(&self) {
        fs::write(go_path(&self.count), "").unwrap();
    }
}

impl Drop for CollectorProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn go_path(count: &Path) -> PathBuf {
    count.with_extension("go")
}

#[test]
#[ignore = "it is what the other tests start"]
fn the_process_of_a_collector() {
    let [over, manner, port, count, certificates] =
        ENVIRONMENT.map(|name| std::env::var(variable(name)).unwrap());
    let over = named(&[Over::Tcp, Over::Tls, Over::Udp], &over);
    let manner = named(&[Manner::Prompt, Manner::Slow, Manner::Late], &manner);
    let count = PathBuf::from(count);
    let address = (Ipv4Addr::LOCALHOST, port.parse().unwrap()).into();
    let mut collector = Collector::new(CollectorSettings::default());
    match over {
        Over::Tcp => collector.listen_tcp(address).unwrap(),
        Over::Tls => collector.listen_tls(address, &collector_of(Path::new(&certificates))).unwrap(),
        Over::Udp => collector.listen_udp(address).unwrap(),
    };
    let file = File::create(&count).unwrap();
    let mut received = 0u64;
    loop {
        let mut each =
            |_: &_, news: News<'_>| received += u64::from(matches!(news, News::Event(_, Event::Record(_))));
        collector.poll(Duration::from_millis(100), &mut each).unwrap();
        file.write_all_at(&received.to_be_bytes(), 0).unwrap();
        match manner {
            Manner::Prompt => {}
            Manner::Slow => thread::sleep(Duration::from_millis(5)),
            Manner::Late if collector.sessions().count() > 0 => {
                wait_until("it may read", || go_path(&count).exists());
            }
            Manner::Late => {}
        }
    }
}

/// A port where nobody listens.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A probe that gets its packets from the test: each is a flow of UDP over IPv4.
struct Probe {
    running: Running,
    packets: BufWriter<ChildStdin>,
    flows: u32,
}

/// Flows that may be in the cache: all before them have been exported.
const CACHED: u64 = 1 << 10;

/// Octets of each record on the wire.
const RECORD_LEN: u64 = 81;

impl Probe {
    fn start(output: &str) -> Probe {
        let mut command = weir("-i pcap;file=- -s cache;s=10;fused -o");
        let header = [0xa1b2_c3d4u32, 4 << 16 | 2, 0, 0, 65_535, 101].map(u32::to_le_bytes);
        let (running, stdin) = Running::fed(command.arg(output), header.as_flattened());
        Probe { running, packets: BufWriter::new(stdin), flows: 0 }
    }

    /// So many flows more.
    fn flows(&mut self, count: u32) {
        for flow in self.flows..self.flows + count {
            let [a, b, c, d] = flow.to_be_bytes();
            let begin = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0];
            let source = [10 + a, b, c, d];
            let end = [192, 0, 2, 1, 0x12, 0x34, 0, 99, 0, 8, 0, 0];
            for word in [1_700_000_000, flow / 100, 28, 28u32] {
                self.packets.write_all(&word.to_le_bytes()).unwrap();
            }
            for part in [&begin[..], &source, &end] {
                self.packets.write_all(part).unwrap();
            }
        }
        self.flows += count;
        self.packets.flush().unwrap();
    }

    /// Ends its input. Answers how many records it has exported, and reported dropped.
    fn end(self) -> (u64, u64) {
        drop(self.packets);
        let ended = self.running.wait();
        assert_eq!(ended.status, Some(0), "{}", ended.stderr);
        let tables = probe::Tables::parse(&ended.stdout);
        let output = &tables.outputs[0];
        assert_eq!(output.records, u64::from(self.flows), "{}", ended.stderr);
        (output.records, output.dropped)
    }
}

/// Has the same become of a collector over TCP and of one over TLS, at the same time since most of it is waiting.
macro_rules! over_tcp_and_tls {
    ($($what:ident)*) => {
        mod over_tcp_and_tls {
            $(#[test] fn $what() { super::each_over(super::$what); })*
        }
    };
}

fn each_over(what: fn(Over)) {
    thread::scope(|scope| {
        for over in [Over::Tcp, Over::Tls] {
            let thread = thread::Builder::new().name(format!("{over:?}"));
            thread.spawn_scoped(scope, move || what(over)).unwrap();
        }
    });
}

over_tcp_and_tls! {
    a_collector_is_killed_and_started_again
    a_collector_stands_still_and_goes_on
    of_a_collector_that_stood_still_and_is_killed_only_what_its_kernel_had_acknowledged_is_missing
    a_slow_collector_is_waited_for
    a_collector_that_is_never_there_has_everything_reported_as_dropped
    a_collector_refuses_at_first
    a_collector_never_reads
    with_a_spool_nothing_is_dropped_while_a_collector_is_away
    with_a_spool_nothing_is_dropped_while_a_collector_stands_still
    another_collector_takes_over_and_gives_back
}

fn a_collector_is_killed_and_started_again(over: Over) {
    let (site, port) = (Site::new(over), free_port());
    let first = site.start("first", Manner::Prompt, port);
    let mut probe = site.probe(&format!("port={port};reconnect=1"));
    probe.flows(5000);
    first.wait_for(5000 - CACHED);
    let first = first.kill();
    probe.flows(5000);
    let second = site.start("second", Manner::Prompt, port);
    probe.flows(5000);
    let (exported, dropped) = probe.end();
    let second = second.wait_for(exported - first - dropped);
    assert_eq!((first + second + dropped, dropped), (exported, 0));
}

fn a_collector_stands_still_and_goes_on(over: Over) {
    let (site, port) = (Site::new(over), free_port());
    let collector = site.start("collector", Manner::Prompt, port);
    let mut probe = site.probe(&format!("port={port};non-blocking-tcp;queue=131072"));
    // As many as may wait for the session.
    probe.flows(1500);
    collector.wait_for(1500 - CACHED);
    collector.signal(Signal::STOP);
    // Twice what both kernels keep for a connection at the most.
    probe.flows(250_000);
    collector.signal(Signal::CONT);
    probe.flows(5000);
    let (exported, dropped) = probe.end();
    let received = collector.wait_for(exported - dropped);
    assert_eq!(received + dropped, exported);
    assert!(dropped > 0);
}

/// Octets that the kernel has received for the connections at a local port, and nobody has read.
fn unread(port: u16) -> u64 {
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!(":{port:04X}");
    let rows = sockets.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    // 01: established; of its queues the second one is what is to be read.
    let rows = rows.filter(|row| row[1].ends_with(&local) && row[3] == "01");
    rows.map(|row| u64::from_str_radix(row[4].split_once(':').unwrap().1, 16).unwrap()).sum()
}

fn of_a_collector_that_stood_still_and_is_killed_only_what_its_kernel_had_acknowledged_is_missing(
    over: Over,
) {
    let (site, port) = (Site::new(over), free_port());
    let first = site.start("first", Manner::Prompt, port);
    let mut probe = site.probe(&format!("port={port};reconnect=1"));
    probe.flows(5000);
    first.wait_for(5000 - CACHED);
    first.signal(Signal::STOP);
    // Everything finds room: 12 MB.
    probe.flows(150_000);
    let mut last = 0;
    wait_until("nothing moves", || {
        thread::sleep(Duration::from_millis(300));
        let now = unread(port);
        now > 0 && std::mem::replace(&mut last, now) == now
    });
    let first = first.kill();
    let second = site.start("second", Manner::Prompt, port);
    probe.flows(5000);
    let (exported, dropped) = probe.end();
    let second = second.wait_for(exported - first - last / RECORD_LEN - dropped);
    let missing = exported.checked_sub(first + second + dropped).unwrap();
    assert!(
        missing > 0 && missing <= last / RECORD_LEN,
        "{missing} are missing, {last} octets were not read"
    );
    assert_eq!(dropped, 0);
}

fn a_slow_collector_is_waited_for(over: Over) {
    let (site, port) = (Site::new(over), free_port());
    let collector = site.start("collector", Manner::Slow, port);
    let mut probe = site.probe(&format!("port={port};queue=131072"));
    probe.flows(200_000);
    let (exported, dropped) = probe.end();
    assert_eq!((collector.wait_for(exported), dropped), (exported, 0));
}

fn a_collector_that_is_never_there_has_everything_reported_as_dropped(over: Over) {
    let (site, port) = (Site::new(over), free_port());
    let mut probe = site.probe(&format!("port={port};reconnect=1;queue=131072"));
    probe.flows(20_000);
    let (exported, dropped) = probe.end();
    assert_eq!(dropped, exported);
}

fn a_collector_refuses_at_first(over: Over) {
    let (site, port) = (Site::new(over), free_port());
    let mut probe = site.probe(&format!("port={port};reconnect=1;queue=131072"));
    probe.flows(20_000);
    probe.running.wait_for(|tables| tables.outputs[0].dropped > 0);
    let collector = site.start("collector", Manner::Prompt, port);
    collector.wait_for(1);
    probe.flows(5000);
    let (exported, dropped) = probe.end();
    let received = collector.wait_for(exported - dropped);
    assert_eq!(received + dropped, exported);
}

fn a_collector_never_reads(over: Over) {
    let (site, port) = (Site::new(over), free_port());
    let collector = site.start("collector", Manner::Late, port);
    let mut probe = site.probe(&format!("port={port};non-blocking-tcp;queue=131072"));
    probe.flows(250_000);
    let (exported, dropped) = probe.end();
    // What its kernel has acknowledged is there, and nothing else.
    collector.go();
    let received = collector.wait_for(exported - dropped);
    assert_eq!(received + dropped, exported);
    assert!(dropped > 0);
}

fn with_a_spool_nothing_is_dropped_while_a_collector_is_away(over: Over) {
    let (site, port) = (Site::new(over), free_port());
    let first = site.start("first", Manner::Prompt, port);
    let spool = site.spool();
    let mut probe = site.probe(&format!("port={port};reconnect=1;non-blocking-tcp;queue=131072;{spool}"));
    probe.flows(5000);
    first.wait_for(5000 - CACHED);
    let first = first.kill();
    // 8 MB, and no room for them in memory.
    probe.flows(100_000);
    let second = site.start("second", Manner::Prompt, port);
    probe.flows(5000);
    let (exported, dropped) = probe.end();
    let second = second.wait_for(exported - first);
    assert_eq!((first + second, dropped), (exported, 0));
}

fn with_a_spool_nothing_is_dropped_while_a_collector_stands_still(over: Over) {
    let (site, port) = (Site::new(over), free_port());
    let collector = site.start("collector", Manner::Prompt, port);
    let spool = site.spool();
    let mut probe = site.probe(&format!("port={port};non-blocking-tcp;queue=131072;{spool}"));
    collector.signal(Signal::STOP);
    probe.flows(250_000);
    collector.signal(Signal::CONT);
    let (exported, dropped) = probe.end();
    assert_eq!((collector.wait_for(exported), dropped), (exported, 0));
}

fn another_collector_takes_over_and_gives_back(over: Over) {
    let (site, ports) = (Site::new(over), [(); 2].map(|()| free_port()));
    let first = site.start("first", Manner::Prompt, ports[0]);
    let second = site.start("second", Manner::Prompt, ports[1]);
    let collectors = format!("collectors=127.0.0.1:{},127.0.0.1:{}", ports[0], ports[1]);
    let mut probe = site.probe(&format!("{collectors};distribution=fallback;reconnect=1"));
    probe.flows(5000);
    first.wait_for(5000 - CACHED);
    assert_eq!(second.received(), 0);
    let first = first.kill();
    probe.flows(5000);
    second.wait_for(10_000 - first - CACHED);
    let third = site.start("third", Manner::Prompt, ports[0]);
    wait_until("the first one is used again", || {
        probe.flows(100);
        third.received() > 0
    });
    let (exported, dropped) = probe.end();
    let second = second.wait_for(1);
    let third = third.wait_for(exported - first - second);
    assert_eq!((first + second + third, dropped), (exported, 0));
}

#[test]
fn a_collector_that_never_answers_the_handshake_has_everything_reported_as_dropped() {
    let site = Site::new(Over::Tls);
    // The kernel accepts connections.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut probe = site.probe(&format!("port={port};reconnect=1;queue=131072"));
    probe.flows(20_000);
    let (exported, dropped) = probe.end();
    assert_eq!(dropped, exported);
}

#[test]
fn a_collector_that_never_answers_the_handshake_gives_way_to_one_that_does() {
    let site = Site::new(Over::Tls);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut probe = site.probe(&format!("port={port};reconnect=1;queue=131072;{}", site.spool()));
    probe.flows(20_000);
    drop(listener.accept().unwrap());
    drop(listener);
    let collector = site.start("collector", Manner::Prompt, port);
    probe.flows(5000);
    let (exported, dropped) = probe.end();
    assert_eq!((collector.wait_for(exported), dropped), (exported, 0));
}

#[test]
fn over_udp_a_collector_stands_still_and_goes_on() {
    let (site, port) = (Site::new(Over::Udp), free_port());
    let collector = site.start("collector", Manner::Prompt, port);
    let mut probe = site.probe(&format!("port={port}"));
    // As much as the collector's socket surely keeps.
    probe.flows(1500);
    let before = collector.wait_for(1500 - CACHED);
    collector.signal(Signal::STOP);
    probe.flows(400);
    probe.running.wait_for(|tables| tables.outputs[0].records >= 1900 - CACHED);
    collector.signal(Signal::CONT);
    collector.wait_for(before + 1);
    let (exported, dropped) = probe.end();
    assert_eq!((collector.wait_for(exported), dropped), (exported, 0));
}

#[test]
fn over_udp_what_a_collector_refuses_is_reported_as_dropped() {
    let (site, port) = (Site::new(Over::Udp), free_port());
    let mut probe = site.probe(&format!("port={port}"));
    probe.flows(5000);
    probe.running.wait_for(|tables| tables.outputs[0].dropped >= 5000 - CACHED);
    let collector = site.start("collector", Manner::Prompt, port);
    // The first of them goes with the templates again.
    probe.flows(1500);
    probe.running.wait_for(|tables| {
        let output = &tables.outputs[0];
        output.records >= 6500 - CACHED && collector.received() + output.dropped == output.records
    });
    let received = collector.kill();
    probe.flows(5000);
    let (exported, dropped) = probe.end();
    assert_eq!(received + dropped, exported);
}
