//! Following sequence numbers, modulo 2³²: each is the number of data records before its message (RFC 7011, 3.1), or, in NetFlow 9, of
//! messages.

/// What is known of the numbers of a stream.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// The next number; not known at the beginning, and after a message the records of which could not be counted.
    expected: Option<u32>,
    /// The number after a late message.
    after_late: Option<u32>,
}

impl Sequence {
    /// A message with this number has come, which counts for so many, if that `is_certain`. What is `lost` and which messages are `late`
    /// is counted.
    pub(super) fn take(&mut self, number: u32, count: u32, is_certain: bool, lost: &mut u64, late: &mut u64) {
        let next = number.wrapping_add(count);
        // By half of all numbers before or behind.
        let ahead = self.expected.map_or(0, |expected| number.wrapping_sub(expected).cast_signed());
        // Two late messages that follow each other are an exporter that begins anew.
        let begins_anew = ahead < 0 && self.after_late == Some(number);
        if ahead >= 0 || begins_anew {
            if !begins_anew {
                *lost += u64::from(ahead.unsigned_abs());
            }
            self.expected = is_certain.then_some(next);
            self.after_late = None;
        } else {
            *late += 1;
            // They were counted as lost when a later message came, unless this one is a copy.
            *lost = lost.saturating_sub(count.into());
            self.after_late = Some(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost records and late messages after messages (number, records).
    fn counted(messages: &[(u32, u32)]) -> (u64, u64) {
        let (mut sequence, mut lost, mut late) = (Sequence::default(), 0, 0);
        for &(number, records) in messages {
            sequence.take(number, records, true, &mut lost, &mut late);
        }
        (lost, late)
    }

    #[test]
    fn gaps_are_losses_and_the_wrap_is_none() {
        assert_eq!(counted(&[(0, 10), (10, 5), (15, 0), (15, 1)]), (0, 0));
        assert_eq!(counted(&[(0, 10), (13, 5)]), (3, 0));
        assert_eq!(counted(&[(u32::MAX - 4, 10), (5, 5)]), (0, 0));
        assert_eq!(counted(&[(u32::MAX - 4, 5), (3, 5)]), (3, 0));
        assert_eq!(counted(&[(1000, 10)]), (0, 0), "what came before is not known");
    }

    #[test]
    fn what_comes_late_is_not_lost() {
        assert_eq!(counted(&[(0, 10), (15, 5), (10, 5), (20, 1)]), (0, 1));
        assert_eq!(counted(&[(0, 10), (0, 10), (10, 1)]), (0, 1), "a copy");
    }

    #[test]
    fn an_exporter_that_begins_anew_is_followed() {
        assert_eq!(counted(&[(5000, 10), (0, 10), (10, 10), (20, 10), (35, 1)]), (5, 1));
    }

    #[test]
    fn records_that_could_not_be_counted_are_not_lost() {
        let (mut sequence, mut lost, mut late) = (Sequence::default(), 0, 0);
        sequence.take(0, 3, false, &mut lost, &mut late);
        sequence.take(10, 1, true, &mut lost, &mut late);
        sequence.take(12, 1, true, &mut lost, &mut late);
        assert_eq!(lost, 1);
    }
}
