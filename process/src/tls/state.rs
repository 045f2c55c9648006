//! What is kept of a handshake.

use weir_flow::{Direction, plugin::ALLOCATION_OVERHEAD};

use super::{
    Wanted,
    certificate::Certificate,
    details::Details,
    hello::{ClientHello, ExtensionLists, ServerHello},
    ja3::{Ja3, ja3},
    ja4::{Ja4, Transport, ja4},
};
use crate::clip::clipped;

/// The longest name that is kept: one of the domain name system, and the dot at its end.
pub(super) const MAX_NAME: usize = 254;

/// What is kept for a record.
#[derive(Default)]
pub(super) struct State {
    pub(super) client: Option<Client>,
    pub(super) server: Option<Server>,
    /// The direction of the client, once a hello has shown it.
    pub(super) client_direction: Option<Direction>,
    /// How many bytes of each direction are to be left out: the rest of a record.
    pub(super) skip: [u16; 2],
    /// How many looks have brought nothing.
    pub(super) idle_looks: u8,
    /// What options ask for.
    pub(super) details: Option<Box<Details>>,
}

/// What the ClientHello says.
pub(super) struct Client {
    pub(super) version: u16,
    pub(super) name: Box<[u8]>,
    pub(super) ja3: Ja3,
    pub(super) ja4: Ja4,
    pub(super) extensions: ExtensionLists,
}

/// What the ServerHello says.
pub(super) struct Server {
    /// By extension, as it is done from TLS 1.3 on.
    pub(super) version: Option<u16>,
    pub(super) protocol: Box<[u8]>,
    /// It asks for another ClientHello, and will be followed by the real one.
    pub(super) is_retry_request: bool,
}

impl State {
    /// The greatest memory that a state holds beyond itself: without and with details.
    pub(super) const HEAP: usize = 2 * (MAX_NAME + ALLOCATION_OVERHEAD);
    pub(super) const HEAP_WITH_DETAILS: usize =
        State::HEAP + size_of::<Details>() + Certificate::MAX_BYTES + 2 * ALLOCATION_OVERHEAD;

    /// Nothing yet.
    pub(super) fn new(wanted: Wanted) -> State {
        let has_details = wanted.server || wanted.certificate;
        State { details: has_details.then(Box::default), ..State::default() }
    }

    /// Takes in a ClientHello. The first ServerHello answers it; later ones are of no interest.
    pub(super) fn take_client(&mut self, direction: Direction, hello: &ClientHello<'_>) {
        if self.client.is_some() && self.server.is_some() {
            return;
        }
        self.client_direction = Some(direction);
        match &mut self.client {
            Some(client) => client.renew(hello),
            None => self.client = Some(Client::new(hello)),
        }
        if let Some(details) = &mut self.details {
            details.take_client(hello);
        }
    }

    /// Takes in a ServerHello, unless there was one and it asked for nothing more.
    pub(super) fn take_server(&mut self, direction: Direction, hello: &ServerHello<'_>) {
        if self.server.as_ref().is_some_and(|server| !server.is_retry_request) {
            return;
        }
        self.client_direction = Some(direction.other());
        self.server = Some(Server::new(hello));
        if let Some(details) = &mut self.details {
            details.take_server(hello);
        }
    }

    /// Whether a ServerHello came from this direction.
    pub(super) fn is_server(&self, direction: Direction) -> bool {
        self.server.is_some() && self.client_direction == Some(direction.other())
    }

    /// Takes in the server's certificate.
    pub(super) fn take_certificate(&mut self, certificate: Certificate) {
        if let Some(details) = &mut self.details {
            details.certificate = Some(certificate);
        }
    }

    /// Whether all is there that is wanted.
    pub(super) fn is_complete(&self, wanted: Wanted) -> bool {
        let Some(server) = self.server.as_ref().filter(|_| self.client.is_some()) else { return false };
        // From TLS 1.3 on the certificate is encrypted.
        let has_certificate = server.version.is_some_and(|version| version >= 0x0304)
            || self.details.as_ref().is_some_and(|details| details.certificate.is_some());
        (has_certificate || !wanted.certificate) && (!server.is_retry_request || !wanted.server)
    }
}

impl Client {
    fn new(hello: &ClientHello<'_>) -> Client {
        Client {
            version: hello.version,
            name: clipped(hello.server_name().unwrap_or(b""), MAX_NAME).into(),
            ja3: ja3(hello),
            ja4: ja4(Transport::Tcp, hello),
            extensions: ExtensionLists::of(hello.extensions),
        }
    }

    /// Another hello of the same client: the last one counts, but for what it leaves out, and the extensions.
    fn renew(&mut self, hello: &ClientHello<'_>) {
        let mut new = Client { extensions: self.extensions, ..Client::new(hello) };
        if new.name.is_empty() {
            new.name = std::mem::take(&mut self.name);
        }
        *self = new;
    }
}

impl Server {
    fn new(hello: &ServerHello<'_>) -> Server {
        Server {
            version: hello.selected_version(),
            protocol: clipped(hello.application_protocol().unwrap_or(b""), MAX_NAME).into(),
            is_retry_request: hello.is_retry_request,
        }
    }
}
