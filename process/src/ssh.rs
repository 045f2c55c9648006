//! `ssh`: versions and algorithm fingerprints (HASSH) of both ends of SSH (RFC 4253), over TCP on any port.
//!
//! Both ends say the same kinds of things, and neither has to wait for the other: a line that identifies the software, then in
//! packets the algorithms. Who is the client follows from what they say, not from who began the record.

mod identification;
mod packet;

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    plugin::{ALLOCATION_OVERHEAD, Account, Descriptor, Interest, Packets, Plugin, Protocols, Slot, View},
    tcp,
};

use self::{
    identification::{Found, Identification},
    packet::{Fingerprints, Message, Role},
};
use crate::factory::factory;

static FIELDS: &[Field] = &[
    Field::new(
        "SSH_CLIENT_PROTOCOL",
        FieldType::Text { max: 15 },
        CESNET,
        1240,
        "protocol version of the client",
    ),
    Field::new(
        "SSH_CLIENT_SOFTWARE",
        FieldType::Text { max: 127 },
        CESNET,
        1241,
        "software version of the client",
    ),
    Field::new(
        "SSH_CLIENT_COMMENTS",
        FieldType::Text { max: 127 },
        CESNET,
        1242,
        "comments behind it, such as the release of the distribution",
    ),
    Field::new(
        "SSH_HASSH",
        FieldType::Bytes { max: 16 },
        CESNET,
        1243,
        "HASSH: MD5 of the client's algorithms",
    ),
    Field::new(
        "SSH_SERVER_PROTOCOL",
        FieldType::Text { max: 15 },
        CESNET,
        1244,
        "protocol version of the server",
    ),
    Field::new(
        "SSH_SERVER_SOFTWARE",
        FieldType::Text { max: 127 },
        CESNET,
        1245,
        "software version of the server",
    ),
    Field::new("SSH_SERVER_COMMENTS", FieldType::Text { max: 127 }, CESNET, 1246, "comments behind it"),
    Field::new(
        "SSH_HASSH_SERVER",
        FieldType::Bytes { max: 16 },
        CESNET,
        1247,
        "HASSH-server: MD5 of the server's algorithms",
    ),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "ssh",
    FIELDS,
    "client=\"{SSH_CLIENT_SOFTWARE}\",clientproto=\"{SSH_CLIENT_PROTOCOL}\",\
     clientcomments=\"{SSH_CLIENT_COMMENTS}\",hassh={SSH_HASSH:x},server=\"{SSH_SERVER_SOFTWARE}\",\
     serverproto=\"{SSH_SERVER_PROTOCOL}\",servercomments=\"{SSH_SERVER_COMMENTS}\",hasshserver={SSH_HASSH_SERVER:x}",
);

/// TCP streams on any port.
const INTEREST: Interest =
    Interest { protocols: Protocols::TCP, ports: &[], packets: Packets::WithPayload, stream: true };

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["ssh"],
    doc: "SSH versions and HASSH fingerprints",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(INTEREST, |_| Ssh)),
};

/// The registered port.
const PORT: u16 = 22;

/// A record that has not shown everything after so many packets is given up: in one of them the other end may never be seen.
const PATIENCE_PACKETS: u64 = 100;

struct Ssh;

/// What both ends have said, in the directions of the record.
#[derive(Default)]
struct State {
    sides: [Side; 2],
}

/// What one end has said.
#[derive(Default)]
struct Side {
    stage: Stage,
    identification: Identification,
    fingerprints: Option<Fingerprints>,
    role: Option<Role>,
}

/// What comes next from one end.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Stage {
    /// The identification string, maybe behind other lines.
    #[default]
    Identification,
    /// The packet with its algorithms.
    Algorithms,
    /// The first message of the key exchange, which tells client from server.
    Exchange,
    /// Nothing of interest.
    Over,
}

impl Side {
    fn identify(&mut self, line: &[u8]) {
        self.identification = Identification::new(line);
        // The packets of version 1 are of another kind.
        self.stage = if self.identification.is_version_2() { Stage::Algorithms } else { Stage::Over };
    }

    /// Takes in a message that follows the identification string.
    fn hear(&mut self, message: Message<'_>) {
        match (self.stage, message) {
            (_, Message::Remark) => {}
            (Stage::Algorithms, Message::Algorithms(payload)) => match packet::algorithms(payload) {
                Some(algorithms) => {
                    self.role = algorithms.role();
                    self.fingerprints = Some(algorithms.fingerprints());
                    self.stage = Stage::Exchange;
                }
                None => self.stage = Stage::Over,
            },
            (Stage::Exchange, Message::Other(number)) => {
                self.role = self.role.or(packet::role_of_sender(number));
                self.stage = Stage::Over;
            }
            _ => self.stage = Stage::Over,
        }
    }

    /// Takes in bytes of this end. How many at their end are to be seen again.
    fn read(&mut self, data: &[u8]) -> usize {
        let mut position = 0;
        while position < data.len() {
            let rest = &data[position..];
            match self.stage {
                Stage::Identification => match identification::find(rest, true) {
                    Found::Whole { line, len } => {
                        self.identify(line);
                        position += len;
                    }
                    Found::Incomplete(bytes) => return bytes,
                    Found::Nothing => self.stage = Stage::Over,
                },
                Stage::Algorithms | Stage::Exchange => match packet::read(rest) {
                    Some((message, len)) => {
                        self.hear(message);
                        position += len;
                    }
                    None => return rest.len(),
                },
                Stage::Over => return 0,
            }
        }
        0
    }
}

impl State {
    /// Whether both ends have said all that is of interest.
    fn is_complete(&self) -> bool {
        let roles_are_known = self.client_by_role().is_some();
        self.sides.iter().all(|side| match side.stage {
            Stage::Over => true,
            Stage::Exchange => roles_are_known,
            Stage::Identification | Stage::Algorithms => false,
        })
    }

    /// The direction of the client by what either end has said.
    fn client_by_role(&self) -> Option<usize> {
        self.sides.iter().enumerate().find_map(|(index, side)| match side.role? {
            Role::Client => Some(index),
            Role::Server => Some(1 - index),
        })
    }

    /// The direction of the client: by what was said, by the handshake, by the port, or else that of the record.
    fn client(&self, flow: &Flow) -> usize {
        let handshake_seen = flow.tcp_flags[0] & flow.tcp_flags[1] & tcp::SYN != 0;
        let server_began = flow.source_port() == PORT && flow.destination_port() != PORT;
        self.client_by_role().unwrap_or(usize::from(server_began && !handshake_seen))
    }
}

impl Plugin for Ssh {
    type State = State;

    const STATE_HEAP: usize = 2 * (identification::MAX_LEN + ALLOCATION_OVERHEAD);

    #[inline]
    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, State>) -> Account {
        let direction = view.direction.index();
        if slot.is_vacant() {
            // Lines before the identification string are looked through only where SSH is to be expected.
            let lines_before = [view.flow.source_port(), view.flow.destination_port()].contains(&PORT);
            match identification::find(view.data, lines_before) {
                Found::Whole { .. } => {}
                Found::Incomplete(_) if view.buffer_full || is_hopeless(view.flow) => return Account::DONE,
                Found::Incomplete(bytes) => return Account::retaining(bytes),
                Found::Nothing => return Account::DONE,
            }
        }
        let state = slot.get_or_insert_with(State::default);
        let side = &mut state.sides[direction];
        if view.after_gap && side.stage != Stage::Identification {
            side.stage = Stage::Over;
        }
        let incomplete = side.read(view.data);
        if incomplete > 0 && view.buffer_full {
            side.stage = Stage::Over;
        }
        if state.is_complete() || is_hopeless(view.flow) {
            return Account::DONE;
        }
        Account::retaining(incomplete)
    }

    fn export<'a>(&'a mut self, flow: &'a Flow, state: &'a State, instances: &mut Instances<'a>) {
        let client = state.client(flow);
        let [client, server] = [&state.sides[client], &state.sides[1 - client]];
        let fingerprint = |side: &'a Side, role| side.fingerprints.as_ref().map_or(&[][..], |f| f.of(role));
        instances.add([
            Value::Text(client.identification.protocol()),
            Value::Text(client.identification.software()),
            Value::Text(client.identification.comments()),
            Value::Bytes(fingerprint(client, Role::Client)),
            Value::Text(server.identification.protocol()),
            Value::Text(server.identification.software()),
            Value::Text(server.identification.comments()),
            Value::Bytes(fingerprint(server, Role::Server)),
        ]);
    }
}

/// Whether so much was seen of the record that the rest will not be.
fn is_hopeless(flow: &Flow) -> bool {
    flow.total_packets() > PATIENCE_PACKETS
}

#[cfg(test)]
mod tests;
