//! `osquery`: the program and the user that a flow of this host belongs to, and the system of the host, as osquery tells them.
//!
//! Packets never wait for osquery. With the first packet of a record a question goes into a bounded queue; a thread of the
//! plugin's own, one for all shards, asks `osqueryi`; when the record ends, an answer that has come is exported.

mod answer;
mod resolver;
mod shell;
mod statement;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    options::{Argument, OptionError, OptionSpec, Parsed},
    plugin::{
        ALLOCATION_OVERHEAD, Account, Descriptor, Factory, Finish, Interest, Packets, Plugin, Protocols,
        Slot, View,
    },
};

use self::{
    answer::{Answer, MAX_TEXT},
    resolver::Resolver,
    statement::Socket,
};
use crate::factory::factory_with_schema;

/// The fields with a prefix before their names, and their form as text.
macro_rules! schema {
    ($prefix:literal) => {{
        const TEXT: FieldType = FieldType::Text { max: MAX_TEXT as u16 };
        static FIELDS: &[Field] = &[
            Field::new(concat!($prefix, "PROGRAM_NAME"), TEXT, CESNET, 852, "program of the flow"),
            Field::new(concat!($prefix, "USERNAME"), TEXT, CESNET, 853, "user of the program"),
            Field::new(concat!($prefix, "OS_NAME"), TEXT, CESNET, 854, "distribution or product"),
            Field::new(concat!($prefix, "OS_MAJOR"), FieldType::U16, CESNET, 855, "major release"),
            Field::new(concat!($prefix, "OS_MINOR"), FieldType::U16, CESNET, 856, "minor release"),
            Field::new(concat!($prefix, "OS_BUILD"), TEXT, CESNET, 857, "build or variant"),
            Field::new(concat!($prefix, "OS_PLATFORM"), TEXT, CESNET, 858, "platform"),
            Field::new(concat!($prefix, "OS_PLATFORM_LIKE"), TEXT, CESNET, 859, "related platforms"),
            Field::new(concat!($prefix, "OS_ARCH"), TEXT, CESNET, 860, "architecture"),
            Field::new(concat!($prefix, "KERNEL_VERSION"), TEXT, CESNET, 861, "version of the kernel"),
            Field::new(concat!($prefix, "SYSTEM_HOSTNAME"), TEXT, CESNET, 862, "name of the host"),
        ];
        Schema::new(
            "osquery",
            FIELDS,
            concat!(
                "program=\"{",
                $prefix,
                "PROGRAM_NAME}\",username=\"{",
                $prefix,
                "USERNAME}\",osname=\"{",
                $prefix,
                "OS_NAME}\",major={",
                $prefix,
                "OS_MAJOR},minor={",
                $prefix,
                "OS_MINOR},build=\"{",
                $prefix,
                "OS_BUILD}\",platform=\"{",
                $prefix,
                "OS_PLATFORM}\",arch=\"{",
                $prefix,
                "OS_ARCH}\",kernel=\"{",
                $prefix,
                "KERNEL_VERSION}\",hostname=\"{",
                $prefix,
                "SYSTEM_HOSTNAME}\""
            ),
        )
    }};
}

/// The fields, and their form as text.
pub static SCHEMA: Schema = schema!("OSQUERY_");

/// The same with the names of older releases.
static UNPREFIXED: Schema = schema!("");

/// TCP and UDP on any port; of each record only the first packet.
fn interest() -> Interest {
    let protocols = Protocols::TCP | Protocols::UDP;
    Interest { protocols, ports: &[], packets: Packets::All, stream: false }
}

const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("path", "p", Argument::Text("PATH"), "the program to ask").default("osqueryi"),
    OptionSpec::new(
        "unprefixed",
        "u",
        Argument::Flag,
        "names of fields without OSQUERY_, as in older releases",
    ),
    OptionSpec::new(
        "wait",
        "w",
        Argument::Number("MS", 0, 60_000),
        "milliseconds that a record waits for its answer when it ends; for capture files",
    )
    .default("0"),
];

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["osquery"],
    doc: "programs and users of this host's flows, as osquery tells them",
    schema: &SCHEMA,
    options: OPTIONS,
    configure,
};

fn configure(options: &Parsed) -> Result<Box<dyn Factory>, OptionError> {
    let path = options.text("path").unwrap_or_default().to_owned();
    let schema = if options.is_given("unprefixed") { &UNPREFIXED } else { &SCHEMA };
    let patience = Duration::from_millis(options.number("wait"));
    // Started when there is a shard that may ask, and ended with the last one.
    let resolver: OnceLock<Arc<Resolver>> = OnceLock::new();
    Ok(factory_with_schema(schema, interest(), move |_| OsQuery {
        resolver: Arc::clone(resolver.get_or_init(|| Arc::new(Resolver::start(&path)))),
        patience,
    }))
}

struct OsQuery {
    resolver: Arc<Resolver>,
    /// How long a record that ends waits for its answer.
    patience: Duration,
}

impl Plugin for OsQuery {
    /// Empty until there is an answer, which the thread stores.
    type State = Arc<Answer>;

    /// The counters of the `Arc` and what it holds. Programs are shared among flows, and the thread keeps a bounded number.
    const STATE_HEAP: usize = 2 * size_of::<usize>() + size_of::<Answer>() + ALLOCATION_OVERHEAD;

    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, Arc<Answer>>) -> Account {
        if view.is_first()
            && let Some(answer) = self.resolver.ask(|| Socket::of(view.flow))
        {
            slot.get_or_insert_with(|| answer);
        }
        Account::DONE
    }

    fn finish(&mut self, _flow: &Flow, answer: &mut Arc<Answer>) -> Finish {
        self.resolver.wait(answer, self.patience);
        if matches!(answer.get(), Some(Some(_))) { Finish::Keep } else { Finish::Drop }
    }

    fn export<'a>(&'a mut self, _flow: &'a Flow, answer: &'a Arc<Answer>, instances: &mut Instances<'a>) {
        if let Some(Some(program)) = answer.get() {
            let host = &program.host;
            instances.add([
                Value::Text(&program.name),
                Value::Text(&program.user),
                Value::Text(&host.name),
                Value::U16(host.major),
                Value::U16(host.minor),
                Value::Text(&host.build),
                Value::Text(&host.platform),
                Value::Text(&host.platform_like),
                Value::Text(&host.arch),
                Value::Text(&host.kernel_version),
                Value::Text(&host.hostname),
            ]);
        }
    }
}

#[cfg(test)]
mod tests;
