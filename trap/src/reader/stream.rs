//! A hello and the buffers behind it, from anything that can be read.

use std::io::{self, Read};

use thiserror::Error;

use super::Event;
use crate::buffer::{Framing, MESSAGE_HEADER_LEN, SocketHeader};
use crate::hello::{Format, HEADER_LEN, Header, HelloError};

/// The longest payload of a buffer that is read. Senders make them of 100,000 bytes.
pub const MAX_PAYLOAD: usize = 16 << 20;

/// Why a stream cannot be read on.
#[derive(Debug, Error)]
pub enum StreamError {
    /// The system's error.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The hello is none.
    #[error(transparent)]
    Hello(#[from] HelloError),
    /// It ends in the middle of something.
    #[error("it ends in the middle of {0}")]
    CutOff(&'static str),
    /// A buffer longer than [`MAX_PAYLOAD`].
    #[error("a buffer of {0} bytes")]
    TooLong(usize),
    /// The messages of a buffer do not fill it.
    #[error("messages do not fill their buffer")]
    Misfit,
}

/// What [`StreamReader::advance`] has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// A hello.
    Format,
    /// A message.
    Message,
    /// The end, where one may be.
    End,
    /// Nothing came within the timeout of the source. What has come of a part is kept.
    Nothing,
}

/// What is read at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    Hello,
    Specifier(Header),
    Buffer,
    Payload,
}

/// Reads a stream.
#[derive(Debug)]
pub struct StreamReader<R> {
    source: R,
    framing: Framing,
    part: Part,
    /// The part that is read, or the payload whose messages are handed out.
    bytes: Vec<u8>,
    /// How much of `bytes` has come.
    have: usize,
    format: Format,
    /// Where in the payload the current message's content lies; `start` of the next header.
    message: (usize, usize),
    expected: Option<u64>,
    missed: u64,
}

impl<R: Read> StreamReader<R> {
    /// At the beginning.
    pub fn new(source: R, framing: Framing) -> StreamReader<R> {
        StreamReader {
            source,
            framing,
            part: Part::Hello,
            bytes: vec![0; HEADER_LEN],
            have: 0,
            format: Format::Unknown,
            message: (0, 0),
            expected: None,
            missed: 0,
        }
    }

    /// Goes on to what comes next.
    ///
    /// # Errors
    /// If it cannot be read on.
    pub fn advance(&mut self) -> Result<Next, StreamError> {
        loop {
            if self.part == Part::Payload && self.have == self.bytes.len() {
                if let Some(next) = self.next_message()? {
                    return Ok(next);
                }
                self.begin(Part::Buffer, self.framing.header_len());
            }
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return self.end(),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Ok(Next::Nothing);
                }
                Err(error) => return Err(error.into()),
            }
            if let Some(next) = self.take_part()? {
                return Ok(next);
            }
        }
    }

    /// What [`StreamReader::advance`] has come to last.
    pub fn current(&self) -> Event<'_> {
        match self.part {
            Part::Payload => Event::Message(&self.bytes[self.message.0..self.message.1]),
            _ => Event::Format(&self.format),
        }
    }

    /// Whether the next message has come already, so that going on to it does not wait.
    pub fn has_more(&self) -> bool {
        self.part == Part::Payload && self.have == self.bytes.len() && self.message.1 < self.bytes.len()
    }

    /// Whether anything has come.
    pub fn has_begun(&self) -> bool {
        self.part != Part::Hello || self.have > 0
    }

    /// Messages that were missed, by the numbers in the buffers.
    pub const fn missed(&self) -> u64 {
        self.missed
    }

    fn begin(&mut self, part: Part, len: usize) {
        (self.part, self.have, self.message) = (part, 0, (0, 0));
        self.bytes.clear();
        self.bytes.resize(len, 0);
    }

    /// Reads the rest of the part. Whether it is all there; if not, the stream has ended.
    fn fill(&mut self) -> io::Result<bool> {
        while self.have < self.bytes.len() {
            match self.source.read(&mut self.bytes[self.have..]) {
                Ok(0) => return Ok(false),
                Ok(count) => self.have += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// The stream has ended.
    fn end(&self) -> Result<Next, StreamError> {
        match self.part {
            Part::Hello | Part::Buffer if self.have == 0 => Ok(Next::End),
            Part::Hello | Part::Specifier(_) => Err(StreamError::CutOff("the hello")),
            Part::Buffer | Part::Payload => Err(StreamError::CutOff("a buffer")),
        }
    }

    /// A part is complete: goes on to the next one.
    fn take_part(&mut self) -> Result<Option<Next>, StreamError> {
        match self.part {
            Part::Hello => {
                let header = Header::decode(self.start())?;
                self.begin(Part::Specifier(header), header.specifier_len);
            }
            Part::Specifier(header) => {
                self.format = header.format(&self.bytes)?;
                self.begin(Part::Buffer, self.framing.header_len());
                return Ok(Some(if self.format == Format::Unknown { Next::End } else { Next::Format }));
            }
            Part::Buffer => {
                let len = match self.framing {
                    Framing::Plain => u32::from_be_bytes(self.start()),
                    Framing::Numbered => {
                        let header = SocketHeader::decode(self.start());
                        let gap = self.expected.and_then(|expected| header.sequence.checked_sub(expected));
                        self.missed = self.missed.saturating_add(gap.unwrap_or(0));
                        self.expected = Some(header.sequence.saturating_add(header.messages.into()));
                        header.payload_len
                    }
                } as usize;
                if len > MAX_PAYLOAD {
                    return Err(StreamError::TooLong(len));
                }
                self.begin(Part::Payload, len);
            }
            Part::Payload => {}
        }
        Ok(None)
    }

    /// The first bytes of a part that is complete and longer.
    fn start<const N: usize>(&self) -> [u8; N] {
        self.bytes.first_chunk().copied().unwrap_or([0; N])
    }

    /// The next message of the payload, if there is one.
    fn next_message(&mut self) -> Result<Option<Next>, StreamError> {
        let at = self.message.1;
        if at == self.bytes.len() {
            return Ok(None);
        }
        let Some(&[a, b]) = self.bytes.get(at..at + MESSAGE_HEADER_LEN) else {
            return Err(StreamError::Misfit);
        };
        let start = at + MESSAGE_HEADER_LEN;
        let end = start + usize::from(u16::from_be_bytes([a, b]));
        if end > self.bytes.len() {
            return Err(StreamError::Misfit);
        }
        self.message = (start, end);
        Ok(Some(Next::Message))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::buffer::push_message;

    /// A source that has so many bytes at a time, and a timeout before each.
    struct Slow<'a>(&'a [u8], usize, bool);

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.2 = !self.2;
            if self.2 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let count = self.1.min(out.len()).min(self.0.len());
            out[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn stream(framing: Framing, buffers: &[&[&[u8]]]) -> Vec<u8> {
        let mut bytes = Format::UniRec("uint8 A".into()).encode();
        for (number, contents) in buffers.iter().enumerate() {
            let mut payload = Vec::new();
            assert!(contents.iter().all(|content| push_message(&mut payload, content)));
            let header = SocketHeader {
                payload_len: payload.len() as u32,
                sequence: 10 * number as u64,
                messages: contents.len() as u16,
            };
            match framing {
                Framing::Numbered => bytes.extend(header.encode()),
                Framing::Plain => bytes.extend(header.payload_len.to_be_bytes()),
            }
            bytes.extend(payload);
        }
        bytes
    }

    /// What is read, formats as their text.
    fn read<R: Read>(reader: &mut StreamReader<R>) -> Result<Vec<Vec<u8>>, StreamError> {
        let mut all = Vec::new();
        loop {
            match reader.advance()? {
                Next::End => return Ok(all),
                Next::Nothing => {}
                Next::Format | Next::Message => all.push(match reader.current() {
                    Event::Message(content) => content.to_vec(),
                    event => format!("{event:?}").into_bytes(),
                }),
            }
        }
    }

    #[test]
    fn both_framings_are_read_however_slowly_they_come() {
        for framing in [Framing::Numbered, Framing::Plain] {
            let bytes = stream(framing, &[&[b"a", b"", b"bc"], &[], &[b"d"]]);
            for step in 1..bytes.len() {
                let mut reader = StreamReader::new(Slow(&bytes, step, false), framing);
                let all = read(&mut reader).unwrap();
                assert_eq!(all[0], br#"Format(UniRec("uint8 A"))"#);
                assert_eq!(all[1..], [&b"a"[..], b"", b"bc", b"d"].map(<[u8]>::to_vec));
                // The first buffer has three messages, but the second begins with number 10, the third with 20.
                assert_eq!(reader.missed(), if framing == Framing::Numbered { 7 + 10 } else { 0 });
            }
        }
    }

    #[test]
    fn numbers_that_jump_to_the_end_and_back_do_not_overflow() {
        let mut bytes = Format::Raw.encode();
        for sequence in [0, u64::MAX, 0, u64::MAX] {
            bytes.extend(SocketHeader { payload_len: 0, sequence, messages: 0 }.encode());
        }
        let mut reader = StreamReader::new(&bytes[..], Framing::Numbered);
        assert_eq!(read(&mut reader).unwrap().len(), 1);
        assert_eq!(reader.missed(), u64::MAX);
    }

    #[test]
    fn what_is_cut_off_is_told() {
        let bytes = stream(Framing::Plain, &[&[b"abc"]]);
        for len in 0..bytes.len() {
            let outcome = read(&mut StreamReader::new(&bytes[..len], Framing::Plain));
            match len {
                0 => assert!(outcome.unwrap().is_empty()),
                15 => assert_eq!(outcome.unwrap().len(), 1),
                _ => assert!(matches!(outcome, Err(StreamError::CutOff(_))), "{len}"),
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let hello = stream(Framing::Plain, &[]);
        let read =
            |rest: &[u8]| read(&mut StreamReader::new(&[&hello[..], rest].concat()[..], Framing::Plain));
        assert!(matches!(read(b"\0\0\0\x03\0\x05a"), Err(StreamError::Misfit)));
        assert!(matches!(read(b"\0\0\0\x04\0\x01a\0"), Err(StreamError::Misfit)));
        assert!(matches!(read(b"\xff\0\0\0"), Err(StreamError::TooLong(0xff00_0000))));
        let unknown = StreamReader::new(&[0; 8][..], Framing::Numbered).advance();
        assert_eq!(unknown.unwrap(), Next::End);
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_fail(bytes in proptest::collection::vec(any::<u8>(), 0..80), socket: bool) {
            let framing = if socket { Framing::Numbered } else { Framing::Plain };
            let _ = read(&mut StreamReader::new(&[&b"\x02\0\0\0\0\0\0\x01A"[..], &bytes].concat()[..], framing));
            let _ = read(&mut StreamReader::new(&bytes[..], framing));
        }
    }
}
