//! Classic pcap: a file header, then records of a 16-byte header and the captured bytes.

use weir_flow::Timestamp;
use weir_flow::prefetch::{LINE, prefetch_byte};

use super::byte_order::{u16_at, u32_at};
use super::medium::Window;
use super::record::{Damage, LONGEST, Stop, Walked};
use crate::parse::LINK_TYPES;
use crate::{CapturedFrame, LinkType};

pub(super) const FILE_HEADER_LEN: usize = 24;
const MAGIC_LEN: usize = 4;

mod magic {
    pub(super) const MICROSECONDS: u32 = 0xa1b2_c3d4;
    pub(super) const NANOSECONDS: u32 = 0xa1b2_3c4d;
    /// Alexey Kuznetsov's, of old Linux systems: microseconds and 8 more bytes in record headers.
    pub(super) const MODIFIED: u32 = 0xa1b2_cd34;
}

/// Offsets in the file header; all integers in the byte order of the magic number.
mod file_field {
    pub(super) const VERSION_MAJOR: usize = 4;
    pub(super) const VERSION_MINOR: usize = 6;
    pub(super) const SNAPLEN: usize = 16;
    /// In the lower 16 bits; above them what is known of the frame check sequence.
    pub(super) const LINK_TYPE: usize = 20;
}

/// Offsets in a record header.
mod record_field {
    pub(super) const SECONDS: usize = 0;
    pub(super) const FRACTION: usize = 4;
    pub(super) const CAPTURED_LEN: usize = 8;
    pub(super) const WIRE_LEN: usize = 12;
    pub(super) const HEADER_LEN: usize = 16;
    pub(super) const MODIFIED_HEADER_LEN: usize = 24;
}

/// Bytes that short records are asked for in advance.
const AHEAD: usize = 512;

/// libpcap's MAXIMUM_SNAPLEN. Records are this long at the most unless the file header allows more.
const LONGEST_FRAME: u32 = 256 << 10;

#[derive(Debug)]
pub(super) struct Reader {
    link_type: LinkType,
    is_big_endian: bool,
    has_nanoseconds: bool,
    header_len: usize,
    longest: u32,
}

impl Reader {
    /// Reads the file header at the start of `bytes`.
    pub(super) fn new(bytes: &[u8]) -> Result<Reader, Damage> {
        let Some(magic) = bytes.first_chunk::<MAGIC_LEN>() else {
            return Err(if bytes.is_empty() { Damage::Empty } else { Damage::NotACaptureFile });
        };
        let (is_big_endian, magic) = match (u32::from_be_bytes(*magic), u32::from_le_bytes(*magic)) {
            (big @ (magic::MICROSECONDS | magic::NANOSECONDS | magic::MODIFIED), _) => (true, big),
            (_, little @ (magic::MICROSECONDS | magic::NANOSECONDS | magic::MODIFIED)) => (false, little),
            _ => return Err(Damage::NotACaptureFile),
        };
        let Some(header) = bytes.first_chunk::<FILE_HEADER_LEN>() else {
            return Err(Damage::FileHeader);
        };
        let u32_of =
            |at| if is_big_endian { u32_at::<true, _>(header, at) } else { u32_at::<false, _>(header, at) };
        let u16_of =
            |at| if is_big_endian { u16_at::<true, _>(header, at) } else { u16_at::<false, _>(header, at) };
        let version = (u16_of(file_field::VERSION_MAJOR), u16_of(file_field::VERSION_MINOR));
        if version.0 != 2 {
            return Err(Damage::Version(version.0, version.1));
        }
        let link_type = LinkType(u32_of(file_field::LINK_TYPE) as u16);
        if !LINK_TYPES.iter().any(|&(known, _)| known == link_type) {
            return Err(Damage::LinkType(link_type.0));
        }
        let header_len = match magic {
            magic::MODIFIED => record_field::MODIFIED_HEADER_LEN,
            _ => record_field::HEADER_LEN,
        };
        let longest_allowed = (LONGEST - header_len) as u32;
        Ok(Reader {
            link_type,
            is_big_endian,
            has_nanoseconds: magic == magic::NANOSECONDS,
            header_len,
            longest: u32_of(file_field::SNAPLEN).clamp(LONGEST_FRAME, longest_allowed),
        })
    }

    pub(super) fn link_type(&self) -> LinkType {
        self.link_type
    }

    /// Appends up to `limit` frames from the start of `window`.
    pub(super) fn walk(&self, window: Window<'_>, frames: &mut Vec<CapturedFrame>, limit: usize) -> Walked {
        match (self.is_big_endian, self.has_nanoseconds) {
            (false, false) => self.walk_as::<false, false>(window, frames, limit),
            (false, true) => self.walk_as::<false, true>(window, frames, limit),
            (true, false) => self.walk_as::<true, false>(window, frames, limit),
            (true, true) => self.walk_as::<true, true>(window, frames, limit),
        }
    }

    fn walk_as<const BIG_ENDIAN: bool, const NANOSECONDS: bool>(
        &self,
        window: Window<'_>,
        frames: &mut Vec<CapturedFrame>,
        limit: usize,
    ) -> Walked {
        let bytes = window.bytes();
        let header_len = self.header_len;
        let mut used = 0;
        frames.reserve(limit);
        for _ in 0..limit {
            let rest = &bytes[used..];
            let Some(header) = rest.first_chunk::<{ record_field::HEADER_LEN }>() else {
                return Walked { used, stop: Stop::Need(header_len) };
            };
            let captured_len = u32_at::<BIG_ENDIAN, _>(header, record_field::CAPTURED_LEN);
            if captured_len > self.longest {
                return Walked { used, stop: Stop::Damaged(Damage::RecordLen(captured_len)) };
            }
            let record_len = header_len + captured_len as usize;
            let Some(captured) = rest.get(header_len..record_len) else {
                return Walked { used, stop: Stop::Need(record_len) };
            };
            let seconds = u32_at::<BIG_ENDIAN, _>(header, record_field::SECONDS);
            let fraction = u32_at::<BIG_ENDIAN, _>(header, record_field::FRACTION);
            frames.push(CapturedFrame {
                frame: window.lend(captured),
                time: if NANOSECONDS {
                    Timestamp::new(seconds, fraction)
                } else {
                    Timestamp::from_microseconds(seconds, fraction)
                },
                wire_len: u32_at::<BIG_ENDIAN, _>(header, record_field::WIRE_LEN).max(captured_len),
                link_type: self.link_type,
            });
            used += record_len;
            if record_len < AHEAD {
                prefetch_byte(bytes, used + AHEAD);
            } else {
                // Bulk traffic: the packets to come are probably as long as this one.
                prefetch_byte(bytes, used + record_len);
                prefetch_byte(bytes, used + record_len + LINE);
                prefetch_byte(bytes, used + 2 * record_len);
                prefetch_byte(bytes, used + 2 * record_len + LINE);
            }
        }
        Walked { used, stop: Stop::Limit }
    }
}
