//! Finished messages, one after the other in one buffer.

use crate::message::{HEADER_LEN, VERSION};
use crate::template::Template;
use crate::writer::{self, MessageWriter};

/// Messages that lie one after the other, ready to be sent but for their times and numbers.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    octets: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
    /// Data records of each.
    records: Vec<u32>,
}

impl Messages {
    /// All octets.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Where each message ends.
    pub fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Each message and its number of data records.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u32)> {
        let mut begin = 0;
        self.ends.iter().zip(&self.records).map(move |(&end, &records)| {
            let message = &self.octets[begin..end];
            begin = end;
            (message, records)
        })
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.octets.clear();
        self.ends.clear();
        self.records.clear();
    }

    /// Begins a message of observation domain `domain`. Sets are appended by [`Messages::put`], and [`Messages::end`] ends it.
    pub(super) fn begin(&mut self, domain: u32) {
        let mut header = [0; HEADER_LEN];
        header[..2].copy_from_slice(&VERSION.to_be_bytes());
        header[12..].copy_from_slice(&domain.to_be_bytes());
        self.octets.extend_from_slice(&header);
    }

    pub(super) fn put(&mut self, set: &[u8]) {
        self.octets.extend_from_slice(set);
    }

    /// Ends the message, of at most 65,535 octets, that has so many data records.
    pub(super) fn end(&mut self, records: u32) {
        let begin = self.last_end();
        let length = (self.octets.len() - begin) as u16;
        self.octets[begin + 2..begin + 4].copy_from_slice(&length.to_be_bytes());
        self.ends.push(self.octets.len());
        self.records.push(records);
    }

    /// Appends a finished message.
    pub(super) fn push(&mut self, message: &[u8], records: u32) {
        self.octets.extend_from_slice(message);
        self.ends.push(self.octets.len());
        self.records.push(records);
    }

    /// A message that withdraws `template`.
    pub(super) fn of_withdrawal(domain: u32, template: &Template) -> Messages {
        let mut messages = Messages::default();
        let mut buffer = [0; 64];
        if let Ok(mut message) = MessageWriter::new(&mut buffer, domain)
            && message.put_withdrawal(template).is_ok()
            && let Some(finished) = message.finish(0, 0)
        {
            messages.push(finished.octets, 0);
        }
        messages
    }

    fn last_end(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Numbers all messages, as `number` says of each and its data records.
    pub(super) fn stamp(&mut self, export_time_s: u32, mut number: impl FnMut(&[u8], u32) -> u32) {
        let mut begin = 0;
        for (&end, &records) in self.ends.iter().zip(&self.records) {
            let message = &mut self.octets[begin..end];
            let sequence = number(message, records);
            writer::stamp(message, export_time_s, sequence);
            begin = end;
        }
    }
}
