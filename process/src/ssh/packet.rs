//! Binary packets before encryption begins (RFC 4253 section 6), and the one with the algorithms (section 7.1).

use md5::{Digest, Md5};

use crate::cursor::Cursor;

/// The longest packet that every implementation must take (RFC 4253 section 6.1), without its length.
const MAX_LENGTH: usize = 35_000 - 4;

/// Messages that may come at any time and mean nothing: SSH\_MSG\_IGNORE, UNIMPLEMENTED and DEBUG.
const REMARKS: std::ops::RangeInclusive<u8> = 2..=4;
/// SSH\_MSG\_KEXINIT.
const ALGORITHMS: u8 = 20;

/// Which end of the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Client,
    Server,
}

/// A message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Message<'a> {
    /// Nothing of interest.
    Remark,
    /// The algorithms: what follows the message number.
    Algorithms(&'a [u8]),
    /// Another, with its number.
    Other(u8),
    /// What comes is no packet.
    Nonsense,
}

/// The message at the beginning of `data` and the length of its packet, which need not be whole for those of which only the number
/// counts. `None` if more bytes are needed.
pub(super) fn read(data: &[u8]) -> Option<(Message<'_>, usize)> {
    let mut cursor = Cursor::new(data);
    let length = cursor.u32()? as usize;
    let padding = usize::from(cursor.u8()?);
    let number = cursor.u8()?;
    let len = 4 + length;
    // Length of the padding, message number, padding.
    let Some(payload_len) = length.checked_sub(2 + padding).filter(|_| length <= MAX_LENGTH) else {
        return Some((Message::Nonsense, data.len()));
    };
    if number != ALGORITHMS && !REMARKS.contains(&number) {
        return Some((Message::Other(number), len));
    }
    let payload = cursor.take(payload_len)?;
    cursor.take(padding)?;
    Some((if number == ALGORITHMS { Message::Algorithms(payload) } else { Message::Remark }, len))
}

/// Who sends a message with this number as the first of the key exchange. What the numbers mean depends on the method, but of the
/// usual ones (RFC 4253 section 8, RFC 4419, RFC 5656, RFC 4462) the client sends 30 or 34 first and the server 31 or 33.
pub(super) fn role_of_sender(number: u8) -> Option<Role> {
    match number {
        30 | 34 => Some(Role::Client),
        31 | 33 => Some(Role::Server),
        _ => None,
    }
}

/// The name-lists of interest; in pairs those from client to server, and from server to client.
#[derive(Debug)]
pub(super) struct Algorithms<'a> {
    key_exchange: &'a [u8],
    encryption: [&'a [u8]; 2],
    authentication: [&'a [u8]; 2],
    compression: [&'a [u8]; 2],
}

/// Parses what follows the message number.
pub(super) fn algorithms(payload: &[u8]) -> Option<Algorithms<'_>> {
    const COOKIE: usize = 16;
    let mut cursor = Cursor::at(payload, COOKIE)?;
    let mut list = || {
        let len = cursor.u32()?;
        cursor.take(len as usize)
    };
    let (key_exchange, _host_key) = (list()?, list()?);
    Some(Algorithms {
        key_exchange,
        encryption: [list()?, list()?],
        authentication: [list()?, list()?],
        compression: [list()?, list()?],
    })
}

impl Algorithms<'_> {
    /// Who sends this, by the names among the key exchange methods that only one side uses: the indicators of RFC 8308 section 2.1
    /// and of OpenSSH's strict key exchange.
    pub(super) fn role(&self) -> Option<Role> {
        self.key_exchange.split(|&byte| byte == b',').find_map(|name| match name {
            b"ext-info-c" | b"kex-strict-c-v00@openssh.com" => Some(Role::Client),
            b"ext-info-s" | b"kex-strict-s-v00@openssh.com" => Some(Role::Server),
            _ => None,
        })
    }

    /// The fingerprints of the sender in either role.
    pub(super) fn fingerprints(&self) -> Fingerprints {
        let of = |way: usize| {
            let lists = [self.encryption[way], self.authentication[way], self.compression[way]];
            let mut hash = Md5::new_with_prefix(self.key_exchange);
            for list in lists {
                hash.update(b";");
                hash.update(list);
            }
            hash.finalize().into()
        };
        Fingerprints { client: of(0), server: of(1) }
    }
}

/// HASSH and HASSH-server as published by Salesforce: MD5 of `methods;ciphers;MACs;compressions`, of the lists for what the sender sends.
#[derive(Debug)]
pub(super) struct Fingerprints {
    client: [u8; 16],
    server: [u8; 16],
}

impl Fingerprints {
    /// The one of this role.
    pub(super) fn of(&self, role: Role) -> &[u8] {
        match role {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }
}
