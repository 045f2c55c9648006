//! Inputs: messages of a sender or of files.
//!
//! * [`stream`](mod@stream): a hello and the buffers behind it, from anything that can be read.
//!
//! A [`Reader`] reads a whole interface: a file, or a sender, to which it connects again when the connection is lost.

pub mod stream;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::hello::Format;
use crate::sender::sockets::socket_path;
use crate::specification::{Input, InputKind, Timeout};

pub use stream::{Framing, Next, StreamError, StreamReader};

/// After a connection was refused it is tried again so much later.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

type Source = Box<dyn Read + Send>;

/// Reads an interface.
pub struct Reader {
    input: Input,
    stream: Option<StreamReader<Source>>,
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
    /// Nothing came within the timeout, or the connection was lost and there is none again yet.
    Nothing,
}

impl Reader {
    /// Opens the interface. A sender that is not there yet is waited for when reading.
    ///
    /// # Errors
    /// If a file cannot be opened.
    pub fn open(input: Input) -> io::Result<Reader> {
        let mut reader = Reader { input, stream: None, missed: 0 };
        if let InputKind::File { path } = &reader.input.kind {
            let file =
                File::open(path).map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?;
            reader.stream = Some(StreamReader::new(Box::new(BufReader::new(file)), Framing::File));
        }
        Ok(reader)
    }

    /// What comes next.
    ///
    /// # Errors
    /// If a file is damaged. A connection over which something comes that is none of TRAP is ended, and told as [`Event::Nothing`].
    pub fn read(&mut self) -> Result<Event<'_>, StreamError> {
        let is_file = matches!(self.input.kind, InputKind::File { .. });
        if self.stream.is_none() {
            if is_file {
                return Ok(Event::End);
            }
            match connect(&self.input) {
                Ok(source) => self.stream = Some(StreamReader::new(source, Framing::Socket)),
                Err(_) => {
                    std::thread::sleep(PAUSE);
                    return Ok(Event::Nothing);
                }
            }
        }
        let outcome = match &mut self.stream {
            Some(stream) => stream.advance(),
            None => return Ok(Event::Nothing),
        };
        match outcome {
            Ok(Next::Format | Next::Message) => {}
            Ok(Next::Nothing) => return Ok(Event::Nothing),
            Ok(Next::End) if is_file => return Ok(Event::End),
            Err(error) if is_file => return Err(error),
            Ok(Next::End) | Err(_) => {
                self.missed += self.stream.take().map_or(0, |stream| stream.missed());
                return Ok(Event::Nothing);
            }
        }
        Ok(match &self.stream {
            Some(stream) => stream.current(),
            None => Event::Nothing,
        })
    }

    /// Messages that were missed, by the numbers of those that came.
    pub fn missed(&self) -> u64 {
        self.missed + self.stream.as_ref().map_or(0, StreamReader::missed)
    }
}

fn connect(input: &Input) -> io::Result<Source> {
    let patience = match input.timeout {
        Timeout::Wait | Timeout::HalfWait => None,
        Timeout::NoWait => Some(Duration::from_millis(1)),
        Timeout::After(patience) => Some(patience.max(Duration::from_micros(1))),
    };
    match &input.kind {
        InputKind::Unix { name } => {
            let stream = UnixStream::connect(socket_path(name))?;
            stream.set_read_timeout(patience)?;
            Ok(Box::new(stream))
        }
        InputKind::Tcp { host, port } => Ok(Box::new(connect_tcp(host, *port, patience)?)),
        InputKind::Tls { host, port, files } => {
            let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
            let config = Arc::new(crate::tls::client(files)?);
            let connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
            Ok(Box::new(StreamOwned::new(connection, connect_tcp(host, *port, patience)?)))
        }
        InputKind::File { .. } => Err(io::ErrorKind::Unsupported.into()),
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
