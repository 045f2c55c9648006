//! Which flow a record is of.

use std::ops::Range;

use weir_ipfix::template::Template;
use xxhash_rust::xxh64::xxh64;

/// Where the records of a template have the key of their flow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct FlowKey {
    /// Address and port of each end.
    ends: [[Range<usize>; 2]; 2],
    protocol: Range<usize>,
}

/// Elements of address (version 4 and 6) and port.
const SOURCE: [&[u16]; 2] = [&[8, 27], &[7]];
const DESTINATION: [&[u16]; 2] = [&[12, 28], &[11]];
const PROTOCOL: &[u16] = &[4];

/// Octets of the longest key.
const LONGEST: usize = 2 * (16 + 2) + 1;

impl FlowKey {
    /// Where they are in records of `template`, if they have all of it before any field whose length varies.
    pub(super) fn of(template: &Template) -> Option<FlowKey> {
        let place = |elements: &[u16]| {
            let mut begin = 0;
            for field in template.fields().iter().take_while(|field| !field.is_variable()) {
                let end = begin + usize::from(field.length);
                if field.id.enterprise == 0 && elements.contains(&field.id.number) {
                    return Some(begin..end);
                }
                begin = end;
            }
            None
        };
        let end = |[address, port]: [&[u16]; 2]| Some([place(address)?, place(port)?]);
        Some(FlowKey { ends: [end(SOURCE)?, end(DESTINATION)?], protocol: place(PROTOCOL)? })
    }

    /// A number that is the same for all records of a flow, whichever end is called its source, and in every run.
    pub(super) fn hash(&self, record: &[u8]) -> u64 {
        let part = |range: &Range<usize>| record.get(range.clone()).unwrap_or_default();
        let mut ends = self.ends.each_ref().map(|end| end.each_ref().map(part));
        ends.sort_unstable();
        let mut key = [0; LONGEST];
        let mut rest = &mut key[..];
        let mut put = |octets: &[u8]| {
            if let Some((room, after)) = std::mem::take(&mut rest).split_at_mut_checked(octets.len()) {
                room.copy_from_slice(octets);
                rest = after;
            }
        };
        ends.as_flattened().iter().for_each(|octets| put(octets));
        put(part(&self.protocol));
        xxh64(&key, 0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures;
    use crate::ipfix::settings::TimeUnit;
    use crate::ipfix::{basic, ulogd};

    #[test]
    fn both_directions_of_a_flow_have_the_same_number_and_other_flows_another() {
        let mut numbers = std::collections::HashSet::new();
        for (one, other) in
            [("192.0.2.1", "192.0.2.2"), ("192.0.2.1", "192.0.2.3"), ("2001:db8::1", "2001:db8::2")]
        {
            let there = fixtures::flow(one, other);
            let mut back = there;
            back.source_end = there.source_end.other();
            let is_ipv6 = there.key.is_ipv6();
            let template =
                Template::new(256, basic::specifiers(is_ipv6, TimeUnit::Microseconds).collect::<Vec<_>>())
                    .unwrap();
            let key = FlowKey::of(&template).unwrap();
            let [there, back] = [there, back].map(|flow| {
                let mut octets = Vec::new();
                basic::put(&mut octets, &fixtures::record(&flow, &[]), 0, TimeUnit::Microseconds, true);
                key.hash(&octets)
            });
            assert_eq!(there, back);
            assert!(numbers.insert(there));
        }
    }

    #[test]
    fn every_layout_has_a_key() {
        for is_ipv6 in [false, true] {
            assert!(
                FlowKey::of(&Template::new(256, ulogd::specifiers(is_ipv6).collect::<Vec<_>>()).unwrap())
                    .is_some()
            );
        }
    }
}
