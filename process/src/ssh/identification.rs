//! The identification string: `SSH-protoversion-softwareversion SP comments` (RFC 4253 section 4.2).

use crate::cursor::Cursor;

/// What every identification string begins with.
const PREFIX: &[u8] = b"SSH-";

/// The longest line that is read. The RFC allows 255 bytes, with the line's end; not every implementation keeps to it.
const MAX_LINE: usize = 1024;

const MAX_PROTOCOL: usize = 15;
const MAX_SOFTWARE: usize = 127;
const MAX_COMMENTS: usize = 127;

/// The most bytes that an [`Identification`] holds.
pub(super) const MAX_LEN: usize = MAX_PROTOCOL + MAX_SOFTWARE + MAX_COMMENTS;

/// What was found of an identification string.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found<'a> {
    /// It is there.
    Whole {
        /// Its line, without the line's end.
        line: &'a [u8],
        /// How many bytes the line, and those before it, take.
        len: usize,
    },
    /// The last line, so many bytes, has no end yet.
    Incomplete(usize),
    /// Something else.
    Nothing,
}

/// Looks for an identification string at the beginning of `data`, or, with `lines_before`, behind other lines of text, which a
/// server may send first.
#[inline]
pub(super) fn find(data: &[u8], lines_before: bool) -> Found<'_> {
    let mut rest = data;
    loop {
        if !lines_before && !rest.starts_with(PREFIX) && !PREFIX.starts_with(rest) {
            return Found::Nothing;
        }
        let end = memchr::memchr(b'\n', &rest[..rest.len().min(MAX_LINE)]);
        let line = &rest[..end.unwrap_or(rest.len())];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() >= MAX_LINE || !is_text(line) {
            return Found::Nothing;
        }
        let Some(end) = end else {
            return Found::Incomplete(rest.len());
        };
        let after = &rest[end + 1..];
        if line.starts_with(PREFIX) {
            return Found::Whole { line, len: data.len() - after.len() };
        }
        if !lines_before {
            return Found::Nothing;
        }
        rest = after;
    }
}

/// Whether there are no control characters but tabs. Other lines may be in any encoding.
fn is_text(line: &[u8]) -> bool {
    line.iter().all(|&byte| byte >= b' ' && byte != 0x7f || byte == b'\t')
}

/// The parts of an identification string, one behind the other.
#[derive(Default, Debug)]
pub(super) struct Identification {
    texts: Box<[u8]>,
    protocol_len: u8,
    software_len: u8,
}

impl Identification {
    /// Of a line that begins with `SSH-`.
    pub(super) fn new(line: &[u8]) -> Identification {
        let mut cursor = Cursor::new(line.get(PREFIX.len()..).unwrap_or(&[]));
        let protocol = up_to(&mut cursor, b'-', MAX_PROTOCOL);
        let software = up_to(&mut cursor, b' ', MAX_SOFTWARE);
        let comments = cursor.rest();
        let comments = &comments[..comments.len().min(MAX_COMMENTS)];
        Identification {
            texts: [protocol, software, comments].concat().into(),
            protocol_len: protocol.len() as u8,
            software_len: software.len() as u8,
        }
    }

    /// The protocol version, `2.0`.
    pub(super) fn protocol(&self) -> &[u8] {
        &self.texts[..self.protocol_len.into()]
    }

    /// The software version, `OpenSSH_9.2p1`.
    pub(super) fn software(&self) -> &[u8] {
        &self.texts[self.protocol_len.into()..][..self.software_len.into()]
    }

    /// What stands behind the software version.
    pub(super) fn comments(&self) -> &[u8] {
        &self.texts[usize::from(self.protocol_len) + usize::from(self.software_len)..]
    }

    /// Whether packets of version 2 follow. A server that also speaks version 1 says 1.99 (RFC 4253 section 5.1).
    pub(super) fn is_version_2(&self) -> bool {
        self.protocol().starts_with(b"2.") || self.protocol() == b"1.99"
    }
}

/// The bytes up to the next `end`, which is skipped, but at most `max` of them.
fn up_to<'a>(cursor: &mut Cursor<'a>, end: u8, max: usize) -> &'a [u8] {
    let rest = { *cursor }.rest();
    let len = memchr::memchr(end, rest).unwrap_or(rest.len());
    let taken = cursor.take(len).unwrap_or(&[]);
    let _ = cursor.u8();
    &taken[..taken.len().min(max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(line: &str) -> [String; 3] {
        let identification = Identification::new(line.as_bytes());
        [identification.protocol(), identification.software(), identification.comments()]
            .map(|part| String::from_utf8_lossy(part).into_owned())
    }

    #[test]
    fn a_line_has_three_parts() {
        assert_eq!(
            parts("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10"),
            ["2.0", "OpenSSH_9.2p1", "Debian-2+deb12u10"]
        );
        assert_eq!(parts("SSH-1.99-Cisco-1.25"), ["1.99", "Cisco-1.25", ""]);
        assert_eq!(parts("SSH-2.0-libssh2_1.4.3 a b"), ["2.0", "libssh2_1.4.3", "a b"]);
        assert_eq!(parts("SSH-"), ["", "", ""]);
        assert_eq!(parts("SSH-2.0"), ["2.0", "", ""]);
        assert_eq!(parts("SSH-2.0- x"), ["2.0", "", "x"]);
    }

    #[test]
    fn long_parts_are_cut() {
        let line = format!("SSH-{}-{} {}", "1".repeat(50), "s".repeat(300), "c".repeat(300));
        assert_eq!(parts(&line), ["1".repeat(15), "s".repeat(127), "c".repeat(127)]);
    }

    #[test]
    fn the_line_is_found_behind_others_only_where_it_is_looked_for() {
        let data = b"Welcome,\r\n\xc3\xa4\ttext\nSSH-2.0-x\r\nrest";
        assert_eq!(find(data, true), Found::Whole { line: b"SSH-2.0-x", len: data.len() - 4 });
        assert_eq!(find(data, false), Found::Nothing);
        assert_eq!(find(&data[18..], false), Found::Whole { line: b"SSH-2.0-x", len: 11 });
    }

    #[test]
    fn a_line_without_end_is_waited_for_as_long_as_it_may_be_one() {
        for len in 0..8 {
            assert_eq!(find(&b"SSH-2.0-"[..len], false), Found::Incomplete(len));
        }
        assert_eq!(find(b"one\r\ntwo", true), Found::Incomplete(3));
        assert_eq!(find(b"one\r\n", true), Found::Incomplete(0));
        let endless = [b"SSH-2.0-".to_vec(), vec![b'x'; MAX_LINE]].concat();
        assert_eq!(find(&endless[..MAX_LINE - 1], false), Found::Incomplete(MAX_LINE - 1));
        assert_eq!(find(&endless, false), Found::Nothing);
        for other in [&b"GET / HTTP/1.1\r\n"[..], b"SSX", b"SSH-2.0-\0x", b"\x16\x03\x01", b"\n"] {
            assert_eq!(find(other, false), Found::Nothing);
        }
        assert_eq!(find(b"\x16\x03\x01", true), Found::Nothing);
    }

    #[test]
    fn version_2_is_that_of_the_protocol() {
        let is_version_2 = |line: &[u8]| Identification::new(line).is_version_2();
        assert!(is_version_2(b"SSH-2.0-x") && is_version_2(b"SSH-1.99-x"));
        assert!(!is_version_2(b"SSH-1.5-2.0") && !is_version_2(b"SSH-20") && !is_version_2(b"SSH-"));
    }
}
