//! A text that is cut at a greatest length while it is written.

use std::fmt;

/// At most `N` bytes; what is written beyond them is left out.
pub(crate) struct Clip<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Default for Clip<N> {
    fn default() -> Clip<N> {
        Clip::new()
    }
}

impl<const N: usize> Clip<N> {
    /// Nothing yet.
    pub(crate) const fn new() -> Clip<N> {
        Clip { bytes: [0; N], len: 0 }
    }

    /// Appends as much of `bytes` as fits.
    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let count = bytes.len().min(N - self.len);
        self.bytes[self.len..self.len + count].copy_from_slice(&bytes[..count]);
        self.len += count;
    }

    /// What was written.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl<const N: usize> fmt::Write for Clip<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

/// `text` up to its first NUL and at most `max` bytes of it.
#[inline]
pub(crate) fn clipped(text: &[u8], max: usize) -> &[u8] {
    let text = &text[..text.len().min(max)];
    match memchr::memchr(0, text) {
        Some(end) => &text[..end],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out() {
        let mut text = Clip::<5>::new();
        text.push(b"abc");
        write!(text, "{}", 123).expect("writing to a text cannot fail");
        text.push(b"x");
        assert_eq!(text.as_bytes(), b"abc12");
        assert_eq!([clipped(b"abc", 2), clipped(b"a\0c", 3), clipped(b"ab\0", 2)], [b"ab", &b"a"[..], b"ab"]);
    }
}
