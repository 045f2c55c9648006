//! Requests paired with their responses, as records of HTTP and RTSP hold them.

use std::ops::{Index, IndexMut};

use smallvec::SmallVec;
use weir_flow::plugin::ALLOCATION_OVERHEAD;

use crate::{start_line::Start, texts::Texts};

/// Which kind a message is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Request,
    Response,
}

impl Side {
    /// The kind of a message that begins like this.
    pub(crate) fn of(start: Start<'_>) -> Side {
        match start {
            Start::Request { .. } => Side::Request,
            Start::Response { .. } => Side::Response,
        }
    }
}

/// How far the response has come.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Response {
    #[default]
    None,
    /// Only an interim one (RFC 9110 section 15.2), which another follows.
    Interim,
    Final,
}

/// A request, a response, or both.
#[derive(Default, Debug)]
pub(crate) struct Transaction<const TEXTS: usize> {
    pub(crate) texts: Texts<TEXTS>,
    pub(crate) status: u16,
    has_request: bool,
    response: Response,
}

impl<const TEXTS: usize> Transaction<TEXTS> {
    pub(crate) fn begin_request(&mut self) {
        self.has_request = true;
    }

    /// A response with this status begins. Whether it takes the place of an interim one.
    pub(crate) fn begin_response(&mut self, status: u16) -> bool {
        self.status = status;
        let was_interim = self.response == Response::Interim;
        self.response = if is_interim(status) { Response::Interim } else { Response::Final };
        was_interim
    }

    fn is_open_for(&self, side: Side) -> bool {
        match side {
            Side::Request => !self.has_request,
            Side::Response => self.response != Response::Final,
        }
    }
}

/// Whether another response follows one with this status. After `101 Switching Protocols` none does.
fn is_interim(status: u16) -> bool {
    status < 200 && status != 101
}

/// Transactions that one record holds; further ones in the same packet are left out.
pub(crate) const MAX_TRANSACTIONS: usize = 16;

/// Bytes that the texts of all transactions of a record but the first take. The first always fits.
pub(crate) const FURTHER_TEXTS: usize = 1024;

/// The transactions of a record.
#[derive(Default)]
pub(crate) struct Transactions<const TEXTS: usize>(SmallVec<[Transaction<TEXTS>; 1]>);

impl<const TEXTS: usize> Transactions<TEXTS> {
    /// The most memory that they hold outside themselves, if the texts of one take at most so many bytes.
    pub(crate) const fn most_heap(texts: usize) -> usize {
        texts
            + FURTHER_TEXTS
            + MAX_TRANSACTIONS * size_of::<Transaction<TEXTS>>()
            + (MAX_TRANSACTIONS + 1) * ALLOCATION_OVERHEAD
    }

    /// Whether a message of this kind belongs to a new record: a second request, or a response when none is awaited.
    pub(crate) fn are_complete_for(&self, side: Side) -> bool {
        match side {
            Side::Request => self.0.iter().any(|transaction| !transaction.is_open_for(side)),
            Side::Response => {
                !self.0.is_empty() && self.0.iter().all(|transaction| !transaction.is_open_for(side))
            }
        }
    }

    /// The transaction that a message belongs to: for a request the first one without request, for a response the first one
    /// without response. `None` if there are too many.
    pub(crate) fn place(&mut self, side: Side) -> Option<usize> {
        if let Some(open) = self.0.iter().position(|transaction| transaction.is_open_for(side)) {
            return Some(open);
        }
        if self.0.len() == MAX_TRANSACTIONS {
            return None;
        }
        self.0.push(Transaction::default());
        Some(self.0.len() - 1)
    }

    /// Replaces texts of a transaction, as far as there is room.
    pub(crate) fn replace_texts(&mut self, index: usize, new: [Option<&[u8]>; TEXTS]) {
        let further: usize = self.0[1..].iter().map(|transaction| transaction.texts.len()).sum();
        let texts = &mut self.0[index].texts;
        let room = if index == 0 { usize::MAX } else { FURTHER_TEXTS - (further - texts.len()) };
        texts.replace(new, room);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Transaction<TEXTS>> {
        self.0.iter()
    }
}

impl<const TEXTS: usize> Index<usize> for Transactions<TEXTS> {
    type Output = Transaction<TEXTS>;

    fn index(&self, index: usize) -> &Transaction<TEXTS> {
        &self.0[index]
    }
}

impl<const TEXTS: usize> IndexMut<usize> for Transactions<TEXTS> {
    fn index_mut(&mut self, index: usize) -> &mut Transaction<TEXTS> {
        &mut self.0[index]
    }
}
