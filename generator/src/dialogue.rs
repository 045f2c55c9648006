//! A TCP conversation with its sequence numbers kept.

use crate::{
    frame,
    headers::{DATA_OPTIONS, SYN_OPTIONS, Tcp, flags},
    path::Path,
};

/// A segment of a conversation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// From the client.
    pub forward: bool,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// TCP flags.
    pub flags: u8,
    /// What it carries.
    pub payload: Vec<u8>,
}

impl Segment {
    /// Replaces `out` by the frame of this segment; `path` is the client's.
    pub fn frame(&self, path: &Path, out: &mut Vec<u8>) {
        let segment = Tcp {
            sequence: self.sequence,
            acknowledgement: self.acknowledgement,
            flags: self.flags,
            window: 64_240,
            options: if self.flags & flags::SYN != 0 { &SYN_OPTIONS } else { &DATA_OPTIONS },
        };
        frame::tcp(out, &path.directed(self.forward), self.sequence as u16, &segment, &self.payload);
    }
}

/// Makes the segments of a conversation, one after the other.
#[derive(Debug)]
pub struct Dialogue {
    /// What client and server send next.
    next: [u32; 2],
    segments: Vec<Segment>,
}

impl Dialogue {
    /// A conversation with these initial sequence numbers.
    pub fn new(client: u32, server: u32) -> Dialogue {
        Dialogue { next: [client, server], segments: Vec::new() }
    }

    /// The three segments of the handshake.
    #[must_use]
    pub fn handshake(self) -> Dialogue {
        self.segment(true, flags::SYN, &[]).segment(false, flags::SYN | flags::ACK, &[]).segment(
            true,
            flags::ACK,
            &[],
        )
    }

    /// A segment in full control of its flags.
    #[must_use]
    pub fn segment(mut self, forward: bool, bits: u8, payload: &[u8]) -> Dialogue {
        let (mine, theirs) = (usize::from(!forward), usize::from(forward));
        let acknowledgement = if bits & flags::ACK != 0 { self.next[theirs] } else { 0 };
        self.segments.push(Segment {
            forward,
            sequence: self.next[mine],
            acknowledgement,
            flags: bits,
            payload: payload.to_vec(),
        });
        let phantom = u32::from(bits & flags::SYN != 0) + u32::from(bits & flags::FIN != 0);
        self.next[mine] = self.next[mine].wrapping_add(payload.len() as u32 + phantom);
        self
    }

    /// A message from the client in one segment.
    #[must_use]
    pub fn says(self, message: &[u8]) -> Dialogue {
        self.segment(true, flags::PSH | flags::ACK, message)
    }

    /// A message from the server in one segment.
    #[must_use]
    pub fn answers(self, message: &[u8]) -> Dialogue {
        self.segment(false, flags::PSH | flags::ACK, message)
    }

    /// A message cut at these offsets into several segments.
    #[must_use]
    pub fn pieces(mut self, forward: bool, message: &[u8], cuts: &[usize]) -> Dialogue {
        let mut start = 0;
        for &end in cuts.iter().chain([&message.len()]) {
            self = self.segment(forward, flags::PSH | flags::ACK, &message[start..end]);
            start = end;
        }
        self
    }

    /// Both sides close.
    #[must_use]
    pub fn close(self) -> Dialogue {
        self.segment(true, flags::FIN | flags::ACK, &[]).segment(false, flags::FIN | flags::ACK, &[]).segment(
            true,
            flags::ACK,
            &[],
        )
    }

    /// The segments in the order in which they were sent.
    pub fn segments(self) -> Vec<Segment> {
        self.segments
    }
}
