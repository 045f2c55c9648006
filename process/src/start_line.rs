//! Start lines of HTTP (RFC 9112 sections 3 and 4) and of the protocols that took after it: RTSP and SIP.

use weir_flow::plugin::View;

/// What tells a protocol of this family from the others.
pub(crate) trait Family {
    /// What its version begins with, slash included.
    const VERSION: &'static [u8];
    /// Methods, with the blank behind each, of which the beginning alone makes a start line likely.
    const METHODS: &'static [&'static [u8]];
}

/// The first line of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Start<'a> {
    Request { method: &'a [u8], target: &'a [u8] },
    Response { status: u16 },
}

/// What the beginning of some bytes is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Recognised<'a> {
    /// A start line and its length, line end included.
    Whole(Start<'a>, usize),
    /// It may become a start line when more bytes come.
    Incomplete,
    /// No start line.
    Nothing,
}

/// The longest method that is looked for.
const MAX_METHOD: usize = 31;

/// The longest version behind it: `1.1`, or what a damaged capture makes of it.
const MAX_VERSION: usize = 3;

/// Recognises a start line. A response is told first: `HTTP/1.1 505 HTTP Version Not Supported` is no request.
///
/// Bodies pass here packet by packet; nearly all of them are told by their first byte.
#[inline]
pub(crate) fn recognise<F: Family>(data: &[u8]) -> Recognised<'_> {
    match data.first() {
        Some(first) if first.is_ascii_uppercase() => {}
        _ => return Recognised::Nothing,
    }
    match data.strip_prefix(F::VERSION) {
        Some(rest) => status_line(data, rest),
        None => request_line::<F>(data),
    }
}

/// The bytes to look at, and what begins with them. Retained bytes that did not become a start line were the end of a body:
/// then the packet's own bytes may begin a message.
#[inline]
pub(crate) fn look<'a, F: Family>(view: &View<'a>) -> (&'a [u8], Recognised<'a>) {
    let (data, payload) = (view.data, view.packet.payload());
    match recognise::<F>(data) {
        Recognised::Nothing if data.len() > payload.len() && data[0] != b'\n' && data.ends_with(payload) => {
            (payload, recognise::<F>(payload))
        }
        recognised => (data, recognised),
    }
}

/// The line that ends with the first line feed, once the part that tells what it is has been read.
fn whole<'a>(data: &'a [u8], start: Start<'a>) -> Recognised<'a> {
    match memchr::memchr(b'\n', data) {
        Some(end) => Recognised::Whole(start, end + 1),
        None => Recognised::Incomplete,
    }
}

/// `HTTP/version SP status [SP reason]`; `rest` is what follows the slash.
fn status_line<'a>(data: &'a [u8], rest: &[u8]) -> Recognised<'a> {
    let version_len = rest.iter().take(MAX_VERSION + 1).take_while(|&&b| b > b' ').count();
    if version_len > MAX_VERSION || !rest.first().is_none_or(u8::is_ascii_digit) {
        return Recognised::Nothing;
    }
    match &rest[version_len..] {
        [] | [b' '] | [b' ', b'1'..=b'9'] => Recognised::Incomplete,
        [b' ', b'1'..=b'9', b] if b.is_ascii_digit() => Recognised::Incomplete,
        [b' ', b'1'..=b'9', b, c] if b.is_ascii_digit() && c.is_ascii_digit() => Recognised::Incomplete,
        [b' ', a @ b'1'..=b'9', b, c, b' ' | b'\r' | b'\n', ..]
            if b.is_ascii_digit() && c.is_ascii_digit() =>
        {
            let digit = |byte: &u8| u16::from(byte - b'0');
            whole(data, Start::Response { status: digit(a) * 100 + digit(b) * 10 + digit(c) })
        }
        _ => Recognised::Nothing,
    }
}

fn is_method_byte(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
}

/// `method SP target SP HTTP/version`.
fn request_line<F: Family>(data: &[u8]) -> Recognised<'_> {
    let version = F::VERSION;
    let method_len = data.iter().take(MAX_METHOD + 1).take_while(|&&b| is_method_byte(b)).count();
    let (method, rest) = data.split_at(method_len);
    let target_on = match rest {
        _ if method_len > MAX_METHOD => return Recognised::Nothing,
        // The last segment of a body may well be `OK`; it is not to be taken for a method.
        [] if version.starts_with(data) || F::METHODS.iter().any(|known| known.starts_with(data)) => {
            return Recognised::Incomplete;
        }
        [b' ', target_on @ ..] => target_on,
        _ => return Recognised::Nothing,
    };
    let Some(target_len) = memchr::memchr2(b' ', b'\n', target_on) else {
        // Text that begins with a word in capitals is common; a target has no control characters.
        let plausible = method_len >= 3 && target_on.iter().all(|&b| b > b' ');
        return if plausible { Recognised::Incomplete } else { Recognised::Nothing };
    };
    let (target, rest) = target_on.split_at(target_len);
    match rest {
        [b' ', found @ ..] if found.len() <= version.len() => {
            if version.starts_with(found) {
                Recognised::Incomplete
            } else {
                Recognised::Nothing
            }
        }
        [b' ', found @ ..] if found.starts_with(version) && found[version.len()].is_ascii_digit() => {
            whole(data, Start::Request { method, target })
        }
        _ => Recognised::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    enum Http {}

    impl Family for Http {
        const VERSION: &'static [u8] = b"HTTP/";
        const METHODS: &'static [&'static [u8]] = &[b"GET ", b"M-SEARCH ", b"PRI ", b"CONNECT "];
    }

    fn request(method: &'static str, target: &'static str) -> Start<'static> {
        Start::Request { method: method.as_bytes(), target: target.as_bytes() }
    }

    #[test]
    fn start_lines_are_recognised() {
        let response = |status| Start::Response { status };
        for (line, start) in [
            ("GET / HTTP/1.1\r\n", request("GET", "/")),
            ("M-SEARCH * HTTP/1.1\n", request("M-SEARCH", "*")),
            ("PRI * HTTP/2.0\r\n", request("PRI", "*")),
            ("CONNECT apache.org:443 HTTP/1.0\r\n", request("CONNECT", "apache.org:443")),
            ("HTTP/1.1 200 OK\r\n", response(200)),
            ("HTTP/1.1 200\r\n", response(200)),
            ("HTTP/1.0 404\n", response(404)),
            ("HTTP/1.1 505 HTTP Version Not Supported\r\n", response(505)),
        ] {
            assert_eq!(recognise::<Http>(line.as_bytes()), Recognised::Whole(start, line.len()), "{line}");
            for len in 1..line.len() {
                assert_eq!(
                    recognise::<Http>(&line.as_bytes()[..len]),
                    Recognised::Incomplete,
                    "{}",
                    &line[..len]
                );
            }
        }
    }

    #[test]
    fn other_text_is_not() {
        for text in [
            "",
            "\n",
            "get / HTTP/1.1\r\n",
            "GET /\r\n",
            "GET / HTTPS/1.1\r\n",
            "GET / FTP/1.1\r\n",
            "The quick brown fox",
            "THE QUICK BROWN",
            "HTTP/1.1 20\r\n",
            "HTTP/1.1 99999\r\n",
            "HTTP/1.1 2x0 OK\r\n",
            "HTTP/x.1 200 OK\r\n",
            "HTTP/1.1 000 OK\r\n",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1\r\n",
            "OK",
            "SSH-2.0-OpenSSH\r\n",
        ] {
            assert_eq!(recognise::<Http>(text.as_bytes()), Recognised::Nothing, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(
            start in "(HTTP/|GET |POST /|)",
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let _ = recognise::<Http>(&[start.as_bytes(), &bytes].concat());
        }
    }
}
