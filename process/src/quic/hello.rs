//! What is kept of a ClientHello: a row of bytes, as short as what it says.

use super::header::varint;
use crate::{
    clip::clipped,
    cursor::Cursor,
    tls::hello::{ClientHello, ExtensionLists, extension::APPLICATION_PROTOCOLS},
};

/// The longest server name and user agent.
pub(super) const MAX_TEXT: usize = 254;

/// The most bytes of contents of extensions.
pub(super) const MAX_CONTENTS: usize = 1499;

/// Extensions with transport parameters: RFC 9001, drafts 13 to 32.
const TRANSPORT_PARAMETERS: [u16; 2] = [57, 0xffa5];

/// The transport parameter in which Google's clients name themselves.
const USER_AGENT: u64 = 0x3129;

/// What a ClientHello says.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Kept<'a> {
    pub(super) server_name: &'a [u8],
    pub(super) user_agent: &'a [u8],
    /// Types of the extensions, 16 bits each.
    kinds: &'a [u8],
    /// Lengths of the same extensions, 16 bits each.
    lens: &'a [u8],
    /// What the extensions with application protocols and transport parameters hold.
    pub(super) contents: &'a [u8],
}

/// Replaces `out` by what is kept of `hello`: the lengths of two texts and the number of extensions, a byte each; the texts, types
/// and lengths; the contents.
pub(super) fn keep(hello: &ClientHello<'_>, out: &mut Vec<u8>) {
    let server_name = clipped(hello.server_name().unwrap_or(&[]), MAX_TEXT);
    let parameters = hello.extensions.iter().find(|extension| TRANSPORT_PARAMETERS.contains(&extension.kind));
    let user_agent = parameters.and_then(|extension| parameter(extension.content, USER_AGENT)).unwrap_or(&[]);
    let user_agent = clipped(user_agent, MAX_TEXT);
    let lists = ExtensionLists::of(hello.extensions);
    out.clear();
    out.extend([server_name.len() as u8, user_agent.len() as u8, lists.kinds().len() as u8]);
    out.extend_from_slice(server_name);
    out.extend_from_slice(user_agent);
    for list in [lists.kinds(), lists.lens()] {
        out.extend(list.iter().flat_map(|number| number.to_be_bytes()));
    }
    let mut room = MAX_CONTENTS;
    for extension in hello.extensions.iter() {
        if extension.kind == APPLICATION_PROTOCOLS || TRANSPORT_PARAMETERS.contains(&extension.kind) {
            let content = &extension.content[..extension.content.len().min(room)];
            out.extend_from_slice(content);
            room -= content.len();
        }
    }
}

/// The value of a transport parameter (RFC 9000 section 18).
fn parameter(parameters: &[u8], wanted: u64) -> Option<&[u8]> {
    let mut cursor = Cursor::new(parameters);
    loop {
        let id = varint(&mut cursor)?;
        let len = varint(&mut cursor)?;
        let value = cursor.take(usize::try_from(len).ok()?)?;
        if id == wanted {
            return Some(value);
        }
    }
}

impl<'a> Kept<'a> {
    /// Reads what [`keep`] wrote.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Kept<'a>> {
        let mut cursor = Cursor::new(bytes);
        let [server_name, user_agent, count] = [cursor.u8()?, cursor.u8()?, cursor.u8()?].map(usize::from);
        Some(Kept {
            server_name: cursor.take(server_name)?,
            user_agent: cursor.take(user_agent)?,
            kinds: cursor.take(2 * count)?,
            lens: cursor.take(2 * count)?,
            contents: cursor.rest(),
        })
    }

    /// Replaces `kinds` and `lens` by the types and lengths of the extensions.
    pub(super) fn lists(&self, kinds: &mut Vec<u16>, lens: &mut Vec<u16>) {
        for (numbers, bytes) in [(kinds, self.kinds), (lens, self.lens)] {
            numbers.clear();
            numbers.extend(bytes.chunks_exact(2).map(|word| u16::from_be_bytes([word[0], word[1]])));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The body of a ClientHello with these extensions.
    fn body(extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let mut list = Vec::new();
        for (kind, content) in extensions {
            list.extend(kind.to_be_bytes());
            list.extend((content.len() as u16).to_be_bytes());
            list.extend_from_slice(content);
        }
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
        body.extend((list.len() as u16).to_be_bytes());
        body.extend(list);
        body
    }

    fn kept(extensions: &[(u16, &[u8])], look: impl FnOnce(Kept<'_>, &[u16], &[u16])) {
        let body = body(extensions);
        let (mut bytes, mut kinds, mut lens) = (vec![9], vec![9], vec![9]);
        keep(&ClientHello::parse(&body).unwrap(), &mut bytes);
        let kept = Kept::read(&bytes).unwrap();
        kept.lists(&mut kinds, &mut lens);
        look(kept, &kinds, &lens);
    }

    #[test]
    fn names_lists_and_contents_are_kept() {
        let parameters = b"\x01\x01x\x71\x29\x05agent\x02\x00";
        let extensions: [(u16, &[u8]); 4] =
            [(16, b"\x00\x03\x02h3"), (0, b"\x00\x06\x00\x00\x03a.b"), (51, b"key"), (0xffa5, parameters)];
        kept(&extensions, |kept, kinds, lens| {
            assert_eq!((kept.server_name, kept.user_agent), (&b"a.b"[..], &b"agent"[..]));
            assert_eq!((kinds, lens), (&[16, 0, 51, 0xffa5][..], &[5, 8, 3, 13][..]));
            assert_eq!(kept.contents, [b"\x00\x03\x02h3", &parameters[..]].concat());
        });
        kept(&[], |nothing, kinds, lens| {
            assert_eq!((nothing, kinds.len(), lens.len()), (Kept::default(), 0, 0));
        });
    }

    #[test]
    fn what_is_long_is_cut() {
        let name = [b'n'; 300];
        let server_name = [b"\x01\x2f\x00\x01\x2c", &name[..]].concat();
        let agent = [b"\x71\x29\x45\xdc", &[b'a'; 1500][..]].concat();
        kept(&[(0, &server_name), (57, &agent)], |kept, _, _| {
            assert_eq!((kept.server_name, kept.user_agent), (&name[..MAX_TEXT], &[b'a'; MAX_TEXT][..]));
            assert_eq!(kept.contents, &agent[..MAX_CONTENTS]);
        });
        let many: Vec<(u16, &[u8])> = (100..150).map(|kind| (kind, &b""[..])).collect();
        kept(&many, |_, kinds, _| assert_eq!(kinds, (100..130).collect::<Vec<_>>()));
    }
}
