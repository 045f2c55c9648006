//! `quic`: what the handshake of QUIC (RFC 9000, RFC 9001, RFC 9369) shows to everybody, on any port: versions and connection ids,
//! kinds of packets, and the ClientHello, which is protected with keys that follow from a connection id.
//!
//! A ClientHello may come in any number of Initials, whose parts come in any order. Once it is complete nothing is decrypted any more,
//! but what begins another connection.

mod assembly;
mod blocks;
mod connection;
mod frames;
mod header;
mod hello;
mod initial;
mod kinds;
mod reader;
mod version;

use weir_flow::{
    Direction, Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    options::{Argument, OptionSpec},
    plugin::{Account, Descriptor, Interest, Packets, Plugin, Protocols, Slot, View},
};

use self::{
    connection::Connection,
    hello::{MAX_CONTENTS, MAX_TEXT},
    kinds::{Kinds, Seen},
    reader::{Hello, Reader},
    version::Version,
};
use crate::factory::factory;

const TEXT: FieldType = FieldType::Text { max: MAX_TEXT as u16 };
const ID: FieldType = FieldType::Bytes { max: header::MAX_ID as u16 };
const CONTENTS: FieldType = FieldType::Bytes { max: MAX_CONTENTS as u16 };

static FIELDS: &[Field] = &[
    Field::new("QUIC_SNI", TEXT, CESNET, 890, "server name of the ClientHello"),
    Field::new("QUIC_USER_AGENT", TEXT, CESNET, 891, "user agent, as Google's clients send it"),
    Field::new("QUIC_VERSION", FieldType::U32, CESNET, 892, "latest version"),
    Field::new("QUIC_CLIENT_VERSION", FieldType::U32, CESNET, 893, "version of the first ClientHello"),
    Field::new(
        "QUIC_TOKEN_LENGTH",
        FieldType::U64,
        CESNET,
        894,
        "length of the token of the ClientHello's Initial, until then of the Retry; 2^64 - 1 if there was none to see",
    ),
    Field::new("QUIC_OCCID", ID, CESNET, 895, "connection id that the client chose"),
    Field::new("QUIC_OSCID", ID, CESNET, 896, "connection id that the client made up for the server"),
    Field::new("QUIC_SCID", ID, CESNET, 897, "connection id that the server chose"),
    Field::new("QUIC_RETRY_SCID", ID, CESNET, 898, "connection id that the server chose in its first Retry"),
    Field::new("QUIC_MULTIPLEXED", FieldType::U8, CESNET, 899, "further connections between the same ports"),
    Field::new("QUIC_ZERO_RTT", FieldType::U8, CESNET, 889, "number of 0-RTT packets"),
    Field::new("QUIC_SERVER_PORT", FieldType::U16, CESNET, 887, "port of the server, 0 if not known"),
    Field::new(
        "QUIC_PACKETS",
        FieldType::U8List,
        CESNET,
        888,
        "what the first 30 packets of the record are: 1 Initial, 2 0-RTT, 4 Handshake, 8 Retry, 16 Version Negotiation, 128 QUIC bit set",
    ),
    Field::new("QUIC_CH_PARSED", FieldType::U8, CESNET, 886, "1 if the ClientHello was read"),
    Field::new("QUIC_TLS_EXT_TYPE", FieldType::U16List, CESNET, 885, "types of the ClientHello's extensions"),
    Field::new("QUIC_TLS_EXT_LEN", FieldType::U16List, CESNET, 884, "lengths of the same extensions"),
    Field::new("QUIC_TLS_EXT", CONTENTS, CESNET, 883, "contents of extensions: ALPN, transport parameters"),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "quic",
    FIELDS,
    "quicsni=\"{QUIC_SNI}\",quicuseragent=\"{QUIC_USER_AGENT}\",quicversion=\"{QUIC_VERSION}\",\
     quicclientversion=\"{QUIC_CLIENT_VERSION}\",quicoccidlength=\"{QUIC_OCCID:length}\",\
     quicoccid=\"{QUIC_OCCID:x}\",quicoscidlength=\"{QUIC_OSCID:length}\",quicoscid=\"{QUIC_OSCID:x}\",\
     quicscidlength=\"{QUIC_SCID:length}\",quicscid=\"{QUIC_SCID:x}\",quicmultiplexed=\"{QUIC_MULTIPLEXED}\",\
     quiczerortt=\"{QUIC_ZERO_RTT}\",quicparsedch=\"{QUIC_CH_PARSED}\",quictlsexttype={QUIC_TLS_EXT_TYPE},\
     quictlsextlen={QUIC_TLS_EXT_LEN},quictlsext=\"{QUIC_TLS_EXT:x}\"",
);

/// UDP, on any port.
const INTEREST: Interest =
    Interest { protocols: Protocols::UDP, ports: &[], packets: Packets::WithPayload, stream: false };

const OPTIONS: &[OptionSpec] = &[OptionSpec::new(
    "coalesced",
    "c",
    Argument::Flag,
    "QUIC_PACKETS tells all packets of a datagram, and from the first datagram on",
)];

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["quic"],
    doc: "QUIC handshakes: server name, versions, connection ids",
    schema: &SCHEMA,
    options: OPTIONS,
    configure: |options| {
        let coalesced = options.is_given("coalesced");
        Ok(factory(INTEREST, move |records| Quic {
            coalesced,
            reader: Reader::new(records.saturating_mul(POOL_BYTES_PER_RECORD)),
            extension_kinds: Vec::new(),
            extension_lens: Vec::new(),
        }))
    },
};

/// What is kept of a ClientHello takes two blocks as a rule, three with a long user agent.
const POOL_BYTES_PER_RECORD: usize = 256;

/// After so many packets of a record nothing is looked at.
const PATIENCE_PACKETS: u64 = 255;

struct Quic {
    coalesced: bool,
    reader: Reader,
    extension_kinds: Vec<u16>,
    extension_lens: Vec<u16>,
}

#[derive(Default)]
struct State {
    connection: Connection,
    hello: Hello,
    /// How many Initials were decrypted.
    decrypted: u8,
    kinds: Kinds,
}

impl Plugin for Quic {
    type State = State;

    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, State>) -> Account {
        if view.packet.later_fragment {
            return Account::CONTINUE;
        }
        let version = header::version(view.data);
        if slot.is_vacant() && version.is_none() {
            return Account::DONE;
        }
        let state = slot.get_or_insert_with(State::default);
        let seen = match version {
            Some(_) => self.reader.take(view.data, view.direction, state),
            None => Seen::default(),
        };
        let packets = view.flow.total_packets();
        state.kinds.put(packets - 1, header::quic_bit(view.data), seen, self.coalesced);
        if version == Some(Version::Negotiation) && view.is_first() {
            // What it answers is not in the record, and what follows is another attempt.
            Account::EXPORT
        } else if packets >= PATIENCE_PACKETS || packets >= Kinds::MAX && version.is_none() {
            // As long as long headers come, there may be more 0-RTT.
            Account::DONE
        } else {
            Account::CONTINUE
        }
    }

    fn export<'a>(&'a mut self, flow: &'a Flow, state: &'a State, instances: &mut Instances<'a>) {
        let State { connection, hello, kinds, .. } = state;
        let Quic { reader, extension_kinds, extension_lens, .. } = self;
        let kept = reader.kept(hello).unwrap_or_default();
        kept.lists(extension_kinds, extension_lens);
        let server_port = match connection.server() {
            Some(Direction::Forward) => flow.source_port(),
            Some(Direction::Reverse) => flow.destination_port(),
            None => 0,
        };
        instances.add([
            Value::Text(kept.server_name),
            Value::Text(kept.user_agent),
            Value::U32(connection.version),
            Value::U32(connection.client_version),
            Value::U64(connection.token_len),
            Value::Bytes(connection.client_id().as_bytes()),
            Value::Bytes(connection.original_id().as_bytes()),
            Value::Bytes(connection.server_id().as_bytes()),
            Value::Bytes(connection.retry_id().as_bytes()),
            Value::U8(connection.multiplexed),
            Value::U8(connection.zero_rtt),
            Value::U16(server_port),
            Value::U8List(kinds.as_list()),
            Value::U8(hello.is_read().into()),
            Value::U16List(extension_kinds),
            Value::U16List(extension_lens),
            Value::Bytes(kept.contents),
        ]);
    }

    fn release(&mut self, state: State) {
        self.reader.release(state.hello);
    }

    fn pooled_bytes(&self) -> usize {
        self.reader.reserved_bytes()
    }

    fn refused(&self) -> u64 {
        self.reader.refused()
    }

    fn touch(&mut self) {
        self.reader.touch();
    }
}

#[cfg(test)]
mod tests;
