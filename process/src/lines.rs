//! Lines of text protocols.

/// Whether the bytes begin like a TLS record (RFC 8446 section 5.1): then there are no lines.
pub(crate) fn is_tls(data: &[u8]) -> bool {
    matches!(data, [20..=23, 3, 0..=4, ..])
}

/// The first line of `bytes`, without its end, which is LF or CR LF; and its length with it. `None` if it does not end.
#[inline]
pub(crate) fn first_line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = memchr::memchr(b'\n', bytes)?;
    let line = &bytes[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), end + 1))
}

/// Name and value of a header field, without white space around them. `None` without a colon.
#[inline]
pub(crate) fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    Some((line[..colon].trim_ascii_end(), line[colon + 1..].trim_ascii()))
}

/// A decimal number, or as much of a greater one as 32 bits can say. `None` for anything else.
pub(crate) fn number(value: &[u8]) -> Option<u32> {
    let number: u64 = std::str::from_utf8(value).ok()?.parse().ok()?;
    Some(number.min(u32::MAX.into()) as u32)
}
