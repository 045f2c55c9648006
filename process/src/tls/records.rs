//! The record layer (RFC 8446 section 5.1, RFC 5246 section 6.2.1), as long as it is in plaintext: handshake messages, which share records
//! or are split over several, and what comes between them.

use arrayvec::ArrayVec;

use super::hello::MessageHeader;
use crate::cursor::Cursor;

/// The longest content of a record: 2^14 bytes, and what encryption adds at most (RFC 5246 section 6.2.3).
const MAX_CONTENT: usize = (1 << 14) + 2048;
/// The longest plaintext alert or ChangeCipherSpec is two bytes long; encrypted alerts are somewhat longer.
const MAX_SHORT_CONTENT: usize = 256;
/// A message in more records than this is no honest one.
const MAX_RECORDS: usize = 64;
/// The most bytes of a message in several records that are put together.
pub(super) const MAX_JOINED: usize = 16 << 10;

mod content {
    pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(super) const ALERT: u8 = 21;
    pub(super) const HANDSHAKE: u8 = 22;
    pub(super) const APPLICATION_DATA: u8 = 23;
}

/// Whether a record may begin with these bytes.
#[inline]
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    matches!(bytes, [20..=23] | [20..=23, 3] | [20..=23, 3, 0..=4, ..])
}

/// The header of a record.
struct RecordHeader {
    kind: u8,
    content_len: usize,
}

impl RecordHeader {
    const LEN: usize = 5;

    /// `None` if no record begins here; then, and only then, `bytes` may be too few for a header.
    fn read(bytes: &[u8]) -> Option<RecordHeader> {
        let mut cursor = Cursor::new(bytes);
        let kind = cursor.u8()?;
        let _version = cursor.u16()?;
        let content_len = usize::from(cursor.u16()?);
        let most = match kind {
            content::CHANGE_CIPHER_SPEC | content::ALERT => MAX_SHORT_CONTENT,
            _ => MAX_CONTENT,
        };
        (may_begin(bytes) && (1..=most).contains(&content_len)).then_some(RecordHeader { kind, content_len })
    }
}

/// What a direction of a connection says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Item<'a> {
    /// A handshake message: its type, the length of its body, and what is there of the body.
    Message { kind: u8, body_len: usize, body: &'a [u8] },
    /// An alert, whether it ends the connection.
    Alert { is_fatal: bool },
    /// What follows from this direction is encrypted, or in TLS 1.3 nothing.
    ChangeCipherSpec,
    /// Encrypted data.
    ApplicationData,
}

/// Why there is no further item, and what is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// The last bytes, so many, are to be seen again with those that follow.
    Again(usize),
    /// All was read, and so many of the bytes that follow are to be left out.
    Skip(usize),
    /// What comes now is no record.
    Foreign,
}

/// Reads the bytes of a direction, item by item.
pub(super) struct Reader<'a, 'b> {
    data: &'a [u8],
    place: Place,
    /// Where messages in several records are put together.
    joined: &'b mut Vec<u8>,
    /// The last message was incomplete.
    end: Option<End>,
}

/// A place in the bytes.
#[derive(Clone, Copy)]
struct Place {
    /// Where the record begins that the next bytes belong to.
    record: usize,
    /// The next bytes.
    position: usize,
    /// How many bytes of handshake messages the record has from there on, which may be more than have come; 0 before its header.
    left: usize,
}

impl Place {
    /// Before the header of a record.
    const fn before_record(position: usize) -> Place {
        Place { record: position, position, left: 0 }
    }

    /// Goes on by `len` bytes of the record.
    fn advance(&mut self, len: usize) {
        self.position += len;
        self.left -= len;
        if self.left == 0 {
            *self = Place::before_record(self.position);
        }
    }
}

impl<'a, 'b> Reader<'a, 'b> {
    /// Reads `data` from byte number `skip` on, where a record begins. `joined` is room for messages that lie in several records.
    pub(super) fn new(data: &'a [u8], skip: usize, joined: &'b mut Vec<u8>) -> Reader<'a, 'b> {
        let end = (skip > data.len()).then(|| End::Skip(skip - data.len()));
        Reader { data, place: Place::before_record(skip), joined, end }
    }

    /// The next item. Of a message that is incomplete it has what is there, and is the last.
    pub(super) fn next(&mut self) -> Result<Item<'_>, End> {
        if let Some(end) = self.end {
            return Err(end);
        }
        if self.place.left > 0 {
            return self.message();
        }
        let start = self.place.position;
        let rest = &self.data[start..];
        let Some(RecordHeader { kind, content_len }) = RecordHeader::read(rest) else {
            return Err(match rest.len() {
                0 => End::Skip(0),
                1..RecordHeader::LEN if may_begin(rest) => End::Again(rest.len()),
                _ => End::Foreign,
            });
        };
        let position = start + RecordHeader::LEN;
        if kind == content::HANDSHAKE {
            self.place = Place { record: start, position, left: content_len };
            return self.message();
        }
        let after = position + content_len;
        let content = self.data.get(position..after);
        if kind == content::APPLICATION_DATA {
            match content {
                Some(_) => self.place = Place::before_record(after),
                None => self.end = Some(End::Skip(after - self.data.len())),
            }
            return Ok(Item::ApplicationData);
        }
        let content = content.ok_or(End::Again(rest.len()))?;
        self.place = Place::before_record(after);
        Ok(match kind {
            // Two bytes are plaintext, level and description (RFC 8446 section 6); more are encrypted.
            content::ALERT => Item::Alert { is_fatal: matches!(content, [2, _]) },
            _ => Item::ChangeCipherSpec,
        })
    }

    /// The message that begins at the place.
    fn message(&mut self) -> Result<Item<'_>, End> {
        // All from the record on in which the message begins.
        let again = End::Again(self.data.len() - self.place.record);
        let mut place = self.place;
        let mut header = ArrayVec::<u8, { MessageHeader::LEN }>::new();
        let whole =
            pieces(self.data, &mut place, MessageHeader::LEN, |piece| header.extend(piece.iter().copied()))?;
        let MessageHeader { kind, body_len } = MessageHeader::read(&header).filter(|_| whole).ok_or(again)?;
        let here = &self.data[place.position..];
        if body_len <= place.left.min(here.len()) {
            place.advance(body_len);
            self.place = place;
            return Ok(Item::Message { kind, body_len, body: &here[..body_len] });
        }
        if here.len() <= place.left {
            self.end = Some(again);
            return Ok(Item::Message { kind, body_len, body: here });
        }
        self.joined.clear();
        let joined = &mut *self.joined;
        let most = body_len.min(MAX_JOINED);
        if pieces(self.data, &mut place, most, |piece| joined.extend_from_slice(piece))? && most == body_len {
            self.place = place;
        } else {
            self.end = Some(again);
        }
        Ok(Item::Message { kind, body_len, body: self.joined })
    }
}

/// Gives the next `len` bytes of handshake messages to `take`, in pieces, each from one record. Whether all of them are there.
fn pieces<'a>(
    data: &'a [u8],
    place: &mut Place,
    len: usize,
    mut take: impl FnMut(&'a [u8]),
) -> Result<bool, End> {
    let mut wanted = len;
    for _ in 0..MAX_RECORDS {
        let here = &data[place.position..];
        let piece = &here[..wanted.min(place.left).min(here.len())];
        take(piece);
        place.advance(piece.len());
        wanted -= piece.len();
        if wanted == 0 {
            return Ok(true);
        }
        let rest = &here[piece.len()..];
        if place.left > 0 || rest.is_empty() {
            return Ok(false);
        }
        match RecordHeader::read(rest) {
            Some(RecordHeader { kind: content::HANDSHAKE, content_len }) => {
                let position = place.position + RecordHeader::LEN;
                *place = Place { record: place.position, position, left: content_len };
            }
            None if rest.len() < RecordHeader::LEN && may_begin(rest) => return Ok(false),
            _ => break,
        }
    }
    Err(End::Foreign)
}

#[cfg(test)]
mod tests;
