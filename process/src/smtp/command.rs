//! Commands (RFC 5321 section 4.1).

/// The bit of a word that is no command.
const UNKNOWN: u32 = 0x8000;

/// The longest word that is looked at.
const MAX_WORD: usize = 31;

/// What a command asks for, as far as it matters here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verb {
    Hello,
    Mail,
    Recipient,
    Data,
    /// RFC 3030: so many bytes follow.
    Chunk,
    /// RFC 3207.
    StartTls,
    Other,
}

/// Commands, with their bits; those of extensions have none.
static VERBS: [(&str, u32, Verb); 16] = [
    ("EHLO", 0x0001, Verb::Hello),
    ("HELO", 0x0002, Verb::Hello),
    ("MAIL", 0x0004, Verb::Mail),
    ("RCPT", 0x0008, Verb::Recipient),
    ("DATA", 0x0010, Verb::Data),
    ("RSET", 0x0020, Verb::Other),
    ("VRFY", 0x0040, Verb::Other),
    ("EXPN", 0x0080, Verb::Other),
    ("HELP", 0x0100, Verb::Other),
    ("NOOP", 0x0200, Verb::Other),
    ("QUIT", 0x0400, Verb::Other),
    ("AUTH", 0, Verb::Other),
    ("BDAT", 0, Verb::Chunk),
    ("ETRN", 0, Verb::Other),
    ("STARTTLS", 0, Verb::StartTls),
    ("XCLIENT", 0, Verb::Other),
];

/// A line of the client's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Command<'a> {
    pub(super) verb: Verb,
    /// Its bit, 0 if it has none.
    pub(super) flag: u32,
    /// What follows the first blank.
    pub(super) argument: &'a [u8],
    /// Whether nothing but a command looks like this: it is a known one, in capitals unless it is the first of a session.
    pub(super) is_evident: bool,
}

impl<'a> Command<'a> {
    /// What follows the colon of MAIL and RCPT.
    pub(super) fn address(&self) -> Option<&'a [u8]> {
        let colon = memchr::memchr(b':', self.argument)?;
        Some(&self.argument[colon + 1..])
    }

    /// How many bytes follow BDAT.
    pub(super) fn chunk_len(&self) -> u32 {
        let digits = self.argument.iter().take_while(|b| b.is_ascii_digit());
        digits.fold(0, |len: u32, digit| len.saturating_mul(10).saturating_add((digit - b'0').into()))
    }
}

/// Reads a line. `None` if it is empty or begins with a word that is too long. A word in capitals may be of an extension: only others
/// are unknown.
pub(super) fn parse(line: &[u8]) -> Option<Command<'_>> {
    let end = memchr::memchr(b' ', line).unwrap_or(line.len());
    let word = &line[..end];
    if word.is_empty() || word.len() > MAX_WORD {
        return None;
    }
    let argument = line.get(end + 1..).unwrap_or_default();
    let in_capitals = word.iter().all(u8::is_ascii_uppercase);
    let known = VERBS.iter().find(|(name, ..)| word.eq_ignore_ascii_case(name.as_bytes()));
    Some(match known {
        Some(&(_, flag, verb)) => {
            Command { verb, flag, argument, is_evident: in_capitals || verb == Verb::Hello }
        }
        None => {
            let flag = if in_capitals { 0 } else { UNKNOWN };
            Command { verb: Verb::Other, flag, argument, is_evident: false }
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn commands_are_known_in_any_case() {
        let flag = |line: &str| parse(line.as_bytes()).map(|command| command.flag);
        assert_eq!(flag("EHLO example.com"), Some(1));
        assert_eq!(flag("helo"), Some(2));
        assert_eq!(flag("Quit "), Some(0x400));
        assert_eq!(flag("starttls"), Some(0));
        assert_eq!(flag("XFOO bar"), Some(0));
        assert_eq!(flag("foo"), Some(UNKNOWN));
        assert_eq!(flag("dXNlcjE="), Some(UNKNOWN));
        assert_eq!([flag(""), flag(" x"), flag(&"x".repeat(32))], [None; 3]);
    }

    #[test]
    fn addresses_are_as_they_are_written() {
        let address = |line: &'static str| parse(line.as_bytes()).unwrap().address();
        assert_eq!(address("MAIL FROM:<a@b.c> SIZE=10"), Some(&b"<a@b.c> SIZE=10"[..]));
        assert_eq!(address("RCPT TO: <x@y>"), Some(&b" <x@y>"[..]));
        assert_eq!(address("MAIL FROM"), None);
    }

    #[test]
    fn the_length_of_a_chunk_is_read() {
        let len = |line: &str| parse(line.as_bytes()).unwrap().chunk_len();
        assert_eq!([len("BDAT 86 LAST"), len("BDAT 99999999999"), len("BDAT")], [86, u32::MAX, 0]);
    }
}
