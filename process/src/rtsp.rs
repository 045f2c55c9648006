//! `rtsp`: requests and responses of RTSP (RFC 2326, RFC 7826), on any port, over TCP and UDP.
//!
//! A record holds one transaction, as with HTTP: the next request, or a response that none awaits, ends it. Bodies, and media
//! interleaved with messages, are skipped by their length.

mod stream;

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    plugin::{Account, Descriptor, Inspection, Interest, Packets, Peek, Plugin, Protocols, Slot, View},
};

use self::stream::{Found, Place, find_message};
use crate::{
    clip::clipped,
    factory::factory,
    lines::{field, first_line, is_tls, number},
    start_line::{Family, Start},
    transactions::{Side, Transactions},
};

static FIELDS: &[Field] = &[
    Field::new("RTSP_REQUEST_METHOD", FieldType::Text { max: 9 }, CESNET, 1040, "method"),
    Field::new("RTSP_REQUEST_AGENT", FieldType::Text { max: 127 }, CESNET, 1041, "User-Agent"),
    Field::new("RTSP_REQUEST_URI", FieldType::Text { max: 127 }, CESNET, 1042, "URI of the request"),
    Field::new("RTSP_RESPONSE_STATUS_CODE", FieldType::U16, CESNET, 1043, "status code"),
    Field::new("RTSP_RESPONSE_SERVER", FieldType::Text { max: 127 }, CESNET, 1045, "Server"),
    Field::new("RTSP_RESPONSE_CONTENT_TYPE", FieldType::Text { max: 31 }, CESNET, 1044, "Content-Type"),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "rtsp",
    FIELDS,
    "httpmethod=\"{RTSP_REQUEST_METHOD}\",uri=\"{RTSP_REQUEST_URI}\",agent=\"{RTSP_REQUEST_AGENT}\",\
     server=\"{RTSP_RESPONSE_SERVER}\",content=\"{RTSP_RESPONSE_CONTENT_TYPE}\",status={RTSP_RESPONSE_STATUS_CODE}",
);

/// TCP streams and UDP datagrams, on any port.
fn interest() -> Interest {
    let protocols = Protocols::TCP | Protocols::UDP;
    Interest { protocols, ports: &[], packets: Packets::WithPayload, stream: true }
}

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["rtsp"],
    doc: "RTSP requests and responses",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(interest(), |_| Rtsp)),
};

/// The port that is registered for RTSP.
const PORT: u16 = 554;

/// A record that has shown no RTSP after so many packets is given up, unless it is on the registered port: it may begin within
/// media.
const PATIENCE_PACKETS: u64 = 20;

struct Rtsp;

impl Family for Rtsp {
    const VERSION: &'static [u8] = b"RTSP/";
    const METHODS: &'static [&'static [u8]] = &[
        b"DESCRIBE ",
        b"ANNOUNCE ",
        b"GET_PARAMETER ",
        b"OPTIONS ",
        b"PAUSE ",
        b"PLAY ",
        b"PLAY_NOTIFY ",
        b"RECORD ",
        b"REDIRECT ",
        b"SETUP ",
        b"SET_PARAMETER ",
        b"TEARDOWN ",
    ];
}

/// The texts of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Text {
    Method,
    Agent,
    Uri,
    Server,
    ContentType,
}

impl Text {
    const COUNT: usize = 5;

    /// The longest text.
    const fn max(self) -> usize {
        match self {
            Text::Method => 9,
            Text::ContentType => 31,
            Text::Agent | Text::Uri | Text::Server => 127,
        }
    }

    /// All texts of a transaction at their longest.
    const MAX_TOTAL: usize = 9 + 31 + 3 * 127;
}

/// What the lines of a head say.
#[derive(Default)]
struct Lines<'a> {
    values: [Option<&'a [u8]>; Text::COUNT],
    /// The length of the body, as announced; without that there is none (RFC 7826 section 5.3).
    content_length: u32,
}

impl<'a> Lines<'a> {
    fn set(&mut self, text: Text, value: &'a [u8]) {
        self.values[text as usize] = Some(clipped(value, text.max()));
    }

    /// Takes in one line. Lines without a colon say nothing.
    fn line(&mut self, line: &'a [u8], side: Side) {
        let Some((name, value)) = field(line) else { return };
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match (side, name.len()) {
            (Side::Request, 10) if is("User-Agent") => self.set(Text::Agent, value),
            (Side::Response, 6) if is("Server") => self.set(Text::Server, value),
            (Side::Response, 12) if is("Content-Type") => self.set(Text::ContentType, value),
            (_, 14) if is("Content-Length") => self.content_length = number(value).unwrap_or(0),
            _ => {}
        }
    }
}

/// A head whose end has not been seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Head {
    side: Side,
    transaction: u8,
    content_length: u32,
}

#[derive(Default)]
struct State {
    transactions: Transactions<{ Text::COUNT }>,
    places: [Place; 2],
}

impl State {
    /// Takes in bytes of a direction. How many at the end are to be seen again.
    fn take(&mut self, direction: usize, data: &[u8]) -> usize {
        let mut position = 0;
        loop {
            let mut lines = Lines::default();
            let head = match find_message(self.places[direction], data, position) {
                (place, Found::Nothing { again }) => {
                    self.places[direction] = place;
                    return again;
                }
                (_, Found::Head(head)) => {
                    // The line feed that ends the line before.
                    position += 1;
                    lines.content_length = head.content_length;
                    head
                }
                (_, Found::Start { start, behind }) => {
                    position = behind;
                    match self.begin(start, &mut lines) {
                        Some(head) => head,
                        None => return 0,
                    }
                }
            };
            let mut is_whole = false;
            while let Some((line, len)) = first_line(&data[position..]) {
                position += len;
                if line.is_empty() {
                    is_whole = true;
                    break;
                }
                lines.line(line, head.side);
            }
            let content_length = lines.content_length;
            self.transactions.replace_texts(head.transaction.into(), lines.values);
            if !is_whole {
                self.places[direction] = Place::Head(Head { content_length, ..head });
                return data.len() - position + 1;
            }
            self.places[direction] = Place::Ahead(content_length);
        }
    }

    /// A message begins: finds its place and notes the start line.
    fn begin<'a>(&mut self, start: Start<'a>, lines: &mut Lines<'a>) -> Option<Head> {
        let side = Side::of(start);
        let index = self.transactions.place(side)?;
        let transaction = &mut self.transactions[index];
        match start {
            Start::Request { method, target } => {
                transaction.begin_request();
                lines.set(Text::Method, method);
                lines.set(Text::Uri, target);
            }
            Start::Response { status } => {
                if transaction.begin_response(status) {
                    // What the interim one said gives way.
                    lines.set(Text::Server, b"");
                    lines.set(Text::ContentType, b"");
                }
            }
        }
        Some(Head { side, transaction: index as u8, content_length: 0 })
    }
}

impl Plugin for Rtsp {
    type State = State;

    const CUTS: bool = true;

    const STATE_HEAP: usize = Transactions::<{ Text::COUNT }>::most_heap(Text::MAX_TOTAL);

    #[inline]
    fn inspect(&mut self, view: &View<'_>, state: Peek<'_, State>) -> Inspection {
        let Some(state) = state.get() else { return Inspection::Continue };
        let place = if view.after_gap { Place::Lost } else { state.places[view.direction.index()] };
        match find_message(place, view.data, 0) {
            (_, Found::Start { start, .. }) if state.transactions.are_complete_for(Side::of(start)) => {
                Inspection::Cut
            }
            _ => Inspection::Continue,
        }
    }

    #[inline]
    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, State>) -> Account {
        let direction = view.direction.index();
        let is_datagram = !view.packet.is_tcp();
        let state = match slot.get() {
            Some(state) => {
                if view.after_gap || is_datagram {
                    state.places[direction] = Place::Lost;
                }
                state
            }
            None => match find_message(Place::Unseen, view.data, 0) {
                (_, Found::Start { .. }) => slot.get_or_insert_with(State::default),
                (_, Found::Nothing { again }) if again > 0 && !view.buffer_full && !is_datagram => {
                    return Account::retaining(again);
                }
                _ => {
                    let on_port = [view.flow.source_port(), view.flow.destination_port()].contains(&PORT);
                    let hopeless = view.flow.total_packets() > PATIENCE_PACKETS && !on_port;
                    return if hopeless || is_tls(view.data) { Account::DONE } else { Account::CONTINUE };
                }
            },
        };
        let again = state.take(direction, view.data);
        if view.buffer_full {
            state.places[direction] = Place::Lost;
            return Account::CONTINUE;
        }
        Account::retaining(if is_datagram { 0 } else { again })
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a State, instances: &mut Instances<'a>) {
        for transaction in state.transactions.iter() {
            let text = |text: Text| Value::Text(transaction.texts.get(text as usize));
            instances.add([
                text(Text::Method),
                text(Text::Agent),
                text(Text::Uri),
                Value::U16(transaction.status),
                text(Text::Server),
                text(Text::ContentType),
            ]);
        }
    }
}

#[cfg(test)]
mod tests;
