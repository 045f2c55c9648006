//! The system call fork, as a function that cannot be called wrongly by accident.

use std::io;

use rustix::process::Pid;

/// Where execution continues.
pub(super) enum Fork {
    /// In the process that called; the id is the child's.
    Parent(Pid),
    /// In the new process.
    Child,
}

/// Makes a child process. The caller has made sure that there are no other threads.
#[allow(unsafe_code)]
pub(super) fn fork() -> io::Result<Fork> {
    // SAFETY: after fork the child of a process with several threads may only call what is async-signal-safe. There is one
    // thread, so the child is a whole copy and may go on as it likes.
    let id = unsafe { libc::fork() };
    if id < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Pid::from_raw(id).map_or(Fork::Child, Fork::Parent))
}
