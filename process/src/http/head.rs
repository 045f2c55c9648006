//! Header lines (RFC 9112 section 5).

use smallvec::SmallVec;

use super::slot::{COOKIES_MAX, Slot};
use crate::{
    clip::clipped,
    lines::{field, first_line, number},
    transactions::Side,
};

/// What the lines of a head say.
#[derive(Default)]
pub(super) struct Lines<'a> {
    /// The value of each slot that was mentioned.
    values: [Option<&'a [u8]>; Slot::COUNT],
    /// The names of cookies, if there are any.
    pub(super) cookies: Option<SmallVec<[u8; 64]>>,
    /// The length of the body, as announced; of a longer one than 32 bits can say, as much as they can.
    pub(super) content_length: Option<u32>,
}

/// Where lines end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// At the empty line; the body or the next message begins here.
    Complete(usize),
    /// In the middle of the head. The incomplete line begins here.
    Incomplete(usize),
}

impl<'a> Lines<'a> {
    /// The texts that were mentioned, in the order of [`Slot`].
    pub(super) fn values(&self) -> [Option<&[u8]>; Slot::COUNT] {
        let mut values = self.values;
        if let Some(cookies) = &self.cookies {
            values[Slot::Cookies as usize] = Some(cookies);
        }
        values
    }

    /// Takes in the lines of `data` from `position`, which is the beginning of one.
    pub(super) fn read(&mut self, data: &'a [u8], mut position: usize, side: Side) -> End {
        loop {
            let Some((line, len)) = first_line(&data[position..]) else {
                return End::Incomplete(position);
            };
            position += len;
            if line.is_empty() {
                return End::Complete(position);
            }
            self.line(line, side);
        }
    }

    /// Takes in one line. Lines without a colon say nothing.
    fn line(&mut self, line: &'a [u8], side: Side) {
        let Some((name, value)) = field(line) else { return };
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let slot = match (side, name.len()) {
            (Side::Request, 4) if is("Host") => Slot::Host,
            (Side::Request, 7) if is("Referer") => Slot::Referer,
            (Side::Request, 10) if is("User-Agent") => Slot::Agent,
            (Side::Response, 6) if is("Server") => Slot::Server,
            (Side::Response, 12) if is("Content-Type") => Slot::ContentType,
            (Side::Response, 10) if is("Set-Cookie") => return self.cookie(value),
            (_, 14) if is("Content-Length") => {
                self.content_length = number(value);
                return;
            }
            _ => return,
        };
        self.set(slot, value);
    }

    /// Sets the value of a slot.
    pub(super) fn set(&mut self, slot: Slot, value: &'a [u8]) {
        self.values[slot as usize] = Some(clipped(value, slot.max()));
    }

    /// Adds the name of the cookie in `value` (`name=value; attributes`, RFC 6265). Without a name there is none.
    fn cookie(&mut self, value: &[u8]) {
        let Some(end) = memchr::memchr2(b'=', b';', value) else { return };
        let name = clipped(value[..end].trim_ascii_end(), COOKIES_MAX);
        if value[end] != b'=' || name.is_empty() {
            return;
        }
        let cookies = self.cookies.get_or_insert_default();
        let separator: &[u8] = if cookies.is_empty() { b"" } else { b";" };
        let room = COOKIES_MAX - cookies.len();
        if room > separator.len() {
            cookies.extend_from_slice(separator);
            cookies.extend_from_slice(&name[..name.len().min(room - separator.len())]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &[u8], side: Side) -> (Lines<'_>, End) {
        let mut lines = Lines::default();
        let end = lines.read(head, 0, side);
        (lines, end)
    }

    #[test]
    fn names_are_compared_without_case_and_blanks_around_values_are_left_out() {
        let head = b"host:h\r\nUSER-AGENT: \t x y \r\nno colon\r\nReferer : r\n\r\nbody";
        let (lines, end) = read(head, Side::Request);
        assert_eq!(end, End::Complete(head.len() - 4));
        let value = |slot: Slot| lines.values[slot as usize];
        assert_eq!(
            [value(Slot::Host), value(Slot::Agent), value(Slot::Referer), value(Slot::Server)],
            [Some(&b"h"[..]), Some(b"x y"), Some(b"r"), None]
        );
    }

    #[test]
    fn an_incomplete_line_is_left_for_later() {
        assert_eq!(read(b"Host: a\r\nUser-Agent: b\r", Side::Request).1, End::Incomplete(9));
        assert_eq!(read(b"Host: a\r\n\r", Side::Request).1, End::Incomplete(9));
        assert_eq!(read(b"", Side::Request).1, End::Incomplete(0));
    }

    #[test]
    fn cookie_names_are_joined() {
        let cookies = |head: &[u8]| read(head, Side::Response).0.cookies.map(|c| c.to_vec());
        assert_eq!(
            cookies(b"Set-Cookie: sess=1\r\nSet-Cookie:nospace=2\r\nset-cookie: third=3; path=/\r\n"),
            Some(b"sess;nospace;third".to_vec())
        );
        assert_eq!(cookies(b"Set-Cookie:=x\r\nSet-Cookie: y\r\nSet-Cookie: z; a=b\r\n"), None);
        let long = [
            b"Set-Cookie: ",
            &b"a".repeat(505)[..],
            b"=1\nSet-Cookie: ",
            &b"b".repeat(9),
            b"=\nSet-Cookie: c=\n",
        ];
        assert_eq!(cookies(&long.concat()), Some([&b"a".repeat(505)[..], b";bbbbb"].concat()));
    }

    #[test]
    fn the_length_of_a_body_is_read() {
        assert_eq!(read(b"content-length: 12\r\n", Side::Response).0.content_length, Some(12));
        assert_eq!(read(b"Content-Length: -1\r\n", Side::Response).0.content_length, None);
    }
}
