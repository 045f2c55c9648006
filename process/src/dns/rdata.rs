//! Resource record data as text.

use std::{
    fmt::Write,
    net::{Ipv4Addr, Ipv6Addr},
};

use super::wire::{DataReader, Name, Record, kind};
use crate::{clip::Clip, cursor::Cursor};

/// The longest text of a record's data.
pub(super) const MAX_LEN: usize = 159;

/// Why there is no text.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Error {
    /// The data does not hold what its type demands.
    Malformed,
    /// A name is broken, and with it the message.
    Name,
}

type Text = Clip<MAX_LEN>;

/// What the data of a record must hold.
struct Data<'a>(DataReader<'a>);

impl Data<'_> {
    fn name<const N: usize>(&mut self, text: &mut Clip<N>) -> Result<(), Error> {
        self.0.name(text).ok_or(Error::Name)
    }
    fn u8(&mut self) -> Result<u8, Error> {
        self.0.u8().ok_or(Error::Malformed)
    }
    fn u16(&mut self) -> Result<u16, Error> {
        self.0.u16().ok_or(Error::Malformed)
    }
    fn u32(&mut self) -> Result<u32, Error> {
        self.0.u32().ok_or(Error::Malformed)
    }
}

/// The text of a record's data.
pub(super) fn text(record: &Record<'_>) -> Result<Text, Error> {
    let mut text = Text::new();
    write_text(record, &mut text)?;
    Ok(text)
}

fn write_text(record: &Record<'_>, text: &mut Text) -> Result<(), Error> {
    let octets = record.data;
    let mut data = Data(record.reader());
    // Writing to a `Clip` cannot fail.
    let _ = match record.kind {
        kind::A => {
            let address: [u8; 4] = octets.try_into().map_err(|_| Error::Malformed)?;
            write!(text, "{}", Ipv4Addr::from(address))
        }
        kind::AAAA => {
            let address: [u8; 16] = octets.try_into().map_err(|_| Error::Malformed)?;
            write!(text, "{}", Ipv6Addr::from(address))
        }
        kind::NS | kind::CNAME | kind::PTR | kind::DNAME => return data.name(text),
        kind::SOA => {
            data.name(text)?;
            text.push(b" ");
            data.name(text)?;
            let [serial, refresh, retry, expire, minimum] =
                [data.u32()?, data.u32()?, data.u32()?, data.u32()?, data.u32()?];
            write!(text, " {serial} {refresh} {retry} {expire} {minimum}")
        }
        kind::MX => {
            let _ = write!(text, "{} ", data.u16()?);
            return data.name(text);
        }
        kind::MINFO => {
            data.name(text)?;
            text.push(b" ");
            return data.name(text);
        }
        kind::TXT | kind::HINFO | kind::ISDN => {
            strings(octets, text);
            Ok(())
        }
        kind::SRV => {
            let [priority, weight, port] = [data.u16()?, data.u16()?, data.u16()?];
            service(record.owner, text)?;
            text.push(b" ");
            data.name(text)?;
            write!(text, " {priority} {weight} {port}")
        }
        kind::DS => {
            let (key_tag, algorithm, digest_type) = (data.u16()?, data.u8()?, data.u8()?);
            write!(text, "{key_tag} {algorithm} {digest_type} <key>")
        }
        kind::RRSIG => {
            let (covered, algorithm, labels) = (data.u16()?, data.u8()?, data.u8()?);
            let (ttl, expiration, inception) = (data.u32()?, data.u32()?, data.u32()?);
            let key_tag = data.u16()?;
            write!(text, "{covered} {algorithm} {labels} {ttl} {expiration} {inception} {key_tag} <key>")
        }
        kind::DNSKEY => {
            let (flags, protocol, algorithm) = (data.u16()?, data.u8()?, data.u8()?);
            write!(text, "{flags} {protocol} {algorithm} <key>")
        }
        _ => write!(text, "(not_impl)"),
    };
    Ok(())
}

/// Character strings joined by blanks. One that is cut off counts as far as it goes.
fn strings(octets: &[u8], text: &mut Text) {
    let mut cursor = Cursor::new(octets);
    let mut separator: &[u8] = b"";
    while let Some(len) = cursor.u8() {
        text.push(separator);
        text.push(cursor.take(len.into()).unwrap_or_else(|| cursor.rest()));
        separator = b" ";
    }
}

/// The owner of a service record as `service protocol name`: `_sip._tcp.example.com` is `sip tcp example.com`.
fn service(owner: Name<'_>, text: &mut Text) -> Result<(), Error> {
    let mut name = Clip::<255>::new();
    owner.read(&mut name).ok_or(Error::Name)?;
    let (mut underscores, mut dots) = (2, 2);
    for &byte in name.as_bytes() {
        match byte {
            b'_' if underscores > 0 => underscores -= 1,
            b'.' if dots > 0 => {
                dots -= 1;
                text.push(b" ");
            }
            _ => text.push(&[byte]),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::wire::{self, Entry};

    /// The text of `data` in a message whose question is the name `ex`, at 12; the owner is `_sip._tcp.ex`.
    fn shown(kind: u16, data: &[u8]) -> Result<String, Error> {
        let head = b"\0\0\0\0\0\x01\0\x01\0\0\0\0\x02ex\0\0\x01\0\x01\x04_sip\x04_tcp\xc0\x0c";
        let fixed = [&kind.to_be_bytes()[..], b"\0\x01\0\0\0\0", &(data.len() as u16).to_be_bytes()].concat();
        let message = [head, &fixed[..], data].concat();
        let (_, entries) = wire::read(&message).expect("there is a header");
        let Some(Ok(Entry::Record(record))) = entries.last() else { panic!("the answer is not there") };
        text(&record).map(|text| text.as_bytes().iter().map(|&b| char::from(b)).collect())
    }

    #[test]
    fn every_type_has_its_text() {
        let cases: [(u16, &[u8], &str); 16] = [
            (1, &[199, 204, 44, 194], "199.204.44.194"),
            (28, b"\x2a\0\x14\x50\x40\x0d\x08\x06\0\0\0\0\0\0\x20\x0e", "2a00:1450:400d:806::200e"),
            (2, b"\x03ns4\xc0\x0c", "ns4.ex"),
            (5, b"\xc0\x0c", "ex"),
            (12, b"\x00", ""),
            (39, b"\x01d\x00", "d"),
            (
                6,
                b"\xc0\x0c\x01r\xc0\x0c\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05",
                "ex r.ex 1 2 3 4 5",
            ),
            (15, b"\0\x14\x04alt1\xc0\x0c", "20 alt1.ex"),
            (16, b"\x06v=spf1\x04-all", "v=spf1 -all"),
            (33, b"\0\x01\0\x02\x13\xc4\x03srv\xc0\x0c", "sip tcp ex srv.ex 1 2 5060"),
            (14, b"\x01r\xc0\x0c\x01e\xc0\x0c", "r.ex e.ex"),
            (13, b"\x03CPU\x02OS", "CPU OS"),
            (43, b"\x12\x34\x08\x02\xab\xcd", "4660 8 2 <key>"),
            (
                46,
                b"\0\x06\x08\0\0\x01\x51\x80\x57\x13\x18\x50\x57\x05\xdb\x40\xec\xc7\0sig",
                "6 8 0 86400 1460869200 1460001600 60615 <key>",
            ),
            (48, b"\x01\0\x03\x08key", "256 3 8 <key>"),
            (99, b"\x01\x02", "(not_impl)"),
        ];
        for (kind, data, expected) in cases {
            assert_eq!(shown(kind, data).as_deref(), Ok(expected), "type {kind}");
        }
    }

    #[test]
    fn data_that_is_too_short_for_its_type_has_no_text() {
        for (kind, data) in [(1, &b"\x01\x02\x03"[..]), (28, b"\0\0\0\0"), (15, b"\0"), (43, b"\x12\x34\x08")]
        {
            assert_eq!(shown(kind, data), Err(Error::Malformed), "type {kind}");
        }
        assert_eq!(shown(6, b"\0\0\0\0\0\x01"), Err(Error::Malformed));
        assert_eq!(shown(33, b"\0\0\0\0\0"), Err(Error::Malformed));
        assert_eq!(shown(5, b"\x03ab"), Err(Error::Name));
        assert_eq!(shown(5, b"\xc0\x40"), Err(Error::Name));
    }

    #[test]
    fn long_texts_are_cut() {
        let string = [&[200][..], &[b'x'; 200]].concat();
        assert_eq!(shown(16, &string), Ok("x".repeat(159)));
        assert_eq!(shown(16, b"\x05ab"), Ok("ab".into()));
    }
}
