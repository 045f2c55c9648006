//! Replies (RFC 5321 section 4.2).

/// The bit of a code without one of its own.
const UNKNOWN: u32 = 0x8000_0000;
/// The bit of a reply that speaks of spam.
pub(super) const SPAM: u32 = 0x4000_0000;

/// Codes with a bit: the first has bit 0, and so on.
static CODES: [u16; 24] = [
    211, 214, 220, 221, 250, 251, 252, 354, 421, 450, 451, 452, 455, 500, 501, 502, 503, 504, 550, 551, 552,
    553, 554, 555,
];

/// The bit of a code.
pub(super) fn flag(code: u16) -> u32 {
    CODES.iter().position(|&known| known == code).map_or(UNKNOWN, |bit| 1 << bit)
}

/// A line of a reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Line {
    /// 200 to 599.
    pub(super) code: u16,
    /// Whether no line of the reply follows.
    pub(super) is_last: bool,
    pub(super) speaks_of_spam: bool,
}

/// Reads a line of the server's. `None` if it is none of a reply.
pub(super) fn parse(line: &[u8]) -> Option<Line> {
    let (code, text) = line.split_first_chunk::<3>()?;
    let [b'2'..=b'5', ..] = code else { return None };
    if !code.iter().all(u8::is_ascii_digit) || !matches!(text, [] | [b' ' | b'-', ..]) {
        return None;
    }
    Some(Line {
        code: code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0')),
        is_last: text.first() != Some(&b'-'),
        speaks_of_spam: text.windows(4).any(|word| word.eq_ignore_ascii_case(b"spam")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_replies_are_read() {
        let line = |code, is_last, speaks_of_spam| Some(Line { code, is_last, speaks_of_spam });
        assert_eq!(parse(b"220 mx.example.com ESMTP"), line(220, true, false));
        assert_eq!(parse(b"250-PIPELINING"), line(250, false, false));
        assert_eq!(parse(b"354"), line(354, true, false));
        assert_eq!(parse(b"554 5.7.1 SsPaM"), line(554, true, true));
        for other in [&b""[..], b"25", b"2500", b"199 x", b"600 x", b"2x0 x", b"250_x", b"hello"] {
            assert_eq!(parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn codes_have_bits() {
        assert_eq!([flag(211), flag(220), flag(354), flag(555)], [0x1, 0x4, 0x80, 0x80_0000]);
        assert_eq!([flag(235), flag(334)], [UNKNOWN; 2]);
    }
}
