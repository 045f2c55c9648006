//! What can go wrong while a process settles in.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// What cannot be had, in one line.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// The process id cannot be written.
    #[error("option --pid: cannot write {}: {source}", path.display())]
    PidFile {
        /// The file as it was given.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The directory for the socket can neither be made nor used.
    #[error("cannot use directory {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The directory for the socket belongs to another user.
    #[error("directory {} belongs to user {owner}, not to user {own}", path.display())]
    ForeignDirectory {
        /// The directory.
        path: PathBuf,
        /// Its user id.
        owner: u32,
        /// Our effective user id.
        own: u32,
    },
    /// Other users can enter, read or change the directory for the socket.
    #[error(
        "directory {} has mode {mode:04o}, which lets other users in; only its owner may enter it \
         (chmod 700, or RuntimeDirectoryMode=0700 in a systemd unit)", path.display()
    )]
    OpenDirectory {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The socket, or the thread that serves it, cannot be had.
    #[error("cannot open socket {}: {source}", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
