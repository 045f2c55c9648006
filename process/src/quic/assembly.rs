//! The stream of handshake messages of a client, put together from CRYPTO frames that may come in any order, overlap and
//! repeat (RFC 9000 sections 7.5 and 19.6).

use std::ops::Range;

use smallvec::SmallVec;

use crate::cursor::Cursor;

/// The most bytes of the stream that are kept. A ClientHello with post-quantum keys has some 2000.
pub(super) const MAX_LEN: usize = 16 << 10;

/// The most separate ranges of the stream that are kept. Clients that shuffle a ClientHello on purpose make a dozen.
const MAX_RANGES: usize = 32;

/// What has come of a stream.
#[derive(Default)]
pub(super) struct Assembly {
    /// The stream from its beginning, with arbitrary bytes where nothing has come.
    bytes: Vec<u8>,
    /// What has come: ascending, neither overlapping nor touching.
    ranges: SmallVec<[Range<u16>; MAX_RANGES]>,
}

impl Assembly {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ranges.clear();
    }

    /// Takes in what came at `offset`. What has come before is not overwritten. What would lie beyond [`MAX_LEN`], or make more than
    /// [`MAX_RANGES`] ranges, is left out.
    pub(super) fn insert(&mut self, offset: u64, data: &[u8]) {
        let Some(start) = usize::try_from(offset).ok().filter(|&start| start < MAX_LEN) else { return };
        let end = (start + data.len()).min(MAX_LEN);
        let data = &data[..end - start];
        // The ranges that the new one overlaps or touches.
        let first = self.ranges.partition_point(|range| usize::from(range.end) < start);
        let behind = self.ranges.partition_point(|range| usize::from(range.start) <= end);
        if data.is_empty() || first == behind && self.ranges.len() == MAX_RANGES {
            return;
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        // The gaps between them are what is new.
        let mut position = start;
        for old in &self.ranges[first..behind] {
            let gap = position..usize::from(old.start).max(position);
            self.bytes[gap.clone()].copy_from_slice(&data[gap.start - start..gap.end - start]);
            position = position.max(old.end.into());
        }
        if position < end {
            self.bytes[position..end].copy_from_slice(&data[position - start..]);
        }
        let merged = match self.ranges[first..behind] {
            [ref low, ref high] | [ref low, .., ref high] => {
                low.start.min(start as u16)..high.end.max(end as u16)
            }
            [ref only] => only.start.min(start as u16)..only.end.max(end as u16),
            [] => start as u16..end as u16,
        };
        match behind - first {
            0 => self.ranges.insert(first, merged),
            _ => {
                self.ranges[first] = merged;
                self.ranges.drain(first + 1..behind);
            }
        }
    }

    /// The stream up to the first byte that has not come.
    pub(super) fn beginning(&self) -> &[u8] {
        match self.ranges.first() {
            Some(range) if range.start == 0 => &self.bytes[..range.end.into()],
            _ => &[],
        }
    }

    /// Appends what has come to `out`, for [`Assembly::restore`].
    pub(super) fn save(&self, out: &mut Vec<u8>) {
        for range in &self.ranges {
            out.extend_from_slice(&range.start.to_be_bytes());
            out.extend_from_slice(&(range.end - range.start).to_be_bytes());
            out.extend_from_slice(&self.bytes[usize::from(range.start)..usize::from(range.end)]);
        }
    }

    /// Takes in what was saved.
    pub(super) fn restore(&mut self, saved: &[u8]) {
        let mut cursor = Cursor::new(saved);
        while let (Some(start), Some(len)) = (cursor.u16(), cursor.u16()) {
            self.insert(start.into(), cursor.take(len.into()).unwrap_or(&[]));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The obvious way: a place for every byte.
    #[derive(Clone)]
    struct Model(Vec<Option<u8>>);

    impl Model {
        fn insert(&mut self, offset: u64, data: &[u8]) {
            for (place, &byte) in self.0.iter_mut().skip(offset as usize).zip(data) {
                place.get_or_insert(byte);
            }
        }

        fn ranges(&self) -> usize {
            let filled = self.0.iter().map(Option::is_some);
            let before = std::iter::once(false).chain(filled.clone());
            filled.zip(before).filter(|&(now, before)| now && !before).count()
        }

        fn beginning(&self) -> Vec<u8> {
            self.0.iter().map_while(|&byte| byte).collect()
        }
    }

    fn pieces() -> impl Strategy<Value = Vec<(u64, Vec<u8>)>> {
        let offset = prop_oneof![8 => 0..300u64, 1 => 16_300..16_500u64, 1 => any::<u64>()];
        prop::collection::vec((offset, prop::collection::vec(any::<u8>(), 0..60)), 0..60)
    }

    proptest! {
        #[test]
        fn pieces_in_any_order_give_what_a_place_for_every_byte_gives(pieces in pieces()) {
            let (mut assembly, mut model) = (Assembly::default(), Model(vec![None; MAX_LEN]));
            for (offset, data) in &pieces {
                let mut with = model.clone();
                with.insert(*offset, data);
                if with.ranges() <= MAX_RANGES {
                    model = with;
                }
                assembly.insert(*offset, data);
                prop_assert_eq!(assembly.beginning(), model.beginning());
                prop_assert_eq!(assembly.ranges.len(), model.ranges());
            }
            for range in &assembly.ranges {
                for place in range.clone() {
                    prop_assert_eq!(model.0[usize::from(place)], Some(assembly.bytes[usize::from(place)]));
                }
            }
            let mut saved = Vec::new();
            assembly.save(&mut saved);
            let mut restored = Assembly::default();
            restored.restore(&saved);
            prop_assert_eq!(&restored.ranges, &assembly.ranges);
            prop_assert_eq!(restored.beginning(), assembly.beginning());
        }

        #[test]
        fn damaged_savings_are_no_danger(saved in prop::collection::vec(any::<u8>(), 0..300)) {
            Assembly::default().restore(&saved);
        }
    }

    #[test]
    fn what_came_first_stays() {
        let mut assembly = Assembly::default();
        for (offset, data) in [(4, &b"ef"[..]), (0, b"ABCDEFGH"), (2, b"xxxxxxxxxx")] {
            assembly.insert(offset, data);
        }
        assert_eq!(assembly.beginning(), b"ABCDefGHxxxx");
    }
}
