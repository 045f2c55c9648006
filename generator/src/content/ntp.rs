//! NTP packets (RFC 5905).

/// A client's question.
pub const CLIENT: u8 = 3;
/// A server's answer.
pub const SERVER: u8 = 4;

/// A packet of version 4 of this mode, from a server of stratum 2 synchronised with 192.0.2.123; timestamps as they are on the
/// wire: reference, origin, receive, transmit.
pub fn packet(mode: u8, timestamps: [u64; 4]) -> Vec<u8> {
    // Poll 2⁶ s, precision 2⁻²⁰ s, root delay 81 · 2⁻¹⁶ s, root dispersion 2385 · 2⁻¹⁶ s.
    let mut out = vec![4 << 3 | mode, 2, 6, 0xec, 0, 0, 0, 81, 0, 0, 9, 81, 192, 0, 2, 123];
    timestamps.iter().for_each(|time| out.extend_from_slice(&time.to_be_bytes()));
    out
}
