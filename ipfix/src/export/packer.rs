//! From records to messages: a buffer for each template, and messages as full as they can be.

use super::Messages;
use crate::message::{HEADER_LEN, SET_HEADER_LEN};
use crate::template::Template;
use crate::wire::Writer;

/// Encoded records of one template.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    octets: &'a [u8],
    lengths: Lengths<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Lengths<'a> {
    Equal(usize),
    Each(&'a [u32]),
}

impl<'a> Records<'a> {
    /// Records that all have `length` octets. What is left behind the last whole one is ignored.
    pub const fn of_equal_length(octets: &'a [u8], length: usize) -> Records<'a> {
        Records { octets, lengths: Lengths::Equal(length) }
    }

    /// Records with these lengths.
    pub const fn of_lengths(octets: &'a [u8], lengths: &'a [u32]) -> Records<'a> {
        Records { octets, lengths: Lengths::Each(lengths) }
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        match self.lengths {
            Lengths::Equal(length) => length == 0 || self.octets.len() < length,
            Lengths::Each(lengths) => lengths.is_empty(),
        }
    }

    /// Takes away as many as fit into `room` octets: these, and how many they are.
    fn take(&mut self, room: usize) -> (&'a [u8], u32) {
        let (count, len) = match &mut self.lengths {
            Lengths::Equal(length) => {
                let count = room.min(self.octets.len()) / *length;
                (count, count * *length)
            }
            Lengths::Each(lengths) => {
                let (mut count, mut len) = (0, 0);
                while let Some(&length) = lengths.get(count)
                    && len + length as usize <= room
                {
                    len += length as usize;
                    count += 1;
                }
                *lengths = &lengths[count..];
                (count, len)
            }
        };
        (self.split_off(len), count as u32)
    }

    /// Takes the first one away.
    pub(super) fn take_one(&mut self) -> &'a [u8] {
        let len = match &mut self.lengths {
            Lengths::Equal(length) => *length,
            Lengths::Each([]) => 0,
            Lengths::Each(lengths) => {
                let first = lengths[0];
                *lengths = &lengths[1..];
                first as usize
            }
        };
        self.split_off(len)
    }

    fn split_off(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.octets.split_at(len.min(self.octets.len()));
        self.octets = rest;
        taken
    }
}

/// Records of one template that wait for a message: a set with its header.
#[derive(Debug)]
struct Buffer {
    set: Vec<u8>,
    records: u32,
    /// A set with the template, where each message tells it.
    template: Box<[u8]>,
}

impl Buffer {
    fn len(&self) -> usize {
        self.template.len() + self.set.len()
    }
}

/// A set with nothing but this template.
fn template_set(template: &Template) -> Box<[u8]> {
    let mut set = vec![0; SET_HEADER_LEN + template.wire_len()];
    let length = set.len() as u16;
    set[..2].copy_from_slice(&template.set_id().to_be_bytes());
    set[2..SET_HEADER_LEN].copy_from_slice(&length.to_be_bytes());
    // It has the room that it says it needs.
    let _ = template.put(&mut Writer::new(&mut set[SET_HEADER_LEN..]));
    set.into()
}

/// Gathers records and makes messages of them.
#[derive(Debug)]
pub(super) struct Packer {
    domain: u32,
    /// Octets of the longest set.
    longest_set: usize,
    /// By the places of their templates.
    buffers: Vec<Option<Buffer>>,
    /// The buffers that have records, in no order.
    filled: Vec<usize>,
    /// Those of them that a message takes.
    chosen: Vec<usize>,
}

impl Packer {
    /// Messages of `domain`, not longer than `longest` octets.
    pub(super) const fn new(domain: u32, longest: usize) -> Packer {
        Packer {
            domain,
            longest_set: longest - HEADER_LEN,
            buffers: Vec::new(),
            filled: Vec::new(),
            chosen: Vec::new(),
        }
    }

    /// One more template, with a place that no other one has. Each message with its records tells it if `is_told` says so.
    pub(super) fn add(&mut self, place: usize, template: &Template, is_told: bool) {
        let mut set = Vec::new();
        set.extend_from_slice(&template.id().to_be_bytes());
        set.extend_from_slice(&[0, 0]);
        let template = if is_told { template_set(template) } else { Box::default() };
        self.buffers.resize_with(self.buffers.len().max(place + 1), || None);
        self.buffers[place] = Some(Buffer { set, records: 0, template });
    }

    /// Forgets a template none of whose records wait.
    pub(super) fn remove(&mut self, place: usize) {
        self.buffers[place] = None;
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.filled.is_empty()
    }

    /// Takes as many of `records` as fit into the buffer of the template; answers how many.
    #[inline]
    pub(super) fn put(&mut self, template: usize, records: &mut Records<'_>) -> u32 {
        let Some(Some(buffer)) = self.buffers.get_mut(template) else { return 0 };
        let (octets, count) = records.take(self.longest_set.saturating_sub(buffer.len()));
        if count > 0 {
            if buffer.records == 0 {
                self.filled.push(template);
            }
            buffer.set.extend_from_slice(octets);
            buffer.records += count;
        }
        count
    }

    /// Makes messages of all records: each takes the sets that still fit, newest template first, and before all of them their templates
    /// where it has to tell them.
    pub(super) fn pack(&mut self, messages: &mut Messages) {
        self.filled.sort_unstable_by(|a, b| b.cmp(a));
        while !self.filled.is_empty() {
            messages.begin(self.domain);
            let mut room = self.longest_set;
            self.chosen.clear();
            self.filled.retain(|&template| {
                let Some(buffer) = &self.buffers[template] else { return false };
                let fits = buffer.len() <= room;
                if fits {
                    room -= buffer.len();
                    messages.put(&buffer.template);
                    self.chosen.push(template);
                }
                !fits
            });
            let mut records = 0;
            for &template in &self.chosen {
                let Some(Buffer { set, records: of_set, .. }) = &mut self.buffers[template] else { continue };
                records += std::mem::take(of_set);
                let length = (set.len() as u16).to_be_bytes();
                set[2..4].copy_from_slice(&length);
                messages.put(set);
                set.truncate(SET_HEADER_LEN);
            }
            messages.end(records);
        }
    }
}

/// Makes messages of sets in the order in which they come.
#[derive(Debug)]
pub(super) struct InOrder<'m> {
    messages: &'m mut Messages,
    domain: u32,
    longest_message: usize,
    is_told: bool,
    /// Octets and records of the message that has been begun; none if none has.
    octets: usize,
    records: u32,
}

impl<'m> InOrder<'m> {
    /// Messages of `domain`, not longer than `longest` octets. Before each set its template is told if `is_told` says so.
    pub(super) const fn new(
        messages: &'m mut Messages,
        domain: u32,
        longest: usize,
        is_told: bool,
    ) -> InOrder<'m> {
        InOrder { messages, domain, longest_message: longest, is_told, octets: 0, records: 0 }
    }

    /// Takes as many of `records` as fit into a set of this message, or else of the next one; answers whether there were any.
    pub(super) fn put(&mut self, template: &Template, records: &mut Records<'_>) -> bool {
        let told = if self.is_told { template_set(template) } else { Box::default() };
        loop {
            let before = self.octets.max(HEADER_LEN) + told.len() + SET_HEADER_LEN;
            let (octets, count) = records.take(self.longest_message.saturating_sub(before));
            if count > 0 {
                if self.octets == 0 {
                    self.messages.begin(self.domain);
                }
                let length = (SET_HEADER_LEN + octets.len()) as u16;
                self.messages.put(&told);
                self.messages.put(&template.id().to_be_bytes());
                self.messages.put(&length.to_be_bytes());
                self.messages.put(octets);
                self.octets = before + octets.len();
                self.records += count;
                return true;
            }
            if self.octets == 0 {
                return false;
            }
            self.end();
        }
    }

    /// Ends the message that has been begun.
    pub(super) fn end(&mut self) {
        if self.octets > 0 {
            self.messages.end(self.records);
            (self.octets, self.records) = (0, 0);
        }
    }
}
