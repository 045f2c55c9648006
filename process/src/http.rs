//! `http`: requests and responses of HTTP/1 (RFC 9112) on any port, over TCP and, as SSDP does it, over UDP.
//!
//! A record holds one transaction. The next request, or the next response, ends it; several in one packet are kept as
//! instances of one record. A head may come in any number of segments: what its complete lines say is taken in at once,
//! and only the incomplete last line is seen again.

mod head;
mod slot;

use weir_flow::{
    Direction, Field, FieldType, Flow, Instances, Schema, Value,
    field::{CESNET, FLOWMON},
    plugin::{
        Account, Descriptor, Inspection, Interest, Packets, Peek, Plugin, Protocols, Slot as StateSlot, View,
    },
};

use self::{
    head::{End, Lines},
    slot::Slot,
};
use crate::{
    factory::factory,
    lines::is_tls,
    start_line::{Family, Recognised, Start, look, recognise},
    transactions::{Side, Transactions},
};

static FIELDS: &[Field] = &[
    Field::new("HTTP_REQUEST_AGENT", FieldType::Text { max: 127 }, FLOWMON, 20, "User-Agent"),
    Field::new("HTTP_REQUEST_METHOD", FieldType::Text { max: 15 }, CESNET, 200, "method"),
    Field::new("HTTP_REQUEST_HOST", FieldType::Text { max: 63 }, FLOWMON, 1, "Host"),
    Field::new("HTTP_REQUEST_REFERER", FieldType::Text { max: 127 }, FLOWMON, 3, "Referer"),
    Field::new("HTTP_REQUEST_URL", FieldType::Text { max: 127 }, FLOWMON, 2, "request target"),
    Field::new("HTTP_RESPONSE_CONTENT_TYPE", FieldType::Text { max: 31 }, FLOWMON, 10, "Content-Type"),
    Field::new("HTTP_RESPONSE_SERVER", FieldType::Text { max: 127 }, CESNET, 201, "Server"),
    Field::new(
        "HTTP_RESPONSE_SET_COOKIE_NAMES",
        FieldType::Text { max: 511 },
        CESNET,
        202,
        "names of cookies, joined by ;",
    ),
    Field::new("HTTP_RESPONSE_STATUS_CODE", FieldType::U16, FLOWMON, 12, "status code"),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "http",
    FIELDS,
    "method=\"{HTTP_REQUEST_METHOD}\",host=\"{HTTP_REQUEST_HOST}\",uri=\"{HTTP_REQUEST_URL}\",\
     agent=\"{HTTP_REQUEST_AGENT}\",referer=\"{HTTP_REQUEST_REFERER}\",content=\"{HTTP_RESPONSE_CONTENT_TYPE}\",\
     status={HTTP_RESPONSE_STATUS_CODE},server=\"{HTTP_RESPONSE_SERVER}\",\
     set-cookie=\"{HTTP_RESPONSE_SET_COOKIE_NAMES}\"",
);

/// TCP streams and UDP datagrams, on any port.
fn interest() -> Interest {
    let protocols = Protocols::TCP | Protocols::UDP;
    Interest { protocols, ports: &[], packets: Packets::WithPayload, stream: true }
}

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["http"],
    doc: "HTTP requests and responses",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(interest(), |_| Http)),
};

/// A record that has shown no HTTP after so many packets is given up.
const PATIENCE_PACKETS: u64 = 20;

struct Http;

impl Family for Http {
    const VERSION: &'static [u8] = b"HTTP/";
    /// Those of RFC 9110, 5789, of SSDP and WebDAV.
    const METHODS: &'static [&'static [u8]] = &[
        b"GET ",
        b"POST ",
        b"HEAD ",
        b"PUT ",
        b"DELETE ",
        b"CONNECT ",
        b"OPTIONS ",
        b"TRACE ",
        b"PATCH ",
        b"PRI ",
        b"M-SEARCH ",
        b"NOTIFY ",
        b"SUBSCRIBE ",
        b"UNSUBSCRIBE ",
        b"PROPFIND ",
        b"PROPPATCH ",
        b"MKCOL ",
        b"COPY ",
        b"MOVE ",
        b"LOCK ",
        b"UNLOCK ",
        b"REPORT ",
    ];
}

#[derive(Default)]
struct State {
    transactions: Transactions<{ Slot::COUNT }>,
    /// The head that each direction is in the middle of.
    heads: [Option<Head>; 2],
}

/// A head whose end has not been seen.
#[derive(Clone, Copy)]
struct Head {
    side: Side,
    transaction: u8,
    /// What its lines so far say of the body.
    content_length: Option<u32>,
}

/// What is to come after some bytes of one direction.
enum Outcome {
    /// The last bytes, so many of them, are to be seen again.
    Again(usize),
    /// Another protocol.
    OtherProtocol,
}

/// Takes in the messages in `data` from `position` on, the beginning of one or, with `head`, of a line of its head.
fn take_messages(
    state: &mut State,
    direction: Direction,
    data: &[u8],
    mut position: usize,
    mut head: Option<Head>,
) -> Outcome {
    loop {
        let mut lines = Lines::default();
        let Head { side, transaction, .. } = match head.take() {
            Some(head) => {
                lines.content_length = head.content_length;
                let names = state.transactions[usize::from(head.transaction)].text(Slot::Cookies);
                if head.side == Side::Response && !names.is_empty() {
                    lines.cookies = Some(names.into());
                }
                head
            }
            None => match recognise::<Http>(&data[position..]) {
                Recognised::Whole(start, len) => {
                    position += len;
                    match begin(state, start, &mut lines) {
                        Some(head) => head,
                        None => return Outcome::Again(0),
                    }
                }
                Recognised::Incomplete => return Outcome::Again(data.len() - position),
                Recognised::Nothing => return Outcome::Again(0),
            },
        };
        let index = usize::from(transaction);
        let end = lines.read(data, position, side);
        state.transactions.replace_texts(index, lines.values());
        let body = match end {
            End::Complete(body) => body,
            End::Incomplete(line) => {
                let content_length = lines.content_length;
                state.heads[direction.index()] = Some(Head { side, transaction, content_length });
                // From the line feed on that ends the line before: it tells the continuation of a head from a body.
                return Outcome::Again(data.len() - line + 1);
            }
        };
        let transaction = &state.transactions[index];
        position = match (side, lines.content_length) {
            (Side::Response, _) if transaction.ends_http() => return Outcome::OtherProtocol,
            (Side::Response, _) if !transaction.response_has_body() => body,
            (_, Some(len)) => body.saturating_add(len as usize).min(data.len()),
            (Side::Request, None) => body,
            // Up to the end of the connection, or in chunks.
            (Side::Response, None) => data.len(),
        };
    }
}

/// A message begins: finds its place and notes the start line.
fn begin<'a>(state: &mut State, start: Start<'a>, lines: &mut Lines<'a>) -> Option<Head> {
    let side = Side::of(start);
    let index = state.transactions.place(side)?;
    let transaction = &mut state.transactions[index];
    match start {
        Start::Request { method, target } => {
            transaction.begin_request();
            lines.set(Slot::Method, method);
            lines.set(Slot::Target, target);
        }
        Start::Response { status } => {
            if transaction.begin_response(status) {
                // What the interim one said gives way.
                for slot in [Slot::ContentType, Slot::Server, Slot::Cookies] {
                    lines.set(slot, b"");
                }
            }
        }
    }
    Some(Head { side, transaction: index as u8, content_length: None })
}

impl Plugin for Http {
    type State = State;

    const CUTS: bool = true;

    const STATE_HEAP: usize = Transactions::<{ Slot::COUNT }>::most_heap(Slot::MAX_TOTAL);

    #[inline]
    fn inspect(&mut self, view: &View<'_>, state: Peek<'_, State>) -> Inspection {
        match look::<Http>(view) {
            (_, Recognised::Whole(start, _))
                if state.get().is_some_and(|state| state.transactions.are_complete_for(Side::of(start))) =>
            {
                Inspection::Cut
            }
            _ => Inspection::Continue,
        }
    }

    #[inline]
    fn account(&mut self, view: &View<'_>, slot: &mut StateSlot<'_, State>) -> Account {
        let (data, recognised) = look::<Http>(view);
        if view.after_gap
            && let Some(state) = slot.get()
        {
            state.heads[view.direction.index()] = None;
        }
        let outcome = match (data.first(), recognised) {
            (_, Recognised::Whole(..)) => {
                let state = slot.get_or_insert_with(State::default);
                state.heads[view.direction.index()] = None;
                take_messages(state, view.direction, data, 0, None)
            }
            (_, Recognised::Incomplete) => Outcome::Again(data.len()),
            (Some(b'\n'), Recognised::Nothing) => match slot.get() {
                Some(state) => match state.heads[view.direction.index()].take() {
                    Some(head) => take_messages(state, view.direction, data, 1, Some(head)),
                    None => Outcome::Again(0),
                },
                None => Outcome::Again(0),
            },
            (_, Recognised::Nothing) => {
                let hopeless = is_tls(data) || view.flow.total_packets() > PATIENCE_PACKETS;
                if hopeless && slot.is_vacant() { Outcome::OtherProtocol } else { Outcome::Again(0) }
            }
        };
        let last_look = view.buffer_full || !view.packet.is_tcp();
        match outcome {
            Outcome::Again(0) => Account::CONTINUE,
            Outcome::Again(_) if last_look => {
                if let Some(state) = slot.get() {
                    state.heads[view.direction.index()] = None;
                }
                Account::CONTINUE
            }
            Outcome::Again(bytes) => Account::retaining(bytes),
            Outcome::OtherProtocol => Account::DONE,
        }
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a State, instances: &mut Instances<'a>) {
        for transaction in state.transactions.iter() {
            instances.add([
                Value::Text(transaction.text(Slot::Agent)),
                Value::Text(transaction.text(Slot::Method)),
                Value::Text(transaction.text(Slot::Host)),
                Value::Text(transaction.text(Slot::Referer)),
                Value::Text(transaction.text(Slot::Target)),
                Value::Text(transaction.text(Slot::ContentType)),
                Value::Text(transaction.text(Slot::Server)),
                Value::Text(transaction.text(Slot::Cookies)),
                Value::U16(transaction.status),
            ]);
        }
    }
}

#[cfg(test)]
mod tests;
