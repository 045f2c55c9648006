//! pcapng: blocks, in sections that may differ in byte order.
//!
//! Packets come in enhanced, simple and (obsolete) packet blocks; interface descriptions tell their link type and how their
//! times count. Blocks of other types are skipped.

mod interface;

use weir_flow::Timestamp;

use super::byte_order::{u16_at, u32_at};
use super::medium::Window;
use super::record::{Damage, LONGEST, Stop, Walked};
use crate::CapturedFrame;
use interface::Interface;

/// The bytes that are needed to recognise a file.
pub(super) const START_LEN: usize = 12;

/// Block types; that of the section header reads the same in both byte orders.
mod block {
    pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
    pub(super) const INTERFACE_DESCRIPTION: u32 = 1;
    pub(super) const PACKET: u32 = 2;
    pub(super) const SIMPLE_PACKET: u32 = 3;
    pub(super) const ENHANCED_PACKET: u32 = 6;
}

/// Offsets in a block.
mod field {
    pub(super) const TYPE: usize = 0;
    pub(super) const TOTAL_LEN: usize = 4;
    pub(super) const BODY: usize = 8;
    /// The total length once more.
    pub(super) const TRAILER_LEN: usize = 4;
    pub(super) const LEAST_LEN: usize = 12;
}

/// Offsets in a section header block.
mod section_field {
    pub(super) const BYTE_ORDER: usize = 8;
    pub(super) const MAJOR: usize = 12;
    pub(super) const MINOR: usize = 14;
    pub(super) const LEAST_LEN: usize = 28;
    pub(super) const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
}

/// Offsets in the body of enhanced and obsolete packet blocks.
mod packet_field {
    /// 32 bits; 16 in the obsolete block, followed by 16 of drops.
    pub(super) const INTERFACE: usize = 0;
    pub(super) const TIME_UPPER: usize = 4;
    pub(super) const TIME_LOWER: usize = 8;
    pub(super) const CAPTURED_LEN: usize = 12;
    pub(super) const WIRE_LEN: usize = 16;
    pub(super) const HEADER_LEN: usize = 20;
}

/// Offsets in the body of a simple packet block.
mod simple_field {
    pub(super) const WIRE_LEN: usize = 0;
    pub(super) const HEADER_LEN: usize = 4;
}

/// More interfaces in a section are damage: memory must not grow with what a file claims.
const MOST_INTERFACES: usize = 1 << 16;

#[derive(Debug, Default)]
pub(super) struct Reader {
    is_big_endian: bool,
    interfaces: Vec<Interface>,
}

/// Whether `bytes` start a pcapng file.
pub(super) fn recognise(bytes: &[u8]) -> bool {
    bytes.first_chunk::<START_LEN>().is_some_and(|start| {
        u32_at::<true, _>(start, field::TYPE) == block::SECTION_HEADER && byte_order(start).is_some()
    })
}

/// Whether the section whose header starts with `start` is big-endian; `None` if its magic number is neither.
fn byte_order(start: &[u8; START_LEN]) -> Option<bool> {
    match u32_at::<true, _>(start, section_field::BYTE_ORDER) {
        section_field::BYTE_ORDER_MAGIC => Some(true),
        magic if magic.swap_bytes() == section_field::BYTE_ORDER_MAGIC => Some(false),
        _ => None,
    }
}

impl Reader {
    /// Appends up to `limit` frames from the start of `window`.
    pub(super) fn walk(
        &mut self,
        window: Window<'_>,
        frames: &mut Vec<CapturedFrame>,
        limit: usize,
    ) -> Walked {
        let mut used = 0;
        let enough = frames.len() + limit;
        frames.reserve(limit);
        loop {
            // The next section header, if there is one here, tells its byte order itself.
            match window.bytes()[used..].first_chunk::<START_LEN>() {
                Some(start) if u32_at::<true, _>(start, field::TYPE) == block::SECTION_HEADER => {
                    match byte_order(start) {
                        Some(is_big_endian) => self.is_big_endian = is_big_endian,
                        None => return Walked { used, stop: Stop::Damaged(Damage::ByteOrder) },
                    }
                }
                _ => {}
            }
            let stop = if self.is_big_endian {
                self.walk_section::<true>(window, &mut used, frames, enough)
            } else {
                self.walk_section::<false>(window, &mut used, frames, enough)
            };
            if let Some(stop) = stop {
                return Walked { used, stop };
            }
        }
    }

    /// Walks the blocks at `used` up to the next section header, for which it answers `None`.
    fn walk_section<const BIG_ENDIAN: bool>(
        &mut self,
        window: Window<'_>,
        used: &mut usize,
        frames: &mut Vec<CapturedFrame>,
        enough: usize,
    ) -> Option<Stop> {
        let mut is_first = true;
        while frames.len() < enough {
            let rest = &window.bytes()[*used..];
            let Some(start) = rest.first_chunk::<START_LEN>() else {
                return Some(Stop::Need(START_LEN));
            };
            let block_type = u32_at::<BIG_ENDIAN, _>(start, field::TYPE);
            if block_type == block::SECTION_HEADER && !is_first {
                return None;
            }
            is_first = false;
            let total_len = u32_at::<BIG_ENDIAN, _>(start, field::TOTAL_LEN);
            let len = total_len as usize;
            if !(field::LEAST_LEN..=LONGEST).contains(&len) || !len.is_multiple_of(4) {
                return Some(Stop::Damaged(Damage::BlockLen(total_len)));
            }
            let Some(whole) = rest.get(..len) else { return Some(Stop::Need(len)) };
            let (block, trailer) = whole.split_at(len - field::TRAILER_LEN);
            if trailer != &start[field::TOTAL_LEN..field::BODY] {
                return Some(Stop::Damaged(Damage::BlockTrailer));
            }
            match self.block::<BIG_ENDIAN>(window, block_type, block) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => {}
                Err(damage) => return Some(Stop::Damaged(damage)),
            }
            *used += len;
        }
        Some(Stop::Limit)
    }

    /// Reads one block without its trailer.
    #[inline(always)]
    fn block<const BIG_ENDIAN: bool>(
        &mut self,
        window: Window<'_>,
        block_type: u32,
        block: &[u8],
    ) -> Result<Option<CapturedFrame>, Damage> {
        let body = &block[field::BODY..];
        match block_type {
            block::ENHANCED_PACKET => self.packet::<BIG_ENDIAN>(window, body, false).map(Some),
            block::PACKET => self.packet::<BIG_ENDIAN>(window, body, true).map(Some),
            block::SIMPLE_PACKET => self.simple_packet::<BIG_ENDIAN>(window, body).map(Some),
            block::SECTION_HEADER => self.begin_section::<BIG_ENDIAN>(block).map(|()| None),
            block::INTERFACE_DESCRIPTION if self.interfaces.len() == MOST_INTERFACES => {
                Err(Damage::TooManyInterfaces)
            }
            block::INTERFACE_DESCRIPTION => {
                self.interfaces.push(Interface::parse::<BIG_ENDIAN>(body).ok_or(Damage::BlockContent)?);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn begin_section<const BIG_ENDIAN: bool>(&mut self, block: &[u8]) -> Result<(), Damage> {
        let header = block
            .first_chunk::<{ section_field::LEAST_LEN - field::TRAILER_LEN }>()
            .ok_or(Damage::BlockContent)?;
        match (
            u16_at::<BIG_ENDIAN, _>(header, section_field::MAJOR),
            u16_at::<BIG_ENDIAN, _>(header, section_field::MINOR),
        ) {
            // 1.2 is what some programs wrote for 1.0.
            (1, 0 | 2) => {
                self.interfaces.clear();
                Ok(())
            }
            (major, minor) => Err(Damage::Version(major, minor)),
        }
    }

    #[inline(always)]
    fn packet<const BIG_ENDIAN: bool>(
        &self,
        window: Window<'_>,
        body: &[u8],
        is_obsolete: bool,
    ) -> Result<CapturedFrame, Damage> {
        let header = body.first_chunk::<{ packet_field::HEADER_LEN }>().ok_or(Damage::BlockContent)?;
        let id = if is_obsolete {
            u32::from(u16_at::<BIG_ENDIAN, _>(header, packet_field::INTERFACE))
        } else {
            u32_at::<BIG_ENDIAN, _>(header, packet_field::INTERFACE)
        };
        let interface = self.interfaces.get(id as usize).ok_or(Damage::NoInterface(id))?;
        let captured_len = u32_at::<BIG_ENDIAN, _>(header, packet_field::CAPTURED_LEN);
        let captured = body[packet_field::HEADER_LEN..]
            .get(..captured_len as usize)
            .ok_or(Damage::RecordLen(captured_len))?;
        let ticks = u64::from(u32_at::<BIG_ENDIAN, _>(header, packet_field::TIME_UPPER)) << 32
            | u64::from(u32_at::<BIG_ENDIAN, _>(header, packet_field::TIME_LOWER));
        Ok(CapturedFrame {
            frame: window.lend(captured),
            time: interface.time(ticks),
            wire_len: u32_at::<BIG_ENDIAN, _>(header, packet_field::WIRE_LEN).max(captured_len),
            link_type: interface.link_type,
        })
    }

    /// A simple packet is of the first interface and has no time.
    fn simple_packet<const BIG_ENDIAN: bool>(
        &self,
        window: Window<'_>,
        body: &[u8],
    ) -> Result<CapturedFrame, Damage> {
        let header = body.first_chunk::<{ simple_field::HEADER_LEN }>().ok_or(Damage::BlockContent)?;
        let interface = self.interfaces.first().ok_or(Damage::NoInterface(0))?;
        let wire_len = u32_at::<BIG_ENDIAN, _>(header, simple_field::WIRE_LEN);
        let data = &body[simple_field::HEADER_LEN..];
        let captured_len = wire_len.min(interface.snaplen) as usize;
        let captured = &data[..captured_len.min(data.len())];
        Ok(CapturedFrame {
            frame: window.lend(captured),
            time: Timestamp::ZERO,
            wire_len,
            link_type: interface.link_type,
        })
    }
}
