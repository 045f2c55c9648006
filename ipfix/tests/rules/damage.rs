//! Files that are damaged. RFC 5655 leaves it to the reader how to go on.

use std::io::Read;
use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::Index;
use weir_ipfix::collect::{Collector, CollectorSettings, Event, News, SessionCounters};
use weir_ipfix::message::{Header, MessageError};

use crate::by_hand::{PROTOCOL, message};

/// What a collector tells of a file of [`file`].
#[derive(PartialEq, Eq, Debug)]
struct Told {
    records: Vec<u8>,
    /// From where on how many octets were skipped, and why.
    skipped: Vec<(u64, u64, String)>,
    end: String,
    counters: SessionCounters,
}

fn read(source: impl Read) -> Told {
    let (mut records, mut skipped, mut end) = (Vec::new(), Vec::new(), String::new());
    let counters = Collector::new(CollectorSettings::default()).read_from("", source, |_, news| match news {
        News::Event(_, Event::Record(record)) => records.extend(record.octets()),
        News::Skipped(part) => skipped.push((part.at, part.octets, part.why.to_string())),
        News::Closed(why, _) => end = why.to_string(),
        _ => {}
    });
    assert_eq!(counters.skipped_octets, skipped.iter().map(|(_, octets, _)| octets).sum::<u64>());
    Told { records, skipped, end, counters }
}

/// A source that has so many octets at a time.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(out.len());
        (&mut self.0).read(&mut out[..count])
    }
}

/// A template, and then so many messages of three records each, which are numbered.
fn file(messages: u8) -> Vec<Vec<u8>> {
    let of =
        |number: u8| message(u32::from(number) * 3, &[(256, &[number * 3, number * 3 + 1, number * 3 + 2])]);
    std::iter::once(message(0, &[(2, PROTOCOL)])).chain((0..messages).map(of)).collect()
}

/// The octets of the messages of [`file`]: that of the template and the others.
const TEMPLATE: usize = 28;
const DATA: usize = 23;

/// A file in which these octets of the message of the records 6, 7 and 8 are replaced by others.
fn with(replaced: Range<usize>, by: &[u8]) -> Vec<u8> {
    let mut octets = file(6).concat();
    let begin = TEMPLATE + 2 * DATA;
    octets.splice(begin + replaced.start..begin + replaced.end, by.iter().copied());
    octets
}

/// All records but 6, 7 and 8 are read, and three are lost. What was skipped, and why.
fn all_but_one(octets: &[u8]) -> (u64, u64, String) {
    let told = read(octets);
    assert_eq!(told.records, (0..6).chain(9..18).collect::<Vec<u8>>());
    assert_eq!(
        (&*told.end, told.counters.lost_records, told.counters.malformed_messages),
        ("at its end", 3, 1)
    );
    let [skipped] = &told.skipped[..] else { panic!("{told:?}") };
    skipped.clone()
}

#[test]
fn a_length_that_is_wrong_costs_its_message_alone() {
    let at = (TEMPLATE + 2 * DATA) as u64;
    for length in [0, 19, 22, 24, 25, 40, 47, 68, 70, 91, 93, 1000, u16::MAX] {
        let why = format!("a message says that it is {length} octets long");
        assert_eq!(all_but_one(&with(2..4, &length.to_be_bytes())), (at, 23, why));
    }
}

#[test]
fn a_version_that_is_wrong_costs_its_message_alone() {
    let at = (TEMPLATE + 2 * DATA) as u64;
    let why = "version 11 is not IPFIX".to_owned();
    assert_eq!(all_but_one(&with(0..2, &[0, 11])), (at, 23, why));
}

#[test]
fn octets_that_are_missing_or_too_many_are_skipped_with_their_message() {
    for missing in 1..DATA {
        for begin in 0..DATA - missing {
            let octets = with(begin..begin + missing, &[]);
            let rest = &octets[TEMPLATE + 2 * DATA..];
            if stated(rest).is_ok_and(|length| length > rest.len()) {
                // It may look as if the file were cut off.
                continue;
            }
            let told = read(&octets[..]);
            assert!(told.records.starts_with(&[0, 1, 2, 3, 4, 5]), "{missing} at {begin}: {told:?}");
            assert!(told.records.ends_with(&[12, 13, 14, 15, 16, 17]), "{missing} at {begin}: {told:?}");
            assert_eq!((told.skipped.len(), &*told.end), (1, "at its end"), "{missing} at {begin}: {told:?}");
        }
    }
    for count in 2..50 {
        let at = (TEMPLATE + 2 * DATA) as u64;
        let told = read(&with(0..0, &vec![0xff; count])[..]);
        assert_eq!(told.records, (0..18).collect::<Vec<u8>>());
        let why = "version 65535 is not IPFIX".to_owned();
        assert_eq!((told.skipped, told.counters.lost_records), (vec![(at, count as u64, why)], 0));
        let told = read(&with(DATA..DATA, &vec![0; count])[..]);
        assert_eq!((told.records.len(), told.skipped[0].1), (18, count as u64));
    }
    // Much more than a message can have, and much of it looks like the beginning of one.
    let told = read(&with(0..0, &[0, 10].repeat(300_000))[..]);
    assert_eq!((told.records.len(), told.skipped[0].1, told.skipped.len()), (18, 600_000, 1));
}

#[test]
fn templates_hold_behind_what_is_damaged_and_a_new_one_counts() {
    let mut parts = file(2);
    parts.insert(2, vec![1; 100]);
    parts.insert(3, message(3, &[(2, &[1, 1, 0, 1, 0, 5, 0, 1]), (257, &[99])]));
    let told = read(&parts.concat()[..]);
    assert_eq!((told.records, told.counters.unknown_sets), (vec![0, 1, 2, 99, 3, 4, 5], 0));
}

#[test]
fn garbage_at_the_end_is_skipped() {
    let whole = file(3).concat();
    for garbage in [&[0u8; 100][..], b"x", b"\0\x09", b"\0\x0a\0\x05", &[0xff; 200_000]] {
        let told = read(&[&whole[..], garbage].concat()[..]);
        assert_eq!((told.records.len(), &*told.end), (9, "at its end"));
        assert_eq!(told.skipped.iter().map(|part| part.1).collect::<Vec<_>>(), [garbage.len() as u64]);
    }
}

#[test]
fn a_file_that_is_cut_off_is_not_damaged() {
    // The records are what a message with one behind it would be.
    let records = [[0, 10, 0, 20].repeat(5), [0, 10, 0, 20].to_vec()].concat();
    let parts = [message(0, &[(2, PROTOCOL)]), message(0, &[(256, &[6])]), message(1, &[(256, &records)])];
    let octets = parts.concat();
    for length in 0..=octets.len() {
        let told = read(&octets[..length]);
        let ends = [0, 28, 49, octets.len()];
        let end = if ends.contains(&length) { "at its end" } else { "in the middle of a message" };
        assert_eq!((&told.skipped[..], &*told.end), (&[][..], end), "{length}");
        let expected = [0, 0, 1, 1 + records.len()][ends.iter().filter(|end| **end <= length).count() - 1];
        assert_eq!(told.records.len(), expected, "{length}");
    }
}

#[test]
fn what_begins_as_no_message_is_refused() {
    let whole = file(3).concat();
    for garbage in [&b"GET / HTTP/1.1\r\n"[..], &[0; 100], b"\0\x0a\0\x13\0\0\0\0\0\0\0\0\0\0\0\0"] {
        let told = read(&[garbage, &whole[..]].concat()[..]);
        assert_eq!((told.records.len(), told.skipped.len(), told.counters.malformed_messages), (0, 0, 1));
        assert_ne!(told.end, "at its end");
    }
}

/// Whether octets say how long their message is.
fn stated(octets: &[u8]) -> Result<usize, MessageError> {
    Header::read(octets).map(|header| header.length.into())
}

proptest! {
    #[test]
    fn all_messages_before_a_damaged_one_are_read_and_all_behind_where_it_should_end(
        messages in 3u8..80,
        which in any::<Index>(),
        damage in proptest::collection::vec((0..DATA, 1u8..), 1..8),
        at_once in 1usize..200,
    ) {
        let mut parts = file(messages);
        let which = which.index(parts.len() - 1) + 1;
        for (at, by) in damage {
            parts[which][at] ^= by;
        }
        let octets = parts.concat();
        let told = read(&octets[..]);
        let before = 3 * (which - 1);
        prop_assert!(told.records.iter().copied().take(before).eq(0..before as u8), "{told:?}");
        let length = stated(&parts[which]).unwrap_or(0).max(DATA);
        let behind = which - 1 + length.div_ceil(DATA);
        let expected: Vec<u8> = (behind.min(messages.into()) as u8 * 3..messages * 3).collect();
        prop_assert!(told.records.ends_with(&expected), "{told:?}");
        prop_assert_eq!(read(Slow(&octets, at_once)), told, "it says the same however it comes");
    }

    #[test]
    fn a_length_that_is_damaged_alone_hides_no_other_message(
        messages in 3u8..80, which in any::<Index>(), length: u16
    ) {
        // Otherwise messages lie whole in what is a set of a reserved kind.
        prop_assume!(usize::from(length) % DATA != 0);
        let mut parts = file(messages);
        let which = which.index(parts.len() - 1) + 1;
        parts[which][2..4].copy_from_slice(&length.to_be_bytes());
        let told = read(&parts.concat()[..]);
        let hidden = 3 * (which as u8 - 1)..3 * which as u8;
        let others: Vec<u8> = (0..messages * 3).filter(|record| !hidden.contains(record)).collect();
        let read: Vec<u8> = told.records.into_iter().filter(|record| !hidden.contains(record)).collect();
        prop_assert_eq!(read, others);
    }
}
