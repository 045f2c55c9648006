//! `dnssd`: services that hosts ask for and offer (RFC 6763) by multicast DNS (RFC 6762) on UDP port 5353.
//!
//! The messages of a record are gathered: the names in questions, and for each name that a response or a probe describes its
//! port and target (SRV), its hardware and system (HINFO) and, on request, its attributes (TXT).

mod services;
mod whitelist;

use std::sync::Arc;

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::{CESNET, Entries},
    options::{Argument, OptionError, OptionSpec, Parsed},
    plugin::{
        ALLOCATION_OVERHEAD, Account, Descriptor, Factory, Interest, Packets, Plugin, Protocols, Slot, View,
    },
};

use self::{
    services::{MAX_RESPONSES, Part, Services},
    whitelist::Whitelist,
};
use crate::{
    clip::Clip,
    cursor::Cursor,
    dns::wire::{self, EndlessName, Entry, Name, Record, Section, kind},
    factory::factory,
    list::List,
};

/// The longest list of questions; names that do not fit are left out.
const MAX_QUERIES: usize = 4096;

static FIELDS: &[Field] = &[
    Field::new(
        "DNSSD_QUERIES",
        FieldType::Text { max: MAX_QUERIES as u16 },
        CESNET,
        826,
        "names in questions, each with ;",
    )
    .with_entries(Entries { separators: 1, ipfix_max: 510 }),
    Field::new(
        "DNSSD_RESPONSES",
        FieldType::Text { max: MAX_RESPONSES as u16 },
        CESNET,
        827,
        "name;port;target;hardware:system;attributes; of each name, port -1 if not known",
    )
    .with_entries(Entries { separators: 5, ipfix_max: 510 }),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema =
    Schema::new("dnssd", FIELDS, "dnssdqueries=\"{DNSSD_QUERIES}\",dnssdresponses=\"{DNSSD_RESPONSES}\"");

/// UDP, port 5353 at either end.
const INTEREST: Interest =
    Interest { protocols: Protocols::UDP, ports: &[5353], packets: Packets::WithPayload, stream: false };

const OPTIONS: &[OptionSpec] = &[OptionSpec::new(
    "txt",
    "t",
    Argument::OptionalText("FILE"),
    "also attributes; with FILE (lines service.domain,key,…) only these",
)];

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["dnssd"],
    doc: "services in multicast DNS",
    schema: &SCHEMA,
    options: OPTIONS,
    configure,
};

fn configure(options: &Parsed) -> Result<Box<dyn Factory>, OptionError> {
    let attributes = match options.text("txt") {
        None => Attributes::None,
        Some("") => Attributes::All,
        Some(path) => Attributes::Listed(Arc::new(Whitelist::read(path).map_err(|error| {
            OptionError::InvalidArgument {
                option: "txt",
                value: path.to_owned(),
                expected: format!("the file cannot be read: {error}"),
            }
        })?)),
    };
    Ok(factory(INTEREST, move |_| DnsSd { attributes: attributes.clone(), text: Vec::new() }))
}

/// Which strings of TXT records are kept.
#[derive(Clone)]
enum Attributes {
    None,
    All,
    Listed(Arc<Whitelist>),
}

impl Attributes {
    fn allow(&self, service: &[u8], string: &[u8]) -> bool {
        match self {
            Attributes::None => false,
            Attributes::All => true,
            Attributes::Listed(whitelist) => whitelist.allows(service, string),
        }
    }
}

struct DnsSd {
    attributes: Attributes,
    /// A text in the making.
    text: Vec<u8>,
}

/// What the messages of a record say.
#[derive(Default)]
struct State {
    queries: List<MAX_QUERIES>,
    services: Services,
}

/// Entries of one message that are looked at.
const MAX_ENTRIES: usize = 128;

/// A record that has shown no message after so many packets is given up.
const PATIENCE_PACKETS: u64 = 20;

/// The longest name as text: 255 bytes with the lengths of its labels.
type Text = Clip<254>;

/// A name that does not end, or refers to what is not before it. What follows it is not looked at.
struct Broken;

impl From<EndlessName> for Broken {
    fn from(_: EndlessName) -> Broken {
        Broken
    }
}

/// The text of a name, unless it is one of the reverse trees.
fn forward_name(name: Name<'_>) -> Result<Option<Text>, Broken> {
    let mut text = Text::new();
    name.read(&mut text).ok_or(Broken)?;
    let bytes = text.as_bytes();
    let last = bytes.rsplit(|&byte| byte == b'.').next();
    let reverse = last.is_some_and(|label| label.eq_ignore_ascii_case(b"arpa"));
    Ok((!reverse).then_some(text))
}

impl DnsSd {
    /// Takes in a message. What comes before a broken name counts.
    fn take(&mut self, bytes: &[u8], state: &mut State) -> Result<(), Broken> {
        let (header, entries) = wire::read(bytes).ok_or(Broken)?;
        for entry in entries.take(MAX_ENTRIES) {
            match entry? {
                Entry::Question(question) => {
                    if let Some(name) = forward_name(question.name)? {
                        state.queries.add(name.as_bytes());
                    }
                }
                // Answers in queries are what the host knows already; probes propose records in the authority section.
                Entry::Record(record) if record.section == Section::Authority || header.is_response() => {
                    self.take_record(&record, &mut state.services)?;
                }
                Entry::Record(_) => {}
            }
        }
        Ok(())
    }

    fn take_record(&mut self, record: &Record<'_>, services: &mut Services) -> Result<(), Broken> {
        if !matches!(record.kind, kind::SRV | kind::HINFO | kind::TXT) {
            return Ok(());
        }
        let Some(name) = forward_name(record.owner)? else { return Ok(()) };
        let name = name.as_bytes();
        match record.kind {
            kind::SRV => {
                let mut data = record.reader();
                if let (Some(_priority), Some(_weight), Some(port)) = (data.u16(), data.u16(), data.u16()) {
                    let mut target = Text::new();
                    data.name(&mut target).ok_or(Broken)?;
                    services.add(name, Part::Server { port, target: target.as_bytes() });
                }
            }
            kind::HINFO => {
                let mut strings = strings(record.data);
                if let (Some(hardware), Some(system)) = (strings.next(), strings.next()) {
                    services.add(name, Part::Host { hardware, system });
                }
            }
            _ => {
                self.text.clear();
                for string in strings(record.data).filter(|string| self.attributes.allow(name, string)) {
                    self.text.extend_from_slice(string);
                    self.text.push(b':');
                }
                services.add(name, Part::Attributes(&self.text));
            }
        }
        Ok(())
    }
}

/// The character strings of a record's data. One that is cut off ends them.
fn strings(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut cursor = Cursor::new(data);
    std::iter::from_fn(move || {
        let len = cursor.u8()?;
        cursor.take(len.into())
    })
}

impl Plugin for DnsSd {
    type State = State;

    const STATE_HEAP: usize = MAX_QUERIES + ALLOCATION_OVERHEAD + Services::MAX_HEAP;

    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, State>) -> Account {
        if view.packet.later_fragment {
            return Account::CONTINUE;
        }
        if let Some(state) = slot.get() {
            // Of a message that breaks off counts what came before.
            let _ = self.take(view.data, state);
            return Account::CONTINUE;
        }
        let mut state = State::default();
        if self.take(view.data, &mut state).is_ok() {
            slot.get_or_insert_with(|| state);
        } else if view.flow.total_packets() > PATIENCE_PACKETS {
            return Account::DONE;
        }
        Account::CONTINUE
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, state: &'a State, instances: &mut Instances<'a>) {
        self.text.clear();
        state.services.write(&mut self.text);
        instances.add([Value::Text(state.queries.as_bytes()), Value::Text(&self.text)]);
    }
}

#[cfg(test)]
mod tests;
