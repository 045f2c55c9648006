//! A DNS message (RFC 1035 section 4) as far as the fields go: the header, the first question, the first answer and
//! the EDNS pseudo record (RFC 6891).

use super::{
    rdata,
    wire::{self, Entry, Record, Section, kind},
};
use crate::clip::{Clip, clipped};

/// The longest name that is kept.
pub(super) const MAX_NAME: usize = 127;

/// The DO bit in the lower half of the EDNS record's TTL.
const DNSSEC_OK: u32 = 0x8000;

/// What the fields show of a message.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Message {
    pub(super) id: u16,
    pub(super) answers: u16,
    pub(super) rcode: u8,
    pub(super) dnssec_ok: bool,
    pub(super) question_type: u16,
    pub(super) question_class: u16,
    pub(super) payload_size: u16,
    pub(super) ttl: u32,
    /// Question name and answer data, one behind the other.
    texts: Box<[u8]>,
    name_len: u8,
}

impl Message {
    /// The name of the first question.
    pub(super) fn name(&self) -> &[u8] {
        &self.texts[..self.name_len.into()]
    }

    /// The text of the first answer's data.
    pub(super) fn data(&self) -> &[u8] {
        &self.texts[self.name_len.into()..]
    }

    /// What the EDNS pseudo record says (RFC 6891 section 6.1.2).
    fn take_edns(&mut self, record: &Record<'_>) {
        self.payload_size = record.class;
        self.dnssec_ok = record.ttl & DNSSEC_OK != 0;
        // The upper eight bits of a twelve-bit code; codes beyond 255 are not assigned.
        let extended = u16::from((record.ttl >> 24) as u8) << 4 | u16::from(self.rcode & 0x0f);
        self.rcode = u8::try_from(extended).unwrap_or(self.rcode);
    }
}

/// Parses a message. One that is cut off in a later part yields what comes before; one with a broken name is none.
pub(super) fn parse(bytes: &[u8]) -> Option<Message> {
    let (header, entries) = wire::read(bytes)?;
    let mut message =
        Message { id: header.id, answers: header.answers, rcode: header.rcode(), ..Message::default() };
    let mut first_question = None;
    let mut first_answer = None;
    for entry in entries {
        match entry.ok()? {
            Entry::Question(question) => {
                let mut name = Clip::<MAX_NAME>::new();
                question.name.read(&mut name)?;
                if first_question.is_none() {
                    (message.question_type, message.question_class) = (question.kind, question.class);
                    first_question = Some(name);
                }
            }
            Entry::Record(record) => match record.section {
                Section::Answer if first_answer.is_none() => {
                    message.ttl = record.ttl;
                    first_answer = Some(match rdata::text(&record) {
                        Ok(text) => text,
                        Err(rdata::Error::Malformed) => Clip::new(),
                        Err(rdata::Error::Name) => return None,
                    });
                }
                Section::Additional if record.kind == kind::OPT => message.take_edns(&record),
                _ => {}
            },
        }
    }
    let name = clipped(first_question.as_ref().map_or(&[], Clip::as_bytes), MAX_NAME);
    let data = first_answer.as_ref().map_or(&[][..], Clip::as_bytes);
    message.name_len = name.len() as u8;
    message.texts = [name, data].concat().into();
    Some(message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::dns::{samples::*, wire::HEADER_LEN};

    #[test]
    fn a_query_shows_its_question_and_edns() {
        let message = parse(&QUERY).unwrap();
        assert_eq!((message.id, message.answers, message.rcode), (18755, 0, 0));
        assert_eq!(
            (message.name(), message.question_type, message.question_class),
            (&b"kernel.org"[..], 1, 1)
        );
        assert_eq!((message.payload_size, message.dnssec_ok, message.data()), (4096, false, &b""[..]));
    }

    #[test]
    fn a_response_shows_its_first_answer() {
        let message = parse(&RESPONSE).unwrap();
        assert_eq!((message.answers, message.ttl, message.data()), (2, 360, &b"199.204.44.194"[..]));
        assert_eq!((message.payload_size, message.dnssec_ok), (512, true));
    }

    #[test]
    fn a_message_cut_off_anywhere_shows_what_comes_before() {
        for len in 0..RESPONSE.len() {
            let message = parse(&RESPONSE[..len]);
            if len < HEADER_LEN {
                assert_eq!(message, None);
            } else if let Some(message) = message {
                assert_eq!((message.id, message.answers), (18755, 2));
                assert_eq!(message.data().is_empty(), len < RESPONSE.len() - 27);
            }
        }
    }

    #[test]
    fn a_question_that_points_to_itself_is_no_message() {
        assert_eq!(parse(b"\0\x01\0\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01"), None);
    }

    #[test]
    fn an_address_of_three_bytes_has_no_text() {
        let message =
            parse(b"\0\x01\x80\0\0\0\0\x01\0\0\0\0\0\0\x01\0\x01\0\0\0\x05\0\x03\x01\x02\x03").unwrap();
        assert_eq!((message.ttl, message.data()), (5, &b""[..]));
    }

    #[test]
    fn an_extended_code_is_merged() {
        let opt = b"\0\0\x29\x10\0\x01\0\x80\0\0\0";
        let message = [&b"\0\x01\x80\x00\0\0\0\0\0\0\0\x01"[..], opt].concat();
        let message = parse(&message).unwrap();
        assert_eq!((message.rcode, message.payload_size, message.dnssec_ok), (16, 4096, true));
    }

    #[test]
    fn names_are_cut_at_127_bytes_and_at_a_nul() {
        let label = [&[60][..], &[b'a'; 60]].concat();
        let head = b"\0\x01\0\0\0\x01\0\0\0\0\0\0";
        let long = [head, &label[..], &label, &label, b"\0\0\x01\0\x01"].concat();
        assert_eq!(parse(&long).unwrap().name().len(), 127);
        assert_eq!(parse(&[head, &b"\x03a\0b\0\0\x01\0\x01"[..]].concat()).unwrap().name(), b"a");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_fail(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_change_of_a_message_makes_the_parser_fail(
            changes in proptest::collection::vec((0..RESPONSE.len(), any::<u8>()), 1..6)
        ) {
            let mut bytes = RESPONSE;
            for (position, byte) in changes {
                bytes[position] = byte;
            }
            let _ = parse(&bytes);
        }
    }
}
