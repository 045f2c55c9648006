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

/// The body of a Certificate message with these certificates.
pub(crate) fn certificates(list: &[&[u8]]) -> Vec<u8> {
    let behind_length = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat();
    let list: Vec<u8> = list.iter().flat_map(|certificate| behind_length(certificate)).collect();
    behind_length(&list)
}

/// A certificate as OpenSSL makes it, with names of every kind. Valid from 2026-11-27 04:38:46 to 2051-04-10 04:38:46.
pub(crate) const CERTIFICATE: &[u8] =
    b"0\x82\x02<0\x82\x01\xee\xa0\x03\x02\x01\x02\x02\x09\x00\xd3\xe8\xe0`I\xa4\xf6\xb20\x05\x06\x03+e\
    p0\x81\x971\x0b0\x09\x06\x03U\x04\x06\x13\x02CZ1\x160\x14\x06\x03U\x04\x08\x0c\x0dJihomoravsk\
    \xc3\xbd1\x160\x14\x06\x03U\x04\x0a\x0c\x0dExample, Inc.1\x140\x08\x06\x03U\x04\x0b\x0c\x01a0\
    \x08\x06\x03U\x04\x0b\x0c\x01b1\x0a0\x08\x06\x03U\x04\x0f\x0c\x01x1\x1c0\x1a\x06\x09*\x86H\x86\
    \xf7\x0d\x01\x09\x01\x16\x0da@example.com1\x180\x16\x06\x03U\x04\x03\x0c\x0fwww.example.com0 \
    \x17\x0d261127043846Z\x18\x0f20510410043846Z0\x81\x971\x0b0\x09\x06\x03U\x04\x06\x13\x02CZ1\x160\
    \x14\x06\x03U\x04\x08\x0c\x0dJihomoravsk\xc3\xbd1\x160\x14\x06\x03U\x04\x0a\x0c\x0dExample, Inc.\
    1\x140\x08\x06\x03U\x04\x0b\x0c\x01a0\x08\x06\x03U\x04\x0b\x0c\x01b1\x0a0\x08\x06\x03U\x04\x0f\
    \x0c\x01x1\x1c0\x1a\x06\x09*\x86H\x86\xf7\x0d\x01\x09\x01\x16\x0da@example.com1\x180\x16\x06\x03\
    U\x04\x03\x0c\x0fwww.example.com0*0\x05\x06\x03+ep\x03!\x00\xfeo\xc5\xd92\x1b\xc3)\x98\xf0\x8e\
    \x15\xd9Bu\xcci?\xb0\x95\x07\xe2\x874NsP\x04\xa9<\xf7\x1b\xa3S0Q0\x1d\x06\x03U\x1d\x0e\x04\x16\
    \x04\x14\xff\x1d:\xea\x09\xf0\xdc\xbb\x99%\xbdZ.\xe9\xf5V\xb4\x83\xfd\x180\x1f\x06\x03U\x1d#\x04\
    \x180\x16\x80\x14\xff\x1d:\xea\x09\xf0\xdc\xbb\x99%\xbdZ.\xe9\xf5V\xb4\x83\xfd\x180\x0f\x06\x03U\
    \x1d\x13\x01\x01\xff\x04\x050\x03\x01\x01\xff0\x05\x06\x03+ep\x03A\x00\x85\x92\x93\x1b\xc9\x99\
    \x05N\xc2\x9e\xba\x99\x1e\xc3_zM]\xe8\x0a;5\xd8\x86\x05Ya\x8f\x0d_~\x86\x16\x8a\x89\x02\x8a$\xab\
    \x86\xb9\x95\xcf\x1f\xe3\x9f\xfe\xca\xda\xa2\xc8%\xe8}6_z\xa3\xbe'.\xbe\x98\x0e";

/// Subject and issuer of [`CERTIFICATE`].
pub(crate) const CERTIFICATE_NAME: &str = "CN=www.example.com,emailAddress=a@example.com,2.5.4.15=x,OU=a+OU=b,\
                                           O=Example\\, Inc.,ST=Jihomoravsk\u{fd},C=CZ";
