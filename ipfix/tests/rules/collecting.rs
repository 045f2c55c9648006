//! A collector on the loopback device, and what it tells in short.

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use weir_ipfix::collect::{Collector, CollectorSettings, News, Peer};

use crate::by_hand::in_short;

/// Any free port.
pub(crate) const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A collector and what it has told.
pub(crate) struct Collecting {
    pub(crate) collector: Collector,
    pub(crate) told: Vec<String>,
}

impl Collecting {
    pub(crate) fn new(settings: CollectorSettings) -> Collecting {
        Collecting { collector: Collector::new(settings), told: Vec::new() }
    }

    /// Goes on until something holds, twenty seconds at most.
    pub(crate) fn until(&mut self, mut holds: impl FnMut(&Collecting) -> bool) {
        let since = Instant::now();
        while !holds(self) {
            assert!(since.elapsed().as_secs() < 20, "{:?} {:?}", self.told, self.collector.counters());
            let told = &mut self.told;
            self.collector
                .poll(Duration::from_millis(20), |peer, news| told.push(tell(peer, &news)))
                .unwrap();
        }
    }

    /// Goes on until it has told `expected`, and forgets that.
    pub(crate) fn expect(&mut self, expected: &[&str]) {
        self.until(|it| it.told.len() >= expected.len());
        assert_eq!(std::mem::take(&mut self.told), expected);
    }
}

fn tell(_peer: &Peer, news: &News<'_>) -> String {
    match news {
        News::Opened => "opened".to_owned(),
        News::Event(_, event) => in_short(event),
        News::Refused(why) => format!("refused: {why}"),
        News::Malformed(why) => format!("malformed: {why}"),
        News::Skipped(skipped) => skipped.to_string(),
        News::Closed(why, _) => format!("closed: {why}"),
    }
}

/// What a collector tells of a file that has these parts, each of which is read at once.
pub(crate) fn told_of_parts(parts: &[&[u8]]) -> Vec<String> {
    let mut told = Vec::new();
    Collector::new(CollectorSettings::default()).read_from("", Parts(parts.to_vec()), |peer, news| {
        told.push(tell(peer, &news));
    });
    told
}

struct Parts<'a>(Vec<&'a [u8]>);

impl Read for Parts<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.0.first().is_some_and(|part| part.is_empty()) {
            self.0.remove(0);
        }
        let Some(part) = self.0.first_mut() else { return Ok(0) };
        part.read(buffer)
    }
}
