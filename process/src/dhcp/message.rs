//! A message (RFC 2131 section 2) and its options (RFC 2132).

use crate::{clip::Clip, cursor::Cursor};

/// Length of the fixed part, up to the options.
const HEADER_LEN: usize = 240;
const SERVER_NAME: std::ops::Range<usize> = 44..108;
const FILE_NAME: std::ops::Range<usize> = 108..236;
/// What precedes the options (RFC 2132 section 2).
const MAGIC: &[u8] = &[99, 130, 83, 99];

/// The longest texts that are kept.
pub(super) const MAX_TEXT: usize = 127;
/// The longest list of parameters that is kept.
pub(super) const MAX_PARAMETERS: usize = 64;

/// Which of a message's sides sends it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sender {
    Client,
    Server,
}

/// What all messages of a transaction share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Client {
    /// The identifier that the client has chosen.
    pub(super) transaction: u32,
    /// The hardware address; zeros if it is none of Ethernet.
    pub(super) mac: [u8; 6],
}

/// What is of interest in a message. What it does not say is empty or zero.
pub(super) struct Message {
    pub(super) sender: Sender,
    pub(super) kind: u8,
    /// The address that the client has: `ciaddr`.
    pub(super) client_address: [u8; 4],
    /// The address that the client is to have: `yiaddr`.
    pub(super) your_address: [u8; 4],
    pub(super) requested_address: [u8; 4],
    pub(super) server: [u8; 4],
    pub(super) lease_time_s: u32,
    pub(super) host_name: Clip<MAX_TEXT>,
    pub(super) vendor_class: Clip<MAX_TEXT>,
    pub(super) parameters: Clip<MAX_PARAMETERS>,
}

fn sender(operation: u8) -> Option<Sender> {
    match operation {
        1 => Some(Sender::Client),
        2 => Some(Sender::Server),
        _ => None,
    }
}

/// The client of a message; `None` if the bytes are none.
pub(super) fn client(bytes: &[u8]) -> Option<Client> {
    const ETHERNET: [u8; 2] = [1, 6];
    const HARDWARE_ADDRESS: usize = 28;
    if bytes.get(HEADER_LEN - MAGIC.len()..HEADER_LEN)? != MAGIC {
        return None;
    }
    let mut cursor = Cursor::new(bytes);
    sender(cursor.u8()?)?;
    let hardware = cursor.take(2)?;
    cursor.u8()?;
    let transaction = cursor.u32()?;
    let address = Cursor::at(bytes, HARDWARE_ADDRESS)?.take(6)?.try_into().ok()?;
    Some(Client { transaction, mac: if hardware == ETHERNET { address } else { [0; 6] } })
}

/// Parses what [`client`] has recognised. Of a message that is cut off, what comes before the cut.
pub(super) fn parse(bytes: &[u8]) -> Message {
    let address = |start: usize| bytes.get(start..start + 4).and_then(octets).unwrap_or_default();
    let mut message = Message {
        sender: bytes.first().and_then(|&operation| sender(operation)).unwrap_or(Sender::Client),
        kind: 0,
        client_address: address(12),
        your_address: address(16),
        requested_address: [0; 4],
        server: [0; 4],
        lease_time_s: 0,
        host_name: Clip::new(),
        vendor_class: Clip::new(),
        parameters: Clip::new(),
    };
    // Where there are options (RFC 2131 section 4.1, RFC 3396 section 5): the field for them, then those that it says are overloaded.
    const FILE: u8 = 1;
    const NAME: u8 = 2;
    let overloaded = message.read_options(bytes.get(HEADER_LEN..).unwrap_or(&[]));
    for (bit, field) in [(FILE, FILE_NAME), (NAME, SERVER_NAME)] {
        if overloaded & bit != 0 {
            message.read_options(bytes.get(field).unwrap_or(&[]));
        }
    }
    message
}

fn octets(value: &[u8]) -> Option<[u8; 4]> {
    value.try_into().ok()
}

impl Message {
    /// Reads a field of options. Which other fields have options, too, by the last byte of option 52.
    fn read_options(&mut self, field: &[u8]) -> u8 {
        const PAD: u8 = 0;
        const END: u8 = 255;
        let mut overloaded = 0;
        let mut cursor = Cursor::new(field);
        while let Some(code) = cursor.u8() {
            match code {
                PAD => continue,
                END => break,
                _ => {}
            }
            let Some(value) = cursor.u8().and_then(|len| cursor.take(len.into())) else { break };
            match (code, value) {
                // An option that comes again goes on where it ended (RFC 3396 section 7).
                (12, _) => self.host_name.push(value),
                (55, _) => self.parameters.push(value),
                (60, _) => self.vendor_class.push(value),
                (50, _) => self.requested_address = octets(value).unwrap_or(self.requested_address),
                (51, _) => self.lease_time_s = octets(value).map_or(self.lease_time_s, u32::from_be_bytes),
                (52, &[fields]) => overloaded = fields,
                (53, &[kind]) => self.kind = kind,
                (54, _) => self.server = octets(value).unwrap_or(self.server),
                _ => {}
            }
        }
        overloaded
    }
}
