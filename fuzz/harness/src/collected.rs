//! What a collector reads of streams and files of IPFIX, compressed or not.
//!
//! The input of [`file()`]: how many octets come at a time, then the file. That of [`lz4`]: the same and what follows: behind an even
//! number the blocks of a stream, which are decompressed by a simple model as well; behind an odd one messages, which are compressed.

use std::io::{self, Read};

use lz4_flex::block::compress_with_dict;
use weir_ipfix::collect::{Closed, Collector, CollectorSettings, Event, News, SessionCounters};

/// With what a compressed stream begins, and the size that is recommended.
const BEGIN: &[u8; 8] = b"LZ4c\0\0\x16\xed";

/// A source that has so many octets at a time.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(out.len());
        (&mut self.0).read(&mut out[..count])
    }
}

/// What is told of a stream.
#[derive(PartialEq, Eq, Debug)]
struct Told {
    /// Of each event a letter and its octets.
    events: Vec<(char, Vec<u8>)>,
    end: End,
    counters: SessionCounters,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Whole,
    CutOff,
    Malformed,
    Compression,
}

fn read(source: impl Read) -> Told {
    let (mut events, mut end) = (Vec::new(), None);
    let counters = Collector::new(CollectorSettings::default()).read_from("", source, |_, news| match news {
        News::Event(_, event) => events.push(match event {
            Event::Template(template) => ('t', template.id().to_be_bytes().into()),
            Event::Withdrawal(id) => ('w', id.to_be_bytes().into()),
            Event::Record(record) => ('r', record.octets().into()),
            Event::UnknownRecords(_, content) => ('u', content.into()),
            Event::Fault(fault) => ('f', fault.to_string().into()),
            Event::Element(element) => ('e', format!("{element:?}").into()),
        }),
        News::Skipped(skipped) => events.push(('s', skipped.to_string().into())),
        News::Closed(why, _) => {
            assert_eq!(end, None, "a stream ends once");
            end = Some(match why {
                Closed::End => End::Whole,
                Closed::CutOff => End::CutOff,
                Closed::Malformed(_) => End::Malformed,
                Closed::Compression(_) => End::Compression,
                other => panic!("{other}"),
            });
        }
        News::Opened | News::Refused(_) | News::Malformed(_) => {}
    });
    Told { events, end: end.expect("a stream ends"), counters }
}

impl Told {
    fn skipped(&self) -> usize {
        self.events.iter().filter(|(kind, _)| *kind == 's').count()
    }
}

/// A stream says the same however it comes, and so does its first half as far as that goes, unless something is skipped: how that goes
/// on is told by what comes behind it.
fn read_in_all_ways(stream: &[u8], at_once: u8) -> Told {
    let told = read(stream);
    assert_eq!(read(Slow(stream, usize::from(at_once) + 1)), told);
    let half = read(&stream[..stream.len() / 2]);
    assert!(told.skipped() + half.skipped() > 0 || told.events.starts_with(&half.events));
    let malformed = told.skipped() + usize::from(!matches!(told.end, End::Whole | End::CutOff));
    assert_eq!(told.counters.malformed_messages, malformed as u64);
    assert!(told.counters.skipped_octets >= told.skipped() as u64);
    told
}

/// Reads a file.
pub fn file(data: &[u8]) {
    if let Some((&at_once, stream)) = data.split_first() {
        read_in_all_ways(stream, at_once);
    }
}

/// Reads a compressed stream.
pub fn lz4(data: &[u8]) {
    let Some(([at_once, what], rest)) = data.split_first_chunk() else { return };
    if what & 1 == 0 {
        let compressed = [BEGIN, rest].concat();
        let told = read_in_all_ways(&compressed, *at_once);
        let (plain, is_valid) = decompressed(rest);
        // It would be taken for a compressed stream again.
        if !b"LZ4c".starts_with(&plain[..plain.len().min(4)]) {
            let of_plain = read(&plain[..]);
            assert_eq!(told.events, of_plain.events);
            assert_eq!(told.end == End::Compression, !is_valid && of_plain.end != End::Malformed);
        }
    } else if !b"LZ4c".starts_with(&rest[..rest.len().min(4)]) {
        let mut compressed = BEGIN.to_vec();
        let length = usize::from(*at_once) * 64 + 1;
        for (number, block) in rest.chunks(length).enumerate() {
            let history = &rest[..number * length];
            put_block(block, &history[history.len().saturating_sub(65_535)..], &mut compressed);
        }
        assert_eq!(read_in_all_ways(&compressed, *at_once), read(rest));
    }
}

fn put_block(content: &[u8], history: &[u8], out: &mut Vec<u8>) {
    let block = compress_with_dict(content, history);
    out.extend((content.len() as u16).to_be_bytes());
    out.extend((block.len() as u16).to_be_bytes());
    out.extend(block);
}

/// What is in whole and valid blocks, and whether there is none that is not valid.
fn decompressed(mut blocks: &[u8]) -> (Vec<u8>, bool) {
    let (mut out, mut history_from, mut is_first) = (Vec::new(), 0, true);
    loop {
        if !is_first && blocks.starts_with(b"LZ4c") {
            let Some(rest) = blocks.get(8..) else { return (out, true) };
            (blocks, history_from) = (rest, out.len());
        }
        let Some(([a, b, c, d], rest)) = blocks.split_first_chunk() else { return (out, true) };
        let Some((block, rest)) = rest.split_at_checked(u16::from_be_bytes([*c, *d]).into()) else {
            return (out, true);
        };
        (blocks, is_first) = (rest, false);
        let begin = out.len();
        let expected = usize::from(u16::from_be_bytes([*a, *b]));
        if decompress(block, &mut out, history_from, begin + expected).is_none()
            || out.len() != begin + expected
        {
            out.truncate(begin);
            return (out, false);
        }
    }
}

/// Appends what is in a block, octet by octet, up to `end`.
fn decompress(block: &[u8], out: &mut Vec<u8>, history_from: usize, end: usize) -> Option<()> {
    let mut octets = block.iter().map(|&octet| usize::from(octet));
    loop {
        let token = octets.next()?;
        for _ in 0..count(token >> 4, &mut octets)? {
            out.push(octets.next()? as u8);
        }
        if out.len() > end {
            return None;
        }
        let Some(low) = octets.next() else { return Some(()) };
        let offset = low | octets.next()? << 8;
        let length = 4 + count(token & 15, &mut octets)?;
        let from = out.len().checked_sub(offset).filter(|&from| offset > 0 && from >= history_from)?;
        if out.len() + length > end {
            return None;
        }
        for at in from..from + length {
            out.push(out[at]);
        }
    }
}

/// A number that goes on in further octets if it is 15.
fn count(first: usize, octets: &mut impl Iterator<Item = usize>) -> Option<usize> {
    let mut count = first;
    let mut last = if first == 15 { 255 } else { 0 };
    while last == 255 {
        last = octets.next()?;
        count += last;
    }
    Some(count)
}

/// Inputs to begin with, made of sessions of messages: files, and compressed streams.
pub(crate) fn seeds(sessions: &[Vec<u8>]) -> Vec<(&'static str, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (number, messages) in sessions.iter().enumerate() {
        let at_once = [number as u8 * 5];
        seeds.push(("ipfix-file", [&at_once, &messages[..]].concat()));
        seeds.push(("ipfix-lz4", [&at_once, &[1], &messages[..]].concat()));
        let (begin, end) = messages.split_at(messages.len() / 2);
        let mut blocks = Vec::new();
        put_block(begin, b"", &mut blocks);
        put_block(end, begin, &mut blocks);
        blocks.extend(BEGIN);
        put_block(messages, b"", &mut blocks);
        seeds.push(("ipfix-lz4", [&at_once, &[0], &blocks[..]].concat()));
    }
    seeds
}
