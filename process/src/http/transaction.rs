//! A request and its response, as kept for a record.

use super::head::Lines;

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

    const ALL: [Slot; Slot::COUNT] = [
        Slot::Method,
        Slot::Host,
        Slot::Target,
        Slot::Agent,
        Slot::Referer,
        Slot::ContentType,
        Slot::Server,
        Slot::Cookies,
    ];

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

/// A request, a response, or both. Texts lie one behind the other, sized to what they hold.
#[derive(Default, Debug)]
pub(super) struct Transaction {
    texts: Box<[u8]>,
    /// Where each text ends.
    ends: [u16; Slot::COUNT],
    pub(super) status: u16,
    has_request: bool,
    response: Response,
}

impl Transaction {
    pub(super) fn text(&self, slot: Slot) -> &[u8] {
        let slot = slot as usize;
        let start = if slot == 0 { 0 } else { self.ends[slot - 1] };
        &self.texts[start.into()..self.ends[slot].into()]
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
        let new = |slot: usize| match &lines.cookies {
            Some(cookies) if slot == Slot::Cookies as usize => Some(&cookies[..]),
            _ => lines.values[slot],
        };
        if (0..Slot::COUNT).all(|slot| new(slot).is_none()) {
            return;
        }
        let mut texts = Vec::new();
        let mut ends = [0; Slot::COUNT];
        let old = Slot::ALL.map(|slot| self.text(slot));
        let wanted = |slot: usize| new(slot).unwrap_or(old[slot]);
        texts.reserve_exact((0..Slot::COUNT).map(|slot| wanted(slot).len()).sum::<usize>().min(room));
        for (slot, end) in ends.iter_mut().enumerate() {
            let text = wanted(slot);
            texts.extend_from_slice(&text[..text.len().min(room - texts.len())]);
            *end = texts.len() as u16;
        }
        self.texts = texts.into();
        self.ends = ends;
    }
}

/// Whether another response follows one with this status. After `101 Switching Protocols` none does.
fn is_interim(status: u16) -> bool {
    status < 200 && status != 101
}
