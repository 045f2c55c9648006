use proptest::prelude::*;
use weir_flow::Timestamp;

use super::*;
use crate::driver::{Driver, PacketBuilder};

const ENDS: [&str; 2] = ["192.168.43.91:54113", "90.178.247.107:10103"];

/// What is said about packets, each with its way, length and time in milliseconds, behind so many empty ones.
fn verdict(before: usize, packets: &[(bool, usize, u64)]) -> Vec<String> {
    let mut driver = Driver::new(&DESCRIPTOR, "");
    let time = |ms: u64| Timestamp::from_nanoseconds((1_000_000 + ms) * 1_000_000);
    for _ in 0..before {
        driver.put(&PacketBuilder::udp(ENDS[0], ENDS[1]).at(time(0)));
    }
    for &(reverse, length, ms) in packets {
        let (from, to) = (ENDS[usize::from(reverse)], ENDS[usize::from(!reverse)]);
        driver.put(&PacketBuilder::udp(from, to).payload(&vec![0; length]).at(time(ms)));
    }
    driver.finish_text()
}

/// Pairs of packets to and fro, each so many milliseconds apart, of which the second is so much longer.
fn pairs(count: usize, longer: usize, apart: u64) -> Vec<(bool, usize, u64)> {
    (0..count as u64)
        .flat_map(|pair| [(false, 80, pair * 10_000), (true, 80 + longer, pair * 10_000 + apart)])
        .collect()
}

#[test]
fn similar_packets_to_and_fro_are_suspects() {
    assert_eq!(verdict(29, &pairs(3, 0, 3000)), ["SSA=1"]);
    assert_eq!(verdict(29, &pairs(3, 12, 3000)), ["SSA=1"]);
    assert_eq!(verdict(29, &pairs(2, 0, 3000)), ["SSA=0"]);
    assert_eq!(verdict(29, &pairs(3, 13, 3000)), ["SSA=0"]);
    assert_eq!(verdict(29, &pairs(3, 0, 3001)), ["SSA=0"]);
}

#[test]
fn packets_before_the_thirtieth_are_not_looked_at() {
    // The first packet of the first pair is number 30, or number 29.
    assert_eq!(verdict(29, &pairs(3, 0, 1)), ["SSA=1"]);
    assert_eq!(verdict(28, &pairs(3, 0, 1)), ["SSA=0"]);
}

#[test]
fn records_of_thirty_packets_say_nothing() {
    assert!(verdict(24, &pairs(3, 0, 1)).is_empty());
    assert!(verdict(30, &[]).is_empty());
    assert_eq!(verdict(31, &[]), ["SSA=0"]);
}

#[test]
fn packets_of_other_lengths_are_not_looked_at() {
    for length in [59, 151] {
        let packets: Vec<_> = (0..20).map(|number| (number % 2 == 0, length, number)).collect();
        assert_eq!(verdict(29, &packets), ["SSA=0"]);
    }
}

/// Suspects as the rule says them: their lengths.
fn by_definition(packets: &[(bool, usize, u64)]) -> Vec<usize> {
    let mut suspects = vec![];
    let mut latest = std::collections::HashMap::new();
    for &(way, length, ms) in packets.iter().filter(|packet| (60..=150).contains(&packet.1)) {
        let is_answered = |shorter: usize| {
            let time = latest.get(&(!way, length.saturating_sub(shorter)));
            time.is_some_and(|&time: &u64| ms.saturating_sub(time) <= 3000)
        };
        if (0..=12).any(is_answered) {
            suspects.push(length);
            latest.clear();
        } else {
            latest.insert((way, length), ms);
        }
    }
    suspects
}

proptest! {
    #[test]
    fn verdicts_are_as_defined(
        packets in prop::collection::vec((any::<bool>(), 55..100usize, 0..3000u64), 2..200),
    ) {
        let mut now = 0;
        let mut packets: Vec<_> = packets.into_iter().map(|(way, length, pause)| {
            now += pause;
            (way, length, now)
        }).collect();
        // The first packet decides what is the reverse direction.
        packets[0].0 = false;
        let lengths = by_definition(&packets);
        let count = lengths.len();
        let mut distinct = lengths[..count.min(100)].to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let share = distinct.len() as f64 / count.min(100) as f64;
        let most = if count < 15 { 0.6 } else if count < 40 { 0.4 } else { 0.2 };
        let expected = count >= 3 && share <= most;
        prop_assert_eq!(verdict(29, &packets), [format!("SSA={}", u8::from(expected))]);
    }
}
