//! The text that describes interfaces: `u:name:timeout=WAIT,f:/path/flows.trapcap:w`.
//!
//! Interfaces are separated by commas, parameters by colons; neither can be escaped. The first parameter is the kind of interface:
//!
//! | kind | as output | as input |
//! |---|---|---|
//! | TCP | `t:PORT` | `t:[HOST:]PORT` |
//! | TLS | `T:PORT:KEYFILE:CERTFILE:CAFILE` | `T:[HOST:]PORT:KEYFILE:CERTFILE:CAFILE` |
//! | UNIX socket | `u:NAME` | `u:NAME` |
//! | file | `f:PATH[:a\|w][:time=MINUTES][:size=MIB]` | `f:PATH`; `*`, `?` and `[…]` for several |
//! | black hole | `b:` | |
//! | generator | | `g:N:MESSAGE`, N its length |
//!
//! Every output understands `timeout=WAIT|NO_WAIT|HALF_WAIT|MICROSECONDS`, `buffer=on|off` and `autoflush=off|MICROSECONDS`, those with
//! sockets also `buffer_count=`, `buffer_size=` and `max_clients=`; every input `timeout=WAIT|NO_WAIT|MICROSECONDS`. Outputs and inputs with
//! sockets understand `framing=1.16`, for modules whose libtrap is of version 1.16 or before.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::buffer::{Framing, MAX_BUFFER, MESSAGE_HEADER_LEN, SOCKET_HEADER_LEN};

/// How long who has no room for a message waits for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timeout {
    /// For ever: also while nobody is connected.
    Wait,
    /// Not at all: what finds no room is lost, and counted.
    NoWait,
    /// For clients that are connected; while nobody is, not at all.
    HalfWait,
    /// So long. Outputs with sockets take it for [`Timeout::NoWait`], as libtrap does.
    After(Duration),
}

/// An output interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Output {
    /// Where messages go.
    pub kind: OutputKind,
    /// `timeout=`, if it was given.
    pub timeout: Option<Timeout>,
    /// Whether messages are gathered in buffers; if not, each is sent at once.
    pub buffered: bool,
    /// After this time a buffer that is not full is sent; `None`: never.
    pub autoflush: Option<Duration>,
}

/// Where an output's messages go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OutputKind {
    /// To whoever connects to this TCP port.
    Tcp {
        /// The port, on all addresses.
        port: u16,
        /// For sockets.
        sockets: Sockets,
    },
    /// To whoever connects to this TCP port with a certificate.
    Tls {
        /// The port, on all addresses.
        port: u16,
        /// Key and certificates.
        files: TlsFiles,
        /// For sockets.
        sockets: Sockets,
    },
    /// To whoever connects to the UNIX socket of this name.
    Unix {
        /// Name, from which the path follows.
        name: String,
        /// For sockets.
        sockets: Sockets,
    },
    /// To files.
    File(File),
    /// Nowhere.
    BlackHole,
}

/// Parameters of outputs with sockets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sockets {
    /// Finished buffers that are kept for slow clients.
    pub buffer_count: usize,
    /// Bytes of a buffer, header included.
    pub buffer_size: usize,
    /// Clients at a time.
    pub max_clients: usize,
    /// What a buffer has before its messages.
    pub framing: Framing,
}

impl Default for Sockets {
    fn default() -> Sockets {
        Sockets { buffer_count: 50, buffer_size: MAX_BUFFER, max_clients: 64, framing: Framing::Numbered }
    }
}

/// PEM files of a TLS interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFiles {
    /// Private key.
    pub key: PathBuf,
    /// Certificate, and those between it and the authority.
    pub certificate: PathBuf,
    /// Authorities whose certificates are accepted.
    pub authority: PathBuf,
}

/// An output that writes files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    /// Path; `%` sequences stand for parts of the time (strftime).
    pub path: String,
    /// Never write over a file: take the next free number instead.
    pub append: bool,
    /// A new file every so many minutes.
    pub minutes: Option<u32>,
    /// A new file once one has so many MiB.
    pub mebibytes: Option<u32>,
}

/// An input interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Input {
    /// Where messages come from.
    pub kind: InputKind,
    /// How long to wait for messages.
    pub timeout: Timeout,
    /// What buffers of a sender have before their messages.
    pub framing: Framing,
}

/// Where an input's messages come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum InputKind {
    /// A TCP port.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A TCP port, with certificates.
    Tls {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
        /// Key and certificates.
        files: TlsFiles,
    },
    /// A UNIX socket.
    Unix {
        /// Name, from which the path follows.
        name: String,
    },
    /// Files, one after the other.
    File {
        /// Path, or a pattern of paths.
        path: String,
    },
    /// The same message for ever.
    Generator {
        /// Its content, 1 to 255 bytes.
        content: String,
    },
}

/// What is wrong with a specification.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SpecificationError {
    /// Nothing between two commas.
    #[error("an interface is empty")]
    Empty,
    /// There is no such kind of interface, or not in this direction.
    #[error("\"{0}\" is no kind of {1} interface")]
    Kind(String, &'static str),
    /// Something that the kind needs is not there.
    #[error("interface {kind}: {what} is missing")]
    Missing {
        /// The letter.
        kind: &'static str,
        /// What.
        what: &'static str,
    },
    /// A value that is none.
    #[error("interface {kind}: {name}={value}: {expected} is expected")]
    Value {
        /// The letter.
        kind: &'static str,
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A parameter that the kind does not have.
    #[error("interface {kind}: there is no parameter \"{parameter}\"")]
    Unknown {
        /// The letter.
        kind: &'static str,
        /// The parameter as written.
        parameter: String,
    },
}

/// The parameters of one interface, taken out one by one.
struct Parameters<'a> {
    kind: &'static str,
    rest: Vec<&'a str>,
}

impl<'a> Parameters<'a> {
    /// The value of `name=value`, taken out.
    fn named(&mut self, name: &'static str) -> Option<&'a str> {
        let place =
            self.rest.iter().position(|p| p.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))?;
        Some(&self.rest.remove(place)[name.len() + 1..])
    }

    fn wrong(&self, name: &'static str, value: &str, expected: &'static str) -> SpecificationError {
        SpecificationError::Value { kind: self.kind, name, value: value.to_owned(), expected }
    }

    /// A number of at least `least`.
    fn number(
        &mut self,
        name: &'static str,
        least: u32,
        expected: &'static str,
    ) -> Result<Option<u32>, SpecificationError> {
        let Some(value) = self.named(name) else { return Ok(None) };
        match value.parse() {
            Ok(number) if number >= least => Ok(Some(number)),
            _ => Err(self.wrong(name, value, expected)),
        }
    }

    /// The next parameter by place.
    fn next(&mut self, what: &'static str) -> Result<&'a str, SpecificationError> {
        let missing = SpecificationError::Missing { kind: self.kind, what };
        if self.rest.is_empty() {
            Err(missing)
        } else {
            Some(self.rest.remove(0)).filter(|p| !p.is_empty()).ok_or(missing)
        }
    }

    fn port(&mut self, value: &str) -> Result<u16, SpecificationError> {
        match value.parse() {
            Ok(port) if port != 0 => Ok(port),
            _ => Err(self.wrong("PORT", value, "a number from 1 to 65535")),
        }
    }

    fn timeout(&mut self, half: bool) -> Result<Option<Timeout>, SpecificationError> {
        Ok(Some(match self.named("timeout") {
            None => return Ok(None),
            Some("WAIT") => Timeout::Wait,
            Some("NO_WAIT") => Timeout::NoWait,
            Some("HALF_WAIT") if half => Timeout::HalfWait,
            Some(value) => match value.parse() {
                Ok(microseconds) => Timeout::After(Duration::from_micros(microseconds)),
                Err(_) => {
                    let expected = if half {
                        "WAIT, NO_WAIT, HALF_WAIT or a number of microseconds"
                    } else {
                        "WAIT, NO_WAIT or a number of microseconds"
                    };
                    return Err(self.wrong("timeout", value, expected));
                }
            },
        }))
    }

    fn tls_files(&mut self) -> Result<TlsFiles, SpecificationError> {
        Ok(TlsFiles {
            key: self.next("the file of the key")?.into(),
            certificate: self.next("the file of the certificate")?.into(),
            authority: self.next("the file of the authorities")?.into(),
        })
    }

    /// `framing=VERSION`: how libtrap of that version and its neighbours frames buffers over sockets.
    fn framing(&mut self) -> Result<Framing, SpecificationError> {
        match self.named("framing") {
            None | Some("1.17") => Ok(Framing::Numbered),
            Some("1.16") => Ok(Framing::Plain),
            Some(value) => Err(self.wrong("framing", value, "1.17 (and later) or 1.16 (and before)")),
        }
    }

    fn sockets(&mut self) -> Result<Sockets, SpecificationError> {
        let defaults = Sockets::default();
        let count = self.number("buffer_count", 1, "a number above 0")?;
        let least = (SOCKET_HEADER_LEN + MESSAGE_HEADER_LEN + 1) as u32;
        let size = self.number("buffer_size", least, "a number above 16")?;
        let clients = self.number("max_clients", 1, "a number above 0")?;
        Ok(Sockets {
            framing: self.framing()?,
            buffer_count: count.map_or(defaults.buffer_count, |n| n as usize),
            buffer_size: size.map_or(defaults.buffer_size, |n| (n as usize).min(MAX_BUFFER)),
            max_clients: clients.map_or(defaults.max_clients, |n| n as usize),
        })
    }

    /// Nothing may be left.
    fn end(&self) -> Result<(), SpecificationError> {
        match self.rest.iter().find(|parameter| !parameter.is_empty()) {
            None => Ok(()),
            Some(parameter) => {
                Err(SpecificationError::Unknown { kind: self.kind, parameter: (*parameter).to_owned() })
            }
        }
    }
}

/// The letter of an interface and its parameters.
fn interface<'a>(
    text: &'a str,
    kinds: &[&'static str],
    way: &'static str,
) -> Result<Parameters<'a>, SpecificationError> {
    let mut parts = text.trim().split(':');
    let letter = parts.next().filter(|letter| !letter.is_empty()).ok_or(SpecificationError::Empty)?;
    match kinds.iter().find(|kind| **kind == letter) {
        Some(kind) => Ok(Parameters { kind, rest: parts.collect() }),
        None => Err(SpecificationError::Kind(letter.to_owned(), way)),
    }
}

/// The output interfaces that `text` describes.
///
/// # Errors
/// If it is no specification of outputs.
pub fn outputs(text: &str) -> Result<Vec<Output>, SpecificationError> {
    text.split(',').map(output).collect()
}

fn output(text: &str) -> Result<Output, SpecificationError> {
    let mut parameters = interface(text, &["t", "T", "u", "f", "b"], "output")?;
    let timeout = parameters.timeout(true)?;
    let buffered = match parameters.named("buffer") {
        None | Some("on") => true,
        Some("off") => false,
        Some(value) => return Err(parameters.wrong("buffer", value, "on or off")),
    };
    let autoflush = match parameters.named("autoflush") {
        None => Some(Duration::from_secs(2)),
        Some("off") => None,
        Some(value) => match value.parse() {
            Ok(microseconds) => Some(Duration::from_micros(microseconds)),
            Err(_) => return Err(parameters.wrong("autoflush", value, "off or a number of microseconds")),
        },
    };
    let kind = match parameters.kind {
        "t" => {
            let sockets = parameters.sockets()?;
            let port = parameters.next("the port")?;
            OutputKind::Tcp { port: parameters.port(port)?, sockets }
        }
        "T" => {
            let sockets = parameters.sockets()?;
            let port = parameters.next("the port")?;
            OutputKind::Tls { port: parameters.port(port)?, files: parameters.tls_files()?, sockets }
        }
        "u" => {
            let sockets = parameters.sockets()?;
            OutputKind::Unix { name: parameters.next("the name")?.to_owned(), sockets }
        }
        "f" => OutputKind::File(file(&mut parameters)?),
        _ => OutputKind::BlackHole,
    };
    parameters.end()?;
    Ok(Output { kind, timeout, buffered, autoflush })
}

fn file(parameters: &mut Parameters<'_>) -> Result<File, SpecificationError> {
    let minutes = parameters.number("time", 1, "a number of minutes above 0")?;
    let mebibytes = parameters.number("size", 1, "a number of MiB above 0")?;
    let path = parameters.next("the path")?.to_owned();
    let append = match parameters.rest.iter().position(|parameter| ["a", "w"].contains(parameter)) {
        Some(place) => parameters.rest.remove(place) == "a",
        None => false,
    };
    Ok(File { path, append, minutes, mebibytes })
}

/// The input interfaces that `text` describes.
///
/// # Errors
/// If it is no specification of inputs.
pub fn inputs(text: &str) -> Result<Vec<Input>, SpecificationError> {
    text.split(',').map(input).collect()
}

/// The input interface that `text` describes.
///
/// # Errors
/// If it is no specification of an input.
pub fn input(text: &str) -> Result<Input, SpecificationError> {
    let mut parameters = interface(text, &["t", "T", "u", "f", "g"], "input")?;
    let timeout = parameters.timeout(false)?.unwrap_or(Timeout::Wait);
    let framing = if matches!(parameters.kind, "f" | "g") { Framing::Plain } else { parameters.framing()? };
    let files = if parameters.kind == "T" { 3 } else { 0 };
    let kind = match parameters.kind {
        "u" => InputKind::Unix { name: parameters.next("the name")?.to_owned() },
        "f" => InputKind::File { path: parameters.next("the path")?.to_owned() },
        "g" => {
            let len = parameters.next("the length of the message")?;
            let content = parameters.next("the message")?.to_owned();
            if content.len() > 255 || len.parse() != Ok(content.len()) {
                return Err(parameters.wrong("N", len, "the length of the message behind it, 1 to 255"));
            }
            InputKind::Generator { content }
        }
        kind => {
            // The host may be left out, and may be an IPv6 address, whose colons are like those between parameters.
            let address = parameters.rest.len().saturating_sub(files);
            let parts: Vec<&str> = parameters.rest.drain(..address).collect();
            let (port, host) = match parts.split_last() {
                Some((port, host)) => (parameters.port(port)?, host.join(":")),
                None => return Err(SpecificationError::Missing { kind, what: "the port" }),
            };
            let host = match host.trim_matches(['[', ']']) {
                "" => "localhost".to_owned(),
                host => host.to_owned(),
            };
            if kind == "T" {
                InputKind::Tls { host, port, files: parameters.tls_files()? }
            } else {
                InputKind::Tcp { host, port }
            }
        }
    };
    parameters.end()?;
    Ok(Input { kind, timeout, framing })
}

#[cfg(test)]
mod tests;
