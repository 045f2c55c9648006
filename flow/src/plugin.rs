//! What a protocol module implements, and how the cache sees it.
//!
//! A protocol module implements [`Plugin`] with a typed per-flow state. [`Shelf`] puts the states of one plugin and shard
//! into a bounded slab and shows the cache the untyped face [`Hooks`].
//!
//! Each packet of a flow has two phases. In `inspect` every interested plugin looks at the packet without taking it in and
//! may ask for a cut: the record ends, and a fresh one begins with this packet. Then the packet is counted, and in
//! `account` every interested plugin takes it in and may ask that the record be exported, this packet included. `finish`
//! runs on every way out of the cache, then `export`.

mod interest;
mod reserve;
mod shelf;
mod slab;

pub use interest::{Interest, Packets, Protocols};
pub use reserve::{reserve_up_to, touch_reserved};
pub use shelf::{Hooks, Shelf};
pub use slab::{Handle, Peek, Slab, Slot};

use crate::{Direction, Flow, Instances, Packet, Schema};

/// A packet as a plugin sees it.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The packet. When bytes that were held back are delivered, the packet that released them.
    pub packet: &'a Packet,
    /// The record. In `inspect` without this packet, in `account` with it counted.
    pub flow: &'a Flow,
    /// Which way `data` goes in the record.
    pub direction: Direction,
    /// For plugins that ask for streams ([`Interest::stream`]), in TCP: the bytes that continue the stream of this
    /// direction in order, without what was delivered before, and preceded by what this plugin retained. In all other cases the
    /// captured payload of the packet. Empty if the packet brings nothing new.
    pub data: &'a [u8],
    /// Bytes are missing before `data`: the capture has a gap, or began in the middle of the stream.
    pub after_gap: bool,
    /// No more bytes can be retained for this direction: take what is there.
    pub buffer_full: bool,
}

impl View<'_> {
    /// Whether the packet is the first of its record. Meaningful in `account`.
    #[inline]
    pub fn is_first(&self) -> bool {
        self.flow.total_packets() == 1
    }
}

/// The outcome of [`Plugin::inspect`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inspection {
    /// Go on.
    Continue,
    /// End this record and begin a fresh one with this packet.
    Cut,
}

/// What is to happen after [`Plugin::account`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// The plugin wants further packets of this record.
    Continue,
    /// The plugin has what it needs, or the flow is not its protocol: it is not called again for this record.
    Done,
    /// Export the record now, this packet included.
    Export,
}

/// The outcome of [`Plugin::account`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Account {
    /// What is to happen.
    pub next: Next,
    /// How many bytes at the end of [`View::data`] the plugin wants to see again, together with what follows them. Only for
    /// plugins that ask for streams; ignored when [`View::buffer_full`].
    pub retain: usize,
}

impl Account {
    /// Go on, all data taken.
    pub const CONTINUE: Account = Account { next: Next::Continue, retain: 0 };
    /// Done with this record.
    pub const DONE: Account = Account { next: Next::Done, retain: 0 };
    /// Export now.
    pub const EXPORT: Account = Account { next: Next::Export, retain: 0 };

    /// Go on, and show the last `bytes` of the data again.
    pub const fn retaining(bytes: usize) -> Account {
        Account { next: Next::Continue, retain: bytes }
    }
}

/// The outcome of [`Plugin::finish`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finish {
    /// Export the plugin's fields.
    Keep,
    /// The plugin has nothing to say after all.
    Drop,
}

/// What an allocation takes beyond its contents, in bytes, at most.
pub const ALLOCATION_OVERHEAD: usize = 24;

/// A protocol module: one value per plugin and shard, with the state it keeps per record.
pub trait Plugin: Send + 'static {
    /// What is kept for one record, created when there is first something to keep. `()` for plugins whose fields follow
    /// from the [`Flow`] alone.
    type State: Send + 'static;

    /// Whether [`Plugin::inspect`] is to be called at all: whether the plugin ever asks for a cut.
    const CUTS: bool = false;

    /// Looks at a packet of an existing record before it is counted. Must not take it in.
    #[inline]
    fn inspect(&mut self, _view: &View<'_>, _state: Peek<'_, Self::State>) -> Inspection {
        Inspection::Continue
    }

    /// Takes in a packet that has been counted.
    fn account(&mut self, _view: &View<'_>, _slot: &mut Slot<'_, Self::State>) -> Account {
        Account::DONE
    }

    /// The record ends, whatever the reason: last computations, or nothing to say after all.
    fn finish(&mut self, _flow: &Flow, _state: &mut Self::State) -> Finish {
        Finish::Keep
    }

    /// The plugin's values: one or more instances in the order of the schema. An empty answer leaves the plugin out.
    fn export<'a>(&'a mut self, _flow: &'a Flow, _state: &'a Self::State, _instances: &mut Instances<'a>) {}

    /// A state is given up; parts of it that live in pools of the plugin go back there.
    fn release(&mut self, _state: Self::State) {}

    /// Whether the plugin speaks about records for which it keeps no state, in [`Plugin::export_from_flow`]: because its fields
    /// follow from the [`Flow`] alone (then it asks for no packets, [`Interest::NOTHING`]), or because it has something
    /// to say even where there was nothing to keep.
    const SPEAKS_FROM_FLOW: bool = false;

    /// In place of [`Plugin::export`] for records without state.
    fn export_from_flow<'a>(&'a mut self, _flow: &'a Flow, _instances: &mut Instances<'a>) {}

    /// The greatest amount of memory outside `Self::State` that one state can hold, in bytes: with [`ALLOCATION_OVERHEAD`] for each
    /// allocation, and capacities, not lengths. Without what lies in pools.
    const STATE_HEAP: usize = 0;

    /// Bytes that pools of the plugin have reserved.
    fn pooled_bytes(&self) -> usize {
        0
    }

    /// How many times a pool of the plugin had no room for what a record was to keep.
    fn refused(&self) -> u64 {
        0
    }

    /// Brings what pools have reserved into RAM, see [`touch_reserved`].
    fn touch(&mut self) {}
}

/// What the registry of a protocol crate says about a plugin.
pub struct Descriptor {
    /// The name as in `-p name`, and the other names it answers to.
    pub names: &'static [&'static str],
    /// One line for people.
    pub doc: &'static str,
    /// Its fields, and those that parameters add.
    pub schema: &'static Schema,
    /// Its parameters.
    pub options: &'static [crate::options::OptionSpec],
    /// Checks the parameters and prepares the plugin.
    pub configure: fn(&crate::options::Parsed) -> Result<Box<dyn Factory>, crate::options::OptionError>,
}

impl Descriptor {
    /// The schema of the plugin that `factory` makes.
    pub fn schema_of(&self, factory: &dyn Factory) -> &'static Schema {
        factory.schema().unwrap_or(self.schema)
    }
}

/// A configured plugin, from which each shard gets its own.
pub trait Factory: Send + Sync {
    /// The schema that its parameters make, where they do: one of [`Schema::combinations`], or the same fields with other names.
    fn schema(&self) -> Option<&'static Schema> {
        None
    }
    /// The packets it wants.
    fn interest(&self) -> Interest;
    /// An instance for a shard that holds at most `records` records.
    fn build(&self, records: usize) -> Box<dyn Hooks>;
}
