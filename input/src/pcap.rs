//! Capture files: pcap and pcapng, plain, gzip or zstd, from a file, a pipe or standard input. And network interfaces through libpcap,
//! see `live`.
//!
//! A file's bytes come from a `medium`: windows of a memory-mapped file, or heap blocks that a stream is read into. The
//! formats ([classic pcap](https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/), pcapng) walk the records in the current window
//! and lend them out; a window's memory is taken back with its lease.

mod byte_order;
mod classic;
mod decompress;
mod descriptor;
mod filter;
#[cfg(feature = "libpcap")]
mod libpcap;
mod live;
mod medium;
mod ng;
mod record;

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{CapturedFrame, Lease, LinkType, Poll, Source, SourceError};
use decompress::{Compression, Counted};
pub use descriptor::DESCRIPTOR;
use filter::Filter;
use medium::{Advance, Mapped, Medium, Stream};
use record::Stop;

/// A capture file being read.
#[derive(Debug)]
pub struct CaptureFile {
    path: String,
    medium: Medium,
    format: Format,
    filter: Option<Filter>,
    has_ended: bool,
    /// Bytes read of a compressed file, and its size.
    compressed: Option<(Arc<AtomicU64>, u64)>,
}

#[derive(Debug)]
enum Format {
    Classic(classic::Reader),
    Ng(ng::Reader),
}

impl CaptureFile {
    /// Opens the file at `path`, `-` for standard input, and reads its header. Files that are neither compressed nor pipes are
    /// memory-mapped.
    ///
    /// The program must not cut such a file short while it is read: what was cut off cannot be read any more, and the kernel ends
    /// a process that tries (SIGBUS). The size is checked before every 4 MiB, which catches all but the unluckiest.
    ///
    /// # Errors
    /// If it cannot be read, is not a capture file, or its link type is not supported.
    pub fn open(path: &str) -> Result<CaptureFile, SourceError> {
        let failed = |source| SourceError::Io { path: path.to_owned(), source };
        let mut file = if path == "-" {
            File::from(io::stdin().as_fd().try_clone_to_owned().map_err(failed)?)
        } else {
            File::open(path).map_err(failed)?
        };
        let metadata = file.metadata().map_err(failed)?;
        let is_whole = metadata.is_file() && file.stream_position().map_err(failed)? == 0;
        let mut magic = Vec::with_capacity(4);
        (&file).take(4).read_to_end(&mut magic).map_err(failed)?;
        match Compression::of(&magic) {
            None if is_whole => {
                if let Some(mapped) = Mapped::new(&file, metadata.len()) {
                    return CaptureFile::start(path, Medium::Mapped(mapped), None);
                }
                let stream = Stream::new(io::Cursor::new(magic).chain(file));
                CaptureFile::start(path, Medium::Stream(stream), None)
            }
            None => {
                let wait_on = (!metadata.is_file()).then(|| file.try_clone()).transpose().map_err(failed)?;
                let mut stream = Stream::new(io::Cursor::new(magic).chain(file));
                if let Some(pipe) = wait_on {
                    stream.wait_on(pipe.into());
                }
                CaptureFile::start(path, Medium::Stream(stream), None)
            }
            Some(compression) => {
                let count = Arc::new(AtomicU64::new(0));
                let counted = Counted::new(io::Cursor::new(magic).chain(file), Arc::clone(&count));
                let stream = Stream::new(compression.decoder(counted));
                let compressed = metadata.is_file().then_some((count, metadata.len()));
                CaptureFile::start(path, Medium::Stream(stream), compressed)
            }
        }
    }

    /// Reads a capture file, compressed or not, from `reader`; `name` is what errors call it.
    ///
    /// # Errors
    /// As [`CaptureFile::open`].
    pub fn from_reader(
        mut reader: impl Read + Send + 'static,
        name: &str,
    ) -> Result<CaptureFile, SourceError> {
        let mut magic = Vec::with_capacity(4);
        reader
            .by_ref()
            .take(4)
            .read_to_end(&mut magic)
            .map_err(|source| SourceError::Io { path: name.to_owned(), source })?;
        let whole = io::Cursor::new(magic.clone()).chain(reader);
        let stream = match Compression::of(&magic) {
            Some(compression) => Stream::new(compression.decoder(whole)),
            None => Stream::new(whole),
        };
        CaptureFile::start(name, Medium::Stream(stream), None)
    }

    fn start(
        path: &str,
        mut medium: Medium,
        compressed: Option<(Arc<AtomicU64>, u64)>,
    ) -> Result<CaptureFile, SourceError> {
        // A pipe may yield its first bytes late.
        while let Advance::Idle =
            medium.advance(classic::FILE_HEADER_LEN).map_err(|error| medium_error(path, error, 0))?
        {}
        let start = medium.window().bytes();
        let format = if ng::recognise(start) {
            Format::Ng(ng::Reader::default())
        } else {
            let reader = classic::Reader::new(start).map_err(|damage| damage.at(path, 0))?;
            medium.consume(classic::FILE_HEADER_LEN);
            Format::Classic(reader)
        };
        Ok(CaptureFile { path: path.to_owned(), medium, format, filter: None, has_ended: false, compressed })
    }

    /// Takes only the frames that match `expression`, in libpcap's filter language.
    ///
    /// # Errors
    /// If the expression is wrong, or this build lacks libpcap.
    pub fn set_filter(&mut self, expression: &str) -> Result<(), SourceError> {
        // The link types of a pcapng file are not known yet; most are of this one, and it finds errors of syntax.
        let link_type = match &self.format {
            Format::Classic(reader) => reader.link_type(),
            Format::Ng(_) => LinkType::ETHERNET,
        };
        self.filter = Some(Filter::new(expression, link_type)?);
        Ok(())
    }

    /// What follows from there being fewer than the `needed` bytes left.
    fn at_end(&self, needed: usize) -> Result<Poll, SourceError> {
        match self.medium.window().bytes().len() {
            0 => Ok(Poll::End),
            there => Err(SourceError::Damaged {
                path: self.path.clone(),
                what: format!("file cut off: {there} of {needed} bytes are left of the record"),
                offset: self.medium.offset(),
            }),
        }
    }
}

/// The system's error, or damage that a decompressor found.
fn medium_error(path: &str, source: io::Error, offset: u64) -> SourceError {
    match source.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            SourceError::Damaged { path: path.to_owned(), what: source.to_string(), offset }
        }
        _ => SourceError::Io { path: path.to_owned(), source },
    }
}

impl Source for CaptureFile {
    fn poll(&mut self, frames: &mut Vec<CapturedFrame>, limit: usize) -> Result<Poll, SourceError> {
        let (first, limit) = (frames.len(), limit.max(1));
        while !self.has_ended {
            let window = self.medium.window();
            let walked = match &mut self.format {
                Format::Classic(reader) => reader.walk(window, frames, limit),
                Format::Ng(reader) => reader.walk(window, frames, limit),
            };
            if let Some(filter) = &mut self.filter
                && let Err(error) = filter.retain(frames, first)
            {
                frames.truncate(first);
                self.has_ended = true;
                return Err(error);
            }
            let needed = match walked.stop {
                _ if frames.len() > first => {
                    self.medium.consume(walked.used);
                    return Ok(Poll::Frames(self.medium.lend()));
                }
                Stop::Need(needed) => needed,
                Stop::Limit => 1,
                Stop::Damaged(damage) => {
                    self.has_ended = true;
                    return Err(damage.at(&self.path, self.medium.offset() + walked.used as u64));
                }
            };
            self.medium.consume(walked.used);
            if self.medium.window().bytes().len() >= needed {
                continue;
            }
            match self.medium.advance(needed) {
                Ok(Advance::Ready) => {}
                Ok(Advance::Idle) => return Ok(Poll::Idle),
                Ok(Advance::End) => {
                    self.has_ended = true;
                    return self.at_end(needed);
                }
                Err(error) => {
                    self.has_ended = true;
                    return Err(medium_error(&self.path, error, self.medium.end_offset()));
                }
            }
        }
        Ok(Poll::End)
    }

    fn give_back(&mut self, lease: Lease) {
        self.medium.give_back(lease);
    }

    fn is_live(&self) -> bool {
        false
    }

    fn progress(&self) -> Option<(u64, u64)> {
        match (&self.compressed, &self.medium) {
            (Some((read, total)), _) => Some((read.load(Ordering::Relaxed).min(*total), *total)),
            (None, Medium::Mapped(mapped)) => Some((self.medium.offset(), mapped.file_len())),
            (None, Medium::Stream(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests;
