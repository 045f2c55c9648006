//! The service interface: a UNIX socket at which the supervisor of a NEMEA system and `trap_stats` ask for statistics.
//!
//! Request and reply begin with eight bytes: a command, three of padding, and the number of bytes that follow, little-endian. The
//! request is the command 10 with nothing behind it; the reply is 12, and a JSON object with a zero byte behind it. A client may
//! ask as often as it wants to.

mod statistics;

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

pub use statistics::{Statistics, json};

use crate::sender::listener::{Listener, Stream};
use crate::sender::sockets::directory;

const GET_STATISTICS: u8 = 10;
const OK: u8 = 12;
const HEADER_LEN: usize = 8;

/// Clients at a time.
const MOST_CLIENTS: usize = 64;

/// How long a reply may take on its way.
const REPLY_TIMEOUT: Duration = Duration::from_millis(200);

/// After an error of the system at which no client can be accepted it is tried again so much later.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers requests as long as it lives.
#[derive(Debug)]
pub struct Service {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    listener: Listener,
    outputs: Vec<Statistics>,
    is_closed: AtomicBool,
    clients: Mutex<Vec<(u64, UnixStream)>>,
}

impl Service {
    /// Opens the socket of this process, which tells of these outputs.
    ///
    /// # Errors
    /// If the socket cannot be had, or the process has one already.
    pub fn open(outputs: Vec<Statistics>) -> io::Result<Service> {
        let path = directory().join(format!("trap-service_{}.sock", std::process::id()));
        // Who answers can only be this process: another output, which was there first.
        if UnixStream::connect(&path).is_ok() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let shared = Arc::new(Shared {
            listener: Listener::unix(&path)?,
            outputs,
            is_closed: AtomicBool::new(false),
            clients: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        let thread = Builder::new().name("trap-service".into()).spawn(move || accept(&accepting))?;
        Ok(Service { shared, thread: Some(thread) })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Relaxed);
        self.shared.listener.close();
        if let Some(thread) = self.thread.take() {
            // A thread that has panicked has ended, too.
            let _ = thread.join();
        }
        for (_, stream) in self.shared.clients().drain(..) {
            // One that is not connected any more needs no end.
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        self.shared.listener.remove();
    }
}

impl Shared {
    fn clients(&self) -> std::sync::MutexGuard<'_, Vec<(u64, UnixStream)>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a client until it goes or asks for something else.
    fn serve(&self, mut stream: UnixStream) -> io::Result<()> {
        stream.set_write_timeout(Some(REPLY_TIMEOUT))?;
        loop {
            let mut request = [0; HEADER_LEN];
            stream.read_exact(&mut request)?;
            if request != [GET_STATISTICS, request[1], request[2], request[3], 0, 0, 0, 0] {
                return Ok(());
            }
            let text = json(&self.outputs);
            let mut reply = vec![OK, 0, 0, 0];
            reply.extend_from_slice(&(text.len() as u32 + 1).to_le_bytes());
            reply.extend_from_slice(text.as_bytes());
            reply.push(0);
            stream.write_all(&reply)?;
        }
    }
}

fn accept(shared: &Arc<Shared>) {
    let mut next = 0;
    loop {
        let welcomed = shared.listener.accept().and_then(|(stream, _)| welcome(shared, stream, next));
        next += 1;
        if shared.is_closed.load(Relaxed) {
            return;
        }
        if welcomed.is_err() {
            std::thread::sleep(PAUSE);
        }
    }
}

/// Serves a client in a thread of its own, unless there are too many.
fn welcome(shared: &Arc<Shared>, stream: Stream, key: u64) -> io::Result<()> {
    let Stream::Unix(stream) = stream else { return Ok(()) };
    let handle = stream.try_clone()?;
    let mut clients = shared.clients();
    if clients.len() >= MOST_CLIENTS {
        return Ok(());
    }
    clients.push((key, handle));
    drop(clients);
    let serving = Arc::clone(shared);
    let serve = move || {
        // A client that goes, or takes no reply, is done.
        let _ = serving.serve(stream);
        serving.clients().retain(|(other, _)| *other != key);
    };
    let spawned = Builder::new().name("trap-service".into()).spawn(serve);
    if spawned.is_err() {
        shared.clients().retain(|(other, _)| *other != key);
    }
    spawned.map(drop)
}

#[cfg(test)]
mod tests;
