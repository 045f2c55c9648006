//! What client and server have said under one identifier.

use super::message::{Client, MAX_PARAMETERS, MAX_TEXT, Message, Sender};
use crate::clip::clipped;

/// DHCPNAK, the server's refusal (RFC 2132 section 9.6).
const REFUSAL: u8 = 6;

/// The most bytes that the texts of a transaction take.
pub(super) const MAX_TEXTS: usize = 2 * MAX_TEXT + MAX_PARAMETERS;

/// The messages of a transaction, merged.
#[derive(Debug)]
pub(super) struct Transaction {
    client: Client,
    /// The type of the last message.
    pub(super) kind: u8,
    pub(super) requested: [u8; 4],
    pub(super) assigned: [u8; 4],
    pub(super) server: [u8; 4],
    pub(super) lease_time_s: u32,
    /// Host name, vendor class and parameters, one behind the other.
    texts: Box<[u8]>,
    host_name_len: u8,
    vendor_class_len: u8,
}

/// `new`, unless it says nothing.
fn or_else<const N: usize>(new: [u8; N], old: [u8; N]) -> [u8; N] {
    if new == [0; N] { old } else { new }
}

impl Transaction {
    pub(super) fn new(client: Client) -> Transaction {
        Transaction {
            client,
            kind: 0,
            requested: [0; 4],
            assigned: [0; 4],
            server: [0; 4],
            lease_time_s: 0,
            texts: Box::default(),
            host_name_len: 0,
            vendor_class_len: 0,
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn host_name(&self) -> &[u8] {
        &self.texts[..self.host_name_len.into()]
    }

    pub(super) fn vendor_class(&self) -> &[u8] {
        &self.texts[self.host_name_len.into()..][..self.vendor_class_len.into()]
    }

    pub(super) fn parameters(&self) -> &[u8] {
        &self.texts[usize::from(self.host_name_len) + usize::from(self.vendor_class_len)..]
    }

    /// Takes in the next message. Of what several say, the last counts.
    pub(super) fn merge(&mut self, message: &Message) {
        self.kind = message.kind;
        self.server = or_else(message.server, self.server);
        match message.sender {
            Sender::Client => {
                let requested = or_else(message.requested_address, message.client_address);
                self.requested = or_else(requested, self.requested);
                self.describe(message);
            }
            Sender::Server if message.kind == REFUSAL => (self.assigned, self.lease_time_s) = ([0; 4], 0),
            Sender::Server => {
                self.assigned = or_else(message.your_address, self.assigned);
                if message.lease_time_s != 0 {
                    self.lease_time_s = message.lease_time_s;
                }
            }
        }
    }

    /// What the client says of itself. (A server may say the same things, but of what it wants the client to be.)
    fn describe(&mut self, message: &Message) {
        let new = [
            clipped(message.host_name.as_bytes(), MAX_TEXT),
            clipped(message.vendor_class.as_bytes(), MAX_TEXT),
            message.parameters.as_bytes(),
        ];
        let old = [self.host_name(), self.vendor_class(), self.parameters()];
        let [host_name, vendor_class, parameters] =
            std::array::from_fn(|i| if new[i].is_empty() { old[i] } else { new[i] });
        if [host_name, vendor_class, parameters] == old {
            return;
        }
        let lengths = (host_name.len() as u8, vendor_class.len() as u8);
        self.texts = [host_name, vendor_class, parameters].concat().into();
        (self.host_name_len, self.vendor_class_len) = lengths;
    }
}
