//! An output to which clients connect: each gets a hello, then every buffer that is finished from then on.
//!
//! One thread waits for clients, one finishes buffers whose time has come, and each client has one that sends.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::listener::{Listener, Stream};
use super::ring::Ring;
use super::{ClientCounters, Counters};
use crate::hello::Format;
use crate::specification::{Output, Sockets, Timeout, TlsFiles};

/// How long clients may take at the end to get what was finished for them.
const PATIENCE: Duration = Duration::from_secs(10);

/// After an error of the system at which no client can be accepted (no more descriptors), it is tried again so much later.
const PAUSE: Duration = Duration::from_millis(100);

/// Directory of the sockets, unless the environment names another.
const DIRECTORY: &str = "/tmp";

/// The path of the UNIX socket with this name.
pub fn socket_path(name: &str) -> PathBuf {
    let directory =
        std::env::var_os("TRAP_SOCKET_DIR").map_or_else(|| PathBuf::from(DIRECTORY), PathBuf::from);
    directory.join(format!("trap-{name}.sock"))
}

/// Sends messages to whoever connects.
#[derive(Debug)]
pub struct SocketSender {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    patience: Duration,
}

#[derive(Debug)]
struct Shared {
    ring: Ring,
    listener: Listener,
    hello: Vec<u8>,
    clients: Mutex<BTreeMap<u64, Connected>>,
}

/// A client and its thread.
#[derive(Debug)]
struct Connected {
    stream: Stream,
    thread: Option<JoinHandle<()>>,
}

impl SocketSender {
    /// Listens at a TCP port.
    ///
    /// # Errors
    /// If nobody can listen there.
    pub fn tcp(port: u16, sockets: Sockets, output: &Output, format: &Format) -> io::Result<SocketSender> {
        SocketSender::open(Listener::tcp(port)?, sockets, output, format)
    }

    /// Listens at a TCP port for clients with certificates.
    ///
    /// # Errors
    /// If nobody can listen there, or the files are not what they should be.
    pub fn tls(
        port: u16,
        files: &TlsFiles,
        sockets: Sockets,
        output: &Output,
        format: &Format,
    ) -> io::Result<SocketSender> {
        SocketSender::open(Listener::tls(port, crate::tls::server(files)?)?, sockets, output, format)
    }

    /// Listens at the UNIX socket of this name.
    ///
    /// # Errors
    /// If nobody can listen there.
    pub fn unix(name: &str, sockets: Sockets, output: &Output, format: &Format) -> io::Result<SocketSender> {
        SocketSender::open(Listener::unix(&socket_path(name))?, sockets, output, format)
    }

    fn open(
        listener: Listener,
        sockets: Sockets,
        output: &Output,
        format: &Format,
    ) -> io::Result<SocketSender> {
        let timeout = output.timeout.unwrap_or(Timeout::HalfWait);
        let ring = Ring::new(sockets, timeout, output.buffered);
        let shared = Arc::new(Shared { ring, listener, hello: format.encode(), clients: Mutex::default() });
        let mut sender = SocketSender { shared, threads: Vec::new(), patience: PATIENCE };
        let shared = Arc::clone(&sender.shared);
        sender.threads.push(Builder::new().name("trap-accept".into()).spawn(move || accept(&shared))?);
        if let Some(after) = output.autoflush.filter(|_| output.buffered) {
            let shared = Arc::clone(&sender.shared);
            sender.threads.push(
                Builder::new().name("trap-flush".into()).spawn(move || autoflush(&shared.ring, after))?,
            );
        }
        Ok(sender)
    }

    /// How long clients may take at the end; ten seconds if nothing is said.
    pub const fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Takes messages in. Waits for clients and for room where the output is to.
    pub fn send<'m>(&mut self, contents: impl IntoIterator<Item = &'m [u8]>) {
        self.shared.ring.send(contents);
    }

    /// Finishes the buffer being filled.
    pub fn flush(&mut self) {
        self.shared.ring.flush();
    }

    /// What it has counted.
    pub fn counters(&self) -> Counters {
        self.shared.ring.counters()
    }

    /// What it has counted of those who are connected.
    pub fn clients(&self) -> Vec<ClientCounters> {
        self.shared.ring.clients()
    }

    /// Gives clients what was finished, as long as they take it within the patience, and closes all connections. What it has
    /// counted in the end.
    pub fn close(mut self) -> Counters {
        self.end();
        self.counters()
    }

    fn end(&mut self) {
        self.shared.ring.close();
        self.shared.listener.close();
        self.shared.ring.wait_for_clients(Instant::now() + self.patience);
        for thread in self.threads.drain(..) {
            // A thread that has panicked has ended, too.
            let _ = thread.join();
        }
        let clients = std::mem::take(&mut *self.shared.lock_clients());
        for (_, mut client) in clients {
            client.stream.close();
            if let Some(thread) = client.thread.take() {
                let _ = thread.join();
            }
        }
    }
}

impl Drop for SocketSender {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn lock_clients(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Connected>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a client in that has connected, with a thread of its own.
    fn welcome(self: &Arc<Self>, stream: Stream, id: u64) -> io::Result<()> {
        let Some(key) = self.ring.join(id) else {
            return Ok(());
        };
        let handle = match stream.another() {
            Ok(handle) => handle,
            Err(error) => {
                self.ring.leave(key, None);
                return Err(error);
            }
        };
        self.lock_clients().insert(key, Connected { stream: handle, thread: None });
        let shared = Arc::clone(self);
        let spawned = Builder::new().name("trap-client".into()).spawn(move || serve(&shared, key, stream));
        match spawned {
            Ok(thread) => {
                if let Some(client) = self.lock_clients().get_mut(&key) {
                    client.thread = Some(thread);
                }
                Ok(())
            }
            Err(error) => {
                self.lock_clients().remove(&key);
                self.ring.leave(key, None);
                Err(error)
            }
        }
    }
}

/// Lets clients in until the listener is closed.
fn accept(shared: &Arc<Shared>) {
    loop {
        let welcomed = shared.listener.accept().and_then(|(stream, id)| shared.welcome(stream, id));
        if welcomed.is_err() && shared.ring.sleep(Instant::now() + PAUSE) {
            return;
        }
    }
}

/// Finishes buffers that were begun so long ago, until the ring is closed.
fn autoflush(ring: &Ring, after: Duration) {
    let mut last = Instant::now();
    while !ring.sleep(last + after) {
        last = ring.autoflush(Instant::now().checked_sub(after).unwrap_or(last)).max(last + after.min(PAUSE));
    }
}

/// Sends a client what it is to get, until it goes or the output closes.
fn serve(shared: &Shared, key: u64, mut stream: Stream) {
    let mut unfinished = None;
    if stream.write_all(&shared.hello).and_then(|()| stream.flush()).is_ok() {
        while let Some(taken) = shared.ring.next(key) {
            if stream.write_all(&taken.bytes).and_then(|()| stream.flush()).is_err() {
                unfinished = Some(taken);
                break;
            }
            shared.ring.delivered(key, taken);
        }
    }
    shared.ring.leave(key, unfinished);
    stream.close();
    shared.lock_clients().remove(&key);
}

#[cfg(test)]
mod tests;
