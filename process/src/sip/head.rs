//! Header fields (RFC 3261 section 7.3).

use super::value;
use crate::{
    clip::{Clip, clipped},
    lines::{field, number},
};

/// The texts of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Text {
    CSeq,
    CallingParty,
    CalledParty,
    CallId,
    UserAgent,
    RequestUri,
    Via,
}

impl Text {
    pub(super) const COUNT: usize = 7;
    /// The longest of each.
    pub(super) const MAX: usize = 127;
}

/// What the lines of a head say.
#[derive(Default)]
pub(super) struct Lines {
    values: [Option<Clip<{ Text::MAX }>>; Text::COUNT],
    /// The length of the body, as announced.
    pub(super) content_length: u32,
}

/// Where lines end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// At the empty line; the body begins here.
    Complete(usize),
    /// In the middle of the head. The incomplete line begins here.
    Incomplete(usize),
}

impl Lines {
    /// The values that were mentioned, in the order of [`Text`].
    pub(super) fn values(&self) -> [Option<&[u8]>; Text::COUNT] {
        self.values.each_ref().map(|value| value.as_ref().map(Clip::as_bytes))
    }

    /// These lines follow others, which said this of Via.
    pub(super) fn go_on(&mut self, via: &[u8]) {
        if !via.is_empty() {
            self.set(Text::Via, via);
        }
    }

    /// Takes in the lines of `data` from `position`, which is the beginning of one. If these are the `last` bytes, a line may lack its
    /// end.
    pub(super) fn read(&mut self, data: &[u8], mut position: usize, last: bool) -> End {
        while let Some((line, len)) = logical_line(&data[position..], last) {
            position += len;
            if line.is_empty() {
                return End::Complete(position);
            }
            self.line(line);
        }
        End::Incomplete(position)
    }

    /// Takes in one line. Lines without a colon say nothing.
    fn line(&mut self, line: &[u8]) {
        let Some((name, value)) = field(line) else { return };
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        // The names, and their compact forms (section 7.3.3).
        match name.len() {
            1 if is("f") => self.set(Text::CallingParty, value::uri(value)),
            1 if is("t") => self.set(Text::CalledParty, value::uri(value)),
            1 if is("i") => self.set(Text::CallId, value::call_id(value)),
            1 if is("v") => self.add_via(value),
            1 if is("l") => self.content_length = number(value).unwrap_or(0),
            2 if is("To") => self.set(Text::CalledParty, value::uri(value)),
            3 if is("Via") => self.add_via(value),
            4 if is("From") => self.set(Text::CallingParty, value::uri(value)),
            4 if is("CSeq") => self.set(Text::CSeq, value::without_parameters(value)),
            7 if is("Call-ID") => self.set(Text::CallId, value::call_id(value)),
            10 if is("User-Agent") => self.set(Text::UserAgent, value::without_parameters(value)),
            14 if is("Content-Length") => self.content_length = number(value).unwrap_or(0),
            _ => {}
        }
    }

    /// Sets a text.
    pub(super) fn set(&mut self, text: Text, value: &[u8]) {
        let mut clip = Clip::new();
        push_unfolded(&mut clip, value);
        self.values[text as usize] = Some(clip);
    }

    /// Adds the hops of a Via field.
    fn add_via(&mut self, value: &[u8]) {
        let via = self.values[Text::Via as usize].get_or_insert_with(Clip::new);
        for hop in value::list(value) {
            if !via.as_bytes().is_empty() {
                via.push(b";");
            }
            push_unfolded(via, value::without_parameters(hop));
        }
    }
}

/// Appends a value, up to a NUL, with a blank for each place where its line was folded.
fn push_unfolded(clip: &mut Clip<{ Text::MAX }>, value: &[u8]) {
    let mut separator: &[u8] = b"";
    for piece in clipped(value, value.len()).split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii) {
        if !piece.is_empty() {
            clip.push(separator);
            clip.push(piece);
            separator = b" ";
        }
    }
}

/// The first line of `bytes` with the lines that continue it, because they begin with white space, and its length. `None` if more bytes
/// are needed to see its end.
fn logical_line(bytes: &[u8], last: bool) -> Option<(&[u8], usize)> {
    let mut position = 0;
    loop {
        let Some(len) = memchr::memchr(b'\n', &bytes[position..]) else {
            return (last && !bytes.is_empty()).then_some((bytes, bytes.len()));
        };
        let line = &bytes[..position + len];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        position += len + 1;
        match bytes.get(position) {
            _ if line.is_empty() => return Some((line, position)),
            Some(b' ' | b'\t') => {}
            None if !last => return None,
            _ => return Some((line, position)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &[u8], last: bool) -> ([String; Text::COUNT], End) {
        let mut lines = Lines::default();
        let end = lines.read(head, 0, last);
        (lines.values().map(|value| String::from_utf8_lossy(value.unwrap_or_default()).into_owned()), end)
    }

    #[test]
    fn fields_have_full_and_compact_names_in_any_case_and_may_be_folded() {
        let head = b"v: SIP/2.0/UDP a;branch=1 , SIP/2.0/TCP b\r\nVIA :  SIP  / 2.0\r\n /UDP\r\n\t c ;x\r\nf: <sip:1@a>;tag=1\r\n\
                     TO: tel:2\r\ncall-info: <http://x>\r\nI: id@a\r\nuser-agent:\r\n X/1.0 (foo)\r\ncSEQ: 7 INVITE\r\n\r\nbody";
        let (values, end) = read(head, false);
        assert_eq!(
            values,
            [
                "7 INVITE",
                "sip:1@a",
                "tel:2",
                "id@a",
                "X/1.0 (foo)",
                "",
                "SIP/2.0/UDP a;SIP/2.0/TCP b;SIP  / 2.0 /UDP c"
            ]
        );
        assert_eq!(end, End::Complete(head.len() - 4));
    }

    #[test]
    fn a_line_ends_where_the_next_one_is_seen_to_be_another() {
        assert_eq!(read(b"f: a:b\r\n", false).1, End::Incomplete(0));
        assert_eq!(read(b"f: a:b\r\nt", false).1, End::Incomplete(8));
        assert_eq!(read(b"f: a:b\r\n\r\n", false).1, End::Complete(10));
        let (values, end) = read(b"f: a:b\r\nt: c:d", true);
        assert_eq!((&*values[1], &*values[2], end), ("a:b", "c:d", End::Incomplete(14)));
    }

    #[test]
    fn empty_values_are_empty_and_the_list_of_via_is_bounded() {
        let head =
            [&b"User-Agent:\r\n"[..], &b"Via: SIP/2.0/UDP 192.0.2.1:5060\r\n".repeat(7), b"\r\n"].concat();
        let (values, _) = read(&head, false);
        assert_eq!((&*values[Text::UserAgent as usize], values[Text::Via as usize].len()), ("", Text::MAX));
    }
}
