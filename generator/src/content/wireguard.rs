//! WireGuard messages (J. Donenfeld, "WireGuard: Next Generation Kernel Network Tunnel", section 5.4), with zeros for what is encrypted.

/// The initiation of a session, for which its sender chooses an index.
pub fn initiation(sender: u32) -> Vec<u8> {
    message(1, &[sender], 148)
}

/// The answer to an initiation.
pub fn response(sender: u32, receiver: u32) -> Vec<u8> {
    message(2, &[sender, receiver], 92)
}

/// Data of this many bytes with its padding.
pub fn data(receiver: u32, len: usize) -> Vec<u8> {
    message(4, &[receiver], 32 + len)
}

fn message(kind: u8, indices: &[u32], len: usize) -> Vec<u8> {
    let mut out = vec![kind, 0, 0, 0];
    indices.iter().for_each(|index| out.extend_from_slice(&index.to_le_bytes()));
    out.resize(len, 0);
    out
}
