//! From datagrams to the ClientHello.

use weir_flow::Direction;

use super::{
    State,
    assembly::{self, Assembly},
    blocks::{Blocks, Stored},
    connection::Connection,
    frames::crypto_frames,
    header::{self, Kind, LongPacket, Protected},
    hello::{self, Kept},
    initial::{Keys, Opener},
    kinds::Seen,
};
use crate::{
    cursor::Cursor,
    tls::hello::{ClientHello, MessageHeader, message::CLIENT_HELLO},
};

/// How far the ClientHello of a record has come.
#[derive(Default)]
pub(super) enum Hello {
    /// Nothing of it has come.
    #[default]
    Awaited,
    /// A part has come: it is stored, behind an [`Opening`].
    Begun(Stored),
    /// All of it has come; what is kept of it, unless the pool is full.
    Read(Option<Stored>),
    /// It cannot be read.
    Lost,
}

impl Hello {
    pub(super) fn is_read(&self) -> bool {
        matches!(self, Hello::Read(_))
    }
}

/// The most Initials of a record that are decrypted. A ClientHello of the greatest length takes 15.
const MAX_DECRYPTED: u8 = 32;

/// The most Initials of a datagram that are decrypted.
const MAX_DECRYPTED_OF_DATAGRAM: usize = 4;

/// How the Initials of a ClientHello are opened that has not come whole. It is stored in front of the parts that have come.
struct Opening {
    version: u32,
    keys: Keys,
}

impl Opening {
    fn write(&self, out: &mut Vec<u8>) {
        let Keys { header, key, iv } = &self.keys;
        out.extend_from_slice(&self.version.to_be_bytes());
        for part in [&header[..], key, iv] {
            out.extend_from_slice(part);
        }
    }

    fn read(cursor: &mut Cursor<'_>) -> Option<Opening> {
        let version = cursor.u32()?;
        let header = cursor.take(16)?.try_into().ok()?;
        let key = cursor.take(16)?.try_into().ok()?;
        let iv = cursor.take(12)?.try_into().ok()?;
        Some(Opening { version, keys: Keys { header, key, iv } })
    }
}

/// Whose an Initial is that was opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The first of this connection's client, or of its attempt after a Retry or with another version.
    First,
    /// A further one.
    Further,
    /// The client's of another connection between the same ports.
    Other,
}

/// Reads ClientHellos, and keeps what they say.
pub(super) struct Reader {
    opener: Opener,
    assembly: Assembly,
    blocks: Blocks,
    /// What is about to be stored.
    scratch: Vec<u8>,
}

impl Reader {
    /// A reader that keeps at most `bytes` bytes for all records.
    pub(super) fn new(bytes: usize) -> Reader {
        Reader {
            opener: Opener::new(),
            assembly: Assembly::default(),
            blocks: Blocks::new(bytes),
            scratch: Vec::new(),
        }
    }

    /// Takes in a datagram.
    pub(super) fn take(&mut self, datagram: &[u8], sender: Direction, state: &mut State) -> Seen {
        let mut seen = Seen::default();
        let mut decrypted = 0;
        let mut receiver = None;
        for packet in header::packets(datagram) {
            if seen.all == 0 {
                seen.first = packet.kind.bit();
            }
            seen.all |= packet.kind.bit();
            state.connection.take(&packet, sender);
            // All packets of a datagram have the same destination (RFC 9000 section 12.2).
            let is_regular = *receiver.get_or_insert(packet.destination) == packet.destination;
            if packet.kind == Kind::Initial && is_regular && decrypted < MAX_DECRYPTED_OF_DATAGRAM {
                decrypted += 1;
                seen.begins_hello |= match &packet.protected {
                    Some(protected) => self.take_initial(&packet, protected, sender, state),
                    None => {
                        state.connection.take_cut_initial(&packet, sender);
                        false
                    }
                };
            }
        }
        seen
    }

    /// Takes in an Initial. Whether a ClientHello begins in it.
    fn take_initial(
        &mut self,
        packet: &LongPacket<'_>,
        protected: &Protected<'_>,
        sender: Direction,
        state: &mut State,
    ) -> bool {
        let State { connection, hello, decrypted, .. } = state;
        let is_settled = matches!(hello, Hello::Read(_) | Hello::Lost);
        if !connection.may_be_client(sender)
            || is_settled && connection.is_name(packet.destination)
            || *decrypted == MAX_DECRYPTED
        {
            return false;
        }
        *decrypted += 1;
        let Some((whose, keys)) = self.open(packet, protected, connection, hello) else { return false };
        let begins_hello = crypto_frames(self.opener.payload())
            .any(|frame| frame.offset == 0 && frame.data.first() == Some(&CLIENT_HELLO));
        if whose == Whose::Other {
            if begins_hello {
                connection.take_other_hello(packet);
            }
            return begins_hello;
        }
        connection.take_client_initial(packet, sender);
        self.assembly.clear();
        if let Hello::Begun(stored) = std::mem::take(hello) {
            if whose == Whose::Further {
                let mut cursor = Cursor::new(self.blocks.read(&stored));
                let _opening = Opening::read(&mut cursor);
                self.assembly.restore(cursor.rest());
            }
            self.blocks.release(stored);
        }
        crypto_frames(self.opener.payload()).for_each(|frame| self.assembly.insert(frame.offset, frame.data));
        *hello = self.read_hello(&Opening { version: packet.version, keys });
        begins_hello
    }

    /// Opens an Initial: with the keys of those before it, or with those that its own destination gives.
    fn open(
        &mut self,
        packet: &LongPacket<'_>,
        protected: &Protected<'_>,
        connection: &Connection,
        hello: &Hello,
    ) -> Option<(Whose, Keys)> {
        if let Hello::Begun(stored) = hello {
            let Opening { version, keys } = Opening::read(&mut Cursor::new(self.blocks.read(stored)))?;
            if version == packet.version {
                if self.opener.open_with(&keys, protected) {
                    return Some((Whose::Further, keys));
                }
                if connection.is_original(packet.destination) {
                    // These keys are from the same id.
                    return None;
                }
            }
        }
        let keys = self.opener.open_for(packet.destination, protected)?;
        let is_first = matches!(hello, Hello::Awaited) || connection.is_first_name(packet.destination);
        Some((if is_first { Whose::First } else { Whose::Other }, keys))
    }

    /// Reads the ClientHello as far as it is assembled.
    fn read_hello(&mut self, opening: &Opening) -> Hello {
        let beginning = self.assembly.beginning();
        self.scratch.clear();
        if let Some(MessageHeader { kind, body_len }) = MessageHeader::read(beginning) {
            let end = MessageHeader::LEN + body_len;
            if kind != CLIENT_HELLO || end > assembly::MAX_LEN {
                return Hello::Lost;
            }
            if let Some(body) = beginning.get(MessageHeader::LEN..end) {
                let Some(read) = ClientHello::parse(body) else { return Hello::Lost };
                hello::keep(&read, &mut self.scratch);
                return Hello::Read(self.blocks.store(&self.scratch));
            }
        }
        opening.write(&mut self.scratch);
        self.assembly.save(&mut self.scratch);
        self.blocks.store(&self.scratch).map_or(Hello::Lost, Hello::Begun)
    }

    /// What is kept of a ClientHello that was read.
    pub(super) fn kept(&mut self, hello: &Hello) -> Option<Kept<'_>> {
        match hello {
            Hello::Read(Some(stored)) => Kept::read(self.blocks.read(stored)),
            _ => None,
        }
    }

    /// Forgets what is stored for a record.
    pub(super) fn release(&mut self, hello: Hello) {
        if let Hello::Begun(stored) | Hello::Read(Some(stored)) = hello {
            self.blocks.release(stored);
        }
    }

    pub(super) fn reserved_bytes(&self) -> usize {
        self.blocks.reserved_bytes()
    }

    pub(super) fn refused(&self) -> u64 {
        self.blocks.refused()
    }

    pub(super) fn touch(&mut self) {
        self.blocks.touch();
    }
}
