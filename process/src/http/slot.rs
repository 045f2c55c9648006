//! The texts of a transaction.

use crate::transactions::Transaction;

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

impl Transaction<{ Slot::COUNT }> {
    pub(super) fn text(&self, slot: Slot) -> &[u8] {
        self.texts.get(slot as usize)
    }

    /// Whether the response that began last has a body (RFC 9112 section 6.3).
    pub(super) fn response_has_body(&self) -> bool {
        !(self.status < 200 || matches!(self.status, 204 | 304) || self.text(Slot::Method) == b"HEAD")
    }

    /// Whether what follows the response is another protocol.
    pub(super) fn ends_http(&self) -> bool {
        self.status == 101 || (self.text(Slot::Method) == b"CONNECT" && matches!(self.status, 200..=299))
    }
}
