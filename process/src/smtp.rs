//! `smtp`: a summary of the mail sessions of RFC 5321 on TCP port 25.
//!
//! Commands and replies are read line by line, however they share segments. Of mail only the end is looked for. Behind an accepted
//! STARTTLS there is nothing to be read.

mod command;
mod reply;
mod session;

use weir_flow::{
    Direction, Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    plugin::{
        ALLOCATION_OVERHEAD, Account, Descriptor, Finish, Interest, Packets, Plugin, Protocols, Slot, View,
    },
};

use self::session::{Outcome, Session, Text};
use crate::{factory::factory, lines::is_tls};

static FIELDS: &[Field] = &[
    Field::new("SMTP_COMMAND_FLAGS", FieldType::U32, CESNET, 810, "bit set of commands"),
    Field::new("SMTP_MAIL_CMD_COUNT", FieldType::U32, CESNET, 811, "number of MAIL commands"),
    Field::new("SMTP_RCPT_CMD_COUNT", FieldType::U32, CESNET, 812, "number of RCPT commands"),
    Field::new("SMTP_STAT_CODE_FLAGS", FieldType::U32, CESNET, 815, "bit set of reply codes"),
    Field::new("SMTP_2XX_STAT_CODE_COUNT", FieldType::U32, CESNET, 816, "number of replies 200 to 299"),
    Field::new("SMTP_3XX_STAT_CODE_COUNT", FieldType::U32, CESNET, 817, "number of replies 300 to 399"),
    Field::new("SMTP_4XX_STAT_CODE_COUNT", FieldType::U32, CESNET, 818, "number of replies 400 to 499"),
    Field::new("SMTP_5XX_STAT_CODE_COUNT", FieldType::U32, CESNET, 819, "number of replies 500 to 599"),
    Field::new(
        "SMTP_DOMAIN",
        FieldType::Text { max: 254 },
        CESNET,
        820,
        "argument of the first HELO or EHLO",
    ),
    Field::new(
        "SMTP_FIRST_SENDER",
        FieldType::Text { max: 254 },
        CESNET,
        813,
        "what follows the colon of the first MAIL",
    ),
    Field::new(
        "SMTP_FIRST_RECIPIENT",
        FieldType::Text { max: 254 },
        CESNET,
        814,
        "what follows the colon of the first RCPT",
    ),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "smtp",
    FIELDS,
    "2xxcnt={SMTP_2XX_STAT_CODE_COUNT},3xxcnt={SMTP_3XX_STAT_CODE_COUNT},4xxcnt={SMTP_4XX_STAT_CODE_COUNT},\
     5xxcnt={SMTP_5XX_STAT_CODE_COUNT},cmdflgs={SMTP_COMMAND_FLAGS},mailcmdcnt={SMTP_MAIL_CMD_COUNT},\
     rcptcmdcnt={SMTP_RCPT_CMD_COUNT},codeflags={SMTP_STAT_CODE_FLAGS},domain=\"{SMTP_DOMAIN}\",\
     firstsender=\"{SMTP_FIRST_SENDER}\",firstrecipient=\"{SMTP_FIRST_RECIPIENT}\"",
);

/// The port of servers.
const PORT: u16 = 25;

const INTEREST: Interest =
    Interest { protocols: Protocols::TCP, ports: &[PORT], packets: Packets::WithPayload, stream: true };

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["smtp"],
    doc: "SMTP sessions: commands, replies, first addresses",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(INTEREST, |_| Smtp)),
};

/// A record that has shown no SMTP after so many packets is given up.
const PATIENCE_PACKETS: u64 = 20;

struct Smtp;

/// Whether the bytes come from the server.
fn is_from_server(view: &View<'_>) -> bool {
    let port = match view.direction {
        Direction::Forward => view.flow.source_port(),
        Direction::Reverse => view.flow.destination_port(),
    };
    port == PORT
}

impl Plugin for Smtp {
    type State = Session;

    const STATE_HEAP: usize = Text::MAX_TOTAL + ALLOCATION_OVERHEAD;

    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, Session>) -> Account {
        let from_server = is_from_server(view);
        let patient = view.flow.total_packets() <= PATIENCE_PACKETS;
        if slot.is_vacant() && !session::may_begin(view.data, from_server) {
            return if patient && !is_tls(view.data) { Account::CONTINUE } else { Account::DONE };
        }
        let session = slot.get_or_insert_with(Session::default);
        if view.after_gap {
            session.miss_bytes(from_server);
        }
        let may_wait = !view.buffer_full;
        let outcome = if from_server {
            session.take_replies(view.data, may_wait)
        } else {
            session.take_commands(view.data, may_wait)
        };
        if view.buffer_full {
            session.miss_bytes(from_server);
        }
        match outcome {
            Outcome::Encrypted => Account::DONE,
            Outcome::Again(_) if session.is_empty() && !patient => Account::DONE,
            Outcome::Again(bytes) => Account::retaining(bytes),
        }
    }

    fn finish(&mut self, _flow: &Flow, session: &mut Session) -> Finish {
        if session.is_empty() { Finish::Drop } else { Finish::Keep }
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, session: &'a Session, instances: &mut Instances<'a>) {
        let [replies_2xx, replies_3xx, replies_4xx, replies_5xx] = session.reply_counts;
        instances.add([
            Value::U32(session.command_flags),
            Value::U32(session.mail_count),
            Value::U32(session.recipient_count),
            Value::U32(session.reply_flags),
            Value::U32(replies_2xx),
            Value::U32(replies_3xx),
            Value::U32(replies_4xx),
            Value::U32(replies_5xx),
            Value::Text(session.text(Text::Domain)),
            Value::Text(session.text(Text::Sender)),
            Value::Text(session.text(Text::Recipient)),
        ]);
    }
}

#[cfg(test)]
mod tests;
