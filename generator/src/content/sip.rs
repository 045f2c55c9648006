//! SIP messages of one call.

/// A request, with a body of this many lines.
pub fn request(method: &str, number: u32, body_lines: usize) -> Vec<u8> {
    message(&format!("{method} sip:bob@example.com;transport=tcp SIP/2.0"), method, number, body_lines)
}

/// A response to a request with this method.
pub fn response(status: &str, method: &str, number: u32) -> Vec<u8> {
    message(&format!("SIP/2.0 {status}"), method, number, 0)
}

fn message(start: &str, method: &str, number: u32, body_lines: usize) -> Vec<u8> {
    let body = "SIP/2.0 200 OK is no response here\r\n".repeat(body_lines);
    format!(
        "{start}\r\nVia: SIP/2.0/TCP proxy.example.com;branch=z9hG4bK1\r\nv: SIP/2.0/TCP phone.example.com:5060\r\n\
         From: \"Alice <in> Example\" <sip:alice@example.com>;tag=1\r\nt: <sip:bob@example.com;user=phone>\r\n\
         Call-ID: a84b4c76e66710@phone.example.com\r\nCSeq: {number}\r\n {method}\r\nUser-Agent: phone/1 (test)\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
