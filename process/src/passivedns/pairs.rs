//! The pairs of one record.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::Range,
};

use weir_flow::plugin::ALLOCATION_OVERHEAD;

use super::reverse;
use crate::{
    clip::{Clip, clipped},
    dns::wire::{Record, kind},
};

/// The longest name that is kept.
pub(super) const MAX_NAME: usize = 254;

/// Pairs of one record; further ones are left out.
const MAX_PAIRS: usize = 64;

/// Bytes that all names of a record take; pairs whose names do not fit are left out.
const MAX_NAMES: usize = 4096;

/// A name and an address, as an answer gives them.
pub(super) struct Pair {
    pub(super) id: u16,
    pub(super) kind: u16,
    pub(super) ttl: u32,
    pub(super) address: IpAddr,
    /// Where the name is in `names`. Pairs that follow each other with the same name share it.
    name: Range<u16>,
}

/// Pairs in the order of the answers.
#[derive(Default)]
pub(super) struct Pairs {
    pairs: Vec<Pair>,
    names: Vec<u8>,
}

impl Pairs {
    /// The most that they take. Vectors double their room when they need more.
    pub(super) const MAX_HEAP: usize =
        MAX_PAIRS * size_of::<Pair>() + 2 * MAX_NAMES + 2 * ALLOCATION_OVERHEAD;

    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Whether further pairs are left out.
    pub(super) fn is_full(&self) -> bool {
        self.pairs.len() == MAX_PAIRS
    }

    /// Forgets all pairs and keeps the room.
    pub(super) fn clear(&mut self) {
        self.pairs.clear();
        self.names.clear();
    }

    /// The pairs, each with its name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Pair, &[u8])> {
        self.pairs.iter().map(|pair| (pair, &self.names[pair.name.start.into()..pair.name.end.into()]))
    }

    /// Adds what an answer of message `id` says, if it is an A, AAAA or PTR record; `None` if a name in it is broken.
    pub(super) fn add(&mut self, id: u16, answer: &Record<'_>) -> Option<()> {
        let mut name = Clip::<MAX_NAME>::new();
        let address = match answer.kind {
            kind::A => <[u8; 4]>::try_from(answer.data).ok().map(|octets| Ipv4Addr::from(octets).into()),
            kind::AAAA => <[u8; 16]>::try_from(answer.data).ok().map(|octets| Ipv6Addr::from(octets).into()),
            kind::PTR => {
                let mut owner = Clip::<MAX_NAME>::new();
                answer.owner.read(&mut owner)?;
                reverse::address(owner.as_bytes())
            }
            _ => None,
        };
        let Some(address) = address else { return Some(()) };
        match answer.kind {
            kind::PTR => answer.reader().name(&mut name)?,
            _ => answer.owner.read(&mut name)?,
        }
        self.push(id, answer, address, clipped(name.as_bytes(), MAX_NAME));
        Some(())
    }

    fn push(&mut self, id: u16, answer: &Record<'_>, address: IpAddr, name: &[u8]) {
        let name = match self.iter().last() {
            Some((last, same)) if same == name => last.name.clone(),
            _ if self.names.len() + name.len() > MAX_NAMES => return,
            _ => {
                let start = self.names.len() as u16;
                self.names.extend_from_slice(name);
                start..self.names.len() as u16
            }
        };
        self.pairs.push(Pair { id, kind: answer.kind, ttl: answer.ttl, address, name });
    }
}
