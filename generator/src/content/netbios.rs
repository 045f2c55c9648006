//! Requests of the NetBIOS name service (RFC 1002).

/// A broadcast query for a name with this suffix.
pub fn query(id: u16, name: &str, suffix: u8) -> Vec<u8> {
    let mut out = id.to_be_bytes().to_vec();
    out.extend_from_slice(&[1, 0x10, 0, 1, 0, 0, 0, 0, 0, 0, 32]);
    for octet in format!("{name:15}").into_bytes().into_iter().take(15).chain([suffix]) {
        out.extend([b'A' + (octet >> 4), b'A' + (octet & 15)]);
    }
    out.extend_from_slice(&[0, 0, 32, 0, 1]);
    out
}
