//! `sip`: SIP messages (RFC 3261) over UDP and TCP, on any port, one record per message.
//!
//! Several messages that begin in one segment are instances of one record. A head may come in any number of segments, as with HTTP:
//! what its complete lines say is taken in at once. Bodies are skipped by their length.

mod head;
mod value;

use smallvec::SmallVec;
use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    plugin::{
        ALLOCATION_OVERHEAD, Account, Descriptor, Inspection, Interest, Packets, Peek, Plugin, Protocols,
        Slot, View,
    },
};

use self::head::{End, Lines, Text};
use crate::{
    factory::factory,
    lines::is_tls,
    start_line::{Family, Recognised, Start, look, recognise},
    texts::Texts,
};

static FIELDS: &[Field] = &[
    Field::new(
        "SIP_MSG_TYPE",
        FieldType::U16,
        CESNET,
        100,
        "1 INVITE to 14 REFER, 0 other method, 99 response",
    ),
    Field::new("SIP_STATUS_CODE", FieldType::U16, CESNET, 101, "status of a response"),
    Field::new("SIP_CSEQ", FieldType::Text { max: 127 }, CESNET, 108, "CSeq: number and method"),
    Field::new("SIP_CALLING_PARTY", FieldType::Text { max: 127 }, CESNET, 103, "URI in From"),
    Field::new("SIP_CALLED_PARTY", FieldType::Text { max: 127 }, CESNET, 104, "URI in To"),
    Field::new(
        "SIP_CALL_ID",
        FieldType::Text { max: 127 },
        CESNET,
        102,
        "Call-ID, from its first letter or digit to its last",
    ),
    Field::new("SIP_USER_AGENT", FieldType::Text { max: 127 }, CESNET, 106, "User-Agent"),
    Field::new(
        "SIP_REQUEST_URI",
        FieldType::Text { max: 127 },
        CESNET,
        107,
        "URI of a request, without parameters",
    ),
    Field::new(
        "SIP_VIA",
        FieldType::Text { max: 127 },
        CESNET,
        105,
        "all Via without parameters, joined by ;",
    ),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "sip",
    FIELDS,
    "sipmsgtype={SIP_MSG_TYPE},statuscode={SIP_STATUS_CODE},cseq=\"{SIP_CSEQ}\",\
     callingparty=\"{SIP_CALLING_PARTY}\",calledparty=\"{SIP_CALLED_PARTY}\",callid=\"{SIP_CALL_ID}\",\
     useragent=\"{SIP_USER_AGENT}\",requri=\"{SIP_REQUEST_URI}\",via=\"{SIP_VIA}\"",
);

/// UDP datagrams and TCP streams, on any port.
fn interest() -> Interest {
    let protocols = Protocols::UDP | Protocols::TCP;
    Interest { protocols, ports: &[], packets: Packets::WithPayload, stream: true }
}

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["sip"],
    doc: "SIP messages",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(interest(), |_| Sip)),
};

/// Methods by their number as message type. The first ten are those of the reference, the others are numbered on.
static METHODS: [&[u8]; 14] = [
    b"INVITE",
    b"ACK",
    b"CANCEL",
    b"BYE",
    b"REGISTER",
    b"OPTIONS",
    b"PUBLISH",
    b"NOTIFY",
    b"INFO",
    b"SUBSCRIBE",
    b"PRACK",
    b"UPDATE",
    b"MESSAGE",
    b"REFER",
];

/// The type of a request with another method, which is told by SIP_CSEQ.
const OTHER_METHOD: u16 = 0;
/// The type of a response.
const RESPONSE: u16 = 99;

/// The number of a method.
fn message_type(method: &[u8]) -> u16 {
    METHODS.iter().position(|&known| known == method).map_or(OTHER_METHOD, |place| place as u16 + 1)
}

/// Messages that one record holds; further ones in the same packet are left out.
const MAX_MESSAGES: usize = 16;

/// Bytes that the texts of all messages of a record but the first take. The first always fits.
const FURTHER_TEXTS: usize = 4096;

/// A record that has shown no SIP after so many packets is given up.
const PATIENCE_PACKETS: u64 = 20;

struct Sip;

impl Family for Sip {
    const VERSION: &'static [u8] = b"SIP/";
    const METHODS: &'static [&'static [u8]] = &[
        b"INVITE ",
        b"ACK ",
        b"CANCEL ",
        b"BYE ",
        b"REGISTER ",
        b"OPTIONS ",
        b"PUBLISH ",
        b"NOTIFY ",
        b"INFO ",
        b"SUBSCRIBE ",
        b"PRACK ",
        b"UPDATE ",
        b"MESSAGE ",
        b"REFER ",
    ];
}

/// A message, as kept for a record.
struct Message {
    kind: u16,
    status: u16,
    texts: Texts<{ Text::COUNT }>,
}

#[derive(Default)]
struct State {
    messages: SmallVec<[Message; 1]>,
    places: [Place; 2],
}

/// What the next bytes of a direction are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Place {
    /// The beginning of a message, or something else.
    #[default]
    Start,
    /// Lines of a head, behind the line feed that ends the one before.
    Head { message: u8, content_length: u32 },
    /// So many bytes of a body.
    Body(u32),
}

impl Place {
    /// So many bytes before the next message.
    const fn body(len: u32) -> Place {
        if len == 0 { Place::Start } else { Place::Body(len) }
    }
}

impl State {
    /// A message begins. Its number, unless there are too many.
    fn begin(&mut self, start: Start<'_>) -> Option<u8> {
        let number = self.messages.len();
        if number == MAX_MESSAGES {
            return None;
        }
        let (kind, status) = match start {
            Start::Request { method, .. } => (message_type(method), 0),
            Start::Response { status } => (RESPONSE, status),
        };
        self.messages.push(Message { kind, status, texts: Texts::default() });
        Some(number as u8)
    }

    /// Keeps what the lines of a message say.
    fn store(&mut self, number: u8, lines: &Lines) {
        let further: usize = self.messages[1..].iter().map(|message| message.texts.len()).sum();
        let texts = &mut self.messages[usize::from(number)].texts;
        let room = match number {
            0 => usize::MAX,
            _ => FURTHER_TEXTS - (further - texts.len()),
        };
        texts.replace(lines.values(), room);
    }

    /// Takes in bytes of a direction. How many at the end are to be seen again, which are none if these are the `last` ones.
    fn take(&mut self, direction: usize, data: &[u8], last: bool) -> usize {
        let mut position = 0;
        while position < data.len() {
            let mut lines = Lines::default();
            let (message, content_length) = match self.places[direction] {
                Place::Body(left) => {
                    let len = (data.len() - position).min(left as usize);
                    position += len;
                    self.places[direction] = Place::body(left - len as u32);
                    continue;
                }
                Place::Head { .. } if data[position] != b'\n' => {
                    self.places[direction] = Place::Start;
                    continue;
                }
                Place::Head { message, content_length } => {
                    // The line feed that ends the line before.
                    position += 1;
                    lines.go_on(self.messages[usize::from(message)].texts.get(Text::Via as usize));
                    (message, content_length)
                }
                Place::Start => {
                    position += line_ends(&data[position..]);
                    let (start, len) = match recognise::<Sip>(&data[position..]) {
                        Recognised::Whole(start, len) => (start, len),
                        Recognised::Incomplete => return data.len() - position,
                        Recognised::Nothing => return 0,
                    };
                    let Some(message) = self.begin(start) else { return 0 };
                    position += len;
                    if let Start::Request { target, .. } = start {
                        lines.set(Text::RequestUri, value::without_parameters(target));
                    }
                    (message, 0)
                }
            };
            lines.content_length = content_length;
            let end = lines.read(data, position, last);
            self.store(message, &lines);
            match end {
                End::Complete(body) => {
                    position = body;
                    self.places[direction] = Place::body(lines.content_length);
                }
                End::Incomplete(line) => {
                    self.places[direction] = Place::Head { message, content_length: lines.content_length };
                    return data.len() - line + 1;
                }
            }
        }
        0
    }
}

/// How many bytes at the beginning are ends of lines, which may precede a message (RFC 3261 section 7.5).
fn line_ends(data: &[u8]) -> usize {
    data.iter().take_while(|&&byte| matches!(byte, b'\r' | b'\n')).count()
}

/// The bytes to look at, without line ends before them.
#[inline]
fn look_behind_line_ends<'a>(view: &View<'a>) -> (&'a [u8], Recognised<'a>) {
    match view.data.first() {
        Some(b'\r' | b'\n') => {
            let data = &view.data[line_ends(view.data)..];
            (data, recognise::<Sip>(data))
        }
        _ => look::<Sip>(view),
    }
}

impl Plugin for Sip {
    type State = State;

    const CUTS: bool = true;

    const STATE_HEAP: usize = Text::COUNT * Text::MAX
        + FURTHER_TEXTS
        + MAX_MESSAGES * size_of::<Message>()
        + (MAX_MESSAGES + 1) * ALLOCATION_OVERHEAD;

    #[inline]
    fn inspect(&mut self, view: &View<'_>, state: Peek<'_, State>) -> Inspection {
        if !matches!(look_behind_line_ends(view), (_, Recognised::Whole(..))) {
            return Inspection::Continue;
        }
        let place = state.get().map_or(Place::Start, |state| state.places[view.direction.index()]);
        if view.after_gap || place == Place::Start { Inspection::Cut } else { Inspection::Continue }
    }

    #[inline]
    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, State>) -> Account {
        let direction = view.direction.index();
        let is_datagram = !view.packet.is_tcp();
        let last = is_datagram || view.buffer_full;
        if (view.after_gap || is_datagram)
            && let Some(state) = slot.get()
        {
            state.places[direction] = Place::Start;
        }
        let place = slot.get().map_or(Place::Start, |state| state.places[direction]);
        let data = match place {
            Place::Head { .. } | Place::Body(_) => view.data,
            Place::Start => match look_behind_line_ends(view) {
                (data, Recognised::Whole(..)) => data,
                (data, Recognised::Incomplete) if !last => return Account::retaining(data.len()),
                _ => {
                    let hopeless = is_tls(view.data) || view.flow.total_packets() > PATIENCE_PACKETS;
                    return if hopeless && slot.is_vacant() { Account::DONE } else { Account::CONTINUE };
                }
            },
        };
        let state = slot.get_or_insert_with(State::default);
        let again = state.take(direction, data, last);
        if last {
            state.places[direction] = Place::Start;
            return Account::CONTINUE;
        }
        Account::retaining(again)
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a State, instances: &mut Instances<'a>) {
        for message in &state.messages {
            let text = |text: Text| Value::Text(message.texts.get(text as usize));
            instances.add([
                Value::U16(message.kind),
                Value::U16(message.status),
                text(Text::CSeq),
                text(Text::CallingParty),
                text(Text::CalledParty),
                text(Text::CallId),
                text(Text::UserAgent),
                text(Text::RequestUri),
                text(Text::Via),
            ]);
        }
    }
}

#[cfg(test)]
mod tests;
