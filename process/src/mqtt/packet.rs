//! Control packets (MQTT 3.1.1 and 5.0, sections 2 and 3).

use crate::cursor::Cursor;

/// Types of control packets.
pub(super) mod kind {
    pub(crate) const CONNECT: u8 = 1;
    pub(crate) const CONNACK: u8 = 2;
    pub(crate) const PUBLISH: u8 = 3;
    pub(crate) const DISCONNECT: u8 = 14;
}

/// The fixed header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    /// The type, 1 to 15.
    pub(super) kind: u8,
    /// The other half of the first byte.
    pub(super) flags: u8,
    /// How many bytes follow the header.
    pub(super) remaining: u32,
    /// The header's own length.
    pub(super) len: usize,
}

impl Header {
    /// The part of the packet behind the header that is in `bytes`, which begin with the header.
    pub(super) fn body<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let body = &bytes[self.len..];
        &body[..body.len().min(self.remaining as usize)]
    }
}

/// What the beginning of some bytes is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Recognised {
    /// A packet with this header.
    Whole(Header),
    /// It may become one when more bytes come.
    Incomplete,
    /// None.
    Nothing,
}

/// The longest "remaining length": four bytes with seven bits each, the lowest first.
const MAX_LENGTH_LEN: usize = 4;

/// Reads a fixed header.
pub(super) fn header(bytes: &[u8]) -> Recognised {
    let Some((&first, rest)) = bytes.split_first() else {
        return Recognised::Incomplete;
    };
    let (kind, flags) = (first >> 4, first & 15);
    if kind == 0 {
        return Recognised::Nothing;
    }
    let mut remaining = 0;
    for (index, &byte) in rest.iter().take(MAX_LENGTH_LEN).enumerate() {
        remaining |= u32::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Recognised::Whole(Header { kind, flags, remaining, len: index + 2 });
        }
    }
    if rest.len() < MAX_LENGTH_LEN { Recognised::Incomplete } else { Recognised::Nothing }
}

/// What CONNECT says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Connect {
    pub(super) level: u8,
    pub(super) flags: u8,
    pub(super) keep_alive_s: u16,
}

/// Protocol names behind their lengths: that of 3.1.1 and 5.0, that of 3.1.
const NAMES: [&[u8]; 2] = [b"\x00\x04MQTT", b"\x00\x06MQIsdp"];

/// Set in the level by servers that connect to another one as its bridge.
const BRIDGE: u8 = 0x80;

/// The body of CONNECT, or its beginning.
pub(super) fn connect(body: &[u8]) -> Option<Connect> {
    let name = NAMES.into_iter().find(|name| body.starts_with(name))?;
    let mut cursor = Cursor::at(body, name.len())?;
    let level = cursor.u8()? & !BRIDGE;
    let is_known = if name == NAMES[0] { matches!(level, 4 | 5) } else { level == 3 };
    let (flags, keep_alive_s) = (cursor.u8()?, cursor.u16()?);
    is_known.then_some(Connect { level, flags, keep_alive_s })
}

/// Whether a session was present, and the return code of CONNACK.
pub(super) fn connack(body: &[u8]) -> Option<(bool, u8)> {
    let mut cursor = Cursor::new(body);
    Some((cursor.u8()? & 1 != 0, cursor.u8()?))
}

/// The length of the topic of PUBLISH.
pub(super) fn topic_len(body: &[u8]) -> Option<usize> {
    Cursor::new(body).u16().map(usize::from)
}

/// The topic of PUBLISH.
pub(super) fn topic(body: &[u8]) -> Option<&[u8]> {
    Cursor::at(body, 2)?.take(topic_len(body)?)
}

/// Whether this is the name of a topic. With wildcards it would be a filter, and without anything it stands for one that was named
/// before (MQTT 5.0 section 3.3.2.1).
pub(super) fn is_topic_name(topic: &[u8]) -> bool {
    !topic.is_empty() && !topic.iter().any(|byte| matches!(byte, b'#' | b'+' | 0))
}

/// Recognises CONNECT, which every connection begins with.
#[inline]
pub(super) fn recognise(data: &[u8]) -> Recognised {
    if data.first() != Some(&(kind::CONNECT << 4)) {
        return Recognised::Nothing;
    }
    let Recognised::Whole(header) = header(data) else {
        return header(data);
    };
    let body = header.body(data);
    let goes_on = body.len() < header.remaining as usize;
    match connect(body) {
        Some(_) => Recognised::Whole(header),
        None if goes_on && NAMES.iter().any(|name| may_become(body, name)) => Recognised::Incomplete,
        None => Recognised::Nothing,
    }
}

/// Whether the beginning of a CONNECT body may become one with this name.
fn may_become(body: &[u8], name: &[u8]) -> bool {
    let rest_of_header = 4; // level, flags, keep alive
    name.starts_with(body) || (body.starts_with(name) && body.len() < name.len() + rest_of_header)
}

/// Whether the bytes are a number of whole packets.
pub(super) fn fill(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        match header(rest) {
            Recognised::Whole(header) if header.body(rest).len() == header.remaining as usize => {
                rest = &rest[header.len + header.remaining as usize..];
            }
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_remaining_length_has_up_to_four_bytes_the_lowest_first() {
        let remaining = |bytes: &[u8]| match header(bytes) {
            Recognised::Whole(header) => Some((header.remaining, header.len)),
            _ => None,
        };
        // The limits of MQTT 3.1.1, table 2.4.
        assert_eq!(remaining(&[0x30, 0]), Some((0, 2)));
        assert_eq!(remaining(&[0x30, 0x7f]), Some((127, 2)));
        assert_eq!(remaining(&[0x30, 0x80, 1]), Some((128, 3)));
        assert_eq!(remaining(&[0x30, 0xff, 0x7f]), Some((16_383, 3)));
        assert_eq!(remaining(&[0x30, 0x80, 0x80, 1]), Some((16_384, 4)));
        assert_eq!(remaining(&[0x30, 0xff, 0xff, 0xff, 0x7f]), Some((268_435_455, 5)));
        assert_eq!(header(&[0x30, 0xff, 0xff, 0xff, 0x80]), Recognised::Nothing);
        assert_eq!(header(&[0x30, 0xff, 0xff, 0xff]), Recognised::Incomplete);
        assert_eq!(header(&[0x0f, 0]), Recognised::Nothing, "type 0 is reserved");
    }

    #[test]
    fn connect_is_recognised_in_all_versions_and_from_its_beginning_on() {
        for (connect, level) in [
            (&b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03abc"[..], 4),
            (b"\x10\x10\x00\x04MQTT\x05\xc2\x00\x3c\x00\x00\x03abc", 5),
            (b"\x10\x0f\x00\x04MQTT\x84\x02\x00\x3c\x00\x03abc", 4),
            (b"\x10\x8c\x01\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x03abc", 3),
        ] {
            let Recognised::Whole(header) = recognise(connect) else { panic!("{connect:?}") };
            let body = super::connect(header.body(connect));
            assert_eq!(body.map(|c| (c.level, c.keep_alive_s)), Some((level, 60)));
            let enough = connect.len() - if level == 5 { 6 } else { 5 };
            for len in 1..enough {
                assert_eq!(recognise(&connect[..len]), Recognised::Incomplete, "{:?}", &connect[..len]);
            }
            assert_eq!(recognise(&connect[..enough]), Recognised::Whole(header));
        }
    }

    #[test]
    fn other_bytes_are_not() {
        for bytes in [
            &b""[..],
            b"\x11\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03abc",
            b"\x10\x0f\x00\x04MQTX\x04\x02\x00\x3c\x00\x03abc",
            b"\x10\x0f\x00\x04MQTT\x06\x02\x00\x3c\x00\x03abc",
            b"\x10\x08\x00\x04MQTT\x04\x02",
            b"\x10\x0f\x00\x05",
            b"\x20\x02\x00\x00",
            b"GET / HTTP/1.1",
        ] {
            assert_eq!(recognise(bytes), Recognised::Nothing, "{bytes:?}");
        }
    }

    #[test]
    fn topics_lie_within_their_packet() {
        assert_eq!(topic(b"\x00\x03a/bpayload"), Some(&b"a/b"[..]));
        assert_eq!(topic(b"\x00\x03a/b"), Some(&b"a/b"[..]));
        assert_eq!(topic(b"\x00\x03a/"), None);
        assert_eq!(
            [is_topic_name(b"a/b"), is_topic_name(b"a/#"), is_topic_name(b"a/+/b"), is_topic_name(b"")],
            [true, false, false, false]
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let connect = [&[0x10][..], &bytes].concat();
            recognise(&connect);
            fill(&bytes);
            super::connect(&bytes);
            topic(&bytes);
        }
    }
}
