//! Inputs: messages of a sender or of files.
//!
//! * [`stream`](mod@stream): a hello and the buffers behind it, from anything that can be read.
//!
//! A [`Reader`] reads a whole interface: a file, or a sender, to which it connects again when the connection is lost.

mod generator;
pub mod stream;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use self::generator::Generator;
use crate::hello::Format;
use crate::sender::sockets::socket_path;
use crate::specification::{Input, InputKind, Timeout};

pub use crate::buffer::Framing;
pub use stream::{Next, StreamError, StreamReader};

/// After a connection was refused, or ended before anything came, it is tried again so much later.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

type Source = Box<dyn Read + Send>;

/// Reads an interface.
pub struct Reader {
    input: Input,
    /// Files that are still to be read.
    files: std::vec::IntoIter<PathBuf>,
    /// For interfaces with certificates.
    client: Option<Arc<ClientConfig>>,
    stream: Option<StreamReader<Source>>,
    /// Why there is no connection, if it is not that the sender has ended the last one.
    failure: Option<io::Error>,
    /// Messages that were missed, by the numbers of those that came, on connections before this one.
    missed: u64,
}

/// What comes next from an interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// What messages hold from now on.
    Format(&'a Format),
    /// The content of a message.
    Message(&'a [u8]),
    /// The file has ended.
    End,
    /// Nothing came within the timeout.
    Nothing,
    /// There is no connection, or no more. It is tried again when reading on; [`Reader::failure`] tells why.
    Away,
}

impl Reader {
    /// Opens the interface. A sender that is not there yet is waited for when reading.
    ///
    /// # Errors
    /// If a file cannot be opened, or those with key and certificates are not what they should be.
    pub fn open(input: Input) -> io::Result<Reader> {
        let mut reader = Reader {
            input,
            files: Vec::new().into_iter(),
            client: None,
            stream: None,
            failure: None,
            missed: 0,
        };
        match &reader.input.kind {
            InputKind::File { path } => {
                reader.files = crate::paths::files(path)?.into_iter();
                reader.next_file()?;
            }
            InputKind::Generator { content } => {
                let generator = Generator::new(content.as_bytes());
                reader.stream = Some(StreamReader::new(Box::new(generator), Framing::Plain));
            }
            InputKind::Tls { files, .. } => reader.client = Some(Arc::new(crate::tls::client(files)?)),
            InputKind::Tcp { .. } | InputKind::Unix { .. } => {}
        }
        Ok(reader)
    }

    /// What comes next.
    ///
    /// # Errors
    /// If a file is damaged. A connection over which something comes that is none of TRAP is ended, and told as [`Event::Away`].
    pub fn read(&mut self) -> Result<Event<'_>, StreamError> {
        if matches!(self.input.kind, InputKind::File { .. } | InputKind::Generator { .. }) {
            return self.read_files();
        }
        if self.stream.is_none() {
            match self.connect() {
                Ok(source) => self.stream = Some(StreamReader::new(source, self.input.framing)),
                Err(error) => {
                    std::thread::sleep(PAUSE);
                    return Ok(self.lost(Some(error)));
                }
            }
        }
        let outcome = self.stream.as_mut().map_or(Ok(Next::End), StreamReader::advance);
        match outcome {
            Ok(Next::Format | Next::Message) => {
                self.failure = None;
                Ok(self.stream.as_ref().map_or(Event::Away, StreamReader::current))
            }
            Ok(Next::Nothing) => Ok(Event::Nothing),
            Ok(Next::End) => Ok(self.lost(None)),
            Err(StreamError::Io(error)) => Ok(self.lost(Some(error))),
            Err(error) => Ok(self.lost(Some(io::Error::new(io::ErrorKind::InvalidData, error)))),
        }
    }

    /// Opens the next file, if there is one.
    fn next_file(&mut self) -> io::Result<bool> {
        let Some(path) = self.files.next() else { return Ok(false) };
        let at = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let file = BufReader::new(File::open(&path).map_err(at)?);
        self.stream = Some(StreamReader::new(Box::new(file), Framing::Plain));
        Ok(true)
    }

    /// What comes next in the files.
    fn read_files(&mut self) -> Result<Event<'_>, StreamError> {
        loop {
            let outcome = self.stream.as_mut().map_or(Ok(Next::End), StreamReader::advance)?;
            match outcome {
                Next::End if self.next_file()? => {}
                Next::End => return Ok(Event::End),
                Next::Nothing => return Ok(Event::Nothing),
                Next::Format | Next::Message => break,
            }
        }
        Ok(self.stream.as_ref().map_or(Event::End, StreamReader::current))
    }

    /// The connection has ended, or there was none.
    fn lost(&mut self, failure: Option<io::Error>) -> Event<'_> {
        self.failure = failure;
        if let Some(stream) = self.stream.take() {
            self.missed = self.missed.saturating_add(stream.missed());
            // A sender that has no room for one more client ends the connection at once, and would do so again.
            if !stream.has_begun() {
                std::thread::sleep(PAUSE);
            }
        }
        Event::Away
    }

    /// Why there is no connection; `None` if the sender has ended the last one, or it has not been tried.
    pub const fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// Whether the next message has come already.
    pub fn has_more(&self) -> bool {
        self.stream.as_ref().is_some_and(StreamReader::has_more)
    }

    /// Messages that were missed, by the numbers of those that came.
    pub fn missed(&self) -> u64 {
        self.missed.saturating_add(self.stream.as_ref().map_or(0, StreamReader::missed))
    }

    fn connect(&self) -> io::Result<Source> {
        let patience = match self.input.timeout {
            Timeout::Wait | Timeout::HalfWait => None,
            Timeout::NoWait => Some(Duration::from_millis(1)),
            Timeout::After(patience) => Some(patience.max(Duration::from_micros(1))),
        };
        match (&self.input.kind, &self.client) {
            (InputKind::Unix { name }, _) => {
                let stream = UnixStream::connect(socket_path(name))?;
                stream.set_read_timeout(patience)?;
                Ok(Box::new(stream))
            }
            (InputKind::Tcp { host, port }, _) => Ok(Box::new(connect_tcp(host, *port, patience)?)),
            (InputKind::Tls { host, port, .. }, Some(client)) => {
                let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
                let connection = ClientConnection::new(Arc::clone(client), name).map_err(io::Error::other)?;
                Ok(Box::new(StreamOwned::new(connection, connect_tcp(host, *port, patience)?)))
            }
            (InputKind::Tls { .. }, None) | (InputKind::File { .. } | InputKind::Generator { .. }, _) => {
                Err(io::ErrorKind::Unsupported.into())
            }
        }
    }
}

fn connect_tcp(host: &str, port: u16, patience: Option<Duration>) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => {
                stream.set_read_timeout(patience)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("input", &self.input)
            .field("missed", &self.missed())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sender::FileSender;
    use crate::specification;

    fn reader(text: &str) -> Reader {
        Reader::open(specification::inputs(text).unwrap().remove(0)).unwrap()
    }

    #[test]
    fn files_of_a_pattern_are_read_one_after_the_other() {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in [("x.1", b"b"), ("x.0", b"a")] {
            let path = directory.path().join(name).to_str().unwrap().to_owned();
            let settings = specification::File { path, append: false, minutes: None, mebibytes: None };
            FileSender::open(&settings, &Format::Raw, true).unwrap().send([&content[..]]);
        }
        let mut reader = reader(&format!("f:{}/x.*", directory.path().display()));
        for content in [b"a", b"b"] {
            assert_eq!(reader.read().unwrap(), Event::Format(&Format::Raw));
            assert_eq!(reader.read().unwrap(), Event::Message(content));
        }
        assert_eq!(reader.read().unwrap(), Event::End);
        assert_eq!(reader.read().unwrap(), Event::End, "and stays there");
    }

    #[test]
    fn a_generator_repeats_its_message() {
        let mut reader = reader("g:5:hello");
        assert_eq!(reader.read().unwrap(), Event::Format(&Format::Raw));
        for _ in 0..3 {
            assert_eq!(reader.read().unwrap(), Event::Message(b"hello"));
        }
    }
}
