//! Messages that do not fit one segment each.

use std::net::Ipv4Addr;

use super::{Capture, Film, film::conversation};
use crate::{
    content::{dns, http},
    dialogue::{Dialogue, Segment},
    path::Path,
};

pub(super) const CAPTURES: &[Capture] = &[
    Capture::new(
        "an-http-head-split-over-segments",
        "a request in five pieces, one of a single byte, and a response in three: the same fields as whole ones",
        || web(|_| {}),
    ),
    Capture::new(
        "an-http-head-split-and-out-of-order",
        "the same with two pieces of each head changed places",
        || {
            web(|segments| {
                segments.swap(4, 5);
                segments.swap(8, 9);
            })
        },
    ),
    Capture::new(
        "an-http-head-split-and-sent-twice",
        "the same with a piece of the request and the whole response sent twice",
        || {
            web(|segments| {
                segments.insert(11, segments[10].clone());
                segments.insert(11, segments[9].clone());
                segments.insert(11, segments[8].clone());
                segments.insert(6, segments[4].clone());
            })
        },
    ),
    Capture::new(
        "an-http-head-with-a-missing-piece",
        "the same without the third piece of the request: the fields before it, at most",
        || {
            web(|segments| {
                segments.remove(5);
            })
        },
    ),
    Capture::new(
        "dns-over-tcp-split-over-segments",
        "a query behind its length in two segments, a response cut inside the length and twice more: the same fields as whole ones",
        || resolver(|_| {}),
    ),
    Capture::new(
        "dns-over-tcp-split-and-out-of-order",
        "the same with two pieces of the response changed places and one sent twice",
        || {
            resolver(|segments| {
                segments.swap(6, 7);
                segments.insert(9, segments[8].clone());
            })
        },
    ),
    Capture::new(
        "pipelined-requests",
        "three requests in two segments, cut inside the second head, three responses in one segment: with http a record for each transaction, and every packet counted once",
        pipelined,
    ),
    Capture::new(
        "http-header-names-in-any-case",
        "a request with `hOST`, `USER-AGENT`, `referer` and a response with `content-TYPE`, `SERVER`, some without a blank behind the colon",
        any_case,
    ),
];

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];

/// An HTTP transaction: the request is in segments 3 to 7, the response in 8 to 10.
fn web(change: fn(&mut Vec<Segment>)) -> Film {
    let request = http::request("split.example.com", "/in/pieces.html", 99);
    let response = http::response("nginx/1.26.2", 5, 0);
    let mut segments = Dialogue::new(1000, 5000)
        .handshake()
        .pieces(true, &request, &[2, 20, 21, 60])
        .pieces(false, &response, &[10, 40])
        .close()
        .segments();
    change(&mut segments);
    conversation(&Path::v4(CLIENT, 40_000, SERVER, 80), &segments)
}

/// DNS over TCP: the query is in segments 3 and 4, the response in 5 to 8.
fn resolver(change: fn(&mut Vec<Segment>)) -> Film {
    let name = "split.example.com";
    let address = Ipv4Addr::new(203, 0, 113, 80);
    let query = dns::over_tcp(&dns::query(7, name));
    let response = dns::over_tcp(&dns::response(7, name, &[address; 3]));
    let mut segments = Dialogue::new(1000, 5000)
        .handshake()
        .pieces(true, &query, &[15])
        .pieces(false, &response, &[1, 30, 50])
        .close()
        .segments();
    change(&mut segments);
    conversation(&Path::v4(CLIENT, 40_001, SERVER, 53), &segments)
}

fn pipelined() -> Film {
    let requests: Vec<Vec<u8>> =
        (1..=3).map(|n| http::request(&format!("host{n}.example.com"), &format!("/{n}"), 60 + n)).collect();
    let responses: Vec<u8> = (1..=3).flat_map(|n| http::response(&format!("server{n}"), n, 0)).collect();
    let cut = requests[0].len() + 30;
    let segments = Dialogue::new(1000, 5000)
        .handshake()
        .pieces(true, &requests.concat(), &[cut])
        .answers(&responses)
        .close()
        .segments();
    conversation(&Path::v4(CLIENT, 40_002, SERVER, 80), &segments)
}

fn any_case() -> Film {
    let segments = Dialogue::new(1000, 5000)
        .handshake()
        .says(
            b"POST /form HTTP/1.1\r\nhOST:case.example.com\r\nUSER-AGENT:  probe/1\r\n\
              referer: http://case.example.com/\r\nContent-Length: 0\r\n\r\n",
        )
        .answers(
            b"HTTP/1.1 404 Not Found\r\ncontent-TYPE:text/plain\r\nSERVER: nginx\r\ncontent-length: 0\r\n\r\n",
        )
        .close()
        .segments();
    conversation(&Path::v4(CLIENT, 40_003, SERVER, 80), &segments)
}
