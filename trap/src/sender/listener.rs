//! Where clients connect, and the streams to them.

use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How long a client may take for each step of the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// A socket that listens.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Tls {
        listener: TcpListener,
        config: Arc<ServerConfig>,
    },
    Unix {
        listener: UnixListener,
        path: PathBuf,
        /// Device and number of the file, which tell whether another one has taken its place.
        file: (u64, u64),
    },
}

/// A connection to a client.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
    Unix(UnixStream),
}

impl Listener {
    /// On a TCP port of all addresses.
    pub(crate) fn tcp(port: u16) -> io::Result<Listener> {
        listen(port).map(Listener::Tcp)
    }

    /// On a TCP port of all addresses, for clients that have a certificate.
    pub(crate) fn tls(port: u16, config: ServerConfig) -> io::Result<Listener> {
        Ok(Listener::Tls { listener: listen(port)?, config: Arc::new(config) })
    }

    /// At a UNIX socket to which everybody may connect. A socket that is there, left over from a program that ended, gives way.
    pub(crate) fn unix(path: &Path) -> io::Result<Listener> {
        let bind = || {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = UnixListener::bind(path)?;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
            let file = identity(path)?;
            Ok(Listener::Unix { listener, path: path.to_owned(), file })
        };
        bind().map_err(|error| named(error, path.display().to_string()))
    }

    /// Waits for a client. With it comes what tells it from others: its process id, or its port.
    pub(crate) fn accept(&self) -> io::Result<(Stream, u64)> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, address) = listener.accept()?;
                Ok((Stream::Tcp(stream), address.port().into()))
            }
            Listener::Tls { listener, config } => {
                let (stream, address) = listener.accept()?;
                let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                Ok((Stream::Tls(Box::new(StreamOwned::new(connection, stream))), address.port().into()))
            }
            Listener::Unix { listener, .. } => {
                let (stream, _) = listener.accept()?;
                let peer = rustix::net::sockopt::socket_peercred(&stream);
                let id = peer.map_or(0, |peer| peer.pid.as_raw_nonzero().get() as u64);
                Ok((Stream::Unix(stream), id))
            }
        }
    }

    /// No more clients: ends an [`Listener::accept`] that waits.
    pub(crate) fn close(&self) {
        let socket = match self {
            Listener::Tcp(listener) | Listener::Tls { listener, .. } => listener.as_fd(),
            Listener::Unix { listener, .. } => listener.as_fd(),
        };
        // A socket that cannot be shut down has failed, and nobody waits at it.
        let _ = rustix::net::shutdown(socket, rustix::net::Shutdown::Both);
    }

    /// Removes the name of the socket, unless it stands for another one by now.
    pub(crate) fn remove(&self) {
        if let Listener::Unix { path, file, .. } = self
            && identity(path).is_ok_and(|now| now == *file)
        {
            // Who has removed it meanwhile did what is to be done.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.remove();
    }
}

impl Stream {
    /// A second handle of the connection, for ending it.
    pub(crate) fn another(&self) -> io::Result<Stream> {
        Ok(match self {
            Stream::Tcp(stream) => Stream::Tcp(stream.try_clone()?),
            Stream::Tls(stream) => Stream::Tcp(stream.sock.try_clone()?),
            Stream::Unix(stream) => Stream::Unix(stream.try_clone()?),
        })
    }

    /// Makes the handshake, where there is one.
    pub(crate) fn shake_hands(&mut self) -> io::Result<()> {
        let Stream::Tls(stream) = self else { return Ok(()) };
        stream.sock.set_read_timeout(Some(HANDSHAKE_TIMEOUT))?;
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        stream.sock.set_read_timeout(None)
    }

    /// Tells the client that nothing follows.
    pub(crate) fn end(&mut self) {
        if let Stream::Tls(stream) = self {
            stream.conn.send_close_notify();
            // A client that has gone needs no end.
            let _ = stream.flush();
        }
        self.close();
    }

    /// Ends the connection, and a write that waits.
    pub(crate) fn close(&self) {
        // One that is not connected any more needs no end.
        let _ = match self {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Stream::Tls(stream) => stream.sock.shutdown(Shutdown::Both),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
            Stream::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Tls(stream) => stream.flush(),
            Stream::Tcp(_) | Stream::Unix(_) => Ok(()),
        }
    }
}

/// Listens at a TCP port of both families, where the system has them.
fn listen(port: u16) -> io::Result<TcpListener> {
    let both = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port));
    let listener = both.or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)));
    listener.map_err(|error| named(error, format!("port {port}")))
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

fn named(error: io::Error, what: String) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}
