//! What TRAP interfaces and UniRec records hold, from anywhere.
//!
//! The input of [`hello`] begins a stream. That of [`buffers`]: how buffers are framed and how many bytes come at a time, then a stream.
//! That of [`records`]: the length of a specifier, the specifier, a record. That of [`trapcap`]: a file.

use std::io::{self, Read};

use weir_trap::buffer::{SocketHeader, push_message};
use weir_trap::hello::{Format, HEADER_LEN, Header};
use weir_trap::reader::{Event, Framing, Next, StreamError, StreamReader};
use weir_trap::unirec::{Field, Kind, Record, RecordWriter, Template, Value, address};

/// Reads a hello. One that is read is written as it was, but for its padding.
pub fn hello(data: &[u8]) {
    let Some((bytes, rest)) = data.split_first_chunk::<HEADER_LEN>() else { return };
    let Ok(header) = Header::decode(*bytes) else { return };
    let Some(specifier) = rest.get(..header.specifier_len) else { return };
    let Ok(format) = header.format(specifier) else { return };
    let again = format.encode();
    assert_eq!(again[0], data[0]);
    match &format {
        // What these say behind their kind is not looked at.
        Format::Raw | Format::Unknown => assert_eq!(again[1..], [0; 7]),
        Format::UniRec(text) | Format::Json(text) => {
            assert_eq!((&again[4..8], &again[8..]), (&data[4..8], specifier));
            if let Ok(template) = Template::parse(text) {
                check_template(&template);
            }
        }
    }
}

/// A template leads back to itself through its specifier, in the order of records.
fn check_template(template: &Template) {
    assert_eq!(Template::parse(&template.to_string()).as_ref(), Ok(template));
    let sizes = template.fields().iter().map(|field| field.kind.fixed_size().unwrap_or(4));
    assert_eq!(sizes.sum::<usize>(), template.data_start());
    let mut backwards = template.fields().to_vec();
    backwards.reverse();
    assert_eq!(Template::new(backwards).as_ref(), Ok(template));
    assert!(template.is_subset_of(template));
}

/// A source that has so many bytes at a time.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(out.len());
        (&mut self.0).read(&mut out[..count])
    }
}

/// Everything that a stream says, and how it ends.
fn read(mut reader: StreamReader<impl Read>) -> (Vec<Vec<u8>>, Result<(), StreamError>) {
    let mut contents = Vec::new();
    loop {
        match reader.advance() {
            Ok(Next::End) => return (contents, Ok(())),
            Ok(Next::Nothing) => {}
            Ok(Next::Format | Next::Message) => {
                if let Event::Message(content) = reader.current() {
                    contents.push(content.to_vec());
                }
            }
            Err(error) => return (contents, Err(error)),
        }
    }
}

/// Reads a stream, which says the same however it comes, and what is written of that.
pub fn buffers(data: &[u8]) {
    let Some((&how, stream)) = data.split_first() else { return };
    let framing = if how & 1 == 0 { Framing::Numbered } else { Framing::Plain };
    let (contents, end) = read(StreamReader::new(stream, framing));
    let (slowly, slow_end) = read(StreamReader::new(Slow(stream, usize::from(how >> 1) + 1), framing));
    assert_eq!((&slowly, slow_end.is_ok()), (&contents, end.is_ok()));
    assert!(contents.iter().map(|content| 2 + content.len()).sum::<usize>() <= stream.len());
    let mut again = Format::Raw.encode();
    for (number, content) in contents.iter().enumerate() {
        let mut payload = Vec::new();
        assert!(push_message(&mut payload, content));
        let header = SocketHeader { payload_len: payload.len() as u32, sequence: number as u64, messages: 1 };
        match framing {
            Framing::Numbered => again.extend(header.encode()),
            Framing::Plain => again.extend(header.payload_len.to_be_bytes()),
        }
        again.extend(payload);
    }
    let mut reader = StreamReader::new(&again[..], framing);
    assert!(matches!(reader.advance(), Ok(Next::Format)));
    let (written, end) = read(reader);
    assert!(end.is_ok());
    assert_eq!(written, contents);
}

/// Reads a record of a template. One that is read is written, and read again.
pub fn records(data: &[u8]) {
    let Some((&length, rest)) = data.split_first() else { return };
    let Some((specifier, bytes)) = rest.split_at_checked(length.into()) else { return };
    let Ok(template) =
        std::str::from_utf8(specifier).map_err(drop).and_then(|s| Template::parse(s).map_err(drop))
    else {
        return;
    };
    check_template(&template);
    if let Ok(record) = Record::new(&template, bytes) {
        check_record(&template, &record);
    }
}

fn check_record(template: &Template, record: &Record<'_>) {
    let mut out = vec![1];
    let mut writer = RecordWriter::new(template, &mut out);
    let mut is_whole = true;
    for (position, Field { kind, .. }) in template.fields().iter().enumerate() {
        let mut bytes = Vec::new();
        put(&mut bytes, *kind, record.get(position));
        match kind.fixed_size() {
            Some(size) => {
                assert_eq!(bytes.len(), size);
                writer.fixed(position, &bytes);
            }
            None => {
                // References may lead to the same bytes, so that what they lead to is more than a record has room for.
                is_whole &= bytes.len() <= writer.room();
                writer.variable(position, &bytes);
            }
        }
    }
    let length = writer.finish();
    assert_eq!(length, out.len() - 1);
    assert!(u16::try_from(length).is_ok());
    let again = Record::new(template, &out[1..]).expect("what was written is a record");
    for position in 0..template.fields().len() {
        if is_whole {
            assert_same(again.get(position), record.get(position));
        }
    }
}

/// Values are the same, numbers that are none too.
fn assert_same(a: Value<'_>, b: Value<'_>) {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => assert_eq!(a.to_bits(), b.to_bits()),
        (Value::Double(a), Value::Double(b)) => assert_eq!(a.to_bits(), b.to_bits()),
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len());
            a.iter().zip(b.iter()).for_each(|(a, b)| assert_same(a, b));
        }
        (a, b) => assert_eq!(a, b),
    }
}

/// Appends a value as records hold it.
fn put(out: &mut Vec<u8>, kind: Kind, value: Value<'_>) {
    let size = kind.element_size();
    match value {
        Value::Unsigned(number) => out.extend(&number.to_le_bytes()[..size]),
        Value::Signed(number) => out.extend(&number.to_le_bytes()[..size]),
        Value::Char(octet) => out.push(octet),
        Value::Float(number) => out.extend(number.to_le_bytes()),
        Value::Double(number) => out.extend(number.to_le_bytes()),
        Value::Time(time) => out.extend(time.0.to_le_bytes()),
        Value::Mac(mac) => out.extend(mac),
        Value::Address(ip) => out.extend(address::to_bytes(ip)),
        Value::Text(bytes) | Value::Bytes(bytes) => out.extend(bytes),
        Value::Array(array) => array.iter().for_each(|element| put(out, kind, element)),
    }
}

/// Reads a file and all records in it.
pub fn trapcap(data: &[u8]) {
    let mut reader = StreamReader::new(data, Framing::Plain);
    let mut template = None;
    while let Ok(Next::Format | Next::Message) = reader.advance() {
        match (reader.current(), &template) {
            (Event::Format(Format::UniRec(specifier)), _) => template = Template::parse(specifier).ok(),
            (Event::Message(content), Some(template)) => {
                if let Ok(record) = Record::new(template, content) {
                    check_record(template, &record);
                }
            }
            _ => {}
        }
    }
}

/// Inputs to begin with, by target.
pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let specifier = "uint32 COUNT,uint16 PORT,string NAME,uint16* LENS";
    let first = b"\xe8\x03\0\0\x35\0\0\0\x03\0\x03\0\x04\0abc\x10\0\x20\0";
    let second = b"\xe9\x03\0\0\x36\0\0\0\x07\0\x07\0\x06\0example\x10\0\x20\0\x30\0";
    let all = "ipaddr A,double B,int64 C,time D,uint64 E,macaddr F,float G,int32 H,int16 I,char J,int8 K,uint8 L,bytes M,int8* N,\
               float* O,macaddr* P,time* Q,ipaddr* R";
    let mut seeds = Vec::new();
    for format in
        [Format::UniRec(specifier.into()), Format::Json("flows".into()), Format::Raw, Format::Unknown]
    {
        seeds.push(("trap-hello", format.encode()));
    }
    let hello = Format::UniRec(specifier.into()).encode();
    let mut payload = Vec::new();
    push_message(&mut payload, first);
    push_message(&mut payload, second);
    let header = SocketHeader { payload_len: payload.len() as u32, sequence: 0, messages: 2 };
    let end = SocketHeader { payload_len: 3, sequence: 2, messages: 1 };
    let socket = [&hello[..], &header.encode(), &payload, &end.encode(), b"\0\x01\0"].concat();
    let file = [&hello[..], &header.payload_len.to_be_bytes(), &payload, b"\0\0\0\x03\0\x01\0"].concat();
    for step in [0, 5, 200] {
        seeds.push(("trap-buffers", [&[step << 1], &socket[..]].concat()));
        seeds.push(("trap-buffers", [&[step << 1 | 1], &file[..]].concat()));
    }
    for (specifier, record) in [(specifier, &first[..]), (specifier, second), (all, &[0; 100])] {
        seeds.push(("trap-records", [&[specifier.len() as u8], specifier.as_bytes(), record].concat()));
    }
    seeds.push(("trapcap", file));
    seeds
}
