//! A block of a TPACKET_V3 ring as the kernel leaves it: a header, then packets, each behind a header of its own
//! (Documentation/networking/packet_mmap.rst). All integers are in the byte order of the host.
//!
//! The kernel is trusted to mean well, and checked all the same: nothing here reads or answers with anything outside of the block.

use std::mem::{offset_of, size_of};
use std::ops::Range;

use libc::{tpacket_block_desc, tpacket_hdr_v1, tpacket_hdr_variant1, tpacket3_hdr};
use weir_flow::Timestamp;

/// Bytes that the kernel is asked to leave free before each packet (PACKET_RESERVE): room for the VLAN tag that it took out.
pub(super) const VLAN_TAG_LEN: usize = 4;
/// Destination and source address, before which a VLAN tag never stands.
pub(super) const MAC_ADDRESSES_LEN: usize = 12;

const BLOCK_HEADER: usize = offset_of!(tpacket_block_desc, hdr);
/// Where the word is by which kernel and program hand the block to each other.
pub(super) const STATUS: usize = BLOCK_HEADER + offset_of!(tpacket_hdr_v1, block_status);
const PACKET_COUNT: usize = BLOCK_HEADER + offset_of!(tpacket_hdr_v1, num_pkts);
const FIRST_PACKET: usize = BLOCK_HEADER + offset_of!(tpacket_hdr_v1, offset_to_first_pkt);
const BLOCK_HEADER_LEN: usize = size_of::<tpacket_block_desc>();
const PACKET_HEADER_LEN: usize = size_of::<tpacket3_hdr>();

const VLAN: usize = offset_of!(tpacket3_hdr, hv1);
const VLAN_TCI: usize = VLAN + offset_of!(tpacket_hdr_variant1, tp_vlan_tci);
const VLAN_TPID: usize = VLAN + offset_of!(tpacket_hdr_variant1, tp_vlan_tpid);
/// IEEE 802.1Q.
const DEFAULT_TPID: u16 = 0x8100;

/// The block is not what the kernel promises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Damage;

/// What the header of a block says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Contents {
    /// Packets in the block.
    pub(super) packets: u32,
    /// Where the header of the first one is.
    pub(super) first: usize,
}

/// What the header of a packet says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct PacketHeader {
    /// The packet's bytes, as a range of the block. Before it are at least [`VLAN_TAG_LEN`] bytes that belong to nobody else.
    pub(super) captured: Range<usize>,
    /// Length on the wire, without the tag that was taken out; at least the captured length.
    pub(super) wire_len: u32,
    pub(super) time: Timestamp,
    /// The VLAN tag that was taken out, as on the wire.
    pub(super) vlan_tag: Option<[u8; VLAN_TAG_LEN]>,
    /// Where the header of the next packet is, if there is one.
    pub(super) next: usize,
}

fn u16_at(bytes: &[u8; PACKET_HEADER_LEN], at: usize) -> u16 {
    u16::from_ne_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at<const N: usize>(bytes: &[u8; N], at: usize) -> u32 {
    u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Reads the header of `block`.
pub(super) fn contents(block: &[u8]) -> Result<Contents, Damage> {
    let header: &[u8; BLOCK_HEADER_LEN] = block.first_chunk().ok_or(Damage)?;
    let (packets, first) = (u32_at(header, PACKET_COUNT), u32_at(header, FIRST_PACKET) as usize);
    if packets > 0 && first < BLOCK_HEADER_LEN {
        return Err(Damage);
    }
    Ok(Contents { packets, first })
}

/// Reads the packet header at `at`; `is_last` says that no packet follows.
#[inline]
pub(super) fn packet(block: &[u8], at: usize, is_last: bool) -> Result<PacketHeader, Damage> {
    let header: &[u8; PACKET_HEADER_LEN] =
        block.get(at..).and_then(|rest| rest.first_chunk()).ok_or(Damage)?;
    let mac = u16_at(header, offset_of!(tpacket3_hdr, tp_mac)) as usize;
    let captured_len = u32_at(header, offset_of!(tpacket3_hdr, tp_snaplen));
    let next_offset = u32_at(header, offset_of!(tpacket3_hdr, tp_next_offset)) as usize;
    let status = u32_at(header, offset_of!(tpacket3_hdr, tp_status));
    let captured_end = mac.saturating_add(captured_len as usize);
    let room = if is_last { block.len() - at } else { next_offset.min(block.len() - at) };
    if mac < PACKET_HEADER_LEN + VLAN_TAG_LEN || captured_end > room {
        return Err(Damage);
    }
    let vlan_tag = (status & libc::TP_STATUS_VLAN_VALID != 0).then(|| {
        let has_tpid = status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
        let tpid = if has_tpid { u16_at(header, VLAN_TPID) } else { DEFAULT_TPID };
        // The kernel keeps 16 bits in the lower half of a wider field.
        let tci = u32_at(header, VLAN_TCI) as u16;
        let ([a, b], [c, d]) = (tpid.to_be_bytes(), tci.to_be_bytes());
        [a, b, c, d]
    });
    Ok(PacketHeader {
        captured: at + mac..at + captured_end,
        wire_len: u32_at(header, offset_of!(tpacket3_hdr, tp_len)).max(captured_len),
        time: Timestamp::new(
            u32_at(header, offset_of!(tpacket3_hdr, tp_sec)),
            u32_at(header, offset_of!(tpacket3_hdr, tp_nsec)),
        ),
        vlan_tag,
        next: at.saturating_add(next_offset),
    })
}

#[cfg(test)]
pub(super) mod tests;
