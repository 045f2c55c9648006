//! An output to which clients connect: each gets a hello, then every buffer that is finished from then on.
//!
//! One thread waits for clients, one finishes buffers whose time has come, and each client has one that sends.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::listener::{Listener, Stream};
use super::ring::Ring;
use super::{ClientCounters, Counters, Message};
use crate::hello::Format;
use crate::specification::{Output, Sockets, Timeout, TlsFiles};

/// At the end clients get what was finished for them as long as some of them takes something within this time.
const PATIENCE: Duration = Duration::from_secs(5);

/// After an error of the system at which no client can be accepted (no more descriptors), it is tried again so much later.
const PAUSE: Duration = Duration::from_millis(100);

/// Directory of the sockets, unless the environment names another.
const DIRECTORY: &str = "/tmp";

/// The path of the UNIX socket with this name.
pub fn socket_path(name: &str) -> PathBuf {
    directory().join(format!("trap-{name}.sock"))
}

/// Where sockets are: in `/tmp`, or in the directory that the environment variable `TRAP_SOCKET_DIR` names, unless the program runs
/// with the rights of somebody else.
pub(crate) fn directory() -> PathBuf {
    let is_trusted = rustix::process::getuid() == rustix::process::geteuid()
        && rustix::process::getgid() == rustix::process::getegid();
    let named = std::env::var_os("TRAP_SOCKET_DIR").filter(|_| is_trusted);
    named.map_or_else(|| PathBuf::from(DIRECTORY), PathBuf::from)
}

/// Sends messages to whoever connects.
#[derive(Debug)]
pub struct SocketSender {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// Reads what a [`SocketSender`] counts.
#[derive(Clone, Debug)]
pub struct Monitor(Arc<Shared>);

impl Monitor {
    /// From now on it waits for nobody.
    pub(super) fn hurry(&self) {
        self.0.ring.hurry();
    }

    /// What it has counted.
    pub(super) fn counters(&self) -> Counters {
        self.0.ring.counters()
    }

    /// What it has counted of those who are connected.
    pub(super) fn clients(&self) -> Vec<ClientCounters> {
        self.0.ring.clients()
    }
}

#[derive(Debug)]
struct Shared {
    ring: Ring,
    listener: Listener,
    hello: Vec<u8>,
    /// Connections, also those that are not clients yet, by the order of their coming.
    connections: Mutex<BTreeMap<u64, Connected>>,
    next_connection: AtomicU64,
    most_connections: usize,
}

/// A connection and its thread.
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
        let shared = Arc::new(Shared {
            ring,
            listener,
            hello: format.encode(),
            connections: Mutex::default(),
            next_connection: AtomicU64::new(0),
            most_connections: 2 * sockets.max_clients,
        });
        let mut sender = SocketSender { shared, threads: Vec::new() };
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

    /// Takes messages in. Waits for clients and for room where the output is to.
    pub fn send<'m, M: Into<Message<'m>>>(&mut self, messages: impl IntoIterator<Item = M>) {
        self.shared.ring.send(messages);
    }

    /// Finishes the buffer being filled.
    pub fn flush(&mut self) {
        self.shared.ring.flush();
    }

    /// Where its counters can be read while it sends.
    pub fn monitor(&self) -> Monitor {
        Monitor(Arc::clone(&self.shared))
    }

    /// No more will be sent, and nobody is let in any more: clients begin to take the rest.
    pub fn finish(&mut self) {
        self.shared.ring.close();
        self.shared.listener.close();
    }

    /// Gives clients what was finished, as long as some of them takes something within the patience, and closes all connections. What
    /// it has counted in the end.
    pub fn close(mut self, patience: Duration) -> Counters {
        self.end(patience);
        self.shared.ring.counters()
    }

    fn end(&mut self, patience: Duration) {
        self.finish();
        self.shared.ring.wait_for_clients(patience);
        for thread in self.threads.drain(..) {
            // A thread that has panicked has ended, too.
            let _ = thread.join();
        }
        let connections = std::mem::take(&mut *self.shared.lock_connections());
        for (_, mut connection) in connections {
            connection.stream.close();
            if let Some(thread) = connection.thread.take() {
                let _ = thread.join();
            }
        }
        self.shared.listener.remove();
    }
}

impl Drop for SocketSender {
    fn drop(&mut self) {
        self.end(PATIENCE);
    }
}

impl Shared {
    fn lock_connections(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Connected>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection, with a thread of its own, unless there are too many.
    fn welcome(self: &Arc<Self>, stream: Stream, id: u64) -> io::Result<()> {
        if self.lock_connections().len() >= self.most_connections {
            return Ok(());
        }
        let handle = stream.another()?;
        let key = self.next_connection.fetch_add(1, Relaxed);
        self.lock_connections().insert(key, Connected { stream: handle, thread: None });
        let shared = Arc::clone(self);
        let serve = move || {
            shared.serve(stream, id);
            shared.lock_connections().remove(&key);
        };
        match Builder::new().name("trap-client".into()).spawn(serve) {
            Ok(thread) => {
                if let Some(connection) = self.lock_connections().get_mut(&key) {
                    connection.thread = Some(thread);
                }
                Ok(())
            }
            Err(error) => {
                self.lock_connections().remove(&key);
                Err(error)
            }
        }
    }

    /// Sends a client what it is to get, until it goes or the output closes. It is one, and others may have to wait for it, once it has
    /// shaken hands.
    fn serve(&self, mut stream: Stream, id: u64) {
        if stream.shake_hands().is_err() {
            return stream.close();
        }
        let Some(key) = self.ring.join(id) else { return stream.close() };
        let mut unfinished = None;
        if stream.write_all(&self.hello).and_then(|()| stream.flush()).is_ok() {
            while let Some(taken) = self.ring.next(key) {
                if stream.write_all(&taken.bytes).and_then(|()| stream.flush()).is_err() {
                    unfinished = Some(taken);
                    break;
                }
                self.ring.delivered(key, taken);
            }
        }
        self.ring.leave(key, unfinished);
        stream.end();
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
    // However short the time, the processor is left to others in between.
    let after = after.max(Duration::from_millis(1));
    let mut next = Instant::now() + after;
    while !ring.sleep(next) {
        next = ring.autoflush(after);
    }
}

#[cfg(test)]
mod tests;
