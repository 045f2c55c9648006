//! An output that writes files: a hello, then buffers, each behind its length.

use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::Counters;
use super::names::Names;
use crate::buffer::{FILE_HEADER_LEN, MAX_BUFFER, MAX_MESSAGE, MESSAGE_HEADER_LEN, push_message};
use crate::hello::Format;
use crate::specification;

const MEBIBYTE: u64 = 1 << 20;

/// Writes messages to files.
#[derive(Debug)]
pub struct FileSender {
    names: Names,
    hello: Vec<u8>,
    buffered: bool,
    /// Bytes after which the next buffer goes to a new file.
    most: Option<u64>,
    /// Messages that were not written yet, behind room for a header.
    buffer: Vec<u8>,
    messages: u64,
    file: Option<Open>,
    counters: Counters,
    clock: fn() -> SystemTime,
}

/// The file being written.
#[derive(Debug)]
struct Open {
    file: std::fs::File,
    /// Bytes up to the end of the last whole buffer.
    written: u64,
    /// Whether it can be made shorter: not a pipe, not a device.
    is_regular: bool,
}

impl FileSender {
    /// Opens the first file, if its name is known before there is something to write.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn open(settings: &specification::File, format: &Format, buffered: bool) -> io::Result<FileSender> {
        FileSender::open_at(settings, format, buffered, SystemTime::now)
    }

    fn open_at(
        settings: &specification::File,
        format: &Format,
        buffered: bool,
        clock: fn() -> SystemTime,
    ) -> io::Result<FileSender> {
        let names = Names::new(settings);
        let most = names.may_change().then_some(settings.mebibytes).flatten();
        let mut sender = FileSender {
            names,
            hello: format.encode(),
            buffered,
            most: most.map(|mebibytes| u64::from(mebibytes) * MEBIBYTE),
            buffer: vec![0; FILE_HEADER_LEN],
            messages: 0,
            file: None,
            counters: Counters::default(),
            clock,
        };
        sender.begin_file()?;
        Ok(sender)
    }

    fn now(&self) -> u64 {
        (self.clock)().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    /// Takes a message in.
    pub fn send(&mut self, content: &[u8]) {
        self.counters.messages += 1;
        if content.len() > MAX_MESSAGE {
            self.counters.lost += 1;
            return;
        }
        if self.buffer.len() + MESSAGE_HEADER_LEN + content.len() > MAX_BUFFER + FILE_HEADER_LEN {
            self.flush();
        }
        push_message(&mut self.buffer, content);
        self.messages += 1;
        if !self.buffered {
            self.flush();
        }
    }

    /// Writes what was gathered. What cannot be written is counted as lost; the file then ends behind the last whole buffer.
    pub fn flush(&mut self) {
        if self.messages == 0 {
            return;
        }
        let payload = (self.buffer.len() - FILE_HEADER_LEN) as u32;
        self.buffer[..FILE_HEADER_LEN].copy_from_slice(&payload.to_be_bytes());
        match self.write_buffer() {
            Ok(()) => self.counters.buffers += 1,
            Err(error) => {
                self.counters.lost += self.messages;
                self.counters.failure = Some(error.to_string());
            }
        }
        self.buffer.truncate(FILE_HEADER_LEN);
        self.messages = 0;
    }

    fn write_buffer(&mut self) -> io::Result<()> {
        let full = |open: &Open| self.most.is_some_and(|most| open.written >= most);
        if self.file.as_ref().is_none_or(full) || self.names.interval_is_over(self.now()) {
            self.begin_file()?;
        }
        let Some(open) = &mut self.file else { return Ok(()) };
        if open.written == 0 {
            open.append(&self.hello)?;
        }
        open.append(&self.buffer)
    }

    /// Begins the next file. The one before stays as it is.
    fn begin_file(&mut self) -> io::Result<()> {
        self.file = None;
        let path = self.names.next(self.now(), Path::exists);
        self.file = Some(Open::create(&path).map_err(|error| at(&path, error))?);
        Ok(())
    }

    /// What it has counted.
    pub fn counters(&self) -> Counters {
        self.counters.clone()
    }

    /// Path of the file being written.
    pub fn path(&self) -> &Path {
        self.names.current()
    }
}

impl Drop for FileSender {
    fn drop(&mut self) {
        self.flush();
    }
}

fn at(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

impl Open {
    fn create(path: &PathBuf) -> io::Result<Open> {
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory)?;
        }
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        let is_regular = file.metadata()?.is_file();
        Ok(Open { file, written: 0, is_regular })
    }

    /// Writes all of `bytes`, or leaves the file as it was.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.written += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                if self.is_regular {
                    self.file.set_len(self.written)?;
                    self.file.seek(SeekFrom::Start(self.written))?;
                }
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    fn settings(path: &Path) -> specification::File {
        specification::File {
            path: path.to_str().unwrap().into(),
            append: false,
            minutes: None,
            mebibytes: None,
        }
    }

    fn format() -> Format {
        Format::UniRec("uint32 COUNT,uint16 PORT,string NAME,uint16* LENS".into())
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
        sender.send(b"\xe8\x03\0\0\x35\0\0\0\x03\0\x03\0\x04\0abc\x10\0\x20\0");
        sender.send(b"\xe9\x03\0\0\x36\0\0\0\x07\0\x07\0\x06\0example\x10\0\x20\0\x30\0");
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
        sender.send(b"a");
        sender.send(b"bc");
        assert_eq!(std::fs::read(&path).unwrap(), b"\x01\0\0\0\0\0\0\0\0\0\0\x03\0\x01a\0\0\0\x04\0\x02bc");
        assert_eq!((sender.counters().messages, sender.counters().buffers), (2, 2));
    }

    #[test]
    fn a_full_buffer_is_written_and_a_message_too_long_is_lost() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        let mut sender = FileSender::open(&settings(&path), &Format::Raw, true).unwrap();
        sender.send(&[1; 65_535]);
        sender.send(&[1; 65_536]);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
        sender.send(&[1; 65_535]);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 8 + 4 + 2 + 65_535);
        let Counters { messages, buffers, lost, .. } = sender.counters();
        assert_eq!((messages, buffers, lost), (3, 1, 1));
    }

    #[test]
    fn a_file_that_is_large_enough_is_followed_by_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let settings = specification::File { mebibytes: Some(1), ..settings(&directory.path().join("x")) };
        let mut sender = FileSender::open(&settings, &Format::Raw, true).unwrap();
        for _ in 0..40 {
            sender.send(&[7; 60_000]);
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
            FileSender::open(&settings, &Format::Raw, true).unwrap().send(content);
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
            sender.send(b"a");
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
        sender.send(b"a");
        sender.send(b"b");
        let counters = sender.counters();
        assert_eq!((counters.messages, counters.lost, counters.buffers), (2, 2, 0));
        assert!(counters.failure.is_some());
    }
}
