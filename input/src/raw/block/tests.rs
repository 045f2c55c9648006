//! Blocks made by hand.
#![allow(clippy::unwrap_used)]

use super::*;

/// Where the kernel puts the first packet of a block that has no private area.
const FIRST: u32 = BLOCK_HEADER_LEN as u32;
/// Where the kernel puts an Ethernet frame behind its header, with room for a VLAN tag.
const MAC: u16 = 86;

/// A packet for [`block`].
#[derive(Clone)]
pub(in crate::raw) struct Made<'a> {
    pub(in crate::raw) bytes: &'a [u8],
    pub(in crate::raw) wire_len: u32,
    pub(in crate::raw) status: u32,
    pub(in crate::raw) tci: u32,
    pub(in crate::raw) tpid: u16,
}

impl<'a> Made<'a> {
    pub(in crate::raw) fn plain(bytes: &'a [u8]) -> Made<'a> {
        Made { bytes, wire_len: bytes.len() as u32, status: libc::TP_STATUS_USER, tci: 0, tpid: 0 }
    }
}

fn put(block: &mut [u8], at: usize, value: &[u8]) {
    block[at..at + value.len()].copy_from_slice(value);
}

/// A retired block as the kernel lays it out: 8-byte aligned, the last packet without a next one. The packets' times are 1 s, 2 s and so on.
pub(in crate::raw) fn block(len: usize, packets: &[Made<'_>]) -> Vec<u8> {
    let mut block = vec![0; len];
    put(&mut block, STATUS, &libc::TP_STATUS_USER.to_ne_bytes());
    put(&mut block, PACKET_COUNT, &(packets.len() as u32).to_ne_bytes());
    put(&mut block, FIRST_PACKET, &FIRST.to_ne_bytes());
    let mut at = FIRST as usize;
    for (number, packet) in packets.iter().enumerate() {
        let room = (MAC as usize + packet.bytes.len()).next_multiple_of(8);
        let next = if number + 1 == packets.len() { 0 } else { room as u32 };
        put(&mut block, at + offset_of!(tpacket3_hdr, tp_next_offset), &next.to_ne_bytes());
        put(&mut block, at + offset_of!(tpacket3_hdr, tp_sec), &(number as u32 + 1).to_ne_bytes());
        put(
            &mut block,
            at + offset_of!(tpacket3_hdr, tp_snaplen),
            &(packet.bytes.len() as u32).to_ne_bytes(),
        );
        put(&mut block, at + offset_of!(tpacket3_hdr, tp_len), &packet.wire_len.to_ne_bytes());
        put(&mut block, at + offset_of!(tpacket3_hdr, tp_status), &packet.status.to_ne_bytes());
        put(&mut block, at + offset_of!(tpacket3_hdr, tp_mac), &MAC.to_ne_bytes());
        put(&mut block, at + VLAN_TCI, &packet.tci.to_ne_bytes());
        put(&mut block, at + VLAN_TPID, &packet.tpid.to_ne_bytes());
        put(&mut block, at + MAC as usize, packet.bytes);
        at += room;
    }
    block
}

#[test]
fn packets_are_found_one_after_the_other() {
    let block = block(4096, &[Made::plain(&[1; 60]), Made { wire_len: 9000, ..Made::plain(&[2; 33]) }]);
    let contents = contents(&block).unwrap();
    assert_eq!(contents, Contents { packets: 2, first: FIRST as usize });
    let first = packet(&block, contents.first, false).unwrap();
    assert_eq!(block[first.captured.clone()], [1; 60]);
    assert_eq!((first.wire_len, first.time, first.vlan_tag), (60, Timestamp::new(1, 0), None));
    let second = packet(&block, first.next, true).unwrap();
    assert_eq!(block[second.captured.clone()], [2; 33]);
    assert_eq!((second.wire_len, second.time), (9000, Timestamp::new(2, 0)));
}

#[test]
fn a_tag_that_was_taken_out_has_the_kernel_s_tpid_or_that_of_802_1q() {
    let tagged = |status, tpid| {
        let made = Made { status, tci: 0xffff_6064, tpid, ..Made::plain(&[0; 60]) };
        packet(&block(4096, &[made]), FIRST as usize, true).unwrap().vlan_tag
    };
    let (valid, tpid_valid) = (libc::TP_STATUS_VLAN_VALID, libc::TP_STATUS_VLAN_TPID_VALID);
    assert_eq!(tagged(valid | tpid_valid, 0x88a8), Some([0x88, 0xa8, 0x60, 0x64]));
    assert_eq!(tagged(valid, 0x88a8), Some([0x81, 0x00, 0x60, 0x64]));
    assert_eq!(tagged(libc::TP_STATUS_USER, 0x88a8), None);
}

#[test]
fn a_length_on_the_wire_below_the_captured_one_is_raised() {
    let block = block(4096, &[Made { wire_len: 3, ..Made::plain(&[0; 60]) }]);
    assert_eq!(packet(&block, FIRST as usize, true).unwrap().wire_len, 60);
}

#[test]
fn nothing_outside_of_the_block_is_read() {
    let whole = block(512, &[Made::plain(&[7; 60]), Made::plain(&[8; 60])]);
    let with = |field: usize, value: &[u8]| {
        let mut block = whole.clone();
        put(&mut block, field, value);
        block
    };
    let first = FIRST as usize;
    let mac = first + offset_of!(tpacket3_hdr, tp_mac);
    let snaplen = first + offset_of!(tpacket3_hdr, tp_snaplen);
    let next = first + offset_of!(tpacket3_hdr, tp_next_offset);

    assert_eq!(contents(&whole[..BLOCK_HEADER_LEN - 1]), Err(Damage));
    assert_eq!(contents(&with(FIRST_PACKET, &8u32.to_ne_bytes())), Err(Damage), "in the block's header");
    for at in [512, 513, 512 - PACKET_HEADER_LEN + 1, usize::MAX] {
        assert_eq!(packet(&whole, at, false), Err(Damage), "a header at {at}");
    }
    for offset in [0u16, 47, 51, 512, u16::MAX] {
        assert_eq!(packet(&with(mac, &offset.to_ne_bytes()), first, true), Err(Damage), "mac at {offset}");
    }
    for len in [512u32, i32::MAX as u32, u32::MAX] {
        assert_eq!(packet(&with(snaplen, &len.to_ne_bytes()), first, true), Err(Damage), "{len} bytes");
    }
    for offset in [0u32, 1, 145] {
        let block = with(next, &offset.to_ne_bytes());
        assert_eq!(packet(&block, first, false), Err(Damage), "the next packet at {offset}, within this one");
    }
    let block = with(next, &u32::MAX.to_ne_bytes());
    let far = packet(&block, first, false).unwrap();
    assert_eq!(packet(&block, far.next, true), Err(Damage), "the next packet outside");
}
