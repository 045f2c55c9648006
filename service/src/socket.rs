//! The statistics socket: where a running probe tells its numbers to its own user.
//!
//! `weir_PID.sock` in a directory that only its user can enter; see [`directory`] for which one, and
//! [`protocol`](crate::protocol) for what is said there.

pub mod directory;
mod server;

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process;
use std::thread::{self, JoinHandle};

use self::directory::Surroundings;
use crate::own_path::OwnPath;
use crate::{ServiceError, Snapshot};

/// The name of the socket of the process with this id.
pub fn socket_name(process_id: u32) -> String {
    format!("weir_{process_id}.sock")
}

/// The process id in the name of a socket.
pub fn process_id_of(name: &str) -> Option<u32> {
    name.strip_prefix("weir_")?.strip_suffix(".sock")?.parse().ok().filter(|&id| socket_name(id) == name)
}

/// Whether a process stands behind the socket. One that was killed leaves it behind.
pub(crate) fn is_served(socket: &Path) -> bool {
    match UnixStream::connect(socket) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound),
    }
}

/// A socket that tells the numbers of this process as long as the value lives.
///
/// A thread named `statistics` serves it, which sleeps unless somebody asks. It serves one client at a time, and closes the connection to
/// others at once; but who has said nothing for ten seconds makes room. A client that begins a request or takes an answer
/// slowly has two seconds.
#[derive(Debug)]
pub struct StatisticsSocket {
    socket: OwnPath,
    /// Dropping it ends the thread.
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl StatisticsSocket {
    /// Opens the socket in the directory for this user, [`Surroundings::own`]. After [`Background::fork`](crate::Background::fork), which
    /// changes the process id and which the thread does not survive. `snapshot` is called for each request, on the thread of the socket.
    ///
    /// # Errors
    /// If the directory is not private or cannot be made, or the socket cannot be had. A probe can do without: this is for a warning.
    pub fn open(snapshot: impl Fn() -> Snapshot + Send + 'static) -> Result<StatisticsSocket, ServiceError> {
        StatisticsSocket::open_in(&Surroundings::of_this_process().own(), snapshot)
    }

    /// Opens the socket in `directory`, which is made if it is not there, else must be private.
    ///
    /// # Errors
    /// As [`StatisticsSocket::open`].
    pub fn open_in(
        directory: &Path,
        snapshot: impl Fn() -> Snapshot + Send + 'static,
    ) -> Result<StatisticsSocket, ServiceError> {
        directory::make_private(directory)?;
        let path = directory.join(socket_name(process::id()));
        serve(&path, snapshot).map_err(|source| ServiceError::Socket { path, source })
    }

    /// Where the socket is.
    pub fn path(&self) -> &Path {
        self.socket.path()
    }

    /// Removes the socket, as drop does, from any thread; for a process that ends without unwinding.
    pub fn remove_now(&self) {
        // A socket that stays behind refuses connections, and the client takes it for what it is.
        let _ = self.socket.remove();
    }
}

impl Drop for StatisticsSocket {
    fn drop(&mut self) {
        self.remove_now();
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // If the snapshot panicked, that has been said.
            let _ = thread.join();
        }
    }
}

fn serve(path: &Path, snapshot: impl Fn() -> Snapshot + Send + 'static) -> io::Result<StatisticsSocket> {
    if is_served(path) {
        // Ids repeat between containers.
        return Err(io::Error::new(ErrorKind::AddrInUse, "another process with this id serves it"));
    }
    // What a process left behind that had our id and was killed.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    let made = fs::symlink_metadata(path)?;
    // From here on a failure removes the socket.
    let mut socket =
        StatisticsSocket { socket: OwnPath::new(path.to_owned(), &made), stop: None, thread: None };
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    let (stop, stopped) = UnixStream::pair()?;
    socket.stop = Some(stop);
    socket.thread = Some(
        thread::Builder::new()
            .name("statistics".to_owned())
            .spawn(move || server::run(&listener, &stopped, &snapshot))?,
    );
    Ok(socket)
}

#[cfg(test)]
mod tests;
