//! Going to the background.
//!
//! As daemon(3) does it: a new session, the working directory kept, the standard streams on the null device. Unlike there, whoever
//! started the program waits until it says that everything is set up, and so sees what is wrong with the configuration: the
//! message, and the exit status.

mod fork;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{self, ExitStatus};

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{WaitOptions, setsid, waitpid};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

use self::fork::{Fork, fork};

/// The child's side: somebody waits for [`Background::ready`].
///
/// If the value is dropped instead, the parent waits for the end of the process and ends as it ended.
#[derive(Debug)]
#[must_use = "the parent waits until the child is ready"]
pub struct Background {
    parent: File,
}

impl Background {
    /// Continues in a child process and a new session. Must be called before any thread is started, and before everything that
    /// depends on the process id. The parent never returns: it ends with status 0 when the child is ready; if the child ends
    /// before, with its status, or 128 and the number of the signal that killed it.
    ///
    /// # Errors
    /// In the parent: if there are threads already ([`ErrorKind::Unsupported`]), or no process or pipe can be had. In the child: if
    /// it cannot have a session of its own.
    pub fn fork() -> io::Result<Background> {
        if threads()? != 1 {
            return Err(io::Error::new(ErrorKind::Unsupported, "threads are running already"));
        }
        // Text that waits in a buffer would be written by both.
        io::stdout().flush()?;
        let (child_end, parent_end) = pipe_with(PipeFlags::CLOEXEC)?;
        match fork()? {
            Fork::Parent(child) => {
                drop(parent_end);
                process::exit(match File::from(child_end).read_exact(&mut [0]) {
                    Ok(()) => 0,
                    Err(_) => status_of(child),
                })
            }
            Fork::Child => {
                setsid()?;
                Ok(Background { parent: File::from(parent_end) })
            }
        }
    }

    /// Puts the standard streams on the null device and lets the parent end with status 0.
    ///
    /// # Errors
    /// If there is no null device, or if the parent is gone ([`ErrorKind::BrokenPipe`]): then who started the program has given it up,
    /// with Ctrl-C for example, which does not reach the new session. The program should end.
    pub fn ready(mut self) -> io::Result<()> {
        let null = File::options().read(true).write(true).open("/dev/null")?;
        // First the parent, so that an error can still be shown.
        self.parent.write_all(b".")?;
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        dup2_stderr(&null)?;
        Ok(())
    }
}

/// How many threads this process has.
fn threads() -> io::Result<usize> {
    let explain = |error: io::Error| io::Error::new(error.kind(), format!("/proc/self/task: {error}"));
    Ok(fs::read_dir("/proc/self/task").map_err(explain)?.count())
}

/// Waits for the end of the child: the status to end with.
fn status_of(child: rustix::process::Pid) -> i32 {
    loop {
        match waitpid(Some(child), WaitOptions::empty()) {
            Ok(Some((_, status))) => {
                let status = ExitStatus::from_raw(status.as_raw());
                return status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(1);
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return 1,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_process_with_threads_is_not_doubled() {
        // Tests run in threads; this makes sure.
        let (end, wait) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || wait.recv());
        let error = Background::fork().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        drop(end);
        assert!(thread.join().unwrap().is_err());
    }
}
