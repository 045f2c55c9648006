//! However the work is divided among threads and batches, the records are the same, and every packet is in one of them or was
//! skipped for a reason.
#![allow(clippy::unwrap_used)]

mod probe;

use probe::{ALL_PLUGINS, Scratch, committed, json};
use weir_generator::shapes::Shape;

/// Ways to divide the work, as (parameters of the cache, further arguments).
const WAYS: [(&str, &str); 9] = [
    ("threaded", ""),
    ("shards=2", ""),
    ("shards=3", ""),
    ("shards=7", ""),
    ("fused", "-q 1"),
    ("shards=2", "-q 1"),
    ("shards=3", "-q 1024"),
    ("fused", "-Q 1"),
    ("shards=3", "-Q 1"),
];

/// Runs every way; `timeouts` are further parameters of the cache. How many records there are.
fn assert_all_ways_agree(capture: &std::path::Path, timeouts: &str) -> usize {
    let records = |cache: &str, arguments: &str| {
        let ended = json(capture, &format!("-s cache;{cache};{timeouts} {ALL_PLUGINS} {arguments}"));
        ended.tables().assert_nothing_is_lost();
        let mut lines: Vec<String> = ended.lines().into_iter().map(str::to_owned).collect();
        lines.sort_unstable();
        (lines, ended.tables())
    };
    let (expected, tables) = records("fused", "");
    for (cache, arguments) in WAYS {
        let (lines, other) = records(cache, arguments);
        if lines != expected {
            let first = expected.iter().zip(&lines).find(|(one, other)| one != other);
            panic!("{}, {cache} {arguments}: {first:#?}", capture.display());
        }
        assert_eq!(other.skipped, tables.skipped, "{cache} {arguments}");
        assert_eq!(other.cache, tables.cache, "{cache} {arguments}");
        assert_eq!(other.outputs, tables.outputs, "{cache} {arguments}");
    }
    expected.len()
}

/// A shape at so few packets a second that flows pause for longer than the short timeouts.
fn assert_shape_agrees(shape: Shape, flows: usize) {
    let scratch = Scratch::new();
    let capture = scratch.slow_capture(shape, 6000, flows, 100);
    let records = assert_all_ways_agree(&capture, "");
    // Not every tunnel is opened: some share a record.
    assert!(records > flows / 2, "{records}");
    let more = assert_all_ways_agree(&capture, "active=10;inactive=3");
    assert!(more > records, "short timeouts make more records: {more} than {records}");
}

#[test]
fn on_mixed_traffic_all_ways_agree() {
    assert_shape_agrees(Shape::Imix, 500);
}

#[test]
fn on_short_flows_all_ways_agree() {
    assert_shape_agrees(Shape::L7, 200);
}

#[test]
fn on_split_heads_all_ways_agree() {
    assert_shape_agrees(Shape::SplitHeads, 100);
}

#[test]
fn on_fragments_all_ways_agree() {
    assert_shape_agrees(Shape::Fragments, 100);
}

#[test]
fn on_tunnels_all_ways_agree() {
    assert_shape_agrees(Shape::Tunnels, 200);
}

#[test]
fn on_the_committed_captures_all_ways_agree() {
    assert_all_ways_agree(&committed("quickstart"), "");
    assert_all_ways_agree(&committed("captures-glued-together"), "inactive=1");
    assert_all_ways_agree(&committed("a-late-http-message-begins-a-new-record"), "split");
    assert_all_ways_agree(&committed("dns-over-tcp-split-and-out-of-order"), "active=0");
}
