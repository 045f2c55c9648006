//! Bytes in network order: a writer into the caller's buffer and a reader of borrowed bytes, neither of which can overrun.

use thiserror::Error;

/// The buffer has no room for what was to be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the buffer is full")]
pub struct Full;

/// Writes into a buffer of the caller's. What does not fit is not begun.
#[derive(Debug)]
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    len: usize,
}

impl<'b> Writer<'b> {
    /// Writes from the beginning of `buffer`.
    pub const fn new(buffer: &'b mut [u8]) -> Writer<'b> {
        Writer { buffer, len: 0 }
    }

    /// Octets written.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing has been written.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Octets that still fit.
    #[inline]
    pub const fn room(&self) -> usize {
        self.buffer.len() - self.len
    }

    /// What has been written.
    pub fn written(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    /// What has been written after the first `begin` octets.
    pub(crate) fn written_mut(&mut self, begin: usize) -> &mut [u8] {
        self.buffer[..self.len].get_mut(begin..).unwrap_or_default()
    }

    /// What has been written, for as long as the buffer lives.
    pub fn into_written(self) -> &'b mut [u8] {
        &mut self.buffer[..self.len]
    }

    /// Forgets what was written after the first `len` octets.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// The next `count` octets of the buffer, now written.
    ///
    /// # Errors
    /// If there are not so many.
    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&mut [u8], Full> {
        let end = self.len.checked_add(count).filter(|&end| end <= self.buffer.len()).ok_or(Full)?;
        let taken = &mut self.buffer[self.len..end];
        self.len = end;
        Ok(taken)
    }

    /// Octets as they are.
    ///
    /// # Errors
    /// If they do not fit.
    #[inline]
    pub fn put(&mut self, octets: &[u8]) -> Result<(), Full> {
        self.take(octets.len())?.copy_from_slice(octets);
        Ok(())
    }

    /// One octet.
    ///
    /// # Errors
    /// If it does not fit.
    #[inline]
    pub fn put_u8(&mut self, value: u8) -> Result<(), Full> {
        self.put(&[value])
    }

    /// Two octets.
    ///
    /// # Errors
    /// If they do not fit.
    #[inline]
    pub fn put_u16(&mut self, value: u16) -> Result<(), Full> {
        self.put(&value.to_be_bytes())
    }

    /// Four octets.
    ///
    /// # Errors
    /// If they do not fit.
    #[inline]
    pub fn put_u32(&mut self, value: u32) -> Result<(), Full> {
        self.put(&value.to_be_bytes())
    }

    /// A variable-length value (RFC 7011, 7): its length in one octet, or in three from 255 octets on.
    ///
    /// # Errors
    /// If it does not fit, or is longer than 65,535 octets.
    #[inline]
    pub fn put_variable(&mut self, octets: &[u8]) -> Result<(), Full> {
        let begin = self.len;
        let length = u16::try_from(octets.len()).map_err(|_| Full)?;
        let written = self.put_variable_length(length).and_then(|()| self.put(octets));
        if written.is_err() {
            self.truncate(begin);
        }
        written
    }

    /// The length of a variable-length value.
    pub(crate) fn put_variable_length(&mut self, length: u16) -> Result<(), Full> {
        match u8::try_from(length) {
            Ok(short) if short < LONG => self.put_u8(short),
            _ => self.put(&[LONG, (length >> 8) as u8, length as u8]),
        }
    }

    /// A variable-length value whose length is not known before it is written: in the form of three octets, as RFC 6313
    /// recommends it for lists.
    ///
    /// # Errors
    /// What `content` answers, or if the length does not fit. Then nothing has been written.
    pub fn put_long<E: From<Full>>(
        &mut self,
        content: impl FnOnce(&mut Writer<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let begin = self.len;
        let written = self.put(&[LONG, 0, 0]).map_err(E::from).and_then(|()| content(self)).and_then(|()| {
            let length = u16::try_from(self.len - begin - 3).map_err(|_| Full)?;
            self.put_u16_at(begin + 1, length);
            Ok(())
        });
        if written.is_err() {
            self.truncate(begin);
        }
        written
    }

    /// Overwrites two octets that have been written.
    pub(crate) fn put_u16_at(&mut self, at: usize, value: u16) {
        if let Some(octets) = self.buffer[..self.len].get_mut(at..at + 2) {
            octets.copy_from_slice(&value.to_be_bytes());
        }
    }
}

/// In place of a length of one octet: two octets with the length follow.
const LONG: u8 = 255;

/// Reads borrowed bytes from their beginning.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `octets`.
    pub const fn new(octets: &'a [u8]) -> Reader<'a> {
        Reader { rest: octets }
    }

    /// What has not been read.
    #[inline]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `count` octets, if there are so many.
    #[inline]
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// An octet.
    #[inline]
    pub fn u8(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// Two octets.
    #[inline]
    pub fn u16(&mut self) -> Option<u16> {
        let (&first, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u16::from_be_bytes(first))
    }

    /// Four octets.
    #[inline]
    pub fn u32(&mut self) -> Option<u32> {
        let (&first, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u32::from_be_bytes(first))
    }

    /// The content of a variable-length value (RFC 7011, 7). The long form of a short length is allowed.
    #[inline]
    pub fn variable(&mut self) -> Option<&'a [u8]> {
        let length = match self.u8()? {
            LONG => self.u16()?,
            short => short.into(),
        };
        self.take(length.into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_variable_length_takes_one_octet_below_255_and_three_from_there_on() {
        let content = vec![7; 65535];
        let mut buffer = vec![0; 65538];
        for (length, prefix) in [(0, 1), (1, 1), (254, 1), (255, 3), (256, 3), (65534, 3), (65535, 3)] {
            let mut writer = Writer::new(&mut buffer);
            writer.put_variable(&content[..length]).unwrap();
            assert_eq!(writer.len(), length + prefix, "{length}");
            let mut reader = Reader::new(writer.written());
            assert_eq!(reader.variable().unwrap(), &content[..length]);
            assert!(reader.rest().is_empty());
        }
        assert_eq!(Writer::new(&mut vec![0; 70000]).put_variable(&[0; 65536]), Err(Full));
    }

    #[test]
    fn the_long_form_of_a_short_length_is_understood() {
        assert_eq!(Reader::new(&[255, 0, 2, 8, 9]).variable(), Some(&[8, 9][..]));
        assert_eq!(Reader::new(&[255, 0, 3, 8, 9]).variable(), None);
        assert_eq!(Reader::new(&[3, 8, 9]).variable(), None);
        assert_eq!(Reader::new(&[255, 0]).variable(), None);
        assert_eq!(Reader::new(&[]).variable(), None);
    }

    #[test]
    fn what_does_not_fit_leaves_no_trace() {
        let mut buffer = [0; 5];
        let mut writer = Writer::new(&mut buffer);
        writer.put_u8(1).unwrap();
        assert_eq!(writer.put(&[0; 5]), Err(Full));
        assert_eq!(writer.put_variable(b"1234"), Err(Full));
        let long = writer.put_long(|w| {
            w.put_u8(2)?;
            w.put_u8(3)
        });
        assert_eq!((long, writer.written()), (Err(Full), &[1][..]));
        writer.put_variable(b"123").unwrap();
        assert_eq!((writer.written(), writer.room()), (&b"\x01\x03123"[..], 0));
    }

    #[test]
    fn a_length_that_is_not_known_before_is_filled_in_after() {
        let mut buffer = [0; 16];
        let mut writer = Writer::new(&mut buffer);
        writer.put_long(|w| w.put_long(|w| w.put(b"ab"))).unwrap();
        assert_eq!(writer.into_written(), b"\xff\x00\x05\xff\x00\x02ab");
    }
}
