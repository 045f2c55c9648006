//! The server's certificate (RFC 5280) in a Certificate message of TLS 1.2 and below (RFC 5246 section 7.4.2). What is of interest
//! comes first in it, and is read without the rest.

mod name;

use crate::cursor::Cursor;

/// The longest text of a distinguished name that is kept.
pub(super) const MAX_NAME: usize = 255;
/// The longest serial number that is kept: 20 bytes (RFC 5280 section 4.1.2.2), and a zero before them.
pub(super) const MAX_SERIAL: usize = 21;

/// What is kept of a certificate.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Certificate {
    /// Subject, issuer and serial number, one after the other.
    bytes: Box<[u8]>,
    subject_len: u8,
    issuer_len: u8,
    /// From when it is valid, in seconds since 1970; 0 if it is before that, or no time.
    pub(super) not_before: u64,
    /// Until when.
    pub(super) not_after: u64,
}

/// Why there is no certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Problem {
    /// More bytes are needed.
    Incomplete,
    /// The bytes are no certificate, or there is none.
    NoCertificate,
}

impl Certificate {
    /// The most memory that one takes beyond itself.
    pub(super) const MAX_BYTES: usize = 2 * MAX_NAME + MAX_SERIAL;

    /// The first certificate of a Certificate message of which `body` is there so far.
    pub(super) fn first(body: &[u8]) -> Result<Certificate, Problem> {
        let mut cursor = Cursor::new(body);
        let list_len = u24(&mut cursor)?;
        let len = if list_len == 0 { 0 } else { u24(&mut cursor)? };
        if len == 0 {
            return Err(Problem::NoCertificate);
        }
        let there = cursor.rest();
        Certificate::read(&there[..there.len().min(len)]).map_err(|problem| match problem {
            Problem::Incomplete if there.len() >= len => Problem::NoCertificate,
            problem => problem,
        })
    }

    fn read(bytes: &[u8]) -> Result<Certificate, Problem> {
        let mut cursor = Cursor::new(open(&mut Cursor::new(bytes), tag::SEQUENCE)?);
        let mut cursor = Cursor::new(open(&mut cursor, tag::SEQUENCE)?);
        let mut next = element(&mut cursor)?;
        if next.tag == tag::VERSION {
            next = element(&mut cursor)?;
        }
        let serial = next.expect(tag::INTEGER)?;
        element(&mut cursor)?.expect(tag::SEQUENCE)?; // the algorithm of the signature
        let issuer = element(&mut cursor)?.expect(tag::SEQUENCE)?;
        let mut validity = Cursor::new(element(&mut cursor)?.expect(tag::SEQUENCE)?);
        let [not_before, not_after] = [element(&mut validity)?, element(&mut validity)?].map(time);
        let subject = element(&mut cursor)?.expect(tag::SEQUENCE)?;
        let [subject, issuer] = [subject, issuer].map(name::text);
        let (subject, issuer) = (subject.as_bytes(), issuer.as_bytes());
        let serial = &serial[..serial.len().min(MAX_SERIAL)];
        Ok(Certificate {
            bytes: [subject, issuer, serial].concat().into(),
            subject_len: subject.len() as u8,
            issuer_len: issuer.len() as u8,
            not_before,
            not_after,
        })
    }

    /// The subject, as text.
    pub(super) fn subject(&self) -> &[u8] {
        &self.bytes[..usize::from(self.subject_len)]
    }

    /// The issuer, as text.
    pub(super) fn issuer(&self) -> &[u8] {
        &self.bytes[usize::from(self.subject_len)..][..usize::from(self.issuer_len)]
    }

    /// The serial number, as it is on the wire.
    pub(super) fn serial(&self) -> &[u8] {
        &self.bytes[usize::from(self.subject_len) + usize::from(self.issuer_len)..]
    }
}

fn u24(cursor: &mut Cursor<'_>) -> Result<usize, Problem> {
    let high = cursor.u8().ok_or(Problem::Incomplete)?;
    let low = cursor.u16().ok_or(Problem::Incomplete)?;
    Ok(usize::from(high) << 16 | usize::from(low))
}

/// Tags of DER (ITU-T X.690).
mod tag {
    pub(super) const INTEGER: u8 = 2;
    pub(super) const OBJECT_IDENTIFIER: u8 = 6;
    pub(super) const UTC_TIME: u8 = 23;
    pub(super) const GENERALIZED_TIME: u8 = 24;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const SET: u8 = 0x31;
    /// The first element of a certificate, unless it is of version 1.
    pub(super) const VERSION: u8 = 0xa0;
}

/// An element of DER.
#[derive(Clone, Copy)]
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
}

impl<'a> Element<'a> {
    fn expect(self, tag: u8) -> Result<&'a [u8], Problem> {
        if self.tag == tag { Ok(self.content) } else { Err(Problem::NoCertificate) }
    }
}

/// The tag of the next element, and the length of its content, of at most four bytes.
fn header(cursor: &mut Cursor<'_>) -> Result<(u8, usize), Problem> {
    let mut byte = || cursor.u8().ok_or(Problem::Incomplete);
    let tag = byte()?;
    let len = match byte()? {
        short @ ..=0x7f => usize::from(short),
        long @ 0x81..=0x84 => {
            let mut len = 0;
            for _ in 0x80..long {
                len = len << 8 | usize::from(byte()?);
            }
            len
        }
        _ => return Err(Problem::NoCertificate),
    };
    Ok((tag, len))
}

/// The next element, all of it.
fn element<'a>(cursor: &mut Cursor<'a>) -> Result<Element<'a>, Problem> {
    let (tag, len) = header(cursor)?;
    Ok(Element { tag, content: cursor.take(len).ok_or(Problem::Incomplete)? })
}

/// What is there of the content of the next element, which must have this tag.
fn open<'a>(cursor: &mut Cursor<'a>, tag: u8) -> Result<&'a [u8], Problem> {
    let (found, len) = header(cursor)?;
    if found != tag {
        return Err(Problem::NoCertificate);
    }
    let there = cursor.rest();
    Ok(&there[..there.len().min(len)])
}

/// A time (RFC 5280 section 4.1.2.5) in seconds since 1970, 0 if it is none or lies before that.
fn time(Element { tag, content }: Element<'_>) -> u64 {
    let two_digits = |place: usize| match content.get(place..place + 2) {
        Some(&[tens @ b'0'..=b'9', ones @ b'0'..=b'9']) => Some(u64::from((tens - b'0') * 10 + ones - b'0')),
        _ => None,
    };
    let read = || {
        let (year, rest) = match tag {
            tag::UTC_TIME => {
                (two_digits(0).map(|year| if year < 50 { 2000 + year } else { 1900 + year })?, 2)
            }
            tag::GENERALIZED_TIME => (two_digits(0)? * 100 + two_digits(2)?, 4),
            _ => return None,
        };
        let (month, day) = (two_digits(rest)?, two_digits(rest + 2)?);
        let (hour, minute) = (two_digits(rest + 4)?, two_digits(rest + 6)?);
        // Seconds may be left out in UTCTime of old certificates.
        let second = two_digits(rest + 8).unwrap_or(0);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        Some(days_since_1970(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second)
    };
    read().unwrap_or(0)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; `None` before that.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    // Years that begin in March, so that the leap day is their last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days_of_months = (153 * month + 2) / 5;
    (365 * year + year / 4 - year / 100 + year / 400 + days_of_months + day - 1).checked_sub(719_468)
}

#[cfg(test)]
mod tests;
