//! `osqueryi`, osquery's interactive shell, as a child process: statements go in, JSON arrays come out.

use std::{
    io::{self, ErrorKind, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use thiserror::Error;

use super::answer::Row;

/// An answer takes at most so long.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How often a wait looks whether the probe ends.
const GLANCE: Duration = Duration::from_millis(50);

/// An answer has at most so many bytes; those that are wanted have some hundred.
const LONGEST_ANSWER: usize = 1 << 16;

/// Why there is no answer.
#[derive(Debug, Error)]
pub(super) enum Error {
    /// The program does not start.
    #[error("it cannot be started: {0}")]
    Start(io::Error),
    /// A pipe is broken.
    #[error("it cannot be talked to: {0}")]
    Pipe(#[from] io::Error),
    /// It is gone.
    #[error("it has ended")]
    Ended,
    /// Nothing came in time.
    #[error("it does not answer")]
    Silent,
    /// What it says is no answer.
    #[error("it says what is no JSON array of rows: {0}")]
    Nonsense(serde_json::Error),
    /// What it says has no end.
    #[error("it says too much")]
    Endless,
    /// The probe ends.
    #[error("the probe ends")]
    Stopped,
}

impl Error {
    /// Whether another attempt is in vain.
    pub(super) fn is_final(&self) -> bool {
        let no_program =
            |error: &io::Error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied);
        match self {
            Error::Start(error) => no_program(error),
            Error::Stopped => true,
            _ => false,
        }
    }
}

/// A running shell. It is killed when it is no longer needed.
pub(super) struct Shell {
    child: Child,
    statements: ChildStdin,
    answers: ChildStdout,
    /// What was read and not understood yet.
    unread: Vec<u8>,
}

impl Shell {
    pub(super) fn start(path: &str) -> Result<Shell, Error> {
        let mut command = Command::new(path);
        command.arg("--json").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(Error::Start)?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(statements), Some(answers)) => Ok(Shell { child, statements, answers, unread: Vec::new() }),
            _ => Err(Error::Ended),
        }
    }

    /// The rows that answer a statement. After an error the shell is of no use any more.
    pub(super) fn ask(&mut self, statement: &str, stop: &AtomicBool) -> Result<Vec<Row>, Error> {
        // An earlier answer has been read, so the pipe has room for a statement.
        write!(self.statements, "{statement};\r\n")?;
        self.statements.flush()?;
        let deadline = Instant::now() + LONGEST_WAIT;
        loop {
            self.read_some(deadline, stop)?;
            if let Some(rows) = self.take_answer()? {
                return Ok(rows);
            }
            if self.unread.len() > LONGEST_ANSWER {
                return Err(Error::Endless);
            }
        }
    }

    /// Waits until there is something to read, and reads it.
    fn read_some(&mut self, deadline: Instant, stop: &AtomicBool) -> Result<(), Error> {
        loop {
            if stop.load(Ordering::Relaxed) {
                return Err(Error::Stopped);
            }
            if Instant::now() >= deadline {
                return Err(Error::Silent);
            }
            let mut pipes = [PollFd::new(&self.answers, PollFlags::IN)];
            let ready = poll(&mut pipes, Timespec::try_from(GLANCE).ok().as_ref());
            if ready.is_ok_and(|count| count > 0) {
                break;
            }
        }
        let mut chunk = [0; 4096];
        let count = self.answers.read(&mut chunk)?;
        self.unread.extend_from_slice(&chunk[..count]);
        if count == 0 { Err(Error::Ended) } else { Ok(()) }
    }

    /// The answer, if all of it has been read.
    fn take_answer(&mut self) -> Result<Option<Vec<Row>>, Error> {
        let text = self.unread.trim_ascii();
        if text.first() == Some(&b'[') && text.last() != Some(&b']') {
            return Ok(None);
        }
        let mut values = serde_json::Deserializer::from_slice(&self.unread).into_iter();
        match values.next() {
            None => Ok(None),
            Some(Ok(rows)) => {
                let len = values.byte_offset();
                self.unread.drain(..len);
                Ok(Some(rows))
            }
            Some(Err(error)) if error.is_eof() => Ok(None),
            Some(Err(error)) => Err(Error::Nonsense(error)),
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // Neither fails but for a child that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
