//! Encoded records on their way from a worker to the sink.

use crate::Batch;

/// A batch is handed over when it has grown to this size, so that it stays in the processor's cache.
const FULL_AT: usize = 64 * 1024;

/// What a batch has room for beyond that, so that it seldom grows for its last record.
const LONGEST_RECORD: usize = 16 * 1024;

/// Records in a full batch of the shortest ones.
const MOST_RECORDS: usize = FULL_AT / super::basic::IPV4_LEN + 1;

/// Records of one template that follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// The template: twice the number of its pair, and one more for version 6.
    pub(super) template: u32,
    /// Where the records end.
    pub(super) end: usize,
    /// Where their lengths end.
    pub(super) lengths_end: usize,
}

/// Records as data sets hold them, in the order in which they came.
#[derive(Debug, Default)]
pub struct IpfixBatch {
    pub(super) octets: Vec<u8>,
    /// The length of each record.
    pub(super) lengths: Vec<u32>,
    runs: Vec<Run>,
}

impl IpfixBatch {
    /// A record of `template` has been appended from `begin` on.
    #[inline]
    pub(super) fn end_record(&mut self, template: u32, begin: usize) {
        let end = self.octets.len();
        self.lengths.push((end - begin) as u32);
        let lengths_end = self.lengths.len();
        match self.runs.last_mut() {
            Some(run) if run.template == template => {
                run.end = end;
                run.lengths_end = lengths_end;
            }
            _ => self.runs.push(Run { template, end, lengths_end }),
        }
    }

    /// Records of the same template that follow each other: the number of the template, as [`super::IpfixEncoder::template`] takes it, the
    /// records, and the length of each.
    pub fn runs(&self) -> impl Iterator<Item = (u32, &[u8], &[u32])> {
        let (mut begin, mut lengths_begin) = (0, 0);
        self.runs.iter().map(move |run| {
            let octets = &self.octets[begin..run.end];
            let lengths = &self.lengths[lengths_begin..run.lengths_end];
            (begin, lengths_begin) = (run.end, run.lengths_end);
            (run.template, octets, lengths)
        })
    }
}

impl Batch for IpfixBatch {
    #[inline]
    fn clear(&mut self) {
        self.octets.clear();
        self.lengths.clear();
        self.runs.clear();
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.octets.len() >= FULL_AT
    }

    fn prepare(&mut self) {
        // Not zero, which could be memory that the system only promises.
        self.octets.resize(FULL_AT + LONGEST_RECORD, 1);
        self.lengths.resize(MOST_RECORDS, 1);
        self.runs.resize(MOST_RECORDS, Run { template: 1, end: 1, lengths_end: 1 });
        self.clear();
    }
}
