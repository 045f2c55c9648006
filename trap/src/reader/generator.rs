//! An input that makes its messages up.

use std::io::{self, Read};

use crate::buffer::push_message;
use crate::hello::Format;

/// The same message for ever, as from a file without end.
#[derive(Debug)]
pub(super) struct Generator {
    /// The hello, and a buffer with the message.
    bytes: Vec<u8>,
    /// Where the buffer begins.
    buffer: usize,
    position: usize,
}

impl Generator {
    pub(super) fn new(content: &[u8]) -> Generator {
        let mut bytes = Format::Raw.encode();
        let buffer = bytes.len();
        let mut payload = Vec::new();
        push_message(&mut payload, content);
        bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        bytes.extend_from_slice(&payload);
        Generator { bytes, buffer, position: 0 }
    }
}

impl Read for Generator {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.position == self.bytes.len() {
            self.position = self.buffer;
        }
        let rest = &self.bytes[self.position..];
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.position += count;
        Ok(count)
    }
}
