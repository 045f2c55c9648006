//! Records of options that hold as long as a session: each is told them after the templates, and again as often as those.

use super::{Common, Messages, TemplateMode};
use crate::message::SET_HEADER_LEN;
use crate::template::Template;
use crate::wire::Full;
use crate::writer::MessageWriter;

/// A record of options that every session is told.
#[derive(Debug)]
pub(super) struct Standing {
    /// The place of its template.
    pub(super) template: usize,
    /// How many templates and standing records were added to the exporter before it.
    pub(super) number: u64,
    pub(super) record: Box<[u8]>,
}

/// Messages of options records, each with its template, as few as it takes. Those that fit into no message are left out: they were seen
/// when they were given to the exporter.
pub(super) fn write_records<'c>(
    records: impl IntoIterator<Item = (&'c Template, &'c [u8])>,
    common: &Common,
    messages: &mut Messages,
) {
    let mut buffer = vec![0; common.longest];
    let mut records = records.into_iter().peekable();
    while records.peek().is_some() {
        let Ok(mut message) = MessageWriter::new(&mut buffer, common.domain) else { return };
        let mut told = Vec::new();
        while let Some(&(template, record)) = records.peek() {
            let is_told = common.mode != TemplateMode::Always || told.contains(&template.id());
            match put(&mut message, template, record, is_told) {
                Ok(()) => told.push(template.id()),
                Err(Full) if message.is_empty() => {}
                Err(Full) => break,
            }
            records.next();
        }
        if let Some(finished) = message.finish(0, 0) {
            messages.push(finished.octets, finished.records);
        }
    }
}

/// Puts a record, and before it its template if the message has not told it, or nothing.
fn put(
    message: &mut MessageWriter<'_>,
    template: &Template,
    record: &[u8],
    is_told: bool,
) -> Result<(), Full> {
    if !is_told {
        if message.room(template.set_id()) < template.wire_len() + SET_HEADER_LEN + record.len() {
            return Err(Full);
        }
        message.put_template(template)?;
    }
    message.put_encoded(template, record)
}
