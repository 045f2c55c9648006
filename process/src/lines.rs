//! Lines of text protocols.

/// The first line of `bytes`, without its end, which is LF or CR LF; and its length with it. `None` if it does not end.
#[inline]
pub(crate) fn first_line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = memchr::memchr(b'\n', bytes)?;
    let line = &bytes[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), end + 1))
}
