//! Reads untrusted bytes front to back. Every read says whether the bytes were there; nothing reads past the end.

/// A place in a slice of bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    /// At the start of `bytes`.
    #[inline]
    pub(crate) const fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, position: 0 }
    }

    /// At `position` of `bytes`, which may be their end.
    #[inline]
    pub(crate) fn at(bytes: &'a [u8], position: usize) -> Option<Cursor<'a>> {
        (position <= bytes.len()).then_some(Cursor { bytes, position })
    }

    /// How many bytes were read.
    #[inline]
    pub(crate) const fn position(&self) -> usize {
        self.position
    }

    /// Whether all was read.
    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.position == self.bytes.len()
    }

    /// The next `len` bytes.
    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.position..self.position.checked_add(len)?)?;
        self.position += len;
        Some(taken)
    }

    /// All that is left.
    #[inline]
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.position..];
        self.position = self.bytes.len();
        rest
    }

    /// The next byte.
    #[inline]
    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    /// The next two bytes as a big-endian number.
    #[inline]
    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.take(2).and_then(|b| b.try_into().ok()).map(u16::from_be_bytes)
    }

    /// The next four bytes as a big-endian number.
    #[inline]
    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.take(4).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_stop_at_the_end_and_leave_the_rest_in_place() {
        let mut cursor = Cursor::new(&[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!((cursor.u8(), cursor.u16()), (Some(1), Some(0x0203)));
        let mut sub = Cursor::new(cursor.take(2).unwrap());
        assert_eq!((sub.u32(), sub.u16(), sub.u8(), sub.is_empty()), (None, Some(0x0405), None, true));
        assert_eq!((cursor.position(), cursor.take(4), cursor.take(usize::MAX)), (5, None, None));
        assert_eq!((cursor.rest(), cursor.rest()), (&[6, 7, 8][..], &[][..]));
        assert!(Cursor::at(&[1], 1).unwrap().is_empty());
        assert!(Cursor::at(&[1], 2).is_none());
    }
}
