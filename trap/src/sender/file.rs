//! An output that writes files: a hello, then buffers, each behind its length.

use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::names::Names;
use super::{Counters, Message, Published, Weight};
use crate::buffer::{FILE_HEADER_LEN, MAX_BUFFER, MAX_MESSAGE, MESSAGE_HEADER_LEN, push_message};
use crate::hello::Format;
use crate::paths::expanded;
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
    /// What these stand for.
    weight: Weight,
    file: Option<Open>,
    counters: Counters,
    published: Arc<Published>,
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
        let settings = &specification::File { path: expanded(&settings.path)?, ..settings.clone() };
        let names = Names::new(settings);
        let most = names.may_change().then_some(settings.mebibytes).flatten();
        let mut sender = FileSender {
            names,
            hello: format.encode(),
            buffered,
            most: most.map(|mebibytes| u64::from(mebibytes) * MEBIBYTE),
            buffer: vec![0; FILE_HEADER_LEN],
            messages: 0,
            weight: Weight::default(),
            file: None,
            counters: Counters::default(),
            published: Arc::default(),
            clock,
        };
        sender.begin_file()?;
        Ok(sender)
    }

    fn now(&self) -> u64 {
        (self.clock)().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    /// Takes messages in.
    pub fn send<'m, M: Into<Message<'m>>>(&mut self, messages: impl IntoIterator<Item = M>) {
        for message in messages {
            self.send_one(message.into());
        }
    }

    fn send_one(&mut self, Message { content, weight }: Message<'_>) {
        self.counters.messages += 1;
        if content.len() > MAX_MESSAGE {
            return self.counters.lose(1, weight);
        }
        if self.buffer.len() + MESSAGE_HEADER_LEN + content.len() > MAX_BUFFER + FILE_HEADER_LEN {
            self.flush();
        }
        push_message(&mut self.buffer, content);
        self.messages += 1;
        self.weight += weight;
        if !self.buffered {
            self.flush();
        }
    }

    /// Writes what was gathered. What cannot be written is counted as lost; the file then ends behind the last whole buffer.
    pub fn flush(&mut self) {
        if self.messages > 0 {
            self.finish_buffer();
        }
        self.published.change(|counters| counters.clone_from(&self.counters));
    }

    fn finish_buffer(&mut self) {
        let payload = (self.buffer.len() - FILE_HEADER_LEN) as u32;
        self.buffer[..FILE_HEADER_LEN].copy_from_slice(&payload.to_be_bytes());
        match self.write_buffer() {
            Ok(()) => self.counters.buffers += 1,
            Err(error) => {
                self.counters.lose(self.messages, self.weight);
                self.counters.failure = Some(error.to_string());
            }
        }
        self.buffer.truncate(FILE_HEADER_LEN);
        self.messages = 0;
        self.weight = Weight::default();
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

    /// What it has counted up to the last buffer, for others to read.
    pub fn published(&self) -> Arc<Published> {
        Arc::clone(&self.published)
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
mod tests;
