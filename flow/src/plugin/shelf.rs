//! The untyped face of a plugin, and what gives a typed plugin that face.

use super::{Account, Finish, Handle, Inspection, Peek, Plugin, Slab, Slot, View};
use crate::{Flow, Instances};

/// What the cache calls. `owner` is the number of the record, `handle` the plugin's place in it.
pub trait Hooks: Send {
    /// See [`Plugin::inspect`].
    fn inspect(&mut self, view: &View<'_>, owner: u32, handle: Handle) -> Inspection;
    /// See [`Plugin::account`].
    fn account(&mut self, view: &View<'_>, owner: u32, handle: &mut Handle) -> Account;
    /// See [`Plugin::finish`]; gives the state up if the plugin has nothing to say.
    fn finish(&mut self, flow: &Flow, owner: u32, handle: &mut Handle);
    /// See [`Plugin::export`].
    fn export<'a>(&'a mut self, flow: &'a Flow, owner: u32, handle: Handle, instances: &mut Instances<'a>);
    /// The record is gone: gives its state up.
    fn release(&mut self, owner: u32, handle: &mut Handle);
    /// Whether the plugin ever asks for a cut; if not, `inspect` need not be called.
    fn cuts(&self) -> bool;
    /// Asks the processor for the state behind `handle`.
    fn prefetch(&self, handle: Handle);
    /// Whether the plugin speaks about records for which it keeps no state.
    fn speaks_from_flow(&self) -> bool;
    /// How many states were taken from the oldest record because the slab was full, or lack something because a pool was.
    fn states_taken(&self) -> u64;
    /// Bytes reserved for states, and the most that they can hold beyond that.
    fn memory(&self) -> usize;
    /// Brings the reserved memory into RAM, near the processor that calls.
    fn touch(&mut self);
}

/// A plugin with the states of its shard.
pub struct Shelf<P: Plugin> {
    plugin: P,
    slab: Slab<P::State>,
}

/// On average over all records a plugin may keep this many bytes outside its slab; plugins that can keep more per
/// state hold fewer states.
const HEAP_PER_RECORD: usize = 512;

impl<P: Plugin> Shelf<P> {
    /// The plugin for a shard of at most `records` records.
    pub fn new(plugin: P, records: usize) -> Shelf<P> {
        let slab = if P::STATE_HEAP > HEAP_PER_RECORD {
            Slab::new((records * HEAP_PER_RECORD).div_ceil(P::STATE_HEAP).max(16))
        } else {
            Slab::for_all(records)
        };
        Shelf { plugin, slab }
    }
}

impl<P: Plugin> Hooks for Shelf<P> {
    #[inline]
    fn inspect(&mut self, view: &View<'_>, owner: u32, handle: Handle) -> Inspection {
        self.plugin.inspect(view, Peek::new(&self.slab, handle, owner))
    }

    #[inline]
    fn account(&mut self, view: &View<'_>, owner: u32, handle: &mut Handle) -> Account {
        let mut slot = Slot::new(&mut self.slab, handle, owner);
        if slot.was_taken() {
            return Account::DONE;
        }
        let account = self.plugin.account(view, &mut slot);
        if let Some(state) = self.slab.take_evicted() {
            self.plugin.release(state);
        }
        account
    }

    fn finish(&mut self, flow: &Flow, owner: u32, handle: &mut Handle) {
        if let Some(state) = self.slab.get_mut(*handle, owner)
            && self.plugin.finish(flow, state) == Finish::Drop
        {
            self.release(owner, handle);
        }
    }

    fn export<'a>(&'a mut self, flow: &'a Flow, owner: u32, handle: Handle, instances: &mut Instances<'a>) {
        if let Some(state) = self.slab.get(handle, owner) {
            self.plugin.export(flow, state, instances);
        } else if P::SPEAKS_FROM_FLOW && handle == 0 {
            self.plugin.export_from_flow(flow, instances);
        }
    }

    fn release(&mut self, owner: u32, handle: &mut Handle) {
        if let Some(state) = self.slab.remove(*handle, owner) {
            self.plugin.release(state);
        }
        *handle = 0;
    }

    fn cuts(&self) -> bool {
        P::CUTS
    }

    #[inline]
    fn prefetch(&self, handle: Handle) {
        self.slab.prefetch(handle);
    }

    fn speaks_from_flow(&self) -> bool {
        P::SPEAKS_FROM_FLOW
    }

    fn states_taken(&self) -> u64 {
        self.slab.taken() + self.plugin.refused()
    }

    fn memory(&self) -> usize {
        self.slab.reserved_bytes() + self.slab.capacity() * P::STATE_HEAP + self.plugin.pooled_bytes()
    }

    fn touch(&mut self) {
        self.slab.touch();
        self.plugin.touch();
    }
}
