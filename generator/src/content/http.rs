//! HTTP/1.1 heads.

/// A request head as a browser writes it.
pub fn request(host: &str, path: &str, version: u64) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0\r\n\
         Accept: */*\r\nReferer: http://{host}/\r\nConnection: keep-alive\r\n\r\n"
    )
    .into_bytes()
}

/// A response head that announces `length` bytes.
pub fn response(server: &str, cookie: u64, length: usize) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nServer: {server}\r\nContent-Type: text/html; charset=utf-8\r\n\
         Set-Cookie: sid={cookie}; Path=/\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes()
}
