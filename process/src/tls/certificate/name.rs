//! Distinguished names as text, in the form of RFC 4514: the last relative name first, `CN=www.example.com,O=Example,C=US`.
//! Values of types without a short name are shown as text too, behind the number of the type.

use std::fmt::Write;

use arrayvec::ArrayVec;

use super::{MAX_NAME, element, tag};
use crate::{clip::Clip, cursor::Cursor};

/// The most relative names that are looked at.
const MAX_RELATIVE_NAMES: usize = 32;

type Text = Clip<MAX_NAME>;

/// The text of a name, whose content this is. What cannot be read is left out.
pub(super) fn text(content: &[u8]) -> Text {
    let mut cursor = Cursor::new(content);
    let mut relative_names = ArrayVec::<&[u8], MAX_RELATIVE_NAMES>::new();
    while let Ok(next) = element(&mut cursor) {
        if next.tag != tag::SET || relative_names.try_push(next.content).is_err() {
            break;
        }
    }
    let mut text = Text::new();
    for content in relative_names.iter().rev() {
        let mut cursor = Cursor::new(content);
        let mut separator: &[u8] = if text.as_bytes().is_empty() { b"" } else { b"," };
        while let Ok(attribute) = element(&mut cursor) {
            let mut cursor = Cursor::new(attribute.content);
            let (Ok(kind), Ok(value)) = (element(&mut cursor), element(&mut cursor)) else { break };
            if kind.tag != tag::OBJECT_IDENTIFIER {
                break;
            }
            text.push(separator);
            separator = b"+";
            put_kind(&mut text, kind.content);
            text.push(b"=");
            put_value(&mut text, value.tag, value.content);
        }
    }
    text
}

/// The short name of a type of attributes (RFC 4514 section 3, and common ones), or its number with dots.
fn put_kind(text: &mut Text, identifier: &[u8]) {
    let name: &[u8] = match identifier {
        b"\x55\x04\x03" => b"CN",
        b"\x55\x04\x05" => b"serialNumber",
        b"\x55\x04\x06" => b"C",
        b"\x55\x04\x07" => b"L",
        b"\x55\x04\x08" => b"ST",
        b"\x55\x04\x09" => b"STREET",
        b"\x55\x04\x0a" => b"O",
        b"\x55\x04\x0b" => b"OU",
        b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01" => b"UID",
        b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19" => b"DC",
        b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01" => b"emailAddress",
        _ => return put_numbers(text, identifier),
    };
    text.push(name);
}

/// An object identifier as numbers with dots.
fn put_numbers(text: &mut Text, identifier: &[u8]) {
    let mut number = 0u64;
    let mut is_first = true;
    for byte in identifier {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        // Writing to a clipped text cannot fail.
        let _ = match number {
            _ if !is_first => write!(text, ".{number}"),
            0..80 => write!(text, "{}.{}", number / 40, number % 40),
            _ => write!(text, "2.{}", number - 80),
        };
        (number, is_first) = (0, false);
    }
}

const BMP_STRING: u8 = 30;

/// The value of an attribute, escaped (RFC 4514 section 2.4).
fn put_value(text: &mut Text, kind: u8, value: &[u8]) {
    if kind != BMP_STRING {
        return put_escaped(text, value, 0, value.len());
    }
    let units = value.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
    for (place, character) in char::decode_utf16(units).enumerate() {
        let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
        let mut utf8 = [0; 4];
        put_escaped(text, character.encode_utf8(&mut utf8).as_bytes(), place, value.len() / 2);
    }
}

/// Appends bytes number `place` and following of a value of `len`.
fn put_escaped(text: &mut Text, bytes: &[u8], place: usize, len: usize) {
    for (place, &byte) in (place..).zip(bytes) {
        match byte {
            b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' => text.push(&[b'\\', byte]),
            b'#' if place == 0 => text.push(b"\\#"),
            b' ' if place == 0 || place + 1 == len => text.push(b"\\ "),
            0..b' ' | 0x7f => {
                let _ = write!(text, "\\{byte:02X}");
            }
            _ => text.push(&[byte]),
        }
    }
}
