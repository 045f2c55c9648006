//! Writing messages into the caller's buffer, the length of which is the limit: the path's MTU less what is around the message.

mod record;

use thiserror::Error;

pub use record::RecordWriter;

use crate::message::{HEADER_LEN, OPTIONS_TEMPLATE_SET, SET_HEADER_LEN, TEMPLATE_SET, VERSION};
use crate::placement::{Encoder, Places, WriteError};
use crate::template::{Template, TemplateError};
use crate::value::EncodeError;
use crate::wire::{Full, Writer};

/// The shortest buffer: headers of a message and a set, and an octet.
pub const SHORTEST_BUFFER: usize = HEADER_LEN + SET_HEADER_LEN + 1;

/// A buffer cannot hold a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a message needs {SHORTEST_BUFFER} octets or more, not {0}")]
pub struct ShortBuffer(pub usize);

/// A message that is being written.
///
/// Sets are opened and closed as what is put requires it; a set without a record is never sent, nor a message without a set. What does
/// not fit leaves no trace: the caller finishes this message and puts it into the next one.
#[derive(Debug)]
pub struct MessageWriter<'b> {
    out: Writer<'b>,
    /// The open set: its id, and where its header begins.
    set: Option<(u16, usize)>,
    /// Octets of the shortest record in the open set: padding has to be shorter.
    shortest: usize,
    records: u32,
}

/// A finished message.
#[derive(Debug)]
pub struct FinishedMessage<'b> {
    /// Its octets.
    pub octets: &'b mut [u8],
    /// Its data records: by so many the sequence number of the stream moves on.
    pub records: u32,
}

impl<'b> MessageWriter<'b> {
    /// A message of observation domain `domain`. Of `buffer` at most 65,535 octets are used.
    ///
    /// # Errors
    /// If nothing would fit.
    pub fn new(buffer: &'b mut [u8], domain: u32) -> Result<MessageWriter<'b>, ShortBuffer> {
        let length = buffer.len();
        if length < SHORTEST_BUFFER {
            return Err(ShortBuffer(length));
        }
        let mut out = Writer::new(&mut buffer[..length.min(u16::MAX.into())]);
        let mut header = [0; HEADER_LEN];
        header[..2].copy_from_slice(&VERSION.to_be_bytes());
        header[12..].copy_from_slice(&domain.to_be_bytes());
        out.put(&header).map_err(|Full| ShortBuffer(length))?;
        Ok(MessageWriter { out, set: None, shortest: 0, records: 0 })
    }

    /// Octets that a further record of set `id` may have.
    pub fn room(&self, id: u16) -> usize {
        let header = if self.set.is_some_and(|(open, _)| open == id) { 0 } else { SET_HEADER_LEN };
        self.out.room().saturating_sub(header)
    }

    /// Data records so far.
    pub const fn records(&self) -> u32 {
        self.records
    }

    /// Whether nothing has been put.
    pub const fn is_empty(&self) -> bool {
        self.out.len() == HEADER_LEN
    }

    /// Writes with `content` into set `id`, which is opened unless it is the one that is open. If nothing comes of it, all is as before.
    fn put<E: From<Full>>(
        &mut self,
        id: u16,
        shortest: usize,
        content: impl FnOnce(&mut Writer<'b>) -> Result<(), E>,
    ) -> Result<(), E> {
        let begin = self.out.len();
        let is_open = self.set.is_some_and(|(open, _)| open == id);
        let open = |out: &mut Writer<'b>| {
            if is_open {
                return Ok(());
            }
            out.put_u16(id)?;
            out.put_u16(0)
        };
        let written = open(&mut self.out).map_err(E::from).and_then(|()| content(&mut self.out));
        if written.is_err() {
            self.out.truncate(begin);
            return written;
        }
        if is_open {
            self.shortest = self.shortest.min(shortest);
        } else {
            self.close_set_at(begin);
            self.set = Some((id, begin));
            self.shortest = shortest;
        }
        Ok(())
    }

    fn close_set_at(&mut self, end: usize) {
        if let Some((_, begin)) = self.set.take() {
            // Not more than the buffer, of which at most 65,535 octets are used.
            self.out.put_u16_at(begin + 2, (end - begin) as u16);
        }
    }

    /// Puts a template.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn put_template(&mut self, template: &Template) -> Result<(), Full> {
        self.put(template.set_id(), template.wire_len(), |out| template.put(out))
    }

    /// Puts the withdrawal of a template. Not for UDP, where templates end by not being repeated (RFC 7011, 8.4).
    ///
    /// # Errors
    /// If it does not fit.
    pub fn put_withdrawal(&mut self, template: &Template) -> Result<(), Full> {
        let set = if template.is_options() { OPTIONS_TEMPLATE_SET } else { TEMPLATE_SET };
        self.withdraw(set, template.id())
    }

    /// Puts the withdrawal of all templates, or of all options templates.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn put_withdrawal_of_all(&mut self, options: bool) -> Result<(), Full> {
        let set = if options { OPTIONS_TEMPLATE_SET } else { TEMPLATE_SET };
        self.withdraw(set, set)
    }

    fn withdraw(&mut self, set: u16, id: u16) -> Result<(), Full> {
        self.put(set, 4, |out| {
            out.put_u16(id)?;
            out.put_u16(0)
        })
    }

    /// Puts a record of `template`, which `fields` writes field by field.
    ///
    /// # Errors
    /// What `fields` answers, and if it does not fit or not all fields were written.
    pub fn put_record(
        &mut self,
        template: &Template,
        fields: impl FnOnce(&mut RecordWriter<'_, 'b>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.put(template.id(), template.shortest_record(), |out| {
            let mut record = RecordWriter::new(template, out);
            fields(&mut record)?;
            record.finish()
        })?;
        self.records += 1;
        Ok(())
    }

    /// Puts a record that a struct is.
    ///
    /// # Errors
    /// If it does not fit, or one of its values not into its field.
    #[inline]
    pub fn put_placed<P: Places>(
        &mut self,
        encoder: &Encoder<P>,
        record: &P::Record<'_>,
    ) -> Result<(), WriteError> {
        let template = encoder.template();
        self.put(template.id(), template.shortest_record(), |out| encoder.put(record, out))?;
        self.records += 1;
        Ok(())
    }

    /// Puts a record of `template` that has been encoded before.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn put_encoded(&mut self, template: &Template, record: &[u8]) -> Result<(), Full> {
        self.put(template.id(), template.shortest_record(), |out| out.put(record))?;
        self.records += 1;
        Ok(())
    }

    /// Fills the open set up with zeros, so that the next one begins at a multiple of `alignment` octets: as far as there is room, and as
    /// padding may be: shorter than a record (RFC 7011, 3.3.1).
    pub fn pad(&mut self, alignment: usize) {
        let padding = self.out.len().next_multiple_of(alignment.max(1)) - self.out.len();
        if self.set.is_some()
            && padding < self.shortest
            && let Ok(octets) = self.out.take(padding)
        {
            octets.fill(0);
        }
    }

    /// Ends the message; `None` if there is nothing in it. Export time, seconds since 1970, and sequence number, the data records
    /// before this message in its stream, may be filled in later: see [`stamp`].
    pub fn finish(mut self, export_time_s: u32, sequence: u32) -> Option<FinishedMessage<'b>> {
        if self.is_empty() {
            return None;
        }
        self.close_set_at(self.out.len());
        self.out.put_u16_at(2, self.out.len() as u16);
        let records = self.records;
        let octets = self.out.into_written();
        stamp(octets, export_time_s, sequence);
        Some(FinishedMessage { octets, records })
    }
}

/// Fills export time and sequence number into a finished message.
#[inline]
pub fn stamp(message: &mut [u8], export_time_s: u32, sequence: u32) {
    if let Some(fields) = message.get_mut(4..12) {
        fields[..4].copy_from_slice(&export_time_s.to_be_bytes());
        fields[4..].copy_from_slice(&sequence.to_be_bytes());
    }
}

/// Messages with all of `templates`, as few as it takes, none longer than `longest` octets: each is given to `each`, which fills in its
/// time and number.
///
/// # Errors
/// If a template does not fit into a message of its own.
pub fn write_templates<'t>(
    templates: impl IntoIterator<Item = &'t Template>,
    domain: u32,
    longest: usize,
    mut each: impl FnMut(&mut [u8]),
) -> Result<(), TemplateError> {
    let mut buffer = vec![0; longest];
    let mut templates = templates.into_iter().peekable();
    while let Some(first) = templates.peek() {
        let too_long = TemplateError::TooLong { id: first.id(), octets: first.wire_len() };
        let mut message = MessageWriter::new(&mut buffer, domain).map_err(|_| too_long.clone())?;
        while templates.next_if(|template| message.put_template(template).is_ok()).is_some() {}
        let finished = message.finish(0, 0).ok_or(too_long)?;
        each(finished.octets);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
