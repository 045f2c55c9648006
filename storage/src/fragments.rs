//! Ports for fragments that lack them.
//!
//! Only the first fragment of a datagram has the transport header. The fragment cache remembers its ports, so that the later
//! fragments join the same flow. It runs in the capture thread, before the key is hashed to a shard.

use weir_flow::key::Oriented;
use weir_flow::packet::Fragment;
use weir_flow::{FlowKey, KeyHasher, Packet, Timestamp};

use crate::memory::{ZeroIsValid, Zeroed};

/// First fragments remembered per bucket.
const PER_BUCKET: usize = 4;

#[derive(Clone, Copy)]
struct Remembered {
    datagram: Datagram,
    /// Source and destination port.
    ports: [u16; 2],
    time: Timestamp,
    /// Zero for a place that has never been used.
    is_used: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Datagram {
    /// Addresses, protocol and VLAN id, ports 0.
    key: FlowKey,
    source_is_low: bool,
    identification: u32,
}

#[derive(Clone, Copy)]
struct Bucket {
    remembered: [Remembered; PER_BUCKET],
    next: u8,
}

// SAFETY: integers and booleans only; all zero is a bucket of unused places.
#[allow(unsafe_code)]
unsafe impl ZeroIsValid for Bucket {}

/// Counters of the fragment cache.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct FragmentCounters {
    /// Fragments seen.
    pub fragments: u64,
    /// Of these, first ones.
    pub first: u64,
    /// Later ones whose first fragment was not known; they keep ports 0.
    pub not_found: u64,
    /// Later ones that came too late; they keep ports 0.
    pub timed_out: u64,
}

impl FragmentCounters {
    /// Adds the counters of another cache.
    pub fn merge(&mut self, other: &FragmentCounters) {
        self.fragments += other.fragments;
        self.first += other.first;
        self.not_found += other.not_found;
        self.timed_out += other.timed_out;
    }
}

/// Remembers the ports of first fragments.
pub struct FragmentCache {
    buckets: Zeroed<Bucket>,
    timeout_s: u32,
    hasher: KeyHasher,
    counters: FragmentCounters,
}

impl FragmentCache {
    /// A cache of `buckets` buckets (at least 1) of four datagrams that remembers for `timeout_s` seconds.
    ///
    /// # Errors
    /// If the system does not give the memory.
    pub fn new(buckets: usize, timeout_s: u32, hasher: KeyHasher) -> std::io::Result<FragmentCache> {
        let buckets = Zeroed::new(buckets.max(1))?;
        Ok(FragmentCache { buckets, timeout_s, hasher, counters: FragmentCounters::default() })
    }

    /// Bytes reserved.
    pub fn memory(&self) -> usize {
        self.buckets.bytes()
    }

    /// Brings all memory into RAM, near the processor that calls.
    pub fn touch(&mut self) {
        self.buckets.touch();
    }

    /// The counters.
    pub fn counters(&self) -> FragmentCounters {
        self.counters
    }

    /// Takes a fragment in: remembers the ports of a first one, gives a later one the ports of its first.
    pub fn take_in(&mut self, packet: &mut Packet, fragment: Fragment) {
        self.counters.fragments += 1;
        let as_sent = packet.oriented();
        let (key, sender) = FlowKey::canonical(&Oriented { source_port: 0, destination_port: 0, ..as_sent });
        let datagram = Datagram {
            key,
            source_is_low: sender == weir_flow::Endpoint::Low,
            identification: fragment.identification,
        };
        let mixed =
            self.hasher.hash(&key) ^ (fragment.identification as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let number = ((mixed as u128 * self.buckets.len() as u128) >> 64) as usize;
        let bucket = &mut self.buckets[number];
        if fragment.is_first {
            self.counters.first += 1;
            let place = bucket.next as usize % PER_BUCKET;
            bucket.remembered[place] = Remembered {
                datagram,
                ports: [as_sent.source_port, as_sent.destination_port],
                time: packet.time,
                is_used: true,
            };
            bucket.next = (place as u8 + 1) % PER_BUCKET as u8;
            return;
        }
        let newest_first =
            (1..=PER_BUCKET).map(|back| (bucket.next as usize + PER_BUCKET - back) % PER_BUCKET);
        let found = newest_first
            .map(|place| &bucket.remembered[place])
            .find(|remembered| remembered.is_used && remembered.datagram == datagram);
        match found {
            None => self.counters.not_found += 1,
            Some(first) => {
                let until = Timestamp::new(
                    first.time.seconds().saturating_add(self.timeout_s),
                    first.time.nanoseconds(),
                );
                if packet.time <= until {
                    let [source_port, destination_port] = first.ports;
                    packet.set_key(&Oriented { source_port, destination_port, ..as_sent });
                } else {
                    self.counters.timed_out += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use weir_flow::packet::protocol;

    fn packet(time_ms: u64, source: u64, destination: u64, ports: (u16, u16), number: u8) -> Packet {
        let mut packet =
            Packet { time: Timestamp::from_nanoseconds(time_ms * 1_000_000), ..Packet::default() };
        packet.set_key(&Oriented {
            source: [0, source],
            destination: [0, destination],
            source_port: ports.0,
            destination_port: ports.1,
            protocol: number,
            vlan_id: 0,
            ipv6: false,
        });
        packet
    }

    fn ports_after(
        cache: &mut FragmentCache,
        mut packet: Packet,
        identification: u32,
        is_first: bool,
    ) -> (u16, u16) {
        cache.take_in(&mut packet, Fragment { identification, is_first });
        let o = packet.oriented();
        (o.source_port, o.destination_port)
    }

    #[test]
    fn later_fragments_get_the_ports_of_the_first_in_time_and_of_their_own_datagram_only() {
        let mut cache = FragmentCache::new(7, 3, KeyHasher::with_seed(1)).unwrap();
        let c = &mut cache;
        assert_eq!(ports_after(c, packet(0, 9, 2, (500, 600), protocol::UDP), 77, true), (500, 600));
        assert_eq!(ports_after(c, packet(3000, 9, 2, (0, 0), protocol::UDP), 77, false), (500, 600));
        assert_eq!(ports_after(c, packet(3001, 9, 2, (0, 0), protocol::UDP), 77, false), (0, 0), "too late");
        assert_eq!(ports_after(c, packet(100, 9, 2, (0, 0), protocol::UDP), 78, false), (0, 0), "another id");
        assert_eq!(
            ports_after(c, packet(100, 2, 9, (0, 0), protocol::UDP), 77, false),
            (0, 0),
            "the way back"
        );
        assert_eq!(
            ports_after(c, packet(100, 9, 2, (0, 0), protocol::TCP), 77, false),
            (0, 0),
            "another protocol"
        );
        let counters = cache.counters();
        assert_eq!(
            (counters.fragments, counters.first, counters.not_found, counters.timed_out),
            (6, 1, 3, 1)
        );
    }

    #[test]
    fn the_newest_first_fragment_with_an_identification_counts() {
        let mut cache = FragmentCache::new(1, 3, KeyHasher::with_seed(1)).unwrap();
        for port in 1..=6 {
            ports_after(&mut cache, packet(0, 9, 2, (port, 1), protocol::UDP), 77, true);
        }
        assert_eq!(ports_after(&mut cache, packet(0, 9, 2, (0, 0), protocol::UDP), 77, false), (6, 1));
    }
}
