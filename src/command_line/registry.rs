//! What can be named on the command line.

use weir_flow::{
    Field, OptionalFields,
    options::{OptionSpec, nearest},
    record::basic,
};

use super::CommandLineError;

/// A plugin as the command line sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Its name, and the other names it answers to.
    pub(crate) names: &'static [&'static str],
    /// One line for people.
    pub(crate) doc: &'static str,
    /// Its parameters.
    pub(crate) options: &'static [OptionSpec],
    /// The fields it adds to records.
    pub(crate) fields: &'static [Field],
    /// The fields that its parameters add behind them.
    pub(crate) optional: &'static [OptionalFields],
}

impl Entry {
    /// The name under which the others are understood.
    pub(crate) const fn name(&self) -> &'static str {
        self.names[0]
    }

    /// All fields there can be, each with what it means.
    pub(super) fn all_fields(&self) -> impl Iterator<Item = (&'static Field, String)> {
        let optional = self.optional.iter().flat_map(|more| {
            more.fields.iter().map(|field| (field, format!("with `{}`: {}", more.option, field.doc)))
        });
        self.fields.iter().map(|field| (field, field.doc.to_string())).chain(optional)
    }
}

/// The fields that every record has, which can be named like a process plugin, to no effect.
pub(super) static BASIC: Entry = Entry {
    names: &["basic"],
    doc: "The fields of every record: always exported, naming it changes nothing",
    options: &[],
    fields: basic::FIELDS,
    optional: &[],
};

/// The plugins of this build.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    /// `-i`
    pub(crate) inputs: Vec<Entry>,
    /// `-s`
    pub(crate) storages: Vec<Entry>,
    /// `-p`, without `basic`
    pub(crate) plugins: Vec<Entry>,
    /// `-o`
    pub(crate) outputs: Vec<Entry>,
}

/// A kind of plugin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// `-i`
    Input,
    /// `-s`
    Storage,
    /// `-p`
    Process,
    /// `-o`
    Output,
}

impl Kind {
    /// All kinds, in the order of a packet's way.
    pub(super) const ALL: [Kind; 4] = [Kind::Input, Kind::Storage, Kind::Process, Kind::Output];

    /// The word for it in options and help.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Kind::Input => "input",
            Kind::Storage => "storage",
            Kind::Process => "process",
            Kind::Output => "output",
        }
    }

    /// What to call one of it.
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Kind::Process => "process plugin",
            kind => kind.word(),
        }
    }

    /// Names that will be understood one day, and so deserve another answer than a misspelt one.
    const fn expected(self) -> &'static [&'static str] {
        match self {
            Kind::Input => &["dpdk", "dpdk-ring", "ndp"],
            Kind::Storage | Kind::Process | Kind::Output => &[],
        }
    }
}

impl Registry {
    /// The plugins of one kind, `basic` left out.
    pub(super) fn of(&self, kind: Kind) -> &[Entry] {
        match kind {
            Kind::Input => &self.inputs,
            Kind::Storage => &self.storages,
            Kind::Process => &self.plugins,
            Kind::Output => &self.outputs,
        }
    }

    /// The plugins of one kind in byte order of their names, `basic` among them.
    pub(super) fn sorted(&self, kind: Kind) -> Vec<&Entry> {
        let mut entries: Vec<&Entry> = self.of(kind).iter().collect();
        if kind == Kind::Process {
            entries.push(&BASIC);
        }
        entries.sort_by_key(|entry| entry.name());
        entries
    }

    /// The plugin called `name`.
    ///
    /// # Errors
    /// If there is none: whether it is not available yet, or what it may have been meant to be.
    pub(super) fn find(&self, kind: Kind, name: &str) -> Result<&Entry, CommandLineError> {
        let entries = self.of(kind);
        if let Some(entry) = entries.iter().find(|entry| entry.names.contains(&name)) {
            return Ok(entry);
        }
        if kind.expected().contains(&name) {
            return Err(CommandLineError::Unavailable(format!("{} {name}", kind.noun())));
        }
        let names = entries.iter().flat_map(|entry| entry.names.iter().copied());
        Err(CommandLineError::UnknownPlugin { kind, name: name.to_owned(), nearest: nearest(name, names) })
    }
}
