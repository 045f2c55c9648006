//! Messages, and the buffers in which they travel.
//!
//! A message is two bytes of length, big-endian, and as many bytes of content. Messages lie back to back in a buffer; over sockets a
//! buffer has a header of 14 bytes, in files one of four.

/// Bytes of a message before its content.
pub const MESSAGE_HEADER_LEN: usize = 2;

/// Bytes of a buffer's header over sockets: length of what follows (32 bits, big-endian), number of the first message (64 bits,
/// little-endian), count of messages (16 bits, little-endian).
pub const SOCKET_HEADER_LEN: usize = 14;

/// Bytes of a buffer's header in files: length of what follows (32 bits, big-endian).
pub const FILE_HEADER_LEN: usize = 4;

/// The greatest size of a buffer over sockets, header included: receivers have no room for more.
pub const MAX_BUFFER: usize = 100_000;

/// The longest content of a message.
pub const MAX_MESSAGE: usize = 65_535;

/// The content of the message that says that no more will come.
pub const END_OF_STREAM: &[u8] = &[0];

/// What a buffer has before its messages.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Framing {
    /// [`SocketHeader`]: sockets of libtrap 1.17 and later.
    #[default]
    Numbered,
    /// The length of what follows, 32 bits, big-endian: files, and sockets of libtrap 1.16 and before.
    Plain,
}

impl Framing {
    /// Bytes of the header.
    pub const fn header_len(self) -> usize {
        match self {
            Framing::Numbered => SOCKET_HEADER_LEN,
            Framing::Plain => FILE_HEADER_LEN,
        }
    }
}

/// The header of a buffer over sockets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SocketHeader {
    /// Bytes of all messages.
    pub payload_len: u32,
    /// How many messages the sender took before the first of these.
    pub sequence: u64,
    /// How many messages follow.
    pub messages: u16,
}

impl SocketHeader {
    /// Its bytes.
    pub fn encode(&self) -> [u8; SOCKET_HEADER_LEN] {
        let mut bytes = [0; SOCKET_HEADER_LEN];
        bytes[..4].copy_from_slice(&self.payload_len.to_be_bytes());
        bytes[4..12].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[12..].copy_from_slice(&self.messages.to_le_bytes());
        bytes
    }

    /// Reads it.
    pub fn decode(bytes: [u8; SOCKET_HEADER_LEN]) -> SocketHeader {
        let [a, b, c, d, sequence @ .., x, y] = bytes;
        SocketHeader {
            payload_len: u32::from_be_bytes([a, b, c, d]),
            sequence: u64::from_le_bytes(sequence),
            messages: u16::from_le_bytes([x, y]),
        }
    }
}

/// Appends a message to a payload. One longer than [`MAX_MESSAGE`] is not taken.
#[inline]
pub fn push_message(payload: &mut Vec<u8>, content: &[u8]) -> bool {
    let Ok(len) = u16::try_from(content.len()) else { return false };
    payload.extend_from_slice(&len.to_be_bytes());
    payload.extend_from_slice(content);
    true
}

/// The contents of the messages in a payload. What is cut off at the end is left out; [`Messages::is_whole`] tells.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Messages<'a> {
    /// Of this payload.
    pub const fn new(payload: &'a [u8]) -> Messages<'a> {
        Messages { rest: payload }
    }

    /// Once there are no more: whether nothing was cut off.
    pub const fn is_whole(&self) -> bool {
        self.rest.is_empty()
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.rest.split_first_chunk()?;
        let (content, rest) = rest.split_at_checked(u16::from_be_bytes(*len).into())?;
        self.rest = rest;
        Some(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_has_the_bytes_of_the_reference() {
        let mut payload = Vec::new();
        assert!(push_message(&mut payload, b"\xe8\x03\0\0\x35\0\0\0\x03\0\x03\0\x04\0abc\x10\0\x20\0"));
        assert!(push_message(
            &mut payload,
            b"\xe9\x03\0\0\x36\0\0\0\x07\0\x07\0\x06\0example\x10\0\x20\0\x30\0"
        ));
        let header = SocketHeader { payload_len: payload.len() as u32, sequence: 0, messages: 2 };
        assert_eq!(header.encode(), *b"\0\0\0\x34\0\0\0\0\0\0\0\0\x02\0");
        assert_eq!(payload[..8], *b"\0\x15\xe8\x03\0\0\x35\0");
        assert_eq!(payload[23..27], *b"\0\x1b\xe9\x03");
        let end = SocketHeader { payload_len: 3, sequence: 8, messages: 1 };
        assert_eq!(end.encode(), *b"\0\0\0\x03\x08\0\0\0\0\0\0\0\x01\0");
        assert_eq!(SocketHeader::decode(end.encode()), end);
    }

    #[test]
    fn messages_come_out_as_they_went_in() {
        let mut payload = Vec::new();
        let contents: [&[u8]; 4] = [b"a", b"", END_OF_STREAM, &[7; MAX_MESSAGE]];
        assert!(contents.iter().all(|content| push_message(&mut payload, content)));
        assert!(!push_message(&mut payload, &[7; MAX_MESSAGE + 1]));
        let mut messages = Messages::new(&payload);
        assert!(messages.by_ref().eq(contents));
        assert!(messages.is_whole());
        let mut cut = Messages::new(&payload[..4]);
        assert_eq!((cut.next(), cut.next(), cut.is_whole()), (Some(&b"a"[..]), None, false));
    }
}
