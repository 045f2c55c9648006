//! DNS messages over TCP, each behind its length (RFC 1035 section 4.2.2, RFC 7766 section 8).

use weir_flow::plugin::{Account, Next, View};

use super::wire::HEADER_LEN;
use crate::cursor::Cursor;

/// Shows `take` the messages that a view of a connection brings; it answers whether they are such. What is to be done: the
/// record is exported with the packet that brings messages; a beginning is seen again; what cannot be DNS is given up.
///
/// Of a message that is longer than what can be kept `take` sees the beginning.
pub(crate) fn read(view: &View<'_>, mut take: impl FnMut(&[u8]) -> bool) -> Account {
    let mut found = false;
    let mut plausible = true;
    // How many bytes at the end are the beginning of a message.
    let mut incomplete = 0;
    let mut cursor = Cursor::new(view.data);
    while !cursor.is_empty() {
        let start = cursor;
        let len = cursor.u16().map(usize::from);
        if len.is_some_and(|len| len < HEADER_LEN) {
            plausible = false;
            break;
        }
        let Some(message) = len.and_then(|len| cursor.take(len)) else {
            incomplete = { start }.rest().len();
            break;
        };
        let is_message = take(message);
        found |= is_message;
        plausible &= is_message;
    }
    if view.buffer_full && incomplete > 2 {
        found |= take(&view.data[view.data.len() - incomplete + 2..]);
        incomplete = 0;
    }
    match (found, plausible) {
        (true, _) => Account { next: Next::Export, retain: incomplete },
        // Behind a gap the bytes may be the middle of a message: without a whole one there is nothing to go by.
        (false, _) if view.after_gap => Account::CONTINUE,
        (false, true) => Account::retaining(incomplete),
        (false, false) => Account::DONE,
    }
}
