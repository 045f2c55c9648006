//! Bytes to a file or to standard output.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
};

use weir_flow::options::{Argument, OptionSpec};

use crate::{Batch, OutputError, Sink};

/// A batch is handed over when it has grown to this size: large enough that a system call per batch does not matter, small
/// enough to stay in the second-level cache of the core that writes it.
const FULL_AT: usize = 64 * 1024;

/// What a batch has room for beyond that, so that it seldom grows for its last record.
const LONGEST_RECORD: usize = 16 * 1024;

/// The option that names the file.
pub const FILE: OptionSpec = OptionSpec::new(
    "file",
    "f",
    Argument::Text("PATH"),
    "Write to this file, which is truncated at start; - or absent: standard output",
);

/// Records as bytes, ready to be written.
#[derive(Default, Debug)]
pub struct ByteBatch {
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Batch for ByteBatch {
    #[inline]
    fn clear(&mut self) {
        self.bytes.clear();
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.bytes.len() >= FULL_AT
    }

    fn prepare(&mut self) {
        // Not zero, which could be memory that the system only promises.
        self.bytes.resize(FULL_AT + LONGEST_RECORD, b' ');
        self.bytes.clear();
    }
}

/// Writes batches, each as a whole and at once: nothing is held back.
#[derive(Debug)]
pub struct ByteSink {
    file: File,
    /// The path as given; `None` for standard output.
    path: Option<String>,
    /// What comes before the first batch, until it is written.
    header: &'static [u8],
}

impl ByteSink {
    /// Creates or truncates the file at `path`, or takes standard output if there is no path or it is `-`. `header` is
    /// written before the first batch, or at the first flush.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn open(path: Option<&str>, header: &'static [u8]) -> Result<ByteSink, OutputError> {
        let path = path.filter(|&p| p != "-");
        let file = match path {
            Some(path) => File::create(path),
            // A descriptor of its own, past the line buffer and the lock of the standard library's handle.
            None => io::stdout().as_fd().try_clone_to_owned().map(File::from),
        };
        match file {
            Ok(file) => Ok(ByteSink { file, path: path.map(str::to_owned), header }),
            Err(source) => {
                Err(OutputError::Io { path: path.unwrap_or("standard output").to_owned(), source })
            }
        }
    }

    /// Whether the bytes go to standard output.
    pub const fn is_standard_output(&self) -> bool {
        self.path.is_none()
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        self.file.write_all(bytes).map_err(|source| match &self.path {
            None if source.kind() == io::ErrorKind::BrokenPipe => OutputError::StandardOutputClosed,
            path => OutputError::Io { path: path.as_deref().unwrap_or("standard output").to_owned(), source },
        })
    }
}

impl Sink for ByteSink {
    type Batch = ByteBatch;

    fn write(&mut self, batch: &ByteBatch) -> Result<(), OutputError> {
        self.flush()?;
        self.write_all(&batch.bytes)
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        match std::mem::take(&mut self.header) {
            b"" => Ok(()),
            header => self.write_all(header),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_header_comes_once_and_before_everything() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        std::fs::write(&path, "what was here before").unwrap();
        let mut sink = ByteSink::open(path.to_str(), b"header\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"", "truncated at open");
        sink.write(&ByteBatch { bytes: b"one\n".to_vec() }).unwrap();
        sink.write(&ByteBatch { bytes: b"two\n".to_vec() }).unwrap();
        sink.flush().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"header\none\ntwo\n");
    }

    #[test]
    fn without_records_a_flush_writes_the_header() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        let mut sink = ByteSink::open(path.to_str(), b"header\n").unwrap();
        sink.flush().unwrap();
        sink.flush().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"header\n");
    }

    #[test]
    fn a_file_that_cannot_be_created_is_an_error_with_its_name() {
        let error = ByteSink::open(Some("/nowhere/at/all"), b"").unwrap_err();
        assert!(error.to_string().starts_with("/nowhere/at/all: "), "{error}");
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let mut sink = ByteSink::open(Some("/dev/full"), b"").unwrap();
        let error = sink.write(&ByteBatch { bytes: b"lost".to_vec() }).unwrap_err();
        assert!(matches!(error, OutputError::Io { .. }), "{error}");
    }

    #[test]
    fn a_reader_of_standard_output_that_goes_away_is_told_from_a_failure() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        let mut sink = ByteSink { file, path: None, header: b"" };
        let error = sink.write(&ByteBatch { bytes: b"unread".to_vec() }).unwrap_err();
        assert!(matches!(error, OutputError::StandardOutputClosed), "{error}");
    }
}
