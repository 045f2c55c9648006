//! Streams in parts, as they are and compressed.

use lz4_flex::block::compress_with_dict;
use proptest::prelude::*;

use super::*;

/// Gives a stream in parts, and each part once it is used up ends a read.
struct Parts<'a>(Vec<&'a [u8]>);

impl io::Read for Parts<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(part) = self.0.first_mut() else { return Ok(0) };
        let count = io::Read::read(part, buffer)?;
        if part.is_empty() {
            self.0.remove(0);
        }
        Ok(count)
    }
}

/// What is told of a stream.
fn read(source: impl io::Read) -> Told {
    let mut told = Told::default();
    Collector::new(CollectorSettings::default()).read_from("", source, |peer, news| told.take(peer, news));
    told
}

/// How messages come in a stream.
#[derive(Clone, Copy, Debug)]
enum Form {
    Plain,
    /// As our exporter compresses them.
    Lz4,
    /// As blocks that refer to the ones before.
    Linked {
        /// A magic number comes again after so many messages.
        reset_after: usize,
    },
}

/// A stream of messages.
fn stream(form: Form, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut framing = Lz4::new(1400, 0);
    let (mut out, mut history) = (Vec::new(), Vec::new());
    for (number, message) in messages.iter().enumerate() {
        match form {
            Form::Plain => out.extend_from_slice(message),
            Form::Lz4 => framing.put(message, &mut out),
            Form::Linked { reset_after } => {
                if number % reset_after == 0 {
                    out.extend_from_slice(b"LZ4c\0\0\x16\xed");
                    history.clear();
                }
                put_block(message, &history, &mut out);
                history.extend_from_slice(message);
                history.drain(..history.len().saturating_sub(64 << 10));
            }
        }
    }
    out
}

fn put_block(content: &[u8], history: &[u8], out: &mut Vec<u8>) {
    let block = compress_with_dict(content, history);
    out.extend((content.len() as u16).to_be_bytes());
    out.extend((block.len() as u16).to_be_bytes());
    out.extend(block);
}

/// Messages of so many records each, with numbers in order, and how many they are.
fn messages(lengths: impl IntoIterator<Item = u64>) -> (Vec<Vec<u8>>, u64) {
    let (mut messages, mut next) = (Vec::new(), 0);
    for length in lengths {
        let values: Vec<u64> = (next..next + length).collect();
        messages.push(message(next as u32, next == 0, &values));
        next += length;
    }
    (messages, next)
}

proptest! {
    #[test]
    fn however_a_stream_is_cut_its_messages_are_the_same(
        lengths in proptest::collection::vec(1u64..50, 1..20),
        form in prop_oneof![
            Just(Form::Plain),
            Just(Form::Lz4),
            (1usize..20).prop_map(|reset_after| Form::Linked { reset_after }),
        ],
        mut cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..20)
    ) {
        let (messages, records) = messages(lengths);
        let octets = stream(form, &messages);
        let mut cuts: Vec<usize> = cuts.drain(..).map(|cut| cut.index(octets.len())).collect();
        cuts.extend([0, octets.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        let told = read(Parts(cuts.windows(2).map(|ends| &octets[ends[0]..ends[1]]).collect()));
        prop_assert!(told.values.iter().copied().eq(0..records));
        prop_assert_eq!((told.ends(), told.ends[0].1.lost_records), (vec!["at its end"], 0));
    }
}

/// Three messages as liblz4 1.9.4 compresses them with `LZ4_compress_fast_continue`: of the values 1 to 20, 21 to 40, and 1 to 20 again.
const OF_LIBLZ4: &[u8] = b"LZ4c\0\0\x16\xed\
    \0\xc0\0\x74\x92\0\x0a\0\xc0\0\0\x03\xe8\0\x01\0\xf2\x02\x07\0\x02\0\x0c\x01\0\0\x01\0\x01\0\x08\x01\0\0\xa4\x17\0\x23\0\
    \x01\x08\0\x13\x02\x08\0\x13\x03\x08\0\x13\x04\x08\0\x13\x05\x08\0\x13\x06\x08\0\x13\x07\x08\0\x13\x08\x08\0\x13\x09\x08\
    \0\x13\x0a\x08\0\x13\x0b\x08\0\x13\x0c\x08\0\x13\x0d\x08\0\x13\x0e\x08\0\x13\x0f\x08\0\x13\x10\x08\0\x13\x11\x08\0\x13\
    \x12\x08\0\x90\x13\0\0\0\0\0\0\0\x14\
    \0\xb4\0\x61\x43\0\x0a\0\xb4\xc0\0\x57\x14\0\0\0\x07\xb4\0\x13\x15\x2c\0\x13\x16\x08\0\x13\x17\x08\0\x13\x18\x08\0\x13\
    \x19\x08\0\x13\x1a\x08\0\x13\x1b\x08\0\x13\x1c\x08\0\x13\x1d\x08\0\x13\x1e\x08\0\x13\x1f\x08\0\x13\x20\x08\0\x13\x21\x08\
    \0\x13\x22\x08\0\x13\x23\x08\0\x13\x24\x08\0\x13\x25\x08\0\x13\x26\x08\0\x90\x27\0\0\0\0\0\0\0\x28\
    \0\xb4\0\x11\x07\xb4\0\x1b\x28\xb4\0\x0f\x68\x01\x81\x50\0\0\0\0\x14";

#[test]
fn blocks_of_liblz4_that_refer_to_each_other_are_read_wherever_they_are_cut() {
    for cut in 1..OF_LIBLZ4.len() {
        let (begin, end) = OF_LIBLZ4.split_at(cut);
        let told = read(Parts(vec![begin, end]));
        assert!(told.values.iter().copied().eq((1..=40).chain(1..=20)), "{cut} {told:?}");
        let told = read(begin);
        let is_between = [8, 128, 229].contains(&cut);
        // Behind the magic number there is a block.
        let end = if is_between && cut > 8 { "at its end" } else { "in the middle of a message" };
        assert_eq!(told.ends(), [end], "{cut}");
    }
}

#[test]
fn ipfixprobe_begins_as_recorded() {
    let recorded = b"LZ4c\0\0\x16\xed\x01\x74\0\xbb\x92\0\x0a\x01\x74\x6b\x02\xf4";
    assert_eq!(read(&recorded[..]).ends(), ["in the middle of a message"], "187 octets are to come");
}

#[test]
fn a_long_stream_keeps_its_history() {
    let (messages, records) = messages((0..1000).map(|number| 1 + number % 160));
    let octets = stream(Form::Linked { reset_after: usize::MAX }, &messages);
    assert!(octets.len() < stream(Form::Lz4, &messages).len(), "blocks refer to each other");
    assert!(messages.concat().len() > 512 << 10);
    let told = read(&octets[..]);
    assert!(told.values.iter().copied().eq(0..records));
}

#[test]
fn a_message_may_lie_in_several_blocks_and_a_block_may_have_several_messages() {
    let content = [message(0, true, &[1, 2]), message(2, false, &[3]), message(3, false, &[4])].concat();
    let mut octets = b"LZ4c\0\0\0\0".to_vec();
    let (begin, end) = content.split_at(content.len() - 10);
    put_block(begin, b"", &mut octets);
    assert_eq!(read(&octets[..]).ends(), ["in the middle of a message"]);
    put_block(end, b"", &mut octets);
    let told = read(&octets[..]);
    assert_eq!((told.values.as_slice(), told.ends()), (&[1, 2, 3, 4][..], vec!["at its end"]));
}

#[test]
fn a_block_that_is_not_what_it_says_ends_the_session() {
    let whole = message(0, true, &[1]);
    let block = compress_with_dict(&whole, b"");
    let length = whole.len() as u16;
    let with = |said: u16, block: &[u8]| {
        let mut octets = OF_LIBLZ4[..128].to_vec();
        octets.extend(said.to_be_bytes());
        octets.extend((block.len() as u16).to_be_bytes());
        octets.extend(block);
        let told = read(&octets[..]);
        assert_eq!((told.values.len(), told.ends[0].1.malformed_messages), (20, 1));
        told.ends[0].0.clone()
    };
    assert_eq!(
        with(length - 1, &block),
        "a block of LZ4 that should be 39 octets long cannot be decompressed"
    );
    assert_eq!(with(length + 1, &block), "a block of LZ4 is 40 octets long, and not 41");
    let cannot = "a block of LZ4 that should be 65535 octets long cannot be decompressed";
    assert_eq!(with(u16::MAX, b""), cannot);
    // 192 octets have come, and this refers to 193 before it.
    assert_eq!(with(u16::MAX, b"\x10a\xc2\0\0"), cannot);
    // A run of octets that would go on for 1 MiB.
    assert_eq!(with(u16::MAX, &[&b"\x1fa\x01\0"[..], &[255; 4200], b"\0\0"].concat()), cannot);
    // A block that can be decompressed and is no message is skipped.
    assert_eq!(with(16, b"\xf0\x01GET / HTTP/1.1\r\n"), "at its end");
}

#[test]
fn the_magic_number_empties_the_history() {
    let mut octets = OF_LIBLZ4[..229].to_vec();
    octets.extend(b"LZ4c\0\0\0\0");
    octets.extend(&OF_LIBLZ4[229..]);
    let told = read(&octets[..]);
    assert_eq!(told.ends(), ["a block of LZ4 that should be 180 octets long cannot be decompressed"]);
    assert!(told.values.iter().copied().eq(1..=40));
}
