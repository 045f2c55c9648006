//! Domain names (RFC 1035 section 4.1.4).

use crate::{clip::Clip, cursor::Cursor};

/// Labels and pointers of one name. A name of 255 bytes has at most 127 labels.
const MAX_STEPS: usize = 128;

/// The two bits that tell a pointer.
const POINTER: u8 = 0xc0;

/// Leaves the name at `cursor` behind. A pointer of which the message holds only the first byte is left behind too: what
/// is cut off is for the next read to find out.
pub(crate) fn skip(cursor: &mut Cursor<'_>) -> Option<()> {
    loop {
        match cursor.u8()? {
            0 => return Some(()),
            pointer if pointer >= POINTER => {
                cursor.u8();
                return Some(());
            }
            len => cursor.take(len.into())?,
        };
    }
}

/// Writes the name at `cursor`, which reads `message`, to `text` and leaves it behind: labels as they are, joined by
/// dots, none at the end; the root is empty. Pointers must go backwards.
pub(crate) fn read<const N: usize>(
    message: &[u8],
    cursor: &mut Cursor<'_>,
    text: &mut Clip<N>,
) -> Option<()> {
    let mut labels = *cursor;
    skip(cursor)?;
    let mut pointed_from = labels.position();
    let mut separator: &[u8] = b"";
    for _ in 0..MAX_STEPS {
        match labels.u8()? {
            0 => return Some(()),
            pointer if pointer >= POINTER => {
                let target = usize::from(pointer & !POINTER) << 8 | usize::from(labels.u8()?);
                if target >= pointed_from {
                    return None;
                }
                pointed_from = target;
                labels = Cursor::at(message, target)?;
            }
            len if len < 64 => {
                text.push(separator);
                text.push(labels.take(len.into())?);
                separator = b".";
            }
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text(message: &[u8], position: usize) -> Option<(String, usize)> {
        let mut text = Clip::<255>::new();
        let mut cursor = Cursor::at(message, position)?;
        read(message, &mut cursor, &mut text)?;
        Some((String::from_utf8_lossy(text.as_bytes()).into_owned(), cursor.position()))
    }

    #[test]
    fn labels_are_joined_and_pointers_followed() {
        let message = b"\x03www\x03cz.\x00\x01a\xc0\x04\xc0\x09";
        assert_eq!(text(message, 0), Some(("www.cz.".into(), 9)));
        assert_eq!(text(message, 9), Some(("a.cz.".into(), 13)));
        assert_eq!(text(message, 13), Some(("a.cz.".into(), 15)));
        assert_eq!(text(message, 8), Some((String::new(), 9)));
    }

    #[test]
    fn pointers_that_do_not_go_backwards_and_names_that_end_early_are_errors() {
        for (message, position) in [
            (&b"\xc0\x00"[..], 0),
            (b"\xc0\x02\x00", 0),
            (b"\x01a\xc0\x00", 0),
            (b"\xc0\x02\xc0\x00", 2),
            (b"\x01a\xc0", 0),
            (b"\x05abc", 0),
            (b"\x41abc\0", 0),
            (b"", 0),
        ] {
            assert_eq!(text(message, position), None, "{message:x?}");
        }
    }

    #[test]
    fn the_number_of_steps_is_bounded() {
        let name = |labels: usize| [b"\x01a".repeat(labels), vec![0]].concat();
        assert!(text(&name(127), 0).is_some());
        assert!(text(&name(128), 0).is_none());
    }
}
