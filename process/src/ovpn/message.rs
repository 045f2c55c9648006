//! What is looked at of one packet.

use weir_flow::{Endpoint, Packet, packet::protocol};

/// What an opcode means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Hard reset by the client, of any version.
    ClientReset,
    /// Hard reset by the server.
    ServerReset,
    Control,
    Acknowledgement,
    Data,
    /// A soft reset, or no opcode that matters.
    Other,
}

impl Kind {
    const fn of(opcode: u8) -> Kind {
        match opcode {
            1 | 7 | 10 => Kind::ClientReset,
            2 | 8 => Kind::ServerReset,
            4 => Kind::Control,
            5 => Kind::Acknowledgement,
            6 | 9 => Kind::Data,
            _ => Kind::Other,
        }
    }
}

/// A packet taken for a message.
pub(super) struct Message<'a> {
    pub(super) kind: Kind,
    /// More than 500 bytes of payload, and not RTP.
    pub(super) is_large: bool,
    /// Who sent it.
    pub(super) sender: Endpoint,
    /// Whether both ends have the same address.
    pub(super) within_a_host: bool,
    /// From the opcode on.
    bytes: &'a [u8],
}

/// Payload of a packet that is not large, in bytes.
const SMALL: u32 = 500;

impl Message<'_> {
    /// A packet's payload; `None` if there is no opcode in it.
    #[inline]
    pub(super) fn read<'a>(packet: &Packet, payload: &'a [u8]) -> Option<Message<'a>> {
        let is_udp = packet.key.protocol() == protocol::UDP;
        let bytes = if is_udp { payload } else { payload.get(2..)? };
        let kind = Kind::of(bytes.first()? >> 3);
        Some(Message {
            kind,
            is_large: packet.payload_wire_len > SMALL && !(is_udp && is_rtp(payload)),
            sender: packet.sender,
            within_a_host: packet.key.address_words(Endpoint::Low)
                == packet.key.address_words(Endpoint::High),
            bytes,
        })
    }

    /// Whether it changes anything where nothing was seen before.
    #[inline]
    pub(super) fn begins_something(&self) -> bool {
        self.is_large || self.kind == Kind::ClientReset
    }

    /// Whether the client, at this end, sent it. Ends are told by their addresses.
    pub(super) fn is_from(&self, client: Endpoint) -> bool {
        self.sender == client || self.within_a_host
    }

    /// Whether it goes to the client, at this end.
    pub(super) fn is_to(&self, client: Endpoint) -> bool {
        self.sender != client || self.within_a_host
    }

    /// Whether a control message carries a TLS ClientHello.
    pub(super) fn has_client_hello(&self) -> bool {
        self.has_handshake(14, 1) || self.has_handshake(14 + AUTHENTICATION_LEN, 1)
    }

    /// Whether a control message carries a TLS ServerHello.
    pub(super) fn has_server_hello(&self) -> bool {
        self.has_handshake(26, 2) || self.has_handshake(26 + AUTHENTICATION_LEN, 2)
    }

    /// Whether a TLS record with a handshake message of this type begins here (RFC 8446 sections 4 and 5.1).
    fn has_handshake(&self, start: usize, kind: u8) -> bool {
        const HANDSHAKE: u8 = 22;
        const RECORD_HEADER_LEN: usize = 5;
        self.bytes.get(start) == Some(&HANDSHAKE) && self.bytes.get(start + RECORD_HEADER_LEN) == Some(&kind)
    }
}

/// `tls-auth` with SHA-1: HMAC, packet number, time.
const AUTHENTICATION_LEN: usize = 20 + 4 + 4;

/// Whether a datagram begins like RTP (RFC 3550 section 5.1), and not like RTCP.
fn is_rtp(payload: &[u8]) -> bool {
    match payload.get(..12) {
        Some(&[first, second, ..]) => first >> 6 == 2 && !(72..=95).contains(&(second & 0x7f)),
        _ => false,
    }
}
