//! `tls`: what the handshake of TLS (RFC 8446, RFC 5246) and SSL 3.0 says in plaintext, on any TCP port.
//!
//! Hellos are read from the bytes of each direction in order, however they lie in segments and records, and also where another protocol
//! has spoken before (STARTTLS). After the ServerHello nothing is of interest any more, unless the certificate is asked for.

mod certificate;
mod details;
mod hashed;
pub mod hello;
pub mod ja3;
pub mod ja4;
mod records;
#[cfg(test)]
pub(crate) mod samples;
mod state;

use std::sync::LazyLock;

use arrayvec::ArrayVec;
use weir_flow::{
    Direction, Field, FieldType, Flow, Instances, OptionalFields, Schema, Value,
    field::{CESNET, FLOWMON},
    options::{Argument, OptionSpec, Parsed},
    plugin::{
        Account, Descriptor, Factory, Finish, Interest, Packets, Plugin, Protocols, Slot, View,
        touch_reserved,
    },
};

use self::{
    certificate::{Certificate, MAX_SERIAL, Problem},
    hello::{ClientHello, ServerHello, message},
    records::{End, Item, MAX_JOINED, Reader},
    state::{MAX_NAME, State},
};
use crate::factory::factory_with_schema;

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

/// Weir's own.
static SERVER_FIELDS: &[Field] = &[
    Field::new("TLS_SERVER_VERSION", FieldType::U16, CESNET, 1200, "version that the server chose"),
    Field::new("TLS_SERVER_CIPHER", FieldType::U16, CESNET, 1201, "cipher suite that the server chose"),
    Field::new("TLS_JA3S", FieldType::Bytes { max: 16 }, CESNET, 1202, "JA3S of the server: MD5"),
    Field::new(
        "TLS_RESUMPTION",
        FieldType::U8,
        CESNET,
        1203,
        "bits: 1 ticket offered, 2 pre-shared key offered, 4 early data, 8 session resumed, 16 pre-shared key accepted",
    ),
];

/// Weir's own.
static CERTIFICATE_FIELDS: &[Field] = &[
    Field::new(
        "TLS_CERT_SUBJECT",
        FieldType::Text { max: certificate::MAX_NAME as u16 },
        CESNET,
        1210,
        "subject of the server's certificate, in the form of RFC 4514",
    ),
    Field::new(
        "TLS_CERT_ISSUER",
        FieldType::Text { max: certificate::MAX_NAME as u16 },
        CESNET,
        1211,
        "its issuer",
    ),
    Field::new(
        "TLS_CERT_SERIAL",
        FieldType::Bytes { max: MAX_SERIAL as u16 },
        CESNET,
        1212,
        "its serial number",
    ),
    Field::new(
        "TLS_CERT_NOT_BEFORE",
        FieldType::U64,
        CESNET,
        1213,
        "from when it is valid, seconds since 1970",
    ),
    Field::new(
        "TLS_CERT_NOT_AFTER",
        FieldType::U64,
        CESNET,
        1214,
        "until when it is valid, seconds since 1970",
    ),
];

const SERVER: &str = "server";
const CERTIFICATE: &str = "cert";
const JA4: &str = "ja4";

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "tls",
    FIELDS,
    "tlssni=\"{TLS_SNI}\",tlsalpn=\"{TLS_ALPN}\",tlsversion=0x{TLS_VERSION:04x},tlsja3={TLS_JA3:x},\
     tlsexttype={TLS_EXT_TYPE},tlsextlen={TLS_EXT_LEN}",
)
.with_optional(&[
    OptionalFields { option: JA4, fields: &[], text: ",tlsja4=\"{TLS_JA4}\"" },
    OptionalFields {
        option: SERVER,
        fields: SERVER_FIELDS,
        text: ",tlsserverversion=0x{TLS_SERVER_VERSION:04x},tlscipher=0x{TLS_SERVER_CIPHER:04x},\
               tlsja3s={TLS_JA3S:x},tlsresumption={TLS_RESUMPTION}",
    },
    OptionalFields {
        option: CERTIFICATE,
        fields: CERTIFICATE_FIELDS,
        text: ",tlssubject=\"{TLS_CERT_SUBJECT}\",tlsissuer=\"{TLS_CERT_ISSUER}\",tlsserial={TLS_CERT_SERIAL:x},\
               tlsnotbefore={TLS_CERT_NOT_BEFORE},tlsnotafter={TLS_CERT_NOT_AFTER}",
    },
]);

static SCHEMAS: LazyLock<Vec<Schema>> = LazyLock::new(|| SCHEMA.combinations());

const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(SERVER, "", Argument::Flag, "also what the server chose, JA3S, and resumption"),
    OptionSpec::new(CERTIFICATE, "", Argument::Flag, "also the server's certificate, up to TLS 1.2"),
    OptionSpec::new(JA4, "", Argument::Flag, "JA4 also in the text output; the others have it anyway"),
];

/// TCP streams, on any port.
fn interest() -> Interest {
    Interest { protocols: Protocols::TCP, ports: &[], packets: Packets::WithPayload, stream: true }
}

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["tls"],
    doc: "TLS handshakes: server name, versions, fingerprints",
    schema: &SCHEMA,
    options: OPTIONS,
    configure: |options| Ok(configured(options)),
};

fn configured(options: &Parsed) -> Box<dyn Factory> {
    let wanted = Wanted { server: options.is_given(SERVER), certificate: options.is_given(CERTIFICATE) };
    let given = SCHEMA.optional.iter().enumerate().filter(|(_, more)| options.is_given(more.option));
    let schema = &SCHEMAS[given.map(|(place, _)| 1 << place).sum::<usize>()];
    let joined = || Vec::with_capacity(MAX_JOINED);
    if wanted.server || wanted.certificate {
        factory_with_schema(schema, interest(), move |_| Tls::<true> { wanted, joined: joined() })
    } else {
        factory_with_schema(schema, interest(), move |_| Tls::<false> { wanted, joined: joined() })
    }
}

/// What options ask for.
#[derive(Clone, Copy)]
struct Wanted {
    server: bool,
    certificate: bool,
}

/// A record that has shown no hello after so many packets is given up: room for what comes before STARTTLS.
const PATIENCE_PACKETS: u64 = 32;

/// After the first hello the other one is waited for during so many looks that bring nothing: room for early data.
const PATIENCE_LOOKS: u8 = 32;

/// `DETAILED` says whether anything is wanted by option, which takes more memory for a state.
struct Tls<const DETAILED: bool> {
    wanted: Wanted,
    /// Room for a message that lies in several records.
    joined: Vec<u8>,
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
fn take_in(item: Item<'_>, direction: Direction, slot: &mut Slot<'_, State>, wanted: Wanted) -> Step {
    match item {
        Item::Message { kind: message::HELLO_REQUEST, .. } => Step::Next,
        Item::Message { kind: message::CLIENT_HELLO | message::SERVER_HELLO, body_len, body }
            if body.len() < body_len =>
        {
            if body_len > MAX_JOINED {
                Step::Foreign
            } else {
                Step::Next
            }
        }
        Item::Message { kind: message::CLIENT_HELLO, body, .. } => {
            let Some(hello) = ClientHello::parse(body) else { return Step::Foreign };
            let state = slot.get_or_insert_with(|| State::new(wanted));
            state.take_client(direction, &hello);
            if state.is_complete(wanted) { Step::Done } else { Step::Next }
        }
        Item::Message { kind: message::SERVER_HELLO, body, .. } => {
            let Some(hello) = ServerHello::parse(body) else { return Step::Foreign };
            let state = slot.get_or_insert_with(|| State::new(wanted));
            state.take_server(direction, &hello);
            if state.is_complete(wanted) { Step::Done } else { Step::Next }
        }
        Item::Message { kind: message::CERTIFICATE, body_len, body } if wanted.certificate => {
            let Some(state) = slot.get().filter(|state| state.is_server(direction)) else {
                return over(slot);
            };
            match Certificate::first(body) {
                Ok(certificate) => state.take_certificate(certificate),
                Err(Problem::Incomplete) if body.len() < body_len.min(MAX_JOINED) => return Step::Next,
                Err(_) => return over(slot),
            }
            if state.is_complete(wanted) { Step::Done } else { Step::Next }
        }
        Item::Message { .. } | Item::Alert { is_fatal: true } => over(slot),
        Item::Alert { .. } => Step::Next,
        // A server that resumes a session sends no certificate; one that has asked for another ClientHello goes on.
        Item::ChangeCipherSpec => match slot.get().and_then(|state| state.server.as_ref()) {
            Some(server) if !server.is_retry_request => over(slot),
            _ => Step::Next,
        },
        // Before the ServerHello only a client has data to send (RFC 8446 section 2.3).
        Item::ApplicationData => match slot.get() {
            Some(state) if state.client_direction == Some(direction) => Step::Next,
            Some(_) => over(slot),
            None => Step::Done,
        },
    }
}

/// After what follows on all that is wanted. Where there was no ClientHello it may have been overtaken.
fn over(slot: &mut Slot<'_, State>) -> Step {
    if slot.get().is_some_and(|state| state.client.is_some()) { Step::Done } else { Step::Foreign }
}

impl<const DETAILED: bool> Plugin for Tls<DETAILED> {
    type State = State;

    const STATE_HEAP: usize = if DETAILED { State::HEAP_WITH_DETAILS } else { State::HEAP };

    #[inline]
    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, State>) -> Account {
        if slot.is_vacant() && !records::may_begin(view.data) {
            return without_hello(view);
        }
        self.read(view, slot)
    }

    fn finish(&mut self, _flow: &Flow, state: &mut State) -> Finish {
        if state.client.is_some() || DETAILED { Finish::Keep } else { Finish::Drop }
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a State, instances: &mut Instances<'a>) {
        let (client, server) = (state.client.as_ref(), state.server.as_ref());
        let selected = server.and_then(|server| server.version);
        let mut values = ArrayVec::<Value<'a>, 16>::from_iter([
            Value::U16(selected.or(client.map(|client| client.version)).unwrap_or(0)),
            Value::Text(client.map_or(&[], |client| &client.name)),
            Value::Text(server.map_or(&[], |server| &server.protocol)),
            Value::Bytes(client.map_or(&[], |client| &client.ja3)),
            Value::Text(client.map_or(&[], |client| &client.ja4)),
            Value::U16List(client.map_or(&[], |client| client.extensions.kinds())),
            Value::U16List(client.map_or(&[], |client| client.extensions.lens())),
        ]);
        if let Some(details) = &state.details {
            if self.wanted.server {
                values.extend(details.server_values());
            }
            if self.wanted.certificate {
                values.extend(details.certificate_values());
            }
        }
        instances.add(values);
    }

    fn pooled_bytes(&self) -> usize {
        self.joined.capacity()
    }

    fn touch(&mut self) {
        touch_reserved(&mut self.joined);
    }
}

impl<const DETAILED: bool> Tls<DETAILED> {
    /// Reads what a direction says, in records.
    fn read(&mut self, view: &View<'_>, slot: &mut Slot<'_, State>) -> Account {
        let direction = view.direction;
        let skip = slot.get().map_or(0, |state| state.skip[direction.index()]);
        let skip = if view.after_gap { 0 } else { usize::from(skip) };
        let mut reader = Reader::new(view.data, skip, &mut self.joined);
        let end = loop {
            match reader.next().map(|item| take_in(item, direction, slot, self.wanted)) {
                Ok(Step::Next) => {}
                Ok(Step::Done) => return Account::DONE,
                Ok(Step::Foreign) => break End::Foreign,
                Err(end) => break end,
            }
        };
        if let (End::Again(bytes), false) = (end, view.buffer_full) {
            return Account::retaining(bytes);
        }
        let Some(state) = slot.get() else { return without_hello(view) };
        state.skip[direction.index()] = if let End::Skip(bytes) = end { bytes as u16 } else { 0 };
        state.idle_looks += 1;
        if state.idle_looks > PATIENCE_LOOKS { Account::DONE } else { Account::CONTINUE }
    }
}

/// What to do with a record in which no hello has been seen.
fn without_hello(view: &View<'_>) -> Account {
    if view.flow.total_packets() > PATIENCE_PACKETS { Account::DONE } else { Account::CONTINUE }
}

#[cfg(test)]
mod tests;
