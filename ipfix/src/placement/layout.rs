//! Where the fields of a record are that belong into places, so that each is read and written by itself.

use std::ops::Range;

use super::{DecodePlan, Place, Step};
use crate::template::{LONGEST_RECORD, Template, VARIABLE};
use crate::wire::Reader;

/// Where a field is in its record, and how its number is taken out of the eight octets around it: they are loaded as one word, and
/// shifted left and right. This takes no branch on the length, nor on whether the field is at the record's end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot {
    /// Octets before it; records are shorter than 65,535 octets.
    start: u16,
    pub(super) length: u16,
    /// Octets before the word.
    word: u16,
    /// Bits of the word before the field.
    before: u8,
    /// Bits of a word that the field leaves free.
    free: u8,
}

impl Slot {
    /// There is no such field.
    pub const ABSENT: Slot = Slot { start: u16::MAX, length: 0, word: u16::MAX, before: 0, free: 0 };

    /// A field that lies within `octets` octets.
    pub(super) const fn new(start: usize, length: usize, octets: usize) -> Slot {
        let last = octets.saturating_sub(8);
        let word = if start < last { start } else { last };
        Slot {
            start: start as u16,
            length: length as u16,
            word: word as u16,
            // Of fields that are no numbers these are of no use.
            before: (8 * (start - word)) as u8,
            free: 64_u8.wrapping_sub((8 * length) as u8),
        }
    }

    #[inline(always)]
    pub(super) const fn is_absent(self) -> bool {
        self.start == u16::MAX
    }

    #[inline(always)]
    pub(super) const fn range(self) -> Range<usize> {
        self.start as usize..self.start as usize + self.length as usize
    }

    /// The number of up to eight octets in the upper bits of a word, and how many bits below it are not its own.
    #[inline(always)]
    pub(super) fn word(self, record: &[u8]) -> (u64, u32) {
        let word = usize::from(self.word);
        let word = match record.get(word..word + 8).map(<[u8; 8]>::try_from) {
            Some(Ok(octets)) => u64::from_be_bytes(octets).wrapping_shl(self.before.into()),
            _ => short_word(record.get(self.range()).unwrap_or_default()),
        };
        (word, self.free.into())
    }
}

/// The same in a record of less than eight octets.
#[cold]
fn short_word(octets: &[u8]) -> u64 {
    let octets = octets.iter().zip([56, 48, 40, 32, 24, 16, 8, 0]);
    octets.fold(0, |word, (&octet, shift)| word | u64::from(octet) << shift)
}

/// Where the fields of the template are that is made of `places`, and octets of its records; `None` if they vary in length.
pub const fn layout_of<const N: usize>(places: &[Place]) -> Option<([Slot; N], usize)> {
    let mut len = 0;
    let mut at = 0;
    while at < N {
        if places[at].length == VARIABLE {
            return None;
        }
        len += places[at].length as usize;
        at += 1;
    }
    if len > LONGEST_RECORD {
        return None;
    }
    let mut slots = [Slot::ABSENT; N];
    let mut start = 0;
    at = 0;
    while at < N {
        let length = places[at].length as usize;
        slots[at] = Slot::new(start, length, len);
        start += length;
        at += 1;
    }
    Some((slots, len))
}

/// Whether a template is the one that is made of `places`.
pub(super) fn is_made_of(template: &Template, places: &[Place]) -> bool {
    template.fields().iter().copied().eq(places.iter().map(Place::specifier))
}

impl DecodePlan {
    /// Finds the fields in the record that `content` begins with, and the end of it; `None` if it is cut off, or longer than any
    /// message. Slots of fields that the record does not have remain as they are.
    pub(super) fn locate(&self, content: &[u8], slots: &mut [Slot]) -> Option<usize> {
        let content = content.get(..LONGEST_RECORD).unwrap_or(content);
        let mut reader = Reader::new(content);
        let position = |reader: &Reader<'_>| content.len() - reader.rest().len();
        for step in self.steps() {
            match *step {
                Step::Skip(octets) => {
                    reader.take(octets)?;
                }
                Step::SkipVariable => {
                    reader.variable()?;
                }
                Step::Fixed { place, length } => {
                    let start = position(&reader);
                    reader.take(length.into())?;
                    *slots.get_mut(place)? = Slot::new(start, length.into(), content.len());
                }
                Step::Variable { place } => {
                    let field = reader.variable()?;
                    *slots.get_mut(place)? =
                        Slot::new(position(&reader) - field.len(), field.len(), content.len());
                }
            }
        }
        Some(position(&reader))
    }
}
