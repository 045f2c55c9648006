//! Data sets whose octets stay with the program until they are sent.

use super::Fault;

/// Octets of the program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    address: *const u8,
    length: usize,
}

// SAFETY: it is only read in `Sets::gather`, whose caller guarantees that the octets are there.
unsafe impl Send for Piece {}

/// A set that has been ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ended {
    pub(super) template: u16,
    pub(super) records: u16,
    pub(super) octets: usize,
    pieces: usize,
}

#[derive(Debug)]
struct Open {
    template: u16,
    /// Where its pieces begin.
    begin: usize,
    /// Where a program asked to be able to return to.
    marker: usize,
    octets: usize,
    /// The piece from which on it is of no use, because something could not be put.
    spoilt: Option<usize>,
}

/// The data sets of the next message.
#[derive(Debug, Default)]
pub(super) struct Sets {
    pieces: Vec<Piece>,
    open: Option<Open>,
    ended: Vec<Ended>,
    /// Octets of the sets that have been ended.
    octets: usize,
}

/// Pieces that may wait.
const MOST_PIECES: usize = 1 << 16;

/// Octets that may wait.
pub(super) const MOST_OCTETS: usize = 1 << 20;

impl Sets {
    pub(super) fn begin(&mut self, template: u16) -> Result<(), Fault> {
        if self.open.is_some() {
            return Err(Fault::SetOpen);
        }
        let begin = self.pieces.len();
        self.open = Some(Open { template, begin, marker: begin, octets: 0, spoilt: None });
        Ok(())
    }

    fn open(&mut self) -> Result<&mut Open, Fault> {
        self.open.as_mut().ok_or(Fault::NoSetOpen)
    }

    /// Puts octets that are not read yet. What cannot be put spoils the set: a program may not look.
    pub(super) fn put(&mut self, address: *const u8, length: u16) -> Result<(), Fault> {
        let (pieces, ended) = (self.pieces.len(), self.octets);
        let open = self.open()?;
        let length = usize::from(length);
        let fault = match address.is_null() && length > 0 {
            true => Some(Fault::Null),
            false if pieces == MOST_PIECES || ended + open.octets + length > MOST_OCTETS => Some(Fault::Full),
            false => None,
        };
        if let Some(fault) = fault {
            open.spoilt.get_or_insert(pieces);
            return Err(fault);
        }
        if length > 0 {
            open.octets += length;
            self.pieces.push(Piece { address, length });
        }
        Ok(())
    }

    pub(super) fn set_marker(&mut self) -> Result<(), Fault> {
        let marker = self.pieces.len();
        self.open()?.marker = marker;
        Ok(())
    }

    pub(super) fn return_to_marker(&mut self) -> Result<(), Fault> {
        let open = self.open.as_mut().ok_or(Fault::NoSetOpen)?;
        open.octets -= self.pieces.drain(open.marker..).map(|piece| piece.length).sum::<usize>();
        open.spoilt = open.spoilt.filter(|&spoilt| spoilt < open.marker);
        Ok(())
    }

    pub(super) fn cancel(&mut self) -> Result<(), Fault> {
        let open = self.open.take().ok_or(Fault::NoSetOpen)?;
        self.pieces.truncate(open.begin);
        Ok(())
    }

    /// The template of the open set.
    pub(super) fn open_template(&self) -> Option<u16> {
        self.open.as_ref().map(|open| open.template)
    }

    /// Ends the open set. If `check` refuses its octets and records it is gone.
    pub(super) fn end(
        &mut self,
        records: u16,
        check: impl FnOnce(usize, u16) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let open = self.open.take().ok_or(Fault::NoSetOpen)?;
        let checked = match open.spoilt {
            Some(_) => Err(Fault::Spoilt),
            None => check(open.octets, records),
        };
        if checked.is_err() {
            self.pieces.truncate(open.begin);
            return checked;
        }
        // A set without records is not sent (RFC 7011, 3.4.3).
        if records > 0 {
            self.octets += open.octets;
            let pieces = self.pieces.len() - open.begin;
            self.ended.push(Ended { template: open.template, records, octets: open.octets, pieces });
        }
        Ok(())
    }

    /// Octets that wait, with those of set headers.
    pub(super) fn used(&self) -> usize {
        let open = self.open.as_ref().map_or(0, |open| weir_ipfix::message::SET_HEADER_LEN + open.octets);
        self.ended.len() * weir_ipfix::message::SET_HEADER_LEN + self.octets + open
    }

    /// Whether a set of this template waits.
    pub(super) fn has(&self, template: u16) -> bool {
        self.open_template() == Some(template) || self.ended.iter().any(|ended| ended.template == template)
    }

    /// Takes the sets that have been ended, and copies their octets.
    ///
    /// # Safety
    /// All octets that were put are still there.
    pub(super) unsafe fn gather(&mut self) -> Vec<(Ended, Vec<u8>)> {
        let mut pieces = self.pieces.drain(..);
        let gathered = self.ended.drain(..).map(|ended| {
            let mut octets = Vec::with_capacity(ended.octets);
            for piece in pieces.by_ref().take(ended.pieces) {
                // SAFETY: the caller guarantees it; pieces are not null and not empty.
                octets.extend_from_slice(unsafe { std::slice::from_raw_parts(piece.address, piece.length) });
            }
            (ended, octets)
        });
        let gathered = gathered.collect();
        self.octets = 0;
        gathered
    }
}
