use proptest::prelude::*;
use weir_flow::{Timestamp, tcp};

use super::*;
use crate::driver::{Driver, Instance, Owned, PacketBuilder};

const ENDS: [&str; 2] = ["10.0.0.1:1025", "10.0.0.2:80"];

/// A datagram one way or the other, so many milliseconds after a moment.
fn datagram(reverse: bool, length: usize, ms: u64) -> PacketBuilder {
    let (from, to) = (ENDS[usize::from(reverse)], ENDS[usize::from(!reverse)]);
    let time = Timestamp::from_nanoseconds((1_000_000 + ms) * 1_000_000 + 999_999);
    PacketBuilder::udp(from, to).payload(&vec![0; length]).at(time)
}

/// What the plugin says about these datagrams, each with its way, length and time.
fn histograms(parameters: &str, datagrams: &[(bool, usize, u64)]) -> Vec<Instance> {
    let mut driver = Driver::new(&DESCRIPTOR, parameters);
    for &(reverse, length, ms) in datagrams {
        driver.put(&datagram(reverse, length, ms));
    }
    driver.finish()
}

/// The same as the definition says it, for packets that all count.
fn by_definition(datagrams: &[(bool, usize, u64)]) -> Instance {
    let limits = [16, 32, 64, 128, 256, 512, 1024, u64::MAX];
    let count = |values: Vec<u64>| {
        let in_bin = |index: usize, value: u64| {
            value < limits[index] && index.checked_sub(1).is_none_or(|below| value >= limits[below])
        };
        let bins = (0..8).map(|index| values.iter().filter(|&&value| in_bin(index, value)).count() as i64);
        Owned::Numbers(bins.collect())
    };
    [false, true]
        .into_iter()
        .flat_map(|way| {
            let these: Vec<_> = datagrams.iter().filter(|datagram| datagram.0 == way).collect();
            let pauses = these.windows(2).map(|pair| pair[1].2.saturating_sub(pair[0].2)).collect();
            [count(these.iter().map(|datagram| datagram.1 as u64).collect()), count(pauses)]
        })
        .collect()
}

#[test]
fn a_packet_from_before_comes_no_time_after_the_latest() {
    let datagrams = [(15, 1000), (16, 999), (1023, 990), (1024, 1100), (5, 3000)];
    let mut driver = Driver::new(&DESCRIPTOR, "");
    for (length, ms) in datagrams {
        driver.put(&datagram(false, length, ms));
    }
    assert_eq!(
        driver.finish_text(),
        ["sphistsize=(2,1,0,0,0,0,1,1),sphistipt=(2,0,0,1,0,0,0,1),dphistsize=(0,0,0,0,0,0,0,0),\
          dphistipt=(0,0,0,0,0,0,0,0),"]
    );
}

#[test]
fn packets_without_payload_count_only_on_request() {
    let datagrams = [(false, 0, 0), (false, 9, 20), (true, 0, 20), (false, 9, 60)];
    let sizes = |parameters| match &histograms(parameters, &datagrams)[0][..] {
        [Owned::Numbers(sizes), Owned::Numbers(times), ..] => (sizes[0], times[1], times[2]),
        other => panic!("{other:?}"),
    };
    assert_eq!(sizes(""), (2, 0, 1));
    assert_eq!(sizes("includezeroes"), (3, 1, 1));
    assert_eq!(sizes("includezeros"), (3, 1, 1));
    assert_eq!(sizes("i"), (3, 1, 1));
}

#[test]
fn a_lone_syn_has_no_histograms_and_a_lone_empty_datagram_empty_ones() {
    for parameters in ["", "i"] {
        let mut driver = Driver::new(&DESCRIPTOR, parameters);
        driver.put(&PacketBuilder::tcp(ENDS[0], ENDS[1]).flags(tcp::SYN));
        assert!(driver.finish().is_empty());
    }
    assert_eq!(histograms("", &[(false, 0, 0)]), [vec![Owned::Numbers(vec![0; 8]); 4]]);
}

proptest! {
    #[test]
    fn histograms_are_as_defined(
        datagrams in prop::collection::vec((any::<bool>(), 1..1500usize, 0..5000u64), 1..60),
        orderly: bool,
    ) {
        let mut datagrams = datagrams;
        if orderly {
            datagrams.sort_by_key(|datagram| datagram.2);
        }
        // The first packet decides what is the reverse direction.
        datagrams[0].0 = false;
        prop_assert_eq!(histograms("i", &datagrams), [by_definition(&datagrams)]);
        prop_assert_eq!(histograms("", &datagrams), [by_definition(&datagrams)]);
    }
}
