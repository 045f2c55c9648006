//! zstd files ([RFC 8878](https://www.rfc-editor.org/rfc/rfc8878)), frame by frame; the decoder itself knows only one.

use std::fmt;
use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The last block of a frame, empty, and a checksum, of which the decoder only wants that it is there.
const END_OF_FRAME: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

/// The unpacked bytes of all frames of a file.
pub(super) struct Frames<R> {
    reader: R,
    frame: FrameDecoder,
    next: Next,
    /// To be told when the bytes before it have been read.
    damage: Option<io::Error>,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A frame or the end.
    Frame,
    Blocks,
    End,
}

impl<R: BufRead> Frames<R> {
    pub(super) fn new(reader: R) -> Frames<R> {
        Frames { reader, frame: FrameDecoder::new(), next: Next::Frame, damage: None }
    }

    /// Takes one step; the answer is how many bytes were unpacked into `into`.
    fn step(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.next {
            Next::Frame => self.next = if self.begin_frame()? { Next::Blocks } else { Next::End },
            Next::Blocks => {
                self.decode_blocks();
                let len = self.frame.read(into)?;
                if len > 0 {
                    return Ok(len);
                }
                if let Some(damage) = self.damage.take() {
                    return Err(damage);
                }
                let told = self.frame.get_checksum_from_data();
                if told.is_some() && told != self.frame.get_calculated_checksum() {
                    return Err(damaged(&"wrong checksum"));
                }
                self.next = Next::Frame;
            }
            Next::End => {}
        }
        Ok(0)
    }

    /// Begins the next frame; `false` if there is none.
    fn begin_frame(&mut self) -> io::Result<bool> {
        while !self.reader.fill_buf()?.is_empty() {
            match self.frame.reset(&mut self.reader) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let skipped = io::copy(&mut (&mut self.reader).take(length.into()), &mut io::sink())?;
                    if skipped < length.into() {
                        return Err(damaged(&"skippable frame cut off"));
                    }
                }
                Err(error) => return Err(damaged(&error)),
            }
        }
        Ok(false)
    }

    /// Decodes blocks until there is something to read, or the frame is over.
    fn decode_blocks(&mut self) {
        while self.frame.can_collect() == 0 && !self.frame.is_finished() && self.damage.is_none() {
            let one = BlockDecodingStrategy::UptoBlocks(1);
            if let Err(error) = self.frame.decode_blocks(&mut self.reader, one) {
                self.damage = Some(damaged(&error));
                self.end_frame();
            }
        }
    }

    /// Makes the decoder hand out all that it has: as long as a frame is not over, it keeps a window back, often megabytes.
    fn end_frame(&mut self) {
        let one = BlockDecodingStrategy::UptoBlocks(1);
        // If it fails, there is less to read before the damage, which is told in any case.
        let _ = self.frame.decode_blocks(&END_OF_FRAME[..], one);
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            match self.step(into) {
                Ok(0) if self.next != Next::End => {}
                Ok(len) => return Ok(len),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.next = Next::End;
                    return Err(error);
                }
            }
        }
    }
}

fn damaged(error: &dyn fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("zstd: {error}"))
}
