//! A file for what finds no room in memory.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use crate::message::HEADER_LEN;

/// Messages in a file of bounded size, first in, first out.
///
/// The file has no name, and so is gone when the exporter is, however that ends: what is in it is of no use to another one, which has other
/// templates. It is as long as it has to be, and empty when nothing waits.
#[derive(Debug)]
pub struct Spool {
    file: File,
    /// Octets that it may have.
    size: u64,
    /// Octets that were ever read and written: they are in the file at these numbers modulo its size.
    read: u64,
    written: u64,
    /// Data records in it.
    records: u64,
    failure: Failure,
}

/// Whether it could not be written.
#[derive(Debug)]
enum Failure {
    None,
    New(io::Error),
    Told,
}

/// What is read at once. An entry, the longest message with its number of records, is not longer.
const BLOCK: u64 = 128 * 1024;

/// Before each message: its number of data records.
const PREFIX_LEN: usize = 4;

/// Some messages out of a spool.
#[derive(Debug)]
pub(super) struct Messages(Vec<u8>);

impl Messages {
    /// Each message and its number of data records.
    pub(super) fn for_each(&self, mut each: impl FnMut(&[u8], u32)) {
        let mut octets = &self.0[..];
        while let Some((message, records, len)) = first(octets) {
            each(message, records);
            octets = &octets[len..];
        }
    }
}

/// The first message, its number of data records, and how long both are.
fn first(octets: &[u8]) -> Option<(&[u8], u32, usize)> {
    let (prefix, rest) = octets.split_first_chunk::<PREFIX_LEN>()?;
    let length = usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]));
    let message = rest.get(..length).filter(|message| message.len() >= HEADER_LEN)?;
    Some((message, u32::from_be_bytes(*prefix), PREFIX_LEN + length))
}

impl Spool {
    /// A file of at most `size` octets in `directory`.
    ///
    /// # Errors
    /// If there cannot be one.
    pub fn new(directory: impl AsRef<Path>, size: u64) -> io::Result<Spool> {
        let mut number = 0;
        let file = loop {
            let path = directory.as_ref().join(format!("ipfix-spool.{}.{number}", std::process::id()));
            let mut options = OpenOptions::new();
            match options.read(true).write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => {
                    fs::remove_file(&path)?;
                    break file;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
            }
        };
        Ok(Spool { file, size, read: 0, written: 0, records: 0, failure: Failure::None })
    }

    /// Octets in it.
    pub(super) const fn octets(&self) -> u64 {
        self.written - self.read
    }

    /// Octets that still find room, as far as is known.
    pub(super) const fn room(&self) -> u64 {
        match self.failure {
            Failure::None => self.size - self.octets(),
            Failure::New(_) | Failure::Told => 0,
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.read == self.written
    }

    /// Why it could not be written, if that has not been told.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        match std::mem::replace(&mut self.failure, Failure::Told) {
            Failure::New(error) => Some(error),
            failure => {
                self.failure = failure;
                None
            }
        }
    }

    /// Appends a message, if there is room and the file can be written. A file system that is full may not be later.
    pub(super) fn push(&mut self, message: &[u8], records: u32) -> bool {
        let entry = [&records.to_be_bytes(), message].concat();
        let len = entry.len() as u64;
        if self.octets() + len > self.size {
            return false;
        }
        match self
            .each_part(self.written, entry.len(), |file, range, at| file.write_all_at(&entry[range], at))
        {
            Ok(()) => {
                self.failure = Failure::None;
                self.written += len;
                self.records += u64::from(records);
                true
            }
            Err(error) => {
                if matches!(self.failure, Failure::None) {
                    self.failure = Failure::New(error);
                }
                false
            }
        }
    }

    /// Takes out the first messages.
    ///
    /// # Errors
    /// If they cannot be read: then everything in it is lost, so many data records.
    pub(super) fn pop(&mut self) -> Result<Messages, u64> {
        let mut block = vec![0; self.octets().min(BLOCK) as usize];
        let read = self
            .each_part(self.read, block.len(), |file, range, at| file.read_exact_at(&mut block[range], at));
        let (mut len, mut records) = (0, 0);
        if read.is_ok() {
            while let Some((_, of_message, entry)) = first(&block[len..]) {
                len += entry;
                records += u64::from(of_message);
            }
        }
        if len == 0 {
            self.clear();
            return Err(std::mem::take(&mut self.records));
        }
        block.truncate(len);
        self.read += len as u64;
        self.records = self.records.saturating_sub(records);
        if self.is_empty() {
            self.clear();
        }
        Ok(Messages(block))
    }

    fn clear(&mut self) {
        (self.read, self.written) = (0, 0);
        // It only takes room if that fails.
        let _ = self.file.set_len(0);
    }

    /// Does something with the one or two parts of the file that hold `len` octets from number `begin` on.
    fn each_part(
        &self,
        begin: u64,
        len: usize,
        mut with: impl FnMut(&File, std::ops::Range<usize>, u64) -> io::Result<()>,
    ) -> io::Result<()> {
        let at = begin % self.size;
        let before_end = usize::try_from(self.size - at).unwrap_or(usize::MAX).min(len);
        with(&self.file, 0..before_end, at)?;
        if before_end < len { with(&self.file, before_end..len, 0) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
