use proptest::prelude::*;
use weir_flow::{Timestamp, tcp};

use super::*;
use crate::driver::{Driver, Instance, Owned, PacketBuilder};

const ENDS: [&str; 2] = ["10.0.0.1:1025", "10.0.0.2:80"];

fn time(us: u64) -> Timestamp {
    Timestamp::from_nanoseconds((1_000_000_000 + us) * 1000)
}

/// What the plugin says about segments, each with its way, length and time in microseconds.
fn bursts(segments: &[(bool, usize, u64)]) -> Vec<Instance> {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    for &(reverse, length, us) in segments {
        let (from, to) = (ENDS[usize::from(reverse)], ENDS[usize::from(!reverse)]);
        driver.put(&PacketBuilder::tcp(from, to).payload(&vec![0; length]).at(time(us)));
    }
    driver.finish()
}

/// The lists of one direction as the definition says them.
fn by_definition(segments: &[(bool, usize, u64)], way: bool) -> Vec<Owned> {
    let mut finished: Vec<Vec<(usize, u64)>> = vec![];
    let mut candidate: Vec<(usize, u64)> = vec![];
    for &(_, length, us) in segments.iter().filter(|segment| segment.0 == way && segment.1 > 0) {
        if finished.len() == 15 {
            continue;
        }
        if candidate.last().is_some_and(|&(_, stop)| us >= stop + 1_000_000) {
            finished.extend(Some(std::mem::take(&mut candidate)).filter(|burst| burst.len() >= 3));
        }
        if finished.len() < 15 {
            candidate.push((length, us));
        }
    }
    finished.extend(Some(candidate).filter(|burst| burst.len() >= 3));
    let ends = |end: fn(&Vec<(usize, u64)>) -> u64| {
        Owned::TimeList(finished.iter().map(|burst| time(end(burst))).collect())
    };
    vec![
        Owned::Numbers(finished.iter().map(|burst| burst.len() as i64).collect()),
        Owned::Numbers(finished.iter().map(|burst| burst.iter().map(|p| p.0 as i64).sum()).collect()),
        ends(|burst| burst[0].1),
        ends(|burst| burst[burst.len() - 1].1),
    ]
}

#[test]
fn a_pause_of_a_second_ends_a_burst() {
    let times = [0, 1_000_000, 2_000_000, 2_999_999, 3_500_000, 4_200_000];
    let segments = times.map(|us| (false, 10, us));
    assert_eq!(
        bursts(&segments)[0][..4],
        [
            Owned::Numbers(vec![4]),
            Owned::Numbers(vec![40]),
            Owned::TimeList(vec![time(2_000_000)]),
            Owned::TimeList(vec![time(4_200_000)]),
        ]
    );
}

#[test]
fn records_of_three_packets_say_nothing_and_of_four_without_a_burst_empty_lists() {
    let segment = (false, 10, 0);
    assert!(bursts(&[segment; 3]).is_empty());
    assert!(bursts(&[(false, 0, 0); 3]).is_empty());
    let nothing =
        [bursts(&[(false, 0, 0); 4]), bursts(&[(false, 9, 0), segment, (true, 0, 0), (true, 9, 0)])];
    for said in nothing {
        let is_empty = |value: &Owned| match value {
            Owned::Numbers(numbers) => numbers.is_empty(),
            Owned::TimeList(times) => times.is_empty(),
            other => panic!("{other:?}"),
        };
        assert!(said.len() == 1 && said[0].iter().all(is_empty), "{said:?}");
    }
}

#[test]
fn fifteen_bursts_are_enough() {
    let segments: Vec<_> =
        (0..20).flat_map(|burst| [(false, 1, burst * 2_000_000); 3]).chain([(true, 5, 0); 3]).collect();
    let said = bursts(&segments);
    assert_eq!(said[0][0], Owned::Numbers(vec![3; 15]));
    assert_eq!(said[0][5], Owned::Numbers(vec![15]));
    let both: Vec<_> = (0..16).flat_map(|burst| [(false, 1, burst * 2_000_000); 3]).collect();
    let mut driver = Driver::new(&DESCRIPTOR, "");
    for &(_, _, us) in &both {
        for way in 0..2 {
            assert!(us == 0 || driver.is_interested());
            driver.put(&PacketBuilder::udp(ENDS[way], ENDS[1 - way]).payload(b"x").at(time(us)));
        }
        if us == 30_000_000 {
            break;
        }
    }
    assert!(!driver.is_interested());
}

#[test]
fn the_text_pairs_start_and_stop() {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    for second in [7, 7, 7, 7] {
        let segment = PacketBuilder::tcp(ENDS[0], ENDS[1]).flags(tcp::ACK).payload(b"abc");
        driver.put(&segment.at(Timestamp::new(second, 0)));
    }
    assert_eq!(
        driver.finish_text(),
        ["sburstpkts=(4),sburstbytes=(12),sbursttime=(7-7),dburstpkts=(),dburstbytes=(),dbursttime=(),"]
    );
}

proptest! {
    #[test]
    fn bursts_are_as_defined(
        pauses in prop::collection::vec(
            (any::<bool>(), 0..4usize, prop_oneof![4 => 0..400_000u64, 1 => 900_000..2_500_000u64]),
            4..200,
        ),
        backwards in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
    ) {
        let mut now = 0;
        let mut segments: Vec<_> = pauses.into_iter().map(|(way, length, pause)| {
            now += pause;
            (way, length, now)
        }).collect();
        for index in backwards {
            let index = index.index(segments.len());
            segments[index].2 = segments[index].2.saturating_sub(700_000);
        }
        // The first packet decides what is the reverse direction.
        segments[0].0 = false;
        let expected = [by_definition(&segments, false), by_definition(&segments, true)].concat();
        prop_assert_eq!(bursts(&segments), [expected]);
    }
}
