//! What a collector has not acknowledged when its session ends.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use proptest::prelude::*;
use rustix::net::sockopt::set_socket_recv_buffer_size;

use super::*;
use crate::export::transport::Tcp;

impl Setting {
    fn break_session(&self) {
        self.wire.lock().unwrap().is_closed = true;
    }

    /// The numbers that came, whatever the session.
    fn arrived(&self) -> Vec<u64> {
        let messages = self.seen().into_iter().flatten();
        // Templates go alone.
        messages.filter(|(_, content)| *content != [256]).flat_map(|(_, content)| content).collect()
    }

    fn statistics(&self) -> Statistics {
        self.exporter.collectors()[0].statistics()
    }
}

fn acknowledging(octets: usize) -> Wire {
    Wire { arrive: [octets].into(), ..Wire::default() }
}

#[test]
fn what_was_not_acknowledged_comes_again_in_the_next_session() {
    for arrived in 0..=400 {
        let mut setting = Setting::new(acknowledging(arrived), EVERY_MINUTE, PLENTY);
        setting.export(30);
        setting.export(1);
        assert_eq!(setting.statistics().records, 31);
        setting.break_session();
        setting.pass(1);
        setting.export(1);
        assert_eq!(setting.numbers(), (0..32).collect::<Vec<_>>(), "{arrived}");
        let statistics = setting.statistics();
        assert_eq!((statistics.records, statistics.sessions, setting.exporter.queued_octets()), (32, 2, 0));
        let last = setting.seen().pop().unwrap();
        assert_eq!(last[0], (0, vec![256]), "templates first");
        let mut sequence = 0;
        for (number, content) in &last[1..] {
            assert_eq!(*number, sequence);
            sequence += content.len() as u32;
        }
    }
}

#[test]
fn what_was_acknowledged_is_forgotten() {
    let mut setting = Setting::new(acknowledging(0), EVERY_MINUTE, PLENTY);
    setting.export(30);
    let all = setting.exporter.queued_octets();
    assert!(all > 240 && !setting.exporter.is_congested() && setting.exporter.is_busy());
    setting.wire.lock().unwrap().arrive[0] = all - 1;
    setting.pass(1);
    assert_eq!(setting.exporter.queued_octets(), 100, "the last message");
    setting.wire.lock().unwrap().arrive[0] = all;
    setting.pass(1);
    assert!(setting.exporter.queued_octets() == 0 && !setting.exporter.is_busy());
}

#[test]
fn no_more_is_on_the_way_than_may_wait_and_the_rest_waits() {
    let mut setting = Setting::new(acknowledging(0), EVERY_MINUTE, 250);
    for _ in 0..10 {
        setting.export(10);
        assert!(setting.exporter.queued_octets() <= 600);
    }
    // Three are on the way with the template, and two wait.
    assert_eq!(setting.lost.0, (50..100).collect::<Vec<_>>());
    assert!(setting.exporter.is_held_up(100));
    setting.break_session();
    setting.pass(1);
    assert_eq!(setting.numbers(), (0..50).collect::<Vec<_>>());
}

#[test]
fn what_is_not_acknowledged_at_the_end_is_lost() {
    let mut setting = Setting::new(acknowledging(150), EVERY_MINUTE, PLENTY);
    setting.export(30);
    setting.exporter.close(&mut setting.lost);
    assert_eq!(setting.lost.0, (10..30).collect::<Vec<_>>());
    let expected =
        Statistics { sessions: 1, messages: 2, octets: 128, records: 10, flow_records: 10, lost_records: 20 };
    assert_eq!(setting.statistics(), expected);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Export(u64),
    /// The transport takes so many octets at its next call.
    Take(usize),
    /// So many more octets are acknowledged.
    Acknowledge(usize),
    /// The session breaks: what is acknowledged has arrived, the rest has not.
    Break,
    /// The next attempt to connect fails.
    Refuse,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..40u64).prop_map(Step::Export),
        (0..300usize).prop_map(Step::Take),
        (0..300usize).prop_map(Step::Acknowledge),
        Just(Step::Break),
        Just(Step::Refuse),
        (0..100u64).prop_map(Step::Pass),
    ]
}

proptest! {
    #[test]
    fn every_record_arrives_once_or_is_lost(steps in prop::collection::vec(step(), 0..60)) {
        const QUEUE: usize = 2000;
        let mut setting = Setting::new(acknowledging(0), EVERY_MINUTE, QUEUE);
        // Beyond the ids of templates.
        setting.next = 1000;
        for step in steps {
            match step {
                Step::Export(count) => setting.export(count),
                Step::Take(octets) => setting.wire.lock().unwrap().takes.push_back(Some(octets)),
                Step::Acknowledge(octets) => setting.wire.lock().unwrap().arrive[0] += octets,
                Step::Break => {
                    let mut wire = setting.wire.lock().unwrap();
                    if wire.is_open && !wire.is_closed {
                        wire.is_closed = true;
                        wire.arrive.push_back(0);
                    }
                }
                Step::Refuse => setting.wire.lock().unwrap().refusals += 1,
                Step::Pass(seconds) => setting.pass(seconds),
            }
        }
        {
            let mut wire = setting.wire.lock().unwrap();
            wire.takes.clear();
            wire.refusals = 0;
            // All arrives of the session that begins next, or that is open and stays so.
            let breaks = wire.is_open && wire.is_closed;
            wire.arrive.truncate(usize::from(breaks));
        }
        setting.pass(1000);
        setting.pass(1000);
        prop_assert_eq!(setting.exporter.queued_octets(), 0);
        let mut numbers = setting.arrived();
        let statistics = setting.statistics();
        prop_assert_eq!(statistics.records, numbers.len() as u64);
        prop_assert_eq!(statistics.lost_records, setting.lost.0.len() as u64);
        numbers.extend(&setting.lost.0);
        numbers.sort_unstable();
        prop_assert_eq!(numbers, (1000..setting.next).collect::<Vec<_>>());
    }
}

/// Has an exporter of numbers go on until `is_so`.
fn advance_until(exporter: &mut Exporter, mut is_so: impl FnMut(&Exporter) -> bool) {
    let began = Instant::now();
    let now = || Now { elapsed: began.elapsed(), unix_s: 1000 };
    while !is_so(exporter) {
        assert!(began.elapsed() < Duration::from_secs(60), "{exporter:?}");
        exporter.wait(Duration::from_millis(10));
        exporter.advance(now(), &mut Lost::default());
    }
}

/// Numbers in whole messages.
fn numbers(octets: &[u8]) -> Vec<u64> {
    let messages = read_all(octets).into_iter();
    messages.filter(|(_, content)| *content != [256]).flat_map(|(_, content)| content).collect()
}

/// Octets of a message with the template.
const TEMPLATES: usize = 28;

/// All that the kernel keeps for a reader, which it has acknowledged.
fn unread(stream: &TcpStream) -> Vec<u8> {
    let mut octets = vec![0; 64 << 20];
    let length = stream.peek(&mut octets).unwrap();
    octets.truncate(length);
    octets
}

#[test]
fn what_the_kernel_of_a_dead_collector_had_not_taken_goes_to_its_successor() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // Connections inherit it.
    set_socket_recv_buffer_size(&listener, 16 << 10).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut exporter = Exporter::new(7, 100).unwrap();
    let settings = CollectorSettings {
        refresh: Refresh::default(),
        queue_octets: 64 << 20,
        backoff: Backoff::new(Duration::from_secs(60)),
    };
    let tcp = Box::new(Tcp::new("127.0.0.1", port, Duration::from_secs(10)));
    exporter.add_collector(Collector::new(tcp, None, settings));
    let (now, mut lost) = (Now { elapsed: Duration::ZERO, unix_s: 1000 }, Lost::default());
    let slot = exporter.add_template(number(256), now, &mut lost).unwrap();
    exporter.advance(now, &mut lost);
    let (first, _) = listener.accept().unwrap();
    advance_until(&mut exporter, |exporter| exporter.collectors()[0].is_up());
    // It never reads: in the end neither kernel takes any more.
    let mut next = 0;
    while !exporter.is_congested() {
        let octets: Vec<u8> = (next..next + 1000).flat_map(u64::to_be_bytes).collect();
        next += 1000;
        exporter.put(slot, Records::of_equal_length(&octets, 8), now, &mut lost);
        exporter.flush(now, &mut lost);
    }
    // Acknowledgements may be a little late. All data messages are as long as they may be, and 10 numbers long.
    let mut acknowledged = Vec::new();
    advance_until(&mut exporter, |exporter| {
        acknowledged = unread(&first);
        let whole = TEMPLATES + (acknowledged.len() - TEMPLATES) / 100 * 100;
        exporter.queued_octets() == TEMPLATES + next as usize * 10 - whole
    });
    // The connection is reset, as by a process that is killed with something unread.
    drop(first);
    advance_until(&mut exporter, |exporter| exporter.collectors()[0].statistics().sessions == 2);
    let (mut second, _) = listener.accept().unwrap();
    let reader = std::thread::spawn(move || {
        let mut octets = Vec::new();
        second.read_to_end(&mut octets).unwrap();
        octets
    });
    advance_until(&mut exporter, |exporter| exporter.queued_octets() == 0);
    exporter.close(&mut lost);
    let mut arrived = numbers(&acknowledged);
    assert!(!arrived.is_empty() && arrived.len() as u64 + 1000 < next);
    arrived.extend(numbers(&reader.join().unwrap()));
    assert_eq!(arrived, (0..next).collect::<Vec<_>>(), "each once, in order");
    assert!(lost.0.is_empty());
    let statistics = exporter.collectors()[0].statistics();
    assert_eq!((statistics.records, statistics.sessions, statistics.lost_records), (next, 2, 0));
}

#[test]
fn what_is_told_as_lost_at_the_end_does_not_arrive_later() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    set_socket_recv_buffer_size(&listener, 16 << 10).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tcp = Tcp::new("127.0.0.1", port, Duration::from_secs(10));
    while tcp.connect().is_pending() {
        tcp.wait(Duration::from_millis(10));
    }
    let (mut collector, _) = listener.accept().unwrap();
    let mut taken = 0;
    while let Ok(count) = tcp.send(&[7; 4096], &[4096]) {
        taken += count;
    }
    let began = Instant::now();
    while tcp.unacknowledged() != taken - unread(&collector).len() {
        // An acknowledgement is late.
        assert!(began.elapsed() < Duration::from_secs(60));
    }
    let unacknowledged = tcp.unacknowledged();
    assert!(unacknowledged > 0 && unacknowledged < taken);
    tcp.close();
    let mut octets = Vec::new();
    // Linux keeps what it has acknowledged for the reader, and then tells of the reset.
    let ended = collector.read_to_end(&mut octets);
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(octets.len(), taken - unacknowledged);
}
