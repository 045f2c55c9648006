//! OpenVPN messages (doc/protocol.rst of OpenVPN), as they are in a datagram.

/// A client's hard reset of version 2.
pub const CLIENT_RESET: u8 = 7;
/// A server's hard reset of version 2.
pub const SERVER_RESET: u8 = 8;
/// A control message.
pub const CONTROL: u8 = 4;
/// An acknowledgement.
pub const ACKNOWLEDGEMENT: u8 = 5;
/// Data of version 2.
pub const DATA: u8 = 9;

/// A message of this opcode: session, and this many bytes behind it.
pub fn message(opcode: u8, len: usize) -> Vec<u8> {
    let mut out = vec![opcode << 3];
    out.extend_from_slice(b"session1");
    out.resize(9 + len, 0);
    out
}

/// A control message with a TLS ClientHello, or as an answer to one a ServerHello, that acknowledges the message before.
pub fn hello(from_client: bool) -> Vec<u8> {
    let (header_len, kind) = if from_client { (14, 1) } else { (26, 2) };
    let mut out = message(CONTROL, header_len - 9);
    out.extend_from_slice(&[22, 3, 1, 0, 44, kind, 0, 0, 40, 3, 3]);
    out.resize(header_len + 49, 0);
    out
}
