//! Texts as JSON strings.

use crate::format::{hex_pair, is_plain};

/// Appends `text` as a JSON string with its quotes. What is not UTF-8 becomes U+FFFD.
#[inline]
pub fn string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    // Nearly all texts on the wire are printable ASCII: one pass to see that, one copy.
    if is_plain(text) {
        out.extend_from_slice(text);
    } else {
        for chunk in text.utf8_chunks() {
            escaped(out, chunk.valid().as_bytes());
            if !chunk.invalid().is_empty() {
                out.extend_from_slice("\u{fffd}".as_bytes());
            }
        }
    }
    out.push(b'"');
}

fn escaped(out: &mut Vec<u8>, utf8: &[u8]) {
    for &byte in utf8 {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1f => {
                let [high, low] = hex_pair(byte);
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn shown(text: &[u8]) -> String {
        let mut out = Vec::new();
        string(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn quotes_backslashes_and_controls_are_escaped() {
        assert_eq!(shown(b"GET /"), r#""GET /""#);
        assert_eq!(shown(b"a\"b\\c\n\r\t\0\x1f"), r#""a\"b\\c\n\r\t\u0000\u001f""#);
        assert_eq!(shown("žluťoučký\x7f".as_bytes()), "\"žluťoučký\x7f\"");
    }

    #[test]
    fn what_is_not_utf8_becomes_the_replacement_character() {
        assert_eq!(shown(b"caf\xe9 \"x\""), "\"caf\u{fffd} \\\"x\\\"\"");
        assert_eq!(shown(b"\xe2\x82"), "\"\u{fffd}\"", "a character cut off in the middle");
    }

    proptest! {
        #[test]
        fn a_reader_gets_every_text_back(text: String) {
            prop_assert_eq!(serde_json::from_str::<String>(&shown(text.as_bytes())).unwrap(), text);
        }

        #[test]
        fn any_bytes_make_a_valid_string(bytes: Vec<u8>) {
            let read = serde_json::from_str::<String>(&shown(&bytes)).unwrap();
            prop_assert_eq!(read, String::from_utf8_lossy(&bytes));
        }
    }
}
