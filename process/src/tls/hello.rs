//! ClientHello and ServerHello (RFC 8446 section 4.1, RFC 5246 section 7.4.1), of SSL 3.0 to TLS 1.3, as TLS and QUIC
//! carry them. What is read borrows from the message; a list that contradicts its length ends where its bytes end.

use crate::cursor::Cursor;

/// Types of handshake messages.
pub mod message {
    /// HelloRequest: a server asks for a ClientHello.
    pub const HELLO_REQUEST: u8 = 0;
    /// ClientHello.
    pub const CLIENT_HELLO: u8 = 1;
    /// ServerHello, and HelloRetryRequest.
    pub const SERVER_HELLO: u8 = 2;
    /// Certificate.
    pub const CERTIFICATE: u8 = 11;
}

/// Types of extensions.
pub mod extension {
    /// Names of the server (RFC 6066).
    pub const SERVER_NAME: u16 = 0;
    /// Groups for key exchange (RFC 8422, RFC 7919).
    pub const SUPPORTED_GROUPS: u16 = 10;
    /// Formats of elliptic curve points (RFC 8422).
    pub const EC_POINT_FORMATS: u16 = 11;
    /// Signature algorithms.
    pub const SIGNATURE_ALGORITHMS: u16 = 13;
    /// Application protocols, ALPN (RFC 7301).
    pub const APPLICATION_PROTOCOLS: u16 = 16;
    /// A session ticket, or that tickets are understood (RFC 5077).
    pub const SESSION_TICKET: u16 = 35;
    /// Pre-shared keys that a client offers, or the one that the server accepts.
    pub const PRE_SHARED_KEY: u16 = 41;
    /// Early data.
    pub const EARLY_DATA: u16 = 42;
    /// Versions that a client offers, or the one that the server chose.
    pub const SUPPORTED_VERSIONS: u16 = 43;
}

/// The header of a handshake message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessageHeader {
    /// One of [`message`], or another type.
    pub kind: u8,
    /// Bytes of the message that follow the header, up to 2^24 - 1.
    pub body_len: usize,
}

impl MessageHeader {
    /// Bytes of the header.
    pub const LEN: usize = 4;

    /// The header at the start of `bytes`, if they are so many.
    #[inline]
    pub fn read(bytes: &[u8]) -> Option<MessageHeader> {
        let &[kind, high, middle, low] = bytes.first_chunk()?;
        Some(MessageHeader { kind, body_len: u32::from_be_bytes([0, high, middle, low]) as usize })
    }
}

/// Whether `value` is one that clients put in at random, which means nothing (RFC 8701): 0x0A0A, 0x1A1A, … 0xFAFA.
#[inline]
pub const fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

/// A list of 16-bit numbers as it is on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    /// The numbers in the order of the wire. An odd byte at the end is left out.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = u16> + Clone + use<'a> {
        self.0.chunks_exact(2).map(|word| u16::from_be_bytes([word[0], word[1]]))
    }

    /// The numbers without those of [`is_grease`].
    #[inline]
    pub fn meaningful(self) -> impl Iterator<Item = u16> + Clone + use<'a> {
        self.iter().filter(|&word| !is_grease(word))
    }
}

/// The bytes of a list behind its length, as many of them as there are.
fn list(len: Option<usize>, mut rest: Cursor<'_>) -> &[u8] {
    let bytes = rest.rest();
    &bytes[..bytes.len().min(len.unwrap_or(0))]
}

/// A list whose length has eight bits.
fn short_list(bytes: &[u8]) -> &[u8] {
    let mut cursor = Cursor::new(bytes);
    list(cursor.u8().map(usize::from), cursor)
}

/// A list whose length has sixteen bits.
fn long_list(bytes: &[u8]) -> &[u8] {
    let mut cursor = Cursor::new(bytes);
    list(cursor.u16().map(usize::from), cursor)
}

/// An extension of a hello.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extension<'a> {
    /// One of [`extension`], or another type.
    pub kind: u16,
    /// What it holds.
    pub content: &'a [u8],
}

/// The extensions of a hello.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Extensions<'a>(&'a [u8]);

impl<'a> Extensions<'a> {
    /// The extensions in the order of the wire, up to the first that is cut off.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = Extension<'a>> + Clone {
        let mut cursor = Cursor::new(self.0);
        std::iter::from_fn(move || {
            let kind = cursor.u16()?;
            let len = cursor.u16()?;
            Some(Extension { kind, content: cursor.take(usize::from(len))? })
        })
    }

    /// What the first extension of this type holds.
    #[inline]
    pub fn find(self, kind: u16) -> Option<&'a [u8]> {
        self.iter().find(|extension| extension.kind == kind).map(|extension| extension.content)
    }
}

/// Version, random and session id, with which both hellos begin.
struct Beginning<'a> {
    version: u16,
    random: &'a [u8],
    session_id: &'a [u8],
}

const RANDOM_LEN: usize = 32;

fn beginning<'a>(cursor: &mut Cursor<'a>) -> Option<Beginning<'a>> {
    let version = cursor.u16()?;
    if version >> 8 != 3 {
        return None;
    }
    let random = cursor.take(RANDOM_LEN)?;
    let len = usize::from(cursor.u8()?);
    Some(Beginning { version, random, session_id: cursor.take(len)? })
}

/// The extensions with which both hellos end. SSL 3.0 has none, and older clients leave them out.
fn ending<'a>(cursor: &mut Cursor<'a>) -> Option<Extensions<'a>> {
    if cursor.is_empty() {
        return Some(Extensions::default());
    }
    let len = usize::from(cursor.u16()?);
    cursor.take(len).map(Extensions)
}

/// A ClientHello.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientHello<'a> {
    /// The version field of the message, from TLS 1.3 on 0x0303.
    pub version: u16,
    /// The id of a session that is to be resumed, or what a client of TLS 1.3 puts in its place.
    pub session_id: &'a [u8],
    /// Cipher suites.
    pub cipher_suites: Words<'a>,
    /// All extensions.
    pub extensions: Extensions<'a>,
    server_name: Option<&'a [u8]>,
    groups: &'a [u8],
    point_formats: &'a [u8],
    signature_algorithms: &'a [u8],
    application_protocols: &'a [u8],
    supported_versions: Option<&'a [u8]>,
}

impl<'a> ClientHello<'a> {
    /// Reads the body of the message, all of it. `None` if it is none or cut off.
    pub fn parse(body: &'a [u8]) -> Option<ClientHello<'a>> {
        let mut cursor = Cursor::new(body);
        let Beginning { version, session_id, .. } = beginning(&mut cursor)?;
        let len = usize::from(cursor.u16()?);
        let cipher_suites = Words(cursor.take(len)?);
        let len = usize::from(cursor.u8()?);
        let _compression_methods = cursor.take(len)?;
        let extensions = ending(&mut cursor)?;
        let mut hello = ClientHello {
            version,
            session_id,
            cipher_suites,
            extensions,
            server_name: None,
            groups: &[],
            point_formats: &[],
            signature_algorithms: &[],
            application_protocols: &[],
            supported_versions: None,
        };
        for Extension { kind, content } in extensions.iter() {
            match kind {
                extension::SERVER_NAME => hello.server_name = Some(content),
                extension::SUPPORTED_GROUPS => hello.groups = content,
                extension::EC_POINT_FORMATS => hello.point_formats = content,
                extension::SIGNATURE_ALGORITHMS => hello.signature_algorithms = content,
                extension::APPLICATION_PROTOCOLS => hello.application_protocols = content,
                extension::SUPPORTED_VERSIONS => hello.supported_versions = Some(content),
                _ => {}
            }
        }
        Some(hello)
    }

    /// Whether there is an extension for the server's name, even without a name.
    pub fn has_server_name(&self) -> bool {
        self.server_name.is_some()
    }

    /// The server's name (SNI), the first if there are several.
    pub fn server_name(&self) -> Option<&'a [u8]> {
        let mut cursor = Cursor::new(long_list(self.server_name?));
        let _name_type = cursor.u8()?;
        let len = usize::from(cursor.u16()?);
        cursor.take(len)
    }

    /// The first application protocol (ALPN) that the client offers.
    pub fn application_protocol(&self) -> Option<&'a [u8]> {
        first_protocol(self.application_protocols)
    }

    /// Groups for key exchange.
    pub fn groups(&self) -> Words<'a> {
        Words(long_list(self.groups))
    }

    /// Formats of elliptic curve points.
    pub fn point_formats(&self) -> &'a [u8] {
        short_list(self.point_formats)
    }

    /// Signature algorithms.
    pub fn signature_algorithms(&self) -> Words<'a> {
        Words(long_list(self.signature_algorithms))
    }

    /// The highest version that the client offers, [`is_grease`] apart.
    pub fn highest_version(&self) -> u16 {
        let offered = self.supported_versions.map(|content| Words(short_list(content)));
        offered.and_then(|versions| versions.meaningful().max()).unwrap_or(self.version)
    }
}

fn first_protocol(content: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(long_list(content));
    let len = usize::from(cursor.u8()?);
    cursor.take(len)
}

/// A ServerHello.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServerHello<'a> {
    /// The version field of the message, from TLS 1.3 on 0x0303.
    pub version: u16,
    /// The client's session id if the session is resumed or the version TLS 1.3.
    pub session_id: &'a [u8],
    /// The cipher suite that the server chose.
    pub cipher_suite: u16,
    /// All extensions.
    pub extensions: Extensions<'a>,
    /// Whether the message asks for another ClientHello.
    pub is_retry_request: bool,
}

/// The random of a HelloRetryRequest (RFC 8446 section 4.1.3).
const RETRY_REQUEST: [u8; RANDOM_LEN] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

impl<'a> ServerHello<'a> {
    /// Reads the body of the message, all of it. `None` if it is none or cut off.
    pub fn parse(body: &'a [u8]) -> Option<ServerHello<'a>> {
        let mut cursor = Cursor::new(body);
        let Beginning { version, random, session_id } = beginning(&mut cursor)?;
        let cipher_suite = cursor.u16()?;
        let _compression_method = cursor.u8()?;
        let extensions = ending(&mut cursor)?;
        Some(ServerHello {
            version,
            session_id,
            cipher_suite,
            extensions,
            is_retry_request: random == RETRY_REQUEST,
        })
    }

    /// The application protocol (ALPN) that the server chose, where it says so in plaintext.
    pub fn application_protocol(&self) -> Option<&'a [u8]> {
        first_protocol(self.extensions.find(extension::APPLICATION_PROTOCOLS)?)
    }

    /// The version that the server chose by extension, as it does from TLS 1.3 on.
    pub fn selected_version(&self) -> Option<u16> {
        Cursor::new(self.extensions.find(extension::SUPPORTED_VERSIONS)?).u16()
    }
}

/// The most extensions that [`ExtensionLists`] names.
const MAX_LISTED: usize = 30;

/// Types and lengths of the first extensions of a hello, in the order of the wire, [`is_grease`] included.
#[derive(Clone, Copy, Debug)]
pub struct ExtensionLists {
    kinds: [u16; MAX_LISTED],
    lens: [u16; MAX_LISTED],
    count: u8,
}

impl ExtensionLists {
    /// Those of `extensions`.
    pub fn of(extensions: Extensions<'_>) -> ExtensionLists {
        let mut lists = ExtensionLists { kinds: [0; MAX_LISTED], lens: [0; MAX_LISTED], count: 0 };
        for (place, Extension { kind, content }) in extensions.iter().take(MAX_LISTED).enumerate() {
            (lists.kinds[place], lists.lens[place]) = (kind, content.len() as u16);
            lists.count = place as u8 + 1;
        }
        lists
    }

    /// The types.
    pub fn kinds(&self) -> &[u16] {
        &self.kinds[..usize::from(self.count)]
    }

    /// The lengths of the contents in bytes.
    pub fn lens(&self) -> &[u16] {
        &self.lens[..usize::from(self.count)]
    }
}

#[cfg(test)]
mod tests;
