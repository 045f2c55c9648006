//! Records on their way to the interfaces.

use weir_trap::buffer::{MESSAGE_HEADER_LEN, Messages};

use crate::Batch;

/// A batch is handed over when it holds so many bytes.
const FULL: usize = 60_000;

/// The records of each interface.
#[derive(Clone, Default, Debug)]
pub struct UnirecBatch {
    interfaces: Vec<Records>,
    bytes: usize,
}

/// The records of an interface.
#[derive(Clone, Default, Debug)]
struct Records {
    /// As messages, back to back.
    messages: Vec<u8>,
    /// Of each, whether it is the first one of its flow: the one with which the flow counts.
    are_first: Vec<bool>,
}

impl UnirecBatch {
    /// Appends a message to those of an interface. `write` appends its content.
    #[inline]
    pub(super) fn push(&mut self, interface: usize, is_first: bool, write: impl FnOnce(&mut Vec<u8>)) {
        if self.interfaces.len() <= interface {
            self.interfaces.resize_with(interface + 1, Records::default);
        }
        let Records { messages, are_first } = &mut self.interfaces[interface];
        are_first.push(is_first);
        let begin = messages.len();
        messages.extend_from_slice(&[0; MESSAGE_HEADER_LEN]);
        write(messages);
        let len = messages.len() - begin;
        // A record writer keeps to what 16 bits can say.
        let [a, b] = ((len - MESSAGE_HEADER_LEN) as u16).to_be_bytes();
        messages[begin..begin + MESSAGE_HEADER_LEN].copy_from_slice(&[a, b]);
        self.bytes += len;
    }

    /// The contents of the messages of an interface, and of each whether it is the first one of its flow.
    pub(super) fn messages(&self, interface: usize) -> impl Iterator<Item = (&[u8], bool)> {
        self.interfaces.get(interface).into_iter().flat_map(|Records { messages, are_first }| {
            Messages::new(messages).zip(are_first.iter().copied())
        })
    }
}

impl Batch for UnirecBatch {
    fn clear(&mut self) {
        for Records { messages, are_first } in &mut self.interfaces {
            messages.clear();
            are_first.clear();
        }
        self.bytes = 0;
    }

    fn is_full(&self) -> bool {
        self.bytes >= FULL
    }
}
