//! The fragment cache against a list of all first fragments.
//!
//! The input: buckets − 1 (modulo 8), the timeout in seconds (modulo 16), then eight bytes for each fragment: bit 0 whether it is the first, bit 1
//! UDP instead of TCP, bit 2 the way back, bit 3 a VLAN, bits 4 and 5 an address; the identification (of which 4 bits count); two
//! bytes each for the time in units of 1/16 s and for a port; two of no meaning.

use weir_flow::key::Oriented;
use weir_flow::packet::{Fragment, protocol};
use weir_flow::{KeyHasher, Packet, Timestamp};
use weir_storage::FragmentCache;

use crate::bytes::Bytes;

/// First fragments that a bucket remembers.
const PER_BUCKET: usize = 4;
const MOST_FRAGMENTS: usize = 4096;

/// What makes fragments those of one datagram: addresses, protocol, VLAN id, identification.
type Datagram = ([u64; 2], [u64; 2], u8, u16, u32);

/// A first fragment.
struct First {
    datagram: Datagram,
    ports: (u16, u16),
    time: Timestamp,
}

fn read(bytes: &mut Bytes<'_>) -> (Oriented, Timestamp, Fragment) {
    let (bits, identification) = (bytes.u8(), bytes.u8() & 15);
    let (time, port, _) = (bytes.u16(), bytes.u16(), bytes.u16());
    let ends = [[0, 1 + u64::from(bits >> 4 & 3)], [0, 100]];
    let back = usize::from(bits >> 2 & 1);
    let is_first = bits & 1 != 0;
    let oriented = Oriented {
        source: ends[back],
        destination: ends[1 - back],
        source_port: if is_first { port } else { 0 },
        destination_port: if is_first { port.rotate_left(8) ^ 0x55 } else { 0 },
        protocol: if bits & 2 != 0 { protocol::UDP } else { protocol::TCP },
        vlan_id: u16::from(bits >> 3 & 1),
        ipv6: false,
    };
    let time = Timestamp::new(u32::from(time >> 4), u32::from(time & 15) * 62_500_000);
    (oriented, time, Fragment { identification: identification.into(), is_first })
}

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let (buckets, timeout_s) = (usize::from(bytes.u8()) % 8 + 1, u32::from(bytes.u8()) % 16);
    let mut cache = match FragmentCache::new(buckets, timeout_s, KeyHasher::with_seed(1)) {
        Ok(cache) => cache,
        Err(error) => panic!("no fragment cache of {buckets} buckets: {error}"),
    };
    let mut firsts: Vec<First> = Vec::new();
    let (mut seen, mut given) = (0, 0);
    while !bytes.is_empty() && seen < MOST_FRAGMENTS {
        let (oriented, time, fragment) = read(&mut bytes);
        let mut packet = Packet { time, ..Packet::default() };
        packet.set_key(&oriented);
        let before = packet.oriented();
        cache.take_in(&mut packet, fragment);
        seen += 1;
        let after = packet.oriented();
        let datagram =
            |o: &Oriented| (o.source, o.destination, o.protocol, o.vlan_id, fragment.identification);
        assert_eq!(datagram(&before), datagram(&after), "more than ports was changed");
        let ports = (after.source_port, after.destination_port);
        if fragment.is_first {
            assert_eq!(ports, (before.source_port, before.destination_port), "the ports of a first fragment");
            firsts.push(First { datagram: datagram(&after), ports, time });
            continue;
        }
        let newest = firsts.iter().rposition(|first| first.datagram == datagram(&after));
        let in_time = |first: &First| {
            let until = Timestamp::new(first.time.seconds() + timeout_s, first.time.nanoseconds());
            time <= until
        };
        let expected = newest.map(|n| &firsts[n]).filter(|first| in_time(first)).map(|first| first.ports);
        // In one bucket, or with few fragments, nothing was displaced.
        let displaced = newest.map_or(0, |n| firsts.len() - 1 - n);
        let is_remembered = displaced < PER_BUCKET;
        match expected {
            Some(expected) if ports == expected => given += 1,
            Some(expected) => {
                assert_eq!(ports, (0, 0), "the ports of another first fragment instead of {expected:?}");
                assert!(!is_remembered, "a first fragment was forgotten");
            }
            None => assert_eq!(ports, (0, 0), "ports that no first fragment has"),
        }
    }
    let counters = cache.counters();
    assert_eq!(counters.fragments, seen as u64);
    assert_eq!(counters.first, firsts.len() as u64);
    assert_eq!(
        counters.fragments,
        counters.first + counters.not_found + counters.timed_out + given,
        "fragments, and what became of them"
    );
}
