//! What the options `server` and `cert` add.

use weir_flow::Value;

use super::{
    certificate::Certificate,
    hello::{ClientHello, ServerHello, extension},
    ja3::{Ja3, ja3s},
};

/// Bits of TLS_RESUMPTION.
pub(super) mod resumption {
    /// The client offers a session ticket (RFC 5077).
    pub(crate) const TICKET_OFFERED: u8 = 1;
    /// The client offers a pre-shared key (RFC 8446 section 4.2.11), nearly always that of an earlier session.
    pub(crate) const KEY_OFFERED: u8 = 2;
    /// The client sends early data (RFC 8446 section 4.2.10).
    pub(crate) const EARLY_DATA: u8 = 4;
    /// The server resumes the session, by its id or ticket (RFC 5246 section 7.4.1.3).
    pub(crate) const SESSION_RESUMED: u8 = 8;
    /// The server accepts a pre-shared key.
    pub(crate) const KEY_ACCEPTED: u8 = 16;
}

/// What is kept when `server` or `cert` is given.
#[derive(Default)]
pub(super) struct Details {
    /// What the client offers.
    offers: u8,
    client_session: SessionId,
    choice: Option<Choice>,
    pub(super) certificate: Option<Certificate>,
}

/// What the server chose.
struct Choice {
    version: u16,
    cipher: u16,
    ja3s: Ja3,
    session: SessionId,
    accepts_key: bool,
}

/// A session id, of at most 32 bytes, padded with zeros; none is all zeros.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct SessionId([u8; 32]);

impl SessionId {
    fn of(bytes: &[u8]) -> SessionId {
        let mut id = SessionId::default();
        for (to, byte) in id.0.iter_mut().zip(bytes) {
            *to = *byte;
        }
        id
    }
}

impl Details {
    pub(super) fn take_client(&mut self, hello: &ClientHello<'_>) {
        let has = |kind: u16, bit: u8| if hello.extensions.find(kind).is_some() { bit } else { 0 };
        // Without content the extension only says that tickets are understood.
        let ticket =
            hello.extensions.find(extension::SESSION_TICKET).is_some_and(|ticket| !ticket.is_empty());
        self.offers = has(extension::PRE_SHARED_KEY, resumption::KEY_OFFERED)
            | has(extension::EARLY_DATA, resumption::EARLY_DATA)
            | if ticket { resumption::TICKET_OFFERED } else { 0 };
        self.client_session = SessionId::of(hello.session_id);
    }

    pub(super) fn take_server(&mut self, hello: &ServerHello<'_>) {
        self.choice = Some(Choice {
            version: hello.selected_version().unwrap_or(hello.version),
            cipher: hello.cipher_suite,
            ja3s: ja3s(hello),
            session: SessionId::of(hello.session_id),
            accepts_key: hello.extensions.find(extension::PRE_SHARED_KEY).is_some(),
        });
    }

    /// The bits of [`resumption`].
    fn resumption(&self) -> u8 {
        let Some(choice) = &self.choice else { return self.offers };
        // From TLS 1.3 on the id is repeated always, and means nothing.
        let is_resumed = choice.version < 0x0304
            && choice.session == self.client_session
            && choice.session != SessionId::default();
        self.offers
            | if is_resumed { resumption::SESSION_RESUMED } else { 0 }
            | if choice.accepts_key { resumption::KEY_ACCEPTED } else { 0 }
    }

    /// The fields that `server` adds.
    pub(super) fn server_values(&self) -> [Value<'_>; 4] {
        let choice = self.choice.as_ref();
        [
            Value::U16(choice.map_or(0, |choice| choice.version)),
            Value::U16(choice.map_or(0, |choice| choice.cipher)),
            Value::Bytes(choice.map_or(&[], |choice| &choice.ja3s)),
            Value::U8(self.resumption()),
        ]
    }

    /// The fields that `cert` adds.
    pub(super) fn certificate_values(&self) -> [Value<'_>; 5] {
        let certificate = self.certificate.as_ref();
        [
            Value::Text(certificate.map_or(&[], Certificate::subject)),
            Value::Text(certificate.map_or(&[], Certificate::issuer)),
            Value::Bytes(certificate.map_or(&[], Certificate::serial)),
            Value::U64(certificate.map_or(0, |certificate| certificate.not_before)),
            Value::U64(certificate.map_or(0, |certificate| certificate.not_after)),
        ]
    }
}
