//! The thread behind the statistics socket.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::Snapshot;
use crate::protocol::{MAGIC, encode};

/// For the rest of a request once it has begun, and for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// After which a client that has asked nothing makes room for another one. One that asks each second, as ours and
/// that of the reference do, is never sent away.
const SILENCE: Duration = Duration::from_secs(10);

/// How long to leave a listener alone that cannot be served, for want of file descriptors for example.
const PAUSE: Duration = Duration::from_secs(1);

/// Serves clients until the other end of `stopped` is dropped. `listener` does not block.
pub(super) fn run(listener: &UnixListener, stopped: &UnixStream, snapshot: &dyn Fn() -> Snapshot) {
    let mut client: Option<Client> = None;
    let mut paused_until: Option<Instant> = None;
    loop {
        let mut watched = vec![PollFd::new(stopped, PollFlags::IN)];
        watched.extend(client.as_ref().map(|c| PollFd::new(&c.stream, c.waits_for())));
        if paused_until.is_none() {
            watched.push(PollFd::new(listener, PollFlags::IN));
        }
        let deadline = [client.as_ref().and_then(|c| c.deadline), paused_until].into_iter().flatten().min();
        let timeout =
            deadline.and_then(|at| Timespec::try_from(at.saturating_duration_since(Instant::now())).ok());
        match poll(&mut watched, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            // Only for want of memory in the kernel.
            Err(_) => std::thread::sleep(PAUSE),
        }
        if !watched[0].revents().is_empty() {
            return;
        }
        let now = Instant::now();
        paused_until = paused_until.filter(|&until| now < until);
        // Newcomers before the client: who has gone by the time a newcomer is there, is not in its way.
        let newcomer = if paused_until.is_none() { accept(listener, &mut paused_until, now) } else { None };
        client = client.and_then(|c| c.served(snapshot, now));
        if let Some(newcomer) = newcomer
            && client.as_ref().is_none_or(|c| c.is_silent(now))
        {
            client = Some(Client::new(newcomer, now));
        }
    }
}

/// The next connection, if there is one.
fn accept(listener: &UnixListener, paused_until: &mut Option<Instant>, now: Instant) -> Option<UnixStream> {
    match listener.accept() {
        Ok((stream, _)) => stream.set_nonblocking(true).is_ok().then_some(stream),
        Err(error) => {
            let passing = [ErrorKind::WouldBlock, ErrorKind::Interrupted, ErrorKind::ConnectionAborted];
            if !passing.contains(&error.kind()) {
                *paused_until = Some(now + PAUSE);
            }
            None
        }
    }
}

/// A connection that does not block.
struct Client {
    stream: UnixStream,
    request: [u8; 4],
    /// Bytes of the request that are there.
    received: usize,
    /// What is still to be sent.
    answer: Vec<u8>,
    /// When a request must be whole or an answer taken.
    deadline: Option<Instant>,
    /// When it last asked, or came.
    asked: Instant,
}

impl Client {
    fn new(stream: UnixStream, now: Instant) -> Client {
        Client { stream, request: [0; 4], received: 0, answer: Vec::new(), deadline: None, asked: now }
    }

    fn waits_for(&self) -> PollFlags {
        if self.answer.is_empty() { PollFlags::IN } else { PollFlags::OUT }
    }

    fn is_silent(&self, now: Instant) -> bool {
        self.deadline.is_none() && now.duration_since(self.asked) >= SILENCE
    }

    /// Does one step, so that nobody keeps the thread busy with requests alone. Nothing if the connection is over.
    fn served(mut self, snapshot: &dyn Fn() -> Snapshot, now: Instant) -> Option<Client> {
        let step = if self.answer.is_empty() { self.receive(snapshot, now) } else { self.send() };
        match step {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => return None,
        }
        self.deadline.is_none_or(|deadline| now < deadline).then_some(self)
    }

    fn receive(&mut self, snapshot: &dyn Fn() -> Snapshot, now: Instant) -> io::Result<()> {
        match self.stream.read(&mut self.request[self.received..])? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            count => self.received += count,
        }
        if self.received < self.request.len() {
            self.deadline.get_or_insert(now + PATIENCE);
            return Ok(());
        }
        self.received = 0;
        self.deadline = None;
        // Anything else is ignored, as the reference does.
        if self.request == MAGIC.to_ne_bytes() {
            self.asked = now;
            self.answer = encode(&snapshot());
            self.deadline = Some(Instant::now() + PATIENCE);
            return self.send();
        }
        Ok(())
    }

    fn send(&mut self) -> io::Result<()> {
        let count = self.stream.write(&self.answer)?;
        self.answer.drain(..count);
        if self.answer.is_empty() {
            self.deadline = None;
        }
        Ok(())
    }
}
