//! Rings whose kernel is the test.
#![allow(clippy::unwrap_used)]

use weir_flow::Timestamp;

use super::super::block::tests::{Made, block};
use super::*;

const BLOCK_LEN: usize = 4096;

fn ring(blocks: usize, first_lease: u64) -> Ring {
    let layout = Layout { block_len: BLOCK_LEN, blocks };
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping at an address that the kernel chooses, unmapped when the ring is dropped.
    let data = unsafe {
        rustix::mm::mmap_anonymous(std::ptr::null_mut(), layout.len(), protection, MapFlags::PRIVATE)
    };
    Ring::over(data.unwrap().cast(), layout, first_lease).unwrap()
}

/// Does what the kernel does: fills the block and hands it over.
fn retire(ring: &mut Ring, index: usize, content: &[u8]) {
    assert_eq!(
        ring.status(index).load(Ordering::Relaxed),
        libc::TP_STATUS_KERNEL,
        "a block of the program's"
    );
    assert_eq!(content.len(), BLOCK_LEN);
    // SAFETY: the block is within the mapping, and of a block that is not lent there are no references.
    unsafe { std::ptr::copy_nonoverlapping(content.as_ptr(), ring.block_start(index), BLOCK_LEN) };
}

fn lend(ring: &mut Ring, limit: usize) -> Result<Option<(u64, Vec<CapturedFrame>)>, Damage> {
    let mut frames = Vec::new();
    let lease = ring.lend(LinkType::ETHERNET, &mut frames, limit)?;
    assert_eq!(lease.is_none(), frames.is_empty());
    Ok(lease.map(|lease| (lease.0, frames)))
}

fn belongs_to_kernel(ring: &Ring, index: usize) -> bool {
    ring.status(index).load(Ordering::Relaxed) == libc::TP_STATUS_KERNEL
}

fn three() -> Vec<u8> {
    block(BLOCK_LEN, &[Made::plain(&[1; 60]), Made::plain(&[2; 70]), Made::plain(&[3; 80])])
}

#[test]
fn a_block_is_lent_in_portions_under_one_lease() {
    let mut ring = ring(2, 0);
    assert!(lend(&mut ring, 9).unwrap().is_none(), "all blocks are the kernel's");
    retire(&mut ring, 0, &three());
    let (lease, frames) = lend(&mut ring, 2).unwrap().unwrap();
    assert_eq!((lease, frames.len(), ring.is_within_block()), (0, 2, true));
    assert_eq!(frames[1].frame.bytes(), [2; 70]);
    assert_eq!((frames[1].wire_len, frames[1].time), (70, Timestamp::new(2, 0)));
    let (lease, frames) = lend(&mut ring, 2).unwrap().unwrap();
    assert_eq!((lease, frames.len(), ring.is_within_block()), (0, 1, false));
    assert!(lend(&mut ring, 2).unwrap().is_none());
    assert!(ring.is_lent() && !belongs_to_kernel(&ring, 0));
    ring.give_back(Lease(0));
    assert!(!ring.is_lent() && belongs_to_kernel(&ring, 0));
}

#[test]
fn leases_come_back_in_any_order_and_each_frees_its_block() {
    let mut ring = ring(3, 7);
    for index in 0..3 {
        retire(&mut ring, index, &three());
    }
    for lease in 7..10 {
        assert_eq!(lend(&mut ring, 9).unwrap().unwrap().0, lease);
    }
    assert!(lend(&mut ring, 9).unwrap().is_none(), "a block that is lent is not lent again");
    ring.give_back(Lease(8));
    assert!(!belongs_to_kernel(&ring, 0) && belongs_to_kernel(&ring, 1));
    assert!(lend(&mut ring, 9).unwrap().is_none(), "it is the first block's turn");
    ring.give_back(Lease(7));
    retire(&mut ring, 0, &three());
    assert_eq!(lend(&mut ring, 9).unwrap().unwrap().0, 10);
    assert_eq!(ring.next_lease(), 11);
}

#[test]
fn a_lease_of_another_ring_and_one_given_back_twice_free_nothing() {
    let mut ring = ring(1, 5);
    retire(&mut ring, 0, &three());
    let _ = lend(&mut ring, 1).unwrap().unwrap();
    for lease in [0, 4, 6, u64::MAX] {
        ring.give_back(Lease(lease));
        assert!(!belongs_to_kernel(&ring, 0), "{lease}");
    }
    while lend(&mut ring, 1).unwrap().is_some() {}
    ring.give_back(Lease(5));
    retire(&mut ring, 0, &three());
    ring.give_back(Lease(5));
    assert!(!belongs_to_kernel(&ring, 0));
}

#[test]
fn an_empty_block_goes_back_at_once_and_the_next_one_is_lent() {
    let mut ring = ring(2, 0);
    retire(&mut ring, 0, &block(BLOCK_LEN, &[]));
    retire(&mut ring, 1, &three());
    assert_eq!(lend(&mut ring, 9).unwrap().unwrap().0, 1);
    assert!(belongs_to_kernel(&ring, 0));
}

#[test]
fn a_vlan_tag_is_put_back_where_it_was() {
    let mut untagged = [0u8; 60];
    for (number, byte) in untagged.iter_mut().enumerate() {
        *byte = number as u8;
    }
    let tagged = Made {
        status: libc::TP_STATUS_VLAN_VALID | libc::TP_STATUS_VLAN_TPID_VALID,
        tci: 0x2123,
        tpid: 0x88a8,
        ..Made::plain(&untagged)
    };
    let content = block(BLOCK_LEN, &[Made::plain(&[1; 61]), tagged.clone(), Made::plain(&[3; 61])]);
    let mut ring = ring(1, 0);
    retire(&mut ring, 0, &content);
    let (_, frames) = lend(&mut ring, 9).unwrap().unwrap();
    let expected = [&untagged[..12], &[0x88, 0xa8, 0x21, 0x23], &untagged[12..]].concat();
    assert_eq!(frames[1].frame.bytes(), expected);
    assert_eq!(frames[1].wire_len, 64);
    assert_eq!((frames[0].frame.bytes(), frames[2].frame.bytes()), (&[1; 61][..], &[3; 61][..]));

    ring.give_back(Lease(0));
    retire(&mut ring, 0, &block(BLOCK_LEN, &[tagged]));
    let mut frames = Vec::new();
    ring.lend(LinkType::RAW, &mut frames, 9).unwrap();
    assert_eq!(frames[0].frame.bytes(), untagged, "without addresses there is no place for a tag");
}

#[test]
fn frames_before_damage_are_lent_and_nothing_after_it() {
    let mut content = three();
    // The second packet begins 152 bytes behind the first; its length becomes that of the whole block.
    let snaplen = 48 + 152 + 12;
    content[snaplen..snaplen + 4].copy_from_slice(&(BLOCK_LEN as u32).to_ne_bytes());
    let mut ring = ring(1, 0);
    retire(&mut ring, 0, &content);
    let (_, frames) = lend(&mut ring, 9).unwrap().unwrap();
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].frame.bytes(), [1; 60]);
    for _ in 0..2 {
        assert_eq!(lend(&mut ring, 9).unwrap_err(), Damage);
    }
}

#[test]
fn more_packets_than_the_block_holds_are_damage() {
    let mut content = three();
    content[12..16].copy_from_slice(&u32::MAX.to_ne_bytes());
    let mut ring = ring(1, 0);
    retire(&mut ring, 0, &content);
    let (_, frames) = lend(&mut ring, usize::MAX).unwrap().unwrap();
    assert_eq!(frames.len(), 2, "the third says that none follows");
    assert_eq!(lend(&mut ring, 9).unwrap_err(), Damage);
}
