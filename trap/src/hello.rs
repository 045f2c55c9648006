//! What a sender says first, on a connection and in a file: the kind of its messages and their format.
//!
//! Eight bytes (kind, three of padding, length of the specifier, big-endian), then the specifier.

use thiserror::Error;

/// Bytes of a hello before the specifier.
pub const HEADER_LEN: usize = 8;

/// The longest specifier that is read. Real ones have some hundred bytes.
pub const MAX_SPECIFIER: usize = 1 << 20;

/// What messages hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Format {
    /// The sender does not know yet; it closes the connection.
    Unknown,
    /// Octets without a format.
    Raw,
    /// UniRec records of the template with this specifier (see [`crate::unirec::Template`]).
    UniRec(String),
    /// JSON texts, with a name for what they hold, which may be empty.
    Json(String),
}

/// Why some bytes are no hello.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum HelloError {
    /// There is no such kind of data.
    #[error("kind of data {0} does not exist")]
    Kind(u8),
    /// A specifier longer than [`MAX_SPECIFIER`].
    #[error("a format of {0} bytes")]
    TooLong(usize),
    /// The specifier is not text.
    #[error("the format is not text")]
    NotText,
}

impl Format {
    const fn kind(&self) -> u8 {
        match self {
            Format::Unknown => 0,
            Format::Raw => 1,
            Format::UniRec(_) => 2,
            Format::Json(_) => 3,
        }
    }

    /// The bytes of the hello.
    pub fn encode(&self) -> Vec<u8> {
        let specifier = match self {
            Format::Unknown | Format::Raw => "",
            Format::UniRec(specifier) | Format::Json(specifier) => specifier,
        };
        let mut hello = vec![self.kind(), 0, 0, 0];
        hello.extend_from_slice(&(specifier.len() as u32).to_be_bytes());
        hello.extend_from_slice(specifier.as_bytes());
        hello
    }
}

/// The first eight bytes of a hello.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    kind: u8,
    /// Bytes of the specifier that follows.
    pub specifier_len: usize,
}

impl Header {
    /// Reads it.
    ///
    /// # Errors
    /// If it is none.
    pub fn decode(bytes: [u8; HEADER_LEN]) -> Result<Header, HelloError> {
        let [kind, _, _, _, len @ ..] = bytes;
        let specifier_len = u32::from_be_bytes(len) as usize;
        match kind {
            0..=3 if specifier_len <= MAX_SPECIFIER => Ok(Header { kind, specifier_len }),
            0..=3 => Err(HelloError::TooLong(specifier_len)),
            _ => Err(HelloError::Kind(kind)),
        }
    }

    /// What it says together with the specifier.
    ///
    /// # Errors
    /// If the specifier is not text.
    pub fn format(self, specifier: &[u8]) -> Result<Format, HelloError> {
        let text = || String::from_utf8(specifier.to_vec()).map_err(|_| HelloError::NotText);
        Ok(match self.kind {
            2 => Format::UniRec(text()?),
            3 => Format::Json(text()?),
            1 => Format::Raw,
            _ => Format::Unknown,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn decode(bytes: &[u8]) -> Result<Format, HelloError> {
        let (header, specifier) = bytes.split_first_chunk().unwrap();
        let header = Header::decode(*header)?;
        header.format(&specifier[..header.specifier_len])
    }

    #[test]
    fn a_hello_has_the_bytes_of_the_reference() {
        let format = Format::UniRec("uint32 COUNT,uint16 PORT,string NAME,uint16* LENS".into());
        let hello = format.encode();
        assert_eq!(hello[..12], *b"\x02\0\0\0\0\0\0\x31uint");
        assert_eq!(hello.len(), 57);
        for format in
            [format, Format::Unknown, Format::Raw, Format::Json(String::new()), Format::Json("x".into())]
        {
            assert_eq!(decode(&format.encode()), Ok(format));
        }
    }

    #[test]
    fn other_bytes_are_none() {
        assert_eq!(decode(b"\x04\0\0\0\0\0\0\0"), Err(HelloError::Kind(4)));
        assert_eq!(decode(b"\x02\0\0\0\0\x10\0\x01"), Err(HelloError::TooLong(MAX_SPECIFIER + 1)));
        assert_eq!(decode(b"\x02\xff\xff\xff\0\0\0\x01\xff"), Err(HelloError::NotText));
    }
}
