#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// A message of so many octets, all but the length in its header being `octet`.
fn message(length: u16, octet: u8) -> Vec<u8> {
    let mut message = vec![octet; length.into()];
    message[2..4].copy_from_slice(&length.to_be_bytes());
    message
}

fn popped(spool: &mut Spool) -> Vec<(Vec<u8>, u32)> {
    let mut messages = Vec::new();
    spool.pop().unwrap().for_each(|message, records| messages.push((message.to_vec(), records)));
    messages
}

proptest! {
    #[test]
    fn what_goes_in_comes_out_in_order_and_never_exceeds_the_size(
        steps in prop::collection::vec(prop::option::weighted(0.8, 16..3000u16), 0..200),
    ) {
        const SIZE: u64 = 10_000;
        let directory = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(directory.path(), SIZE).unwrap();
        let mut model = VecDeque::new();
        for (number, step) in steps.into_iter().enumerate() {
            if let Some(length) = step {
                let message = message(length, number as u8);
                let fits = spool.octets() + 4 + u64::from(length) <= SIZE;
                prop_assert_eq!(spool.push(&message, number as u32), fits);
                if fits {
                    model.push_back((message, number as u32));
                }
            } else if !spool.is_empty() {
                for popped in popped(&mut spool) {
                    prop_assert_eq!(Some(popped), model.pop_front());
                }
            }
            let octets: u64 = model.iter().map(|(message, _)| 4 + message.len() as u64).sum();
            prop_assert_eq!((spool.octets(), spool.room(), spool.is_empty()), (octets, SIZE - octets, model.is_empty()));
            prop_assert!(spool.file.metadata().unwrap().len() <= SIZE);
        }
    }
}

#[test]
fn it_leaves_nothing_in_the_directory_and_takes_no_room_when_it_is_empty() {
    let directory = tempfile::tempdir().unwrap();
    let mut spools = [0; 2].map(|_| Spool::new(directory.path(), 1 << 20).unwrap());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    let [spool, other] = &mut spools;
    assert!(spool.push(&message(100, 1), 7) && spool.push(&message(u16::MAX, 2), 8));
    assert_eq!((spool.octets(), other.octets()), (4 + 100 + 4 + 65_535, 0));
    assert_eq!(popped(spool), [(message(100, 1), 7), (message(u16::MAX, 2), 8)]);
    assert_eq!(spool.file.metadata().unwrap().len(), 0);
}

#[test]
fn a_directory_that_is_not_there_is_an_error() {
    assert!(Spool::new("/nowhere/at/all", 1).is_err());
}

#[test]
fn where_nothing_can_be_written_it_takes_nothing_and_says_why_once() {
    // The kernel's device that is always full.
    let file = OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
    let mut spool = Spool { file, size: 1000, read: 0, written: 0, records: 0, failure: Failure::None };
    assert_eq!(spool.room(), 1000);
    for _ in 0..2 {
        assert!(!spool.push(&message(100, 1), 1));
    }
    assert_eq!(spool.take_failure().unwrap().kind(), io::ErrorKind::StorageFull);
    assert!(spool.take_failure().is_none() && spool.is_empty() && spool.room() == 0);
}

#[test]
fn what_cannot_be_read_back_is_lost_with_the_number_of_its_records() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = Spool::new(directory.path(), 1 << 20).unwrap();
    assert!(spool.push(&message(100, 1), 7) && spool.push(&message(100, 1), 8));
    spool.file.set_len(150).unwrap();
    assert_eq!(spool.pop().unwrap_err(), 15);
    assert!(spool.is_empty() && spool.push(&message(100, 3), 9));
    assert_eq!(popped(&mut spool), [(message(100, 3), 9)]);
}
