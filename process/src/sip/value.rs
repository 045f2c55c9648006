//! Values of header fields (RFC 3261 sections 20 and 25), as they are exported.

/// The value without its parameters.
pub(super) fn without_parameters(value: &[u8]) -> &[u8] {
    let end = memchr::memchr(b';', value).unwrap_or(value.len());
    value[..end].trim_ascii()
}

/// A call id from its first letter or digit to its last. What is left out does not tell calls apart, and collectors know them so.
pub(super) fn call_id(value: &[u8]) -> &[u8] {
    let value = without_parameters(value);
    let start = value.iter().position(u8::is_ascii_alphanumeric).unwrap_or(value.len());
    let end = value.iter().rposition(u8::is_ascii_alphanumeric).map_or(start, |last| last + 1);
    &value[start..end]
}

/// The values of a field that may have several, separated by commas.
pub(super) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    value.split(move |&byte| {
        quoted ^= byte == b'"';
        byte == b',' && !quoted
    })
}

/// The URI of From and To: in angle brackets, with its parameters, or without, where parameters are those of the field.
pub(super) fn uri(value: &[u8]) -> &[u8] {
    match behind_bracket(value) {
        Some(uri) => {
            let end = memchr::memchr(b'>', uri).unwrap_or(uri.len());
            uri[..end].trim_ascii()
        }
        None => {
            let uri = without_parameters(value);
            if has_scheme(uri) { uri } else { b"" }
        }
    }
}

/// What follows the opening bracket, which does not count within a quoted name.
fn behind_bracket(value: &[u8]) -> Option<&[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    let bracket = value.iter().position(|&byte| {
        let was_escaped = escaped;
        escaped = quoted && byte == b'\\' && !was_escaped;
        quoted ^= byte == b'"' && !was_escaped;
        byte == b'<' && !quoted
    })?;
    Some(&value[bracket + 1..])
}

/// Whether this begins like `sip:` or `tel:`.
fn has_scheme(uri: &[u8]) -> bool {
    let len =
        uri.iter().take_while(|&&b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')).count();
    len > 0 && uri.get(len) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uri_of_a_party_is_found() {
        let text = |value: &'static str| String::from_utf8_lossy(uri(value.as_bytes())).into_owned();
        for (value, expected) in [
            ("<sip:100@1.1.1.1>;tag=1", "sip:100@1.1.1.1"),
            (
                "\"a <sip:no@x> \\\" ; b\" <sips:yes@host:5061;user=phone>;tag=x",
                "sips:yes@host:5061;user=phone",
            ),
            ("sip:1000@10.0.0.5", "sip:1000@10.0.0.5"),
            ("sip:1000@10.0.0.5;tag=7", "sip:1000@10.0.0.5"),
            ("tel:+420123456789", "tel:+420123456789"),
            ("Bob <tel:+1>", "tel:+1"),
            ("<sip:cut", "sip:cut"),
            ("anonymous", ""),
            ("", ""),
        ] {
            assert_eq!(text(value), expected, "{value}");
        }
    }

    #[test]
    fn other_values_are_trimmed() {
        assert_eq!(
            without_parameters(b" SIP/2.0/UDP [2001:db8::1]:5060 ;branch=z9"),
            b"SIP/2.0/UDP [2001:db8::1]:5060"
        );
        assert_eq!(without_parameters(b"X/1.0 (foo)"), b"X/1.0 (foo)");
        assert_eq!(call_id(b"KopLTw9xs_lEpCtiPa07bQ.."), b"KopLTw9xs_lEpCtiPa07bQ");
        assert_eq!(call_id(b" (a@b) "), b"a@b");
        assert_eq!(call_id(b"-."), b"");
        let values: Vec<&[u8]> = list(b"a;x=\"1,2\", b").collect();
        assert_eq!(values, [&b"a;x=\"1,2\""[..], b" b"]);
    }
}
