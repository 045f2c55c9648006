//! Frames of an Initial (RFC 9000 sections 12.4 and 19).

use super::header::varint;
use crate::cursor::Cursor;

const PADDING: u64 = 0x00;
const PING: u64 = 0x01;
const ACK: u64 = 0x02;
const ACK_ECN: u64 = 0x03;
const CRYPTO: u64 = 0x06;
const CONNECTION_CLOSE: u64 = 0x1c;
const CONNECTION_CLOSE_OF_APPLICATION: u64 = 0x1d;

/// A part of the stream of handshake messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Crypto<'a> {
    pub(super) offset: u64,
    pub(super) data: &'a [u8],
}

/// The CRYPTO frames of a payload in their order, up to a frame that an Initial cannot have or that is cut off.
pub(super) fn crypto_frames(payload: &[u8]) -> impl Iterator<Item = Crypto<'_>> {
    let mut cursor = Cursor::new(payload);
    std::iter::from_fn(move || {
        loop {
            match varint(&mut cursor)? {
                PADDING => skip_padding(&mut cursor),
                PING => {}
                kind @ (ACK | ACK_ECN) => skip_acknowledgement(&mut cursor, kind == ACK_ECN)?,
                CRYPTO => {
                    let offset = varint(&mut cursor)?;
                    return Some(Crypto { offset, data: sized(&mut cursor)? });
                }
                kind @ (CONNECTION_CLOSE | CONNECTION_CLOSE_OF_APPLICATION) => {
                    let _error = varint(&mut cursor)?;
                    if kind == CONNECTION_CLOSE {
                        let _frame = varint(&mut cursor)?;
                    }
                    let _reason = sized(&mut cursor)?;
                }
                _ => return None,
            }
        }
    })
}

/// Bytes behind their length.
fn sized<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let len = varint(cursor)?;
    cursor.take(usize::try_from(len).ok()?)
}

/// Passes over the rest of a run of PADDING, of which there often are a thousand.
fn skip_padding(cursor: &mut Cursor<'_>) {
    let mut ahead = *cursor;
    let rest = ahead.rest();
    let run = rest.iter().position(|&byte| byte != 0).unwrap_or(rest.len());
    cursor.take(run);
}

fn skip_acknowledgement(cursor: &mut Cursor<'_>, with_ecn: bool) -> Option<()> {
    let _largest = varint(cursor)?;
    let _delay = varint(cursor)?;
    let further_ranges = varint(cursor)?;
    let _first_range = varint(cursor)?;
    // Each range takes at least two bytes: the payload ends before a count that lies.
    for _ in 0..further_ranges {
        let _gap = varint(cursor)?;
        let _len = varint(cursor)?;
    }
    if with_ecn {
        for _ in 0..3 {
            let _count = varint(cursor)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(payload: &[u8]) -> Vec<(u64, &[u8])> {
        crypto_frames(payload).map(|frame| (frame.offset, frame.data)).collect()
    }

    #[test]
    fn other_frames_of_initials_are_passed_over() {
        let mut payload = vec![0x01, 0x00, 0x00];
        payload.extend([0x02, 0x05, 0x00, 0x01, 0x00, 0x00, 0x01]); // ACK with a further range
        payload.extend([0x06, 0x40, 0x64, 0x02, b'a', b'b']);
        payload.extend([0x03, 0x05, 0x00, 0x00, 0x00, 0x01, 0x02, 0x03]); // ACK with ECN
        payload.extend([0x1c, 0x0a, 0x06, 0x03, b'w', b'h', b'y']);
        payload.extend([0x1d, 0x0a, 0x00]);
        payload.extend([0x06, 0x00, 0x01, b'c']);
        payload.extend([0; 500]);
        assert_eq!(offsets(&payload), [(100, &b"ab"[..]), (0, &b"c"[..])]);
    }

    #[test]
    fn frames_that_an_initial_cannot_have_and_cut_off_ones_end_the_payload() {
        assert_eq!(offsets(&[0x06, 0, 1, b'a', 0x08, 0x06, 1, 1, b'b']), [(0, &b"a"[..])]);
        assert_eq!(offsets(&[0x06, 0, 2, b'a']), []);
        assert_eq!(offsets(&[0x02, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0]), []);
        assert_eq!(offsets(&[0x06, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), []);
        assert_eq!(offsets(&[]), []);
    }
}
