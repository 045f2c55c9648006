//! What the headers of a connection tell: who is the client, and how both name the connection.

use weir_flow::Direction;

use super::header::{Kind, LongPacket, MAX_ID};

/// A connection id that may not be known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Id {
    /// [`Id::UNKNOWN_LEN`] if it is not known.
    len: u8,
    bytes: [u8; MAX_ID],
}

impl Id {
    const UNKNOWN_LEN: u8 = u8::MAX;
    const UNKNOWN: Id = Id { len: Id::UNKNOWN_LEN, bytes: [0; MAX_ID] };

    /// Takes over `id`, of at most [`MAX_ID`] bytes, if none is known yet.
    fn learn(&mut self, id: &[u8]) {
        if !self.is_known()
            && let Some(bytes) = self.bytes.get_mut(..id.len())
        {
            bytes.copy_from_slice(id);
            self.len = id.len() as u8;
        }
    }

    pub(super) fn is_known(&self) -> bool {
        self.len != Id::UNKNOWN_LEN
    }

    /// Whether it is known to be `id`.
    pub(super) fn is(&self, id: &[u8]) -> bool {
        self.is_known() && self.as_bytes() == id
    }

    /// Its bytes, none if it is not known.
    pub(super) fn as_bytes(&self) -> &[u8] {
        if self.is_known() { &self.bytes[..self.len.into()] } else { &[] }
    }

    /// This one, or `other` if it is not known.
    fn or<'a>(&'a self, other: &'a Id) -> &'a Id {
        if self.is_known() { self } else { other }
    }
}

/// What packets from one direction say.
struct End {
    /// The id that the sender chose: the first of an Initial, 0-RTT or Handshake.
    source: Id,
    /// The id by which the sender first names the receiver.
    destination: Id,
    /// The same, in a Handshake: both ids are settled then.
    settled: Id,
}

/// What the long headers of a record tell.
pub(super) struct Connection {
    ends: [End; 2],
    /// Which way the client's packets go.
    client: Option<Direction>,
    /// The id that the client made up for the server, from its first Initial.
    original: Id,
    /// The id that the server chose in its first Retry.
    retry: Id,
    /// The same as `original`, of the latest other connection between the same ports.
    other: Id,
    /// The latest version, and the one of the first ClientHello, 0 if not known.
    pub(super) version: u32,
    pub(super) client_version: u32,
    /// Length of the token in the client's Initials, [`Connection::NO_TOKEN_LEN`] if there was none to see.
    pub(super) token_len: u64,
    /// Further connections, and 0-RTT packets, up to 255.
    pub(super) multiplexed: u8,
    pub(super) zero_rtt: u8,
}

impl Default for Connection {
    fn default() -> Connection {
        let end = || End { source: Id::UNKNOWN, destination: Id::UNKNOWN, settled: Id::UNKNOWN };
        Connection {
            ends: [end(), end()],
            client: None,
            original: Id::UNKNOWN,
            retry: Id::UNKNOWN,
            other: Id::UNKNOWN,
            version: 0,
            client_version: 0,
            token_len: Connection::NO_TOKEN_LEN,
            multiplexed: 0,
            zero_rtt: 0,
        }
    }
}

const fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Forward => Direction::Reverse,
        Direction::Reverse => Direction::Forward,
    }
}

impl Connection {
    pub(super) const NO_TOKEN_LEN: u64 = u64::MAX;

    /// Takes in a header.
    pub(super) fn take(&mut self, packet: &LongPacket<'_>, sender: Direction) {
        let end = &mut self.ends[sender.index()];
        end.destination.learn(packet.destination);
        match packet.kind {
            Kind::Initial | Kind::ZeroRtt | Kind::Handshake => end.source.learn(packet.source),
            Kind::Retry | Kind::VersionNegotiation => {}
        }
        match packet.kind {
            Kind::Handshake => end.settled.learn(packet.destination),
            Kind::ZeroRtt => {
                self.zero_rtt = self.zero_rtt.saturating_add(1);
                self.client.get_or_insert(sender);
            }
            Kind::Retry => {
                if !self.retry.is_known() {
                    self.retry.learn(packet.source);
                    self.token_len = packet.token_len;
                }
                self.client.get_or_insert(opposite(sender));
            }
            Kind::VersionNegotiation => {
                self.client.get_or_insert(opposite(sender));
            }
            Kind::Initial => {
                if self.client == Some(sender) && self.retry.is(packet.destination) {
                    self.token_len = packet.token_len;
                }
            }
        }
        if packet.kind != Kind::VersionNegotiation {
            self.version = packet.version;
        }
    }

    /// Takes in that `packet` is the client's, and of the connection that the record is about.
    pub(super) fn take_client_initial(&mut self, packet: &LongPacket<'_>, sender: Direction) {
        self.client = Some(sender);
        if !self.retry.is(packet.destination) {
            self.original.learn(packet.destination);
        }
        self.token_len = packet.token_len;
        if self.client_version == 0 {
            self.client_version = packet.version;
        }
    }

    /// Takes in a ClientHello of another connection, unless it is one of the same as the one before.
    pub(super) fn take_other_hello(&mut self, packet: &LongPacket<'_>) {
        if !self.other.is(packet.destination) {
            self.other = Id::UNKNOWN;
            self.other.learn(packet.destination);
            self.multiplexed = self.multiplexed.saturating_add(1);
        }
    }

    /// Takes in an Initial that cannot be opened because it was not captured whole. Before anything else is known, who sends it is
    /// the client.
    pub(super) fn take_cut_initial(&mut self, packet: &LongPacket<'_>, sender: Direction) {
        if self.client.is_none() && !self.ends[opposite(sender).index()].destination.is_known() {
            self.client = Some(sender);
            self.original.learn(packet.destination);
            self.token_len = packet.token_len;
        }
    }

    /// Whether packets that go this way may be the client's.
    pub(super) fn may_be_client(&self, sender: Direction) -> bool {
        self.client.is_none_or(|client| client == sender)
    }

    /// Whether the client made `id` up for the server.
    pub(super) fn is_original(&self, id: &[u8]) -> bool {
        self.original.is(id)
    }

    /// Whether the client names the server by `id` before it has heard of its id.
    pub(super) fn is_first_name(&self, id: &[u8]) -> bool {
        self.is_original(id) || self.retry.is(id)
    }

    /// Whether `id` is a name of the server in this connection.
    pub(super) fn is_name(&self, id: &[u8]) -> bool {
        self.is_first_name(id) || self.server_id().is(id)
    }

    fn end(&self, direction: Option<Direction>) -> Option<&End> {
        direction.map(|direction| &self.ends[direction.index()])
    }

    /// Which way the server's packets go, if that is known.
    pub(super) fn server(&self) -> Option<Direction> {
        self.client.map(opposite)
    }

    /// The id that the client chose.
    pub(super) fn client_id(&self) -> &Id {
        match (self.end(self.client), self.end(self.server())) {
            (Some(client), Some(server)) => client.source.or(&server.destination),
            _ => &Id::UNKNOWN,
        }
    }

    /// The id that the server chose.
    pub(super) fn server_id(&self) -> &Id {
        match (self.end(self.client), self.end(self.server())) {
            (Some(client), Some(server)) => server.source.or(&client.settled),
            _ => &Id::UNKNOWN,
        }
    }

    /// The id that the client made up for the server.
    pub(super) fn original_id(&self) -> &Id {
        &self.original
    }

    /// The id that the server chose in a Retry.
    pub(super) fn retry_id(&self) -> &Id {
        &self.retry
    }
}
