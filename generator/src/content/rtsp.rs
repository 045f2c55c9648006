//! RTSP messages, and media between them.

/// A request.
pub fn request(method: &str, number: u32) -> Vec<u8> {
    format!(
        "{method} rtsp://media.example.com/film RTSP/1.0\r\nCSeq: {number}\r\nUser-Agent: player/1\r\n\r\n"
    )
    .into_bytes()
}

/// A response with a description of this many lines.
pub fn response(status: u16, number: u32, lines: usize) -> Vec<u8> {
    let body = "a=RTSP/1.0 100 not a response\r\n".repeat(lines);
    format!(
        "RTSP/1.0 {status} Whatever\r\nCSeq: {number}\r\nserver:streamer/2\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A frame of media of this length.
pub fn media(channel: u8, len: u16) -> Vec<u8> {
    let [high, low] = len.to_be_bytes();
    [&[b'$', channel, high, low][..], &vec![0x5a; len.into()]].concat()
}
