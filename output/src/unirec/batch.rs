//! Records on their way to the interfaces.

use weir_trap::buffer::{MESSAGE_HEADER_LEN, Messages};

use crate::Batch;

/// A batch is handed over when it holds so many bytes.
const FULL: usize = 60_000;

/// The records of each interface, as messages back to back.
#[derive(Clone, Default, Debug)]
pub struct UnirecBatch {
    interfaces: Vec<Vec<u8>>,
    bytes: usize,
}

impl UnirecBatch {
    /// Appends a message to those of an interface. `write` appends its content.
    #[inline]
    pub(super) fn push(&mut self, interface: usize, write: impl FnOnce(&mut Vec<u8>)) {
        if self.interfaces.len() <= interface {
            self.interfaces.resize_with(interface + 1, Vec::new);
        }
        let messages = &mut self.interfaces[interface];
        let begin = messages.len();
        messages.extend_from_slice(&[0; MESSAGE_HEADER_LEN]);
        write(messages);
        let len = messages.len() - begin;
        // A record writer keeps to what 16 bits can say.
        let [a, b] = ((len - MESSAGE_HEADER_LEN) as u16).to_be_bytes();
        messages[begin..begin + MESSAGE_HEADER_LEN].copy_from_slice(&[a, b]);
        self.bytes += len;
    }

    /// The contents of the messages of an interface.
    pub(super) fn messages(&self, interface: usize) -> Messages<'_> {
        Messages::new(self.interfaces.get(interface).map_or(&[], |messages| messages))
    }
}

impl Batch for UnirecBatch {
    fn clear(&mut self) {
        self.interfaces.iter_mut().for_each(Vec::clear);
        self.bytes = 0;
    }

    fn is_full(&self) -> bool {
        self.bytes >= FULL
    }
}
