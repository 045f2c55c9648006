//! A request and its response, as kept for a record.

use super::head::Lines;
use crate::texts::Texts;

/// The longest list of cookie names.
pub(super) const COOKIES_MAX: usize = 511;

/// The texts of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Slot {
    Method,
    Host,
    Target,
    Agent,
    Referer,
    ContentType,
    Server,
    Cookies,
}

impl Slot {
    pub(super) const COUNT: usize = 8;

    /// The longest text.
    pub(super) const fn max(self) -> usize {
        match self {
            Slot::Method => 15,
            Slot::Host => 63,
            Slot::ContentType => 31,
            Slot::Target | Slot::Agent | Slot::Referer | Slot::Server => 127,
            Slot::Cookies => COOKIES_MAX,
        }
    }

    /// All texts of a transaction at their longest.
    pub(super) const MAX_TOTAL: usize = 15 + 63 + 3 * 127 + 31 + 127 + COOKIES_MAX;
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
pub(super) struct Transaction {
    texts: Texts<{ Slot::COUNT }>,
    pub(super) status: u16,
    has_request: bool,
    response: Response,
}

impl Transaction {
    pub(super) fn text(&self, slot: Slot) -> &[u8] {
        self.texts.get(slot as usize)
    }

    /// Bytes that its texts take.
    pub(super) fn texts_len(&self) -> usize {
        self.texts.len()
    }

    pub(super) fn has_request(&self) -> bool {
        self.has_request
    }

    pub(super) fn has_final_response(&self) -> bool {
        self.response == Response::Final
    }

    pub(super) fn begin_request(&mut self) {
        self.has_request = true;
    }

    /// A response with this status begins. What an interim one said gives way.
    pub(super) fn begin_response(&mut self, status: u16) {
        self.status = status;
        if self.response == Response::Interim {
            let mut nothing = Lines::default();
            for slot in [Slot::ContentType, Slot::Server, Slot::Cookies] {
                nothing.set(slot, b"");
            }
            self.store(&nothing, usize::MAX);
        }
        self.response = if is_interim(status) { Response::Interim } else { Response::Final };
    }

    /// Whether the response that began last has a body (RFC 9112 section 6.3).
    pub(super) fn response_has_body(&self) -> bool {
        !(self.status < 200 || matches!(self.status, 204 | 304) || self.text(Slot::Method) == b"HEAD")
    }

    /// Whether what follows the response is another protocol.
    pub(super) fn ends_http(&self) -> bool {
        self.status == 101 || (self.text(Slot::Method) == b"CONNECT" && matches!(self.status, 200..=299))
    }

    /// Stores the texts that `lines` mention, as far as there is `room` for all texts together.
    pub(super) fn store(&mut self, lines: &Lines<'_>, room: usize) {
        let mut new = lines.values;
        if let Some(cookies) = &lines.cookies {
            new[Slot::Cookies as usize] = Some(cookies);
        }
        self.texts.replace(new, room);
    }
}

/// Whether another response follows one with this status. After `101 Switching Protocols` none does.
fn is_interim(status: u16) -> bool {
    status < 200 && status != 101
}
