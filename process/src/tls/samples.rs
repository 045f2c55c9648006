//! Hellos for tests.

/// A ClientHello in the making.
#[derive(Clone, Copy)]
pub(crate) struct Client<'a> {
    pub(crate) version: u16,
    pub(crate) ciphers: &'a [u16],
    pub(crate) extensions: &'a [(u16, &'a [u8])],
}

/// Offers TLS 1.3 and 1.2 for `example.com`.
impl Default for Client<'_> {
    fn default() -> Client<'static> {
        Client {
            version: 0x0303,
            ciphers: &[0x1301, 0x1302, 0xc02f],
            extensions: &[
                (0, b"\x00\x0e\x00\x00\x0bexample.com"),
                (10, b"\x00\x06\x0a\x0a\x00\x1d\x00\x17"),
                (11, b"\x01\x00"),
                (16, b"\x00\x0c\x02h2\x08http/1.1"),
                (13, b"\x00\x04\x04\x03\x08\x04"),
                (43, b"\x06\x0a\x0a\x03\x04\x03\x03"),
            ],
        }
    }
}

/// A ServerHello in the making.
#[derive(Clone, Copy)]
pub(crate) struct Server<'a> {
    pub(crate) version: u16,
    pub(crate) random: [u8; 32],
    pub(crate) session_id: &'a [u8],
    pub(crate) cipher: u16,
    pub(crate) extensions: &'a [(u16, &'a [u8])],
}

/// Chooses TLS 1.3.
impl Default for Server<'_> {
    fn default() -> Server<'static> {
        Server {
            version: 0x0303,
            random: [7; 32],
            session_id: b"",
            cipher: 0x1301,
            extensions: &[(43, b"\x03\x04"), (51, b"\x00\x1d\x00\x01x")],
        }
    }
}

fn extensions(list: &[(u16, &[u8])]) -> Vec<u8> {
    if list.is_empty() {
        return vec![];
    }
    let item = |&(kind, content): &(u16, &[u8])| {
        [&kind.to_be_bytes(), &(content.len() as u16).to_be_bytes(), content].concat()
    };
    let items: Vec<u8> = list.iter().flat_map(item).collect();
    [&(items.len() as u16).to_be_bytes(), &items[..]].concat()
}

impl Client<'_> {
    /// The body of the message.
    pub(crate) fn body(&self) -> Vec<u8> {
        let ciphers: Vec<u8> = self.ciphers.iter().flat_map(|cipher| cipher.to_be_bytes()).collect();
        let mut body = [&self.version.to_be_bytes()[..], &[6; 32], b"\x02id"].concat();
        body.extend((ciphers.len() as u16).to_be_bytes());
        body.extend(ciphers);
        body.extend(b"\x01\x00");
        body.extend(extensions(self.extensions));
        body
    }
}

impl Server<'_> {
    /// The body of the message.
    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = [&self.version.to_be_bytes()[..], &self.random].concat();
        body.push(self.session_id.len() as u8);
        body.extend(self.session_id);
        body.extend(self.cipher.to_be_bytes());
        body.push(0);
        body.extend(extensions(self.extensions));
        body
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A handshake message with its header.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, high, middle, low] = (body.len() as u32).to_be_bytes();
    [&[kind, high, middle, low], body].concat()
}

/// A record with its header.
pub(crate) fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1], &(content.len() as u16).to_be_bytes()[..], content].concat()
}
