#![allow(clippy::unwrap_used)]
use std::time::Duration;

use super::*;

fn settings(path: &Path) -> specification::File {
    specification::File { path: path.to_str().unwrap().into(), append: false, minutes: None, mebibytes: None }
}

fn format() -> Format {
    Format::UniRec("uint32 COUNT,uint16 PORT,string NAME,uint16* LENS".into())
}

/// What a sender has counted, messages in its buffer left out.
fn counters(sender: &FileSender) -> Counters {
    super::super::Monitor::Published(sender.published()).counters()
}

fn files(directory: &Path) -> Vec<(String, u64)> {
    let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
    let mut files: Vec<_> =
        entries.map(|e| (e.file_name().into_string().unwrap(), e.metadata().unwrap().len())).collect();
    files.sort();
    files
}

#[test]
fn a_file_has_the_bytes_of_the_reference() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/x.trapcap");
    let mut sender = FileSender::open(&settings(&path), &format(), true).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"", "nothing is written before there is a message");
    sender.send([&b"\xe8\x03\0\0\x35\0\0\0\x03\0\x03\0\x04\0abc\x10\0\x20\0"[..]]);
    sender.send([&b"\xe9\x03\0\0\x36\0\0\0\x07\0\x07\0\x06\0example\x10\0\x20\0\x30\0"[..]]);
    drop(sender);
    let expected = [
        &format().encode()[..],
        b"\0\0\0\x34\0\x15\xe8\x03\0\0\x35\0\0\0\x03\0\x03\0\x04\0abc\x10\0\x20\0",
        b"\0\x1b\xe9\x03\0\0\x36\0\0\0\x07\0\x07\0\x06\0example\x10\0\x20\0\x30\0",
    ]
    .concat();
    assert_eq!(expected.len(), 113);
    assert_eq!(std::fs::read(&path).unwrap(), expected);
}

#[test]
fn a_message_is_a_buffer_where_none_are_gathered() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    let mut sender = FileSender::open(&settings(&path), &Format::Raw, false).unwrap();
    sender.send([&b"a"[..]]);
    sender.send([&b"bc"[..]]);
    assert_eq!(std::fs::read(&path).unwrap(), b"\x01\0\0\0\0\0\0\0\0\0\0\x03\0\x01a\0\0\0\x04\0\x02bc");
    assert_eq!((counters(&sender).messages, counters(&sender).buffers), (2, 2));
}

#[test]
fn a_full_buffer_is_written_and_a_message_too_long_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    let mut sender = FileSender::open(&settings(&path), &Format::Raw, true).unwrap();
    sender.send([&[1; 65_535][..]]);
    sender.send([&[1; 65_536][..]]);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
    sender.send([&[1; 65_535][..]]);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 8 + 4 + 2 + 65_535);
    let Counters { messages, buffers, lost, .. } = counters(&sender);
    assert_eq!((messages, buffers, lost), (3, 1, 1));
}

#[test]
fn a_file_that_is_large_enough_is_followed_by_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let settings = specification::File { mebibytes: Some(1), ..settings(&directory.path().join("x")) };
    let mut sender = FileSender::open(&settings, &Format::Raw, true).unwrap();
    for _ in 0..40 {
        sender.send([&[7; 60_000][..]]);
    }
    drop(sender);
    let buffer = 4 + 2 + 60_000;
    assert_eq!(
        files(directory.path()),
        [
            ("x.00000".into(), 8 + 18 * buffer),
            ("x.00001".into(), 8 + 18 * buffer),
            ("x.00002".into(), 8 + 4 * buffer)
        ]
    );
}

#[test]
fn with_append_the_next_free_number_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let settings = specification::File { append: true, ..settings(&directory.path().join("x")) };
    for content in [b"a", b"b"] {
        FileSender::open(&settings, &Format::Raw, true).unwrap().send([&content[..]]);
    }
    assert_eq!(files(directory.path()), [("x.00000".into(), 15), ("x.00001".into(), 15)]);
}

#[test]
fn a_new_interval_begins_a_new_file_with_its_first_message() {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NOW: AtomicU64 = AtomicU64::new(1_700_000_090);
    fn clock() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW.load(Ordering::Relaxed))
    }
    let directory = tempfile::tempdir().unwrap();
    let settings = specification::File { minutes: Some(5), ..settings(&directory.path().join("x")) };
    let mut sender = FileSender::open_at(&settings, &Format::Raw, false, clock).unwrap();
    for now in [1_700_000_090, 1_700_000_099, 1_700_000_100, 1_700_005_000] {
        NOW.store(now, Ordering::Relaxed);
        sender.send([&b"a"[..]]);
    }
    // 22:10, 22:15, and 23:35 UTC; the names have local time.
    assert_eq!(files(directory.path()).iter().map(|(_, len)| *len).collect::<Vec<_>>(), [22, 15, 15]);
}

#[test]
fn what_a_full_file_system_does_not_take_is_counted() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let mut sender = FileSender::open(&settings(Path::new("/dev/full")), &Format::Raw, false).unwrap();
    sender.send([&b"a"[..]]);
    sender.send([&b"b"[..]]);
    let counters = counters(&sender);
    assert_eq!((counters.messages, counters.lost, counters.buffers), (2, 2, 0));
    assert!(counters.failure.is_some());
}
