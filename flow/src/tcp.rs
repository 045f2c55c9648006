//! What the probe reads from TCP headers (RFC 9293).

/// Control bit FIN.
pub const FIN: u8 = 0x01;
/// Control bit SYN.
pub const SYN: u8 = 0x02;
/// Control bit RST.
pub const RST: u8 = 0x04;
/// Control bit PSH.
pub const PSH: u8 = 0x08;
/// Control bit ACK.
pub const ACK: u8 = 0x10;

/// Offsets within the TCP header.
pub mod field {
    /// Byte range of the window.
    pub const WINDOW: std::ops::Range<usize> = 14..16;
    /// Length of the header without options.
    pub const HEADER_LEN: usize = 20;
}

/// Option kinds (RFC 9293 section 3.1).
pub mod option {
    /// End of option list.
    pub const END: u8 = 0;
    /// No operation.
    pub const NO_OPERATION: u8 = 1;
    /// Maximum segment size, 2 bytes.
    pub const MAXIMUM_SEGMENT_SIZE: u8 = 2;
}

/// The options of a TCP header as (kind, value). The end-of-list option is the last; an option that does not fit ends the walk.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    rest: &'a [u8],
}

impl<'a> Options<'a> {
    /// The options in `area`, the bytes between the fixed header and the payload.
    pub const fn new(area: &'a [u8]) -> Options<'a> {
        Options { rest: area }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        match *self.rest {
            // In the very last byte it ends nothing, and is padding.
            [] | [option::END] => None,
            [option::END, ..] => {
                self.rest = &[];
                Some((option::END, &[]))
            }
            [option::NO_OPERATION, ..] => {
                self.rest = &self.rest[1..];
                Some((option::NO_OPERATION, &[]))
            }
            [kind, length, ..] if length >= 2 && length as usize <= self.rest.len() => {
                let value = &self.rest[2..length as usize];
                self.rest = &self.rest[length as usize..];
                Some((kind, value))
            }
            _ => None,
        }
    }
}
