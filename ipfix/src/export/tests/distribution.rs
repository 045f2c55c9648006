//! Several collectors.

use super::*;

/// An exporter of numbers, and what its collectors see.
struct Several {
    exporter: Exporter,
    wires: Vec<Arc<Mutex<Wire>>>,
    slot: TemplateSlot,
    lost: Lost,
    now: Now,
    next: u64,
}

impl Several {
    fn new<const N: usize>(distribution: Distribution, wires: [Wire; N]) -> Several {
        let wires: Vec<_> = wires.into_iter().map(|wire| Arc::new(Mutex::new(wire))).collect();
        let mut exporter = Exporter::new(7, 100).unwrap().with_distribution(distribution);
        for wire in &wires {
            let settings = CollectorSettings {
                refresh: EVERY_MINUTE,
                queue_octets: PLENTY,
                backoff: Backoff::new(Duration::from_secs(60)),
            };
            exporter.add_collector(Collector::new(Box::new(Memory(Arc::clone(wire))), None, settings));
        }
        let mut lost = Lost::default();
        let now = Now { elapsed: Duration::ZERO, unix_s: 1000 };
        let slot = exporter.add_template(number(256), now, &mut lost).unwrap();
        Several { exporter, wires, slot, lost, now, next: 1000 }
    }

    /// Puts so many numbers, counting on, and flushes. A number falls to a collector by its last octet.
    fn export(&mut self, count: u64) {
        let octets: Vec<u8> = (self.next..self.next + count).flat_map(u64::to_be_bytes).collect();
        self.next += count;
        let records = Records::of_equal_length(&octets, 8);
        let falls = |record: &[u8]| u64::from(record[7]) << 56;
        self.exporter.put_balanced(self.slot, records, falls, self.now, &mut self.lost);
        self.exporter.flush(self.now, &mut self.lost);
    }

    fn pass(&mut self, seconds: u64) {
        self.now.elapsed += Duration::from_secs(seconds);
        self.exporter.advance(self.now, &mut self.lost);
    }

    fn wire(&self, collector: usize) -> std::sync::MutexGuard<'_, Wire> {
        self.wires[collector].lock().unwrap()
    }

    /// The numbers that came in each session of a collector. Each begins with the template, and its numbering is without a gap.
    fn seen(&self, collector: usize) -> Vec<Vec<u64>> {
        let session = |octets: &Vec<u8>| {
            let messages = read_all(octets);
            let mut numbers: Vec<u64> = Vec::new();
            for (place, (sequence, content)) in messages.into_iter().enumerate() {
                assert_eq!(place == 0, content == [256]);
                assert_eq!(sequence as usize, numbers.len());
                numbers.extend(content.iter().filter(|_| place > 0));
            }
            numbers
        };
        self.wire(collector).sessions.iter().map(session).collect()
    }

    fn sessions(&self) -> Vec<usize> {
        self.wires.iter().map(|wire| wire.lock().unwrap().sessions.len()).collect()
    }
}

fn away() -> Wire {
    Wire { refusals: 1, ..Wire::default() }
}

fn range(begin: u64, end: u64) -> Vec<u64> {
    (begin..end).collect()
}

#[test]
fn in_parallel_each_collector_gets_everything() {
    let mut several = Several::new(Distribution::Parallel, [Wire::default(), away()]);
    several.export(300);
    several.export(1);
    several.pass(100);
    for collector in 0..2 {
        assert_eq!(several.seen(collector), [range(1000, 1301)]);
    }
}

#[test]
fn as_a_fallback_a_collector_has_no_session_before_it_is_needed() {
    let mut several = Several::new(Distribution::Fallback, [(); 3].map(|()| Wire::default()));
    several.export(30);
    several.pass(1);
    several.export(1);
    assert_eq!(several.sessions(), [1, 0, 0]);
    assert_eq!(several.seen(0), [range(1000, 1031)]);
}

#[test]
fn the_first_collector_that_can_be_reached_is_used() {
    let mut several = Several::new(Distribution::Fallback, [away(), away(), Wire::default()]);
    several.export(30);
    assert_eq!(several.sessions(), [0, 0, 1]);
    assert_eq!(several.seen(2), [range(1000, 1030)]);
}

#[test]
fn what_waited_for_a_dead_collector_goes_to_the_next_one_in_a_session_of_its_own() {
    // Of the first session nothing arrives behind the template and one message.
    let dying = Wire { arrive: [128].into(), ..Wire::default() };
    let mut several = Several::new(Distribution::Fallback, [dying, Wire::default()]);
    several.export(30);
    several.wire(0).is_closed = true;
    several.wire(0).refusals = 1;
    several.export(5);
    assert_eq!(several.seen(0), [range(1000, 1010)]);
    // What is new is handed over at the same time, and goes before what was kept.
    let [session] = &several.seen(1)[..] else { panic!() };
    let mut numbers = session.clone();
    numbers.sort_unstable();
    assert_eq!(numbers, range(1010, 1035));
    assert!(several.lost.0.is_empty() && several.exporter.queued_octets() == 0);
}

#[test]
fn an_earlier_collector_that_comes_back_is_used_again_and_the_later_one_ends() {
    let mut several = Several::new(Distribution::Fallback, [away(), Wire::default()]);
    several.export(10);
    several.pass(59);
    several.export(10);
    several.pass(10);
    several.export(10);
    several.pass(1);
    assert_eq!(several.seen(1), [range(1000, 1020)]);
    assert_eq!(several.seen(0), [range(1020, 1030)]);
    assert!(several.exporter.collectors()[0].is_up() && !several.exporter.collectors()[1].is_up());
    // Needed again it begins anew.
    several.wire(0).is_closed = true;
    several.wire(0).refusals = 1;
    several.export(10);
    assert_eq!(several.seen(1), [range(1000, 1020), range(1030, 1040)]);
}

#[test]
fn a_later_collector_ends_when_all_it_was_sent_has_arrived() {
    let slow = Wire { arrive: [0].into(), ..Wire::default() };
    let mut several = Several::new(Distribution::Fallback, [away(), slow]);
    several.export(10);
    several.pass(100);
    assert!(several.exporter.collectors().iter().all(Collector::is_up));
    several.export(10);
    several.wire(1).arrive[0] = 1000;
    several.pass(1);
    assert!(!several.exporter.collectors()[1].is_up());
    assert_eq!((several.seen(0), several.seen(1)), (vec![range(1010, 1020)], vec![range(1000, 1010)]));
}

#[test]
fn with_nobody_there_everything_waits_for_whoever_comes_first() {
    let mut several = Several::new(Distribution::Fallback, [Wire { refusals: 9, ..away() }, away()]);
    several.export(30);
    several.pass(1);
    several.export(1);
    several.pass(100);
    several.pass(1);
    assert_eq!(several.seen(1), [range(1000, 1031)]);
}

#[test]
fn balanced_each_record_goes_to_the_collector_it_falls_to_and_waits_there() {
    let mut several = Several::new(Distribution::LoadBalancing, [Wire::default(), away()]);
    several.export(600);
    several.pass(100);
    several.export(1);
    let (lower, upper): (Vec<u64>, Vec<u64>) = range(1000, 1601).into_iter().partition(|it| it & 0xff < 128);
    assert_eq!((several.seen(0), several.seen(1)), (vec![lower], vec![upper]));
}

#[test]
fn balanced_records_are_lost_with_a_collector_that_is_removed_and_then_fall_to_the_others() {
    let mut several = Several::new(Distribution::LoadBalancing, [Wire::default(), away(), Wire::default()]);
    several.export(256);
    let lost = several.lost.0.len();
    assert_eq!(lost, 0);
    let statistics = several.exporter.remove_collector(1, &mut several.lost).unwrap();
    assert_eq!((statistics.lost_records, several.lost.0.len()), (85, 85));
    several.export(256);
    let [first, third] = [0, 2].map(|collector| several.seen(collector).concat().len());
    assert_eq!((first + third, first), (2 * 256 - 85, 86 + 128));
}
