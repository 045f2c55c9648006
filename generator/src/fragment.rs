//! Datagrams in pieces.

use crate::{
    headers::{self, FragmentField, protocol},
    path::Path,
};

/// The IP packets of a datagram in fragments of at most `piece` bytes of payload (rounded down to a multiple of 8), in order.
/// `payload` begins with the header of the transport layer, `number` says which.
pub fn fragments(path: &Path, identification: u32, number: u8, payload: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let piece = (piece & !7).max(8);
    let last = payload.len().saturating_sub(1) / piece;
    payload
        .chunks(piece)
        .enumerate()
        .map(|(index, bytes)| {
            let field = FragmentField { offset: index * piece, more: index < last };
            fragment(path, identification, number, bytes, field)
        })
        .collect()
}

/// One fragment as an IP packet.
pub fn fragment(path: &Path, identification: u32, number: u8, bytes: &[u8], field: FragmentField) -> Vec<u8> {
    let mut out = Vec::with_capacity(48 + bytes.len());
    if path.is_ipv6() {
        headers::ip(&mut out, path, protocol::FRAGMENT, 8 + bytes.len(), 0);
        out.extend_from_slice(&[number, 0]);
        out.extend_from_slice(&(field.offset as u16 | u16::from(field.more)).to_be_bytes());
        out.extend_from_slice(&identification.to_be_bytes());
    } else {
        headers::ipv4(&mut out, path, number, bytes.len(), identification as u16, field);
    }
    out.extend_from_slice(bytes);
    out
}
