//! `tls`: what the handshake of TLS (RFC 8446, RFC 5246) and SSL 3.0 says in plaintext, on any TCP port.
//!
//! Hellos are read from the bytes of each direction in order, however they lie in segments and records, and also where another protocol
//! has spoken before (STARTTLS). After the ServerHello nothing is of interest any more.

mod hashed;
pub mod hello;
pub mod ja3;
pub mod ja4;
mod records;
#[cfg(test)]
pub(crate) mod samples;

use weir_flow::{
    Direction, Field, FieldType, Flow, Instances, Schema, Value,
    field::{CESNET, FLOWMON},
    plugin::{
        ALLOCATION_OVERHEAD, Account, Descriptor, Finish, Interest, Packets, Plugin, Protocols, Slot, View,
        touch_reserved,
    },
};

use self::{
    hello::{ClientHello, ExtensionLists, ServerHello, message},
    ja3::{Ja3, ja3},
    ja4::{Ja4, Transport, ja4},
    records::{End, Item, MAX_JOINED, Reader},
};
use crate::{clip::clipped, factory::factory};

/// The longest name that is kept: one of the domain name system, and the dot at its end.
const MAX_NAME: usize = 254;

static FIELDS: &[Field] = &[
    Field::new(
        "TLS_VERSION",
        FieldType::U16,
        FLOWMON,
        333,
        "version: of the client, or what the server selected by extension",
    ),
    Field::new(
        "TLS_SNI",
        FieldType::Text { max: MAX_NAME as u16 },
        CESNET,
        808,
        "server name that the client asks for",
    ),
    Field::new(
        "TLS_ALPN",
        FieldType::Text { max: MAX_NAME as u16 },
        FLOWMON,
        337,
        "application protocol that the server chose",
    ),
    Field::new("TLS_JA3", FieldType::Bytes { max: 16 }, FLOWMON, 357, "JA3 of the client: MD5"),
    Field::new("TLS_JA4", FieldType::Text { max: ja4::LEN as u16 }, CESNET, 809, "JA4 of the client"),
    Field::new(
        "TLS_EXT_TYPE",
        FieldType::U16List,
        CESNET,
        802,
        "types of the client's extensions, the first 30",
    ),
    Field::new("TLS_EXT_LEN", FieldType::U16List, CESNET, 803, "their lengths"),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "tls",
    FIELDS,
    "tlssni=\"{TLS_SNI}\",tlsalpn=\"{TLS_ALPN}\",tlsversion=0x{TLS_VERSION:04x},tlsja3={TLS_JA3:x},\
     tlsexttype={TLS_EXT_TYPE},tlsextlen={TLS_EXT_LEN}",
);

/// TCP streams, on any port.
fn interest() -> Interest {
    Interest { protocols: Protocols::TCP, ports: &[], packets: Packets::WithPayload, stream: true }
}

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["tls"],
    doc: "TLS handshakes: server name, versions, fingerprints",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(interest(), |_| Tls { joined: Vec::with_capacity(MAX_JOINED) })),
};

/// A record that has shown no hello after so many packets is given up: room for what comes before STARTTLS.
const PATIENCE_PACKETS: u64 = 32;

/// After the first hello the other one is waited for during so many looks that bring nothing: room for early data.
const PATIENCE_LOOKS: u8 = 32;

struct Tls {
    /// Room for a message that lies in several records.
    joined: Vec<u8>,
}

#[derive(Default)]
struct State {
    client: Option<Client>,
    server: Option<Server>,
    /// The direction of the client, once a hello has shown it.
    client_direction: Option<Direction>,
    /// How many bytes of each direction are to be left out: the rest of a record.
    skip: [u16; 2],
    /// How many looks have brought nothing.
    idle_looks: u8,
}

/// What the ClientHello says.
struct Client {
    version: u16,
    name: Box<[u8]>,
    ja3: Ja3,
    ja4: Ja4,
    extensions: ExtensionLists,
}

/// What the ServerHello says.
struct Server {
    /// By extension, as it is done from TLS 1.3 on.
    version: Option<u16>,
    protocol: Box<[u8]>,
}

impl Client {
    fn new(hello: &ClientHello<'_>) -> Client {
        Client {
            version: hello.version,
            name: clipped(hello.server_name().unwrap_or(b""), MAX_NAME).into(),
            ja3: ja3(hello),
            ja4: ja4(Transport::Tcp, hello),
            extensions: ExtensionLists::of(hello.extensions),
        }
    }

    /// Another hello of the same client: the last one counts, but for what it leaves out, and the extensions.
    fn renew(&mut self, hello: &ClientHello<'_>) {
        let mut new = Client { extensions: self.extensions, ..Client::new(hello) };
        if new.name.is_empty() {
            new.name = std::mem::take(&mut self.name);
        }
        *self = new;
    }
}

impl Server {
    fn new(hello: &ServerHello<'_>) -> Server {
        Server {
            version: hello.selected_version(),
            protocol: clipped(hello.application_protocol().unwrap_or(b""), MAX_NAME).into(),
        }
    }
}

/// What follows from an item.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Next,
    /// There is nothing more of interest.
    Done,
    /// No handshake, or not from its beginning on.
    Foreign,
}

/// Takes in what a direction says.
fn take_in(item: Item<'_>, direction: Direction, slot: &mut Slot<'_, State>) -> Step {
    match item {
        Item::Message { kind: message::HELLO_REQUEST, .. } => Step::Next,
        Item::Message { kind: message::CLIENT_HELLO, body_len, body } => {
            if body.len() < body_len {
                return incomplete(body_len);
            }
            let Some(hello) = ClientHello::parse(body) else { return Step::Foreign };
            let state = slot.get_or_insert_with(State::default);
            state.client_direction = Some(direction);
            match &mut state.client {
                Some(client) => client.renew(&hello),
                None => state.client = Some(Client::new(&hello)),
            }
            state.step()
        }
        Item::Message { kind: message::SERVER_HELLO, body_len, body } => {
            if body.len() < body_len {
                return incomplete(body_len);
            }
            let Some(hello) = ServerHello::parse(body) else { return Step::Foreign };
            let state = slot.get_or_insert_with(State::default);
            state.client_direction = Some(direction.other());
            state.server = Some(Server::new(&hello));
            state.step()
        }
        // What follows a ServerHello.
        Item::Message { .. } if slot.is_vacant() => Step::Foreign,
        Item::Message { .. } => Step::Done,
        Item::Alert { is_fatal } if is_fatal && !slot.is_vacant() => Step::Done,
        Item::Alert { .. } | Item::ChangeCipherSpec => Step::Next,
        // Before the ServerHello only a client has data to send (RFC 8446 section 2.3).
        Item::ApplicationData => match slot.get() {
            Some(state) if state.client_direction == Some(direction) => Step::Next,
            _ => Step::Done,
        },
    }
}

/// A hello that is not all there yet.
fn incomplete(body_len: usize) -> Step {
    if body_len > MAX_JOINED { Step::Foreign } else { Step::Next }
}

impl State {
    fn step(&self) -> Step {
        if self.client.is_some() && self.server.is_some() { Step::Done } else { Step::Next }
    }
}

impl Plugin for Tls {
    type State = State;

    const STATE_HEAP: usize = 2 * (MAX_NAME + ALLOCATION_OVERHEAD);

    #[inline]
    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, State>) -> Account {
        if slot.is_vacant() && !records::may_begin(view.data) {
            return without_hello(view);
        }
        let direction = view.direction;
        let skip = slot.get().map_or(0, |state| state.skip[direction.index()]);
        let skip = if view.after_gap { 0 } else { usize::from(skip) };
        let mut reader = Reader::new(view.data, skip, &mut self.joined);
        let end = loop {
            match reader.next().map(|item| take_in(item, direction, slot)) {
                Ok(Step::Next) => {}
                Ok(Step::Done) => return Account::DONE,
                Ok(Step::Foreign) => break End::Foreign,
                Err(end) => break end,
            }
        };
        let again = match end {
            End::Again(bytes) if !view.buffer_full => bytes,
            _ => 0,
        };
        match slot.get() {
            _ if again > 0 => Account::retaining(again),
            None => without_hello(view),
            Some(state) => {
                state.skip[direction.index()] = if let End::Skip(bytes) = end { bytes as u16 } else { 0 };
                state.idle_looks += 1;
                if state.idle_looks > PATIENCE_LOOKS { Account::DONE } else { Account::CONTINUE }
            }
        }
    }

    fn finish(&mut self, _flow: &Flow, state: &mut State) -> Finish {
        if state.client.is_some() { Finish::Keep } else { Finish::Drop }
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a State, instances: &mut Instances<'a>) {
        let Some(client) = &state.client else { return };
        let server = state.server.as_ref();
        instances.add([
            Value::U16(server.and_then(|server| server.version).unwrap_or(client.version)),
            Value::Text(&client.name),
            Value::Text(server.map_or(&[], |server| &server.protocol)),
            Value::Bytes(&client.ja3),
            Value::Text(&client.ja4),
            Value::U16List(client.extensions.kinds()),
            Value::U16List(client.extensions.lens()),
        ]);
    }

    fn pooled_bytes(&self) -> usize {
        self.joined.capacity()
    }

    fn touch(&mut self) {
        touch_reserved(&mut self.joined);
    }
}

/// What to do with a record in which no hello has been seen.
fn without_hello(view: &View<'_>) -> Account {
    if view.flow.total_packets() > PATIENCE_PACKETS { Account::DONE } else { Account::CONTINUE }
}

#[cfg(test)]
mod tests;
