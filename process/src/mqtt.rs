//! `mqtt`: control packets of MQTT 3.1, 3.1.1 and 5.0 over TCP, on any port.
//!
//! A flow is MQTT if the first thing said in a record is CONNECT. Control packets may come in any number of segments; of one that is
//! not wanted whole only the length is kept. DISCONNECT ends the record.

mod packet;

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    options::{Argument, OptionSpec},
    plugin::{
        ALLOCATION_OVERHEAD, Account, Descriptor, Interest, Next, Packets, Plugin, Protocols, Slot, View,
    },
};

use self::packet::{Header, Recognised, kind, recognise};
use crate::factory::factory;

static FIELDS: &[Field] = &[
    Field::new(
        "MQTT_TYPE_CUMULATIVE",
        FieldType::U16,
        CESNET,
        1033,
        "bit n: a packet of type n was seen; bit 0: session present in the last CONNACK",
    ),
    Field::new("MQTT_VERSION", FieldType::U8, CESNET, 1034, "protocol level of the last CONNECT"),
    Field::new("MQTT_CONNECTION_FLAGS", FieldType::U8, CESNET, 1035, "flags of the last CONNECT"),
    Field::new("MQTT_KEEP_ALIVE", FieldType::U16, CESNET, 1036, "keep alive of the last CONNECT, seconds"),
    Field::new("MQTT_CONNECTION_RETURN_CODE", FieldType::U8, CESNET, 1037, "return code of the last CONNACK"),
    Field::new("MQTT_PUBLISH_FLAGS", FieldType::U8, CESNET, 1038, "DUP 8, QoS 6, RETAIN 1 of all PUBLISH"),
    Field::new(
        "MQTT_TOPICS",
        FieldType::Text { max: MAX_TOPICS as u16 },
        CESNET,
        1039,
        "topics of the first PUBLISH, each followed by #",
    ),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "mqtt",
    FIELDS,
    "type_cumulative={MQTT_TYPE_CUMULATIVE},version={MQTT_VERSION},connection_flags={MQTT_CONNECTION_FLAGS},\
     keep_alive={MQTT_KEEP_ALIVE},connection_return_code={MQTT_CONNECTION_RETURN_CODE},\
     publish_flags={MQTT_PUBLISH_FLAGS},topics=\"{MQTT_TOPICS}\"",
);

/// TCP streams, on any port.
const INTEREST: Interest =
    Interest { protocols: Protocols::TCP, ports: &[], packets: Packets::WithPayload, stream: true };

const OPTIONS: &[OptionSpec] = &[OptionSpec::new(
    "topiccount",
    "tc",
    Argument::Number("COUNT", 0, u32::MAX as u64),
    "keep the topics of so many PUBLISH",
)
.default("0")];

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["mqtt"],
    doc: "MQTT control packets",
    schema: &SCHEMA,
    options: OPTIONS,
    configure: |options| {
        let topic_count = options.number("topiccount") as u32;
        Ok(factory(INTEREST, move |_| Mqtt { topic_count }))
    },
};

/// Bytes of topics kept for a record. A topic that does not fit whole is left out.
const MAX_TOPICS: usize = 1024;

struct Mqtt {
    /// Of how many PUBLISH packets of a record the topics are kept.
    topic_count: u32,
}

#[derive(Default)]
struct State {
    /// Bit n for a packet of type n, bit 0 for a session that was present.
    types: u16,
    version: u8,
    connect_flags: u8,
    keep_alive_s: u16,
    return_code: u8,
    publish_flags: u8,
    topics: Vec<u8>,
    /// PUBLISH packets whose topics were looked at.
    topics_seen: u32,
    places: [Place; 2],
}

/// Where the next control packet of a direction begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// So many bytes further on.
    Ahead(u32),
    /// Somewhere: bytes are missing, or were not understood.
    Unknown,
}

impl Default for Place {
    fn default() -> Place {
        Place::Ahead(0)
    }
}

impl State {
    /// Takes in the bytes of a direction. How many at the end are to be seen again, which are none unless `may_wait`; and whether
    /// there was a DISCONNECT.
    fn take(&mut self, direction: usize, data: &[u8], topic_count: u32, may_wait: bool) -> (usize, bool) {
        let mut rest = match self.places[direction] {
            Place::Ahead(skip) => match data.get(skip as usize..) {
                Some(rest) => rest,
                None => {
                    self.places[direction] = Place::Ahead(skip - data.len() as u32);
                    return (0, false);
                }
            },
            Place::Unknown if packet::fill(data) => data,
            Place::Unknown => return (0, false),
        };
        let mut disconnected = false;
        self.places[direction] = Place::Ahead(0);
        while !rest.is_empty() {
            let header = match packet::header(rest) {
                Recognised::Whole(header) => header,
                Recognised::Incomplete if may_wait => return (rest.len(), disconnected),
                _ => {
                    self.places[direction] = Place::Unknown;
                    break;
                }
            };
            let body = header.body(rest);
            let missing = header.remaining - body.len() as u32;
            let taken = self.take_packet(header, body, topic_count);
            if !taken && missing > 0 && may_wait {
                return (rest.len(), disconnected);
            }
            disconnected |= header.kind == kind::DISCONNECT;
            self.places[direction] = Place::Ahead(missing);
            rest = &rest[header.len + body.len()..];
        }
        (0, disconnected)
    }

    /// Takes in a packet of which `body` is there. Whether that was enough.
    fn take_packet(&mut self, header: Header, body: &[u8], topic_count: u32) -> bool {
        self.types |= 1 << header.kind;
        match header.kind {
            kind::CONNECT => packet::connect(body).map(|connect| {
                self.version = connect.level;
                self.connect_flags = connect.flags;
                self.keep_alive_s = connect.keep_alive_s;
            }),
            kind::CONNACK => packet::connack(body).map(|(session_present, return_code)| {
                self.types = self.types & !1 | u16::from(session_present);
                self.return_code = return_code;
            }),
            kind::PUBLISH => {
                self.publish_flags |= header.flags;
                if self.topics_seen >= topic_count {
                    return true;
                }
                let room = MAX_TOPICS - self.topics.len();
                // A topic without room is not waited for.
                let topic = match packet::topic_len(body) {
                    Some(len) if len >= room => Some(&[][..]),
                    _ => packet::topic(body),
                };
                topic.map(|topic| {
                    self.topics_seen += 1;
                    if packet::is_topic_name(topic) {
                        self.topics.reserve_exact(topic.len() + 1);
                        self.topics.extend_from_slice(topic);
                        self.topics.push(b'#');
                    }
                })
            }
            _ => Some(()),
        }
        .is_some()
    }
}

impl Plugin for Mqtt {
    type State = State;

    const STATE_HEAP: usize = MAX_TOPICS + ALLOCATION_OVERHEAD;

    #[inline]
    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, State>) -> Account {
        let may_wait = !view.buffer_full;
        let direction = view.direction.index();
        let state = match slot.get() {
            Some(state) => {
                if view.after_gap {
                    state.places[direction] = Place::Unknown;
                }
                state
            }
            None => match recognise(view.data) {
                Recognised::Whole(_) => slot.get_or_insert_with(State::default),
                Recognised::Incomplete if may_wait => return Account::retaining(view.data.len()),
                _ => return Account::DONE,
            },
        };
        let (again, disconnected) = state.take(direction, view.data, self.topic_count, may_wait);
        if !may_wait {
            // What was cut off counts as seen.
            state.places[direction] = Place::Unknown;
        }
        Account { next: if disconnected { Next::Export } else { Next::Continue }, retain: again }
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a State, instances: &mut Instances<'a>) {
        instances.add([
            Value::U16(state.types),
            Value::U8(state.version),
            Value::U8(state.connect_flags),
            Value::U16(state.keep_alive_s),
            Value::U8(state.return_code),
            Value::U8(state.publish_flags),
            Value::Text(&state.topics),
        ]);
    }
}

#[cfg(test)]
mod tests;
