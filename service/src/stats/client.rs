//! Asking a probe.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use thiserror::Error;

use crate::Snapshot;
use crate::protocol::{HEADER_LEN, Header, MAGIC, ProtocolError};

/// A probe answers at once; one that is stopped, never.
const PATIENCE: Duration = Duration::from_secs(3);

/// A probe that serves somebody else is asked again so often,
const ATTEMPTS: usize = 20;

/// and so long after.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);

/// Why a probe has not answered.
#[derive(Debug, Error)]
pub(super) enum ClientError {
    #[error("cannot connect to {}: {source}", socket.display())]
    Connect { socket: PathBuf, source: io::Error },
    #[error("{}: the probe is serving another client, or is ending", .0.display())]
    Busy(PathBuf),
    #[error("{}: the probe does not answer: {source}", socket.display())]
    Silent { socket: PathBuf, source: io::Error },
    #[error("{}: {source}", socket.display())]
    Protocol { socket: PathBuf, source: ProtocolError },
}

/// The numbers of the probe behind `socket`.
///
/// # Errors
/// If it cannot be reached, or does not answer as it should, within a few seconds.
pub(super) fn ask(socket: &Path) -> Result<Snapshot, ClientError> {
    for attempt in 1..=ATTEMPTS {
        if let Some(snapshot) = ask_once(socket)? {
            return Ok(snapshot);
        }
        if attempt < ATTEMPTS {
            thread::sleep(BETWEEN_ATTEMPTS);
        }
    }
    Err(ClientError::Busy(socket.to_owned()))
}

/// The same, nothing if the probe closes the connection without a word.
fn ask_once(socket: &Path) -> Result<Option<Snapshot>, ClientError> {
    let silent = |source| ClientError::Silent { socket: socket.to_owned(), source };
    let mut stream = UnixStream::connect(socket)
        .map_err(|source| ClientError::Connect { socket: socket.to_owned(), source })?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(silent)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(silent)?;
    let mut header = [0; HEADER_LEN];
    let begun = stream.write_all(&MAGIC.to_ne_bytes()).and_then(|()| stream.read(&mut header));
    let begun = match begun {
        Ok(0) => return Ok(None),
        Ok(begun) => begun,
        Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
            return Ok(None);
        }
        Err(error) => return Err(silent(error)),
    };
    stream.read_exact(&mut header[begun..]).map_err(silent)?;
    let header = Header::decode(&header)
        .map_err(|source| ClientError::Protocol { socket: socket.to_owned(), source })?;
    let mut rows = vec![0; header.rows_len()];
    stream.read_exact(&mut rows).map_err(silent)?;
    Ok(Some(header.rows(&rows)))
}
