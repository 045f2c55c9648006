//! Where messages lie in a stream, between bodies and interleaved media (RFC 7826 section 14).

use memchr::memmem;

use super::{Head, Rtsp};
use crate::start_line::{Family, Recognised, Start, recognise};

/// What the next bytes of a direction are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum Place {
    /// Nothing of this protocol was seen in the record: a message begins with the bytes, or none.
    Unseen,
    /// Anything: the record began, or bytes are missing, within a body or media.
    #[default]
    Lost,
    /// Lines of a head, behind the line feed that ends the one before.
    Head(Head),
    /// So many bytes of a body or of media, then a message or media.
    Ahead(u32),
}

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found<'a> {
    /// A start line, and where it ends.
    Start { start: Start<'a>, behind: usize },
    /// The head goes on.
    Head(Head),
    /// No message. So many bytes at the end are to be seen again.
    Nothing { again: usize },
}

impl Found<'_> {
    const NOTHING: Found<'static> = Found::Nothing { again: 0 };
}

/// What media interleaved with messages begin with: this, a channel, and their length in two bytes.
const FRAME: u8 = b'$';

/// Walks from `position` to the next message. The place where the walk ends, if it is not at one.
#[inline]
pub(super) fn find_message(place: Place, data: &[u8], position: usize) -> (Place, Found<'_>) {
    let len = match place {
        Place::Head(head) if data.get(position) == Some(&b'\n') => return (place, Found::Head(head)),
        Place::Ahead(len) => len as usize,
        Place::Unseen | Place::Head(_) | Place::Lost => 0,
    };
    match (place, walk(data, position, len)) {
        (Place::Ahead(_), Ok(found)) | (_, Ok(found @ (_, Found::Start { .. }))) => found,
        (Place::Ahead(_), Err(lost_at)) => search(data, lost_at),
        // What looks like media may be none, but a part of a start line, behind it or not, is likely one.
        (_, Ok((_, found @ Found::Nothing { again: 1.. }))) => (place, found),
        (Place::Unseen, _) => (place, Found::NOTHING),
        _ => search(data, position),
    }
}

/// Walks over the next `len` bytes, media and line ends to the next message. If something else is there: where.
fn walk(data: &[u8], mut position: usize, len: usize) -> Result<(Place, Found<'_>), usize> {
    position = position.saturating_add(len);
    loop {
        if position >= data.len() {
            return Ok((Place::Ahead((position - data.len()) as u32), Found::NOTHING));
        }
        let rest = &data[position..];
        match rest {
            [FRAME, _, high, low, ..] => {
                position += 4 + usize::from(u16::from_be_bytes([*high, *low]));
            }
            [FRAME, ..] => return Ok((Place::Ahead(0), Found::Nothing { again: rest.len() })),
            [b'\r' | b'\n', ..] => position += 1,
            _ => {
                return match recognise::<Rtsp>(rest) {
                    Recognised::Whole(start, len) => {
                        Ok((Place::Ahead(0), Found::Start { start, behind: position + len }))
                    }
                    Recognised::Incomplete => Ok((Place::Ahead(0), Found::Nothing { again: rest.len() })),
                    Recognised::Nothing => Err(position),
                };
            }
        }
    }
}

/// Searches for a response in bytes of which nothing is known.
fn search(data: &[u8], position: usize) -> (Place, Found<'_>) {
    let mut rest = position;
    while let Some(offset) = memmem::find(&data[rest..], Rtsp::VERSION) {
        rest += offset;
        if let Recognised::Whole(start @ Start::Response { .. }, len) = recognise::<Rtsp>(&data[rest..]) {
            return (Place::Ahead(0), Found::Start { start, behind: rest + len });
        }
        rest += Rtsp::VERSION.len();
    }
    (Place::Lost, Found::NOTHING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_and_bodies_are_skipped_by_their_length() {
        let ok = b"RTSP/1.0 200 OK\r\n";
        let start = Start::Response { status: 200 };
        let data = [b"body$\x00\x00\x03RTP\r\n$\x01\x00\x00", &ok[..]].concat();
        assert_eq!(
            find_message(Place::Ahead(4), &data, 0),
            (Place::Ahead(0), Found::Start { start, behind: data.len() })
        );
        assert_eq!(find_message(Place::Ahead(0), b"$\x00\x01\x00ab", 0), (Place::Ahead(254), Found::NOTHING));
        assert_eq!(find_message(Place::Ahead(300), b"abc", 0), (Place::Ahead(297), Found::NOTHING));
        assert_eq!(
            find_message(Place::Ahead(0), b"$\x00\x01", 0),
            (Place::Ahead(0), Found::Nothing { again: 3 })
        );
        assert_eq!(
            find_message(Place::Ahead(1), b"xRTSP/1", 0),
            (Place::Ahead(0), Found::Nothing { again: 6 })
        );
    }

    #[test]
    fn within_media_a_response_is_searched_for() {
        let data = b"media RTSP/ RTSP/1.0 404 Not Found\r\n";
        let start = Start::Response { status: 404 };
        assert_eq!(find_message(Place::Lost, data, 0).1, Found::Start { start, behind: data.len() });
        assert_eq!(find_message(Place::Unseen, data, 0), (Place::Unseen, Found::NOTHING));
        assert_eq!(find_message(Place::Lost, b"$\x00\x00\x02 media", 0), (Place::Lost, Found::NOTHING));
        assert_eq!(
            find_message(Place::Lost, b"$\x00\x00\x01 RT", 0),
            (Place::Lost, Found::Nothing { again: 2 })
        );
        assert_eq!(find_message(Place::Ahead(0), b"media", 0), (Place::Lost, Found::NOTHING));
    }
}
