//! gzip files ([RFC 1952](https://www.rfc-editor.org/rfc/rfc1952)), member by member.
//!
//! flate2 has a reader of them, too, but it forgets what it has unpacked in the call that meets a damage: with buffers as large as
//! speed needs them, thousands of packets.

use std::io::{self, BufRead, Read};

use flate2::{Crc, Decompress, FlushDecompress, Status};

const MAGIC: [u8; 2] = [0x1f, 0x8b];
const DEFLATE: u8 = 8;
/// The part of a header that every member has.
const FIXED_LEN: u64 = 10;
const TRAILER_LEN: usize = 8;
/// No name or comment is longer. The RFC sets no limit.
const LONGEST_TEXT: u64 = 65535;

/// The bits of FLG.
mod flag {
    pub(super) const FHCRC: u8 = 1 << 1;
    pub(super) const FEXTRA: u8 = 1 << 2;
    pub(super) const FNAME: u8 = 1 << 3;
    pub(super) const FCOMMENT: u8 = 1 << 4;
    pub(super) const RESERVED: u8 = 0b1110_0000;
}

/// The unpacked bytes of all members of a file.
///
/// Zeros behind the last member are padding, as they are to gzip(1). Anything else there is damage.
pub(super) struct Members<R> {
    reader: R,
    inflate: Decompress,
    /// Of what was unpacked of the member.
    crc: Crc,
    next: Next,
    /// To be told at the next read: there were bytes before it.
    damage: Option<io::Error>,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Header,
    Body,
    Trailer,
    /// A header, padding or the end.
    Behind,
    Padding,
    End,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(reader: R) -> Members<R> {
        let inflate = Decompress::new(false);
        Members { reader, inflate, crc: Crc::new(), next: Next::Header, damage: None }
    }

    /// Takes one step; the answer is how many bytes were unpacked into `into`.
    fn step(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Some(damage) = self.damage.take() {
            return Err(damage);
        }
        self.next = match self.next {
            Next::Header => {
                read_header(&mut self.reader).map_err(or_cut_off)?;
                self.inflate.reset(false);
                self.crc.reset();
                Next::Body
            }
            Next::Body => return self.inflate(into),
            Next::Trailer => {
                self.check_trailer()?;
                Next::Behind
            }
            Next::Behind => match self.reader.fill_buf()?.first() {
                Some(0) => Next::Padding,
                Some(_) => Next::Header,
                None => Next::End,
            },
            Next::Padding => {
                let bytes = self.reader.fill_buf()?;
                let len = bytes.len();
                if bytes.iter().any(|&byte| byte != 0) {
                    return Err(no_member());
                }
                self.reader.consume(len);
                if len > 0 { Next::Padding } else { Next::End }
            }
            Next::End => Next::End,
        };
        Ok(0)
    }

    /// Unpacks a part of the body.
    fn inflate(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let packed = self.reader.fill_buf()?;
        let (in_before, out_before) = (self.inflate.total_in(), self.inflate.total_out());
        let result = self.inflate.decompress(packed, into, FlushDecompress::None);
        // The totals count what a call did that failed, too.
        let used = (self.inflate.total_in() - in_before) as usize;
        let len = (self.inflate.total_out() - out_before) as usize;
        self.reader.consume(used);
        self.crc.update(&into[..len]);
        match result {
            Ok(Status::StreamEnd) => self.next = Next::Trailer,
            Ok(_) if used == 0 && len == 0 => return Err(cut_off()),
            Ok(_) => {}
            // Which message flate2 has for it depends on the pieces in which the file comes.
            Err(_) => self.damage = Some(damaged("damaged deflate data")),
        }
        Ok(len)
    }

    /// Compares what was unpacked with what the member's trailer says of it.
    fn check_trailer(&mut self) -> io::Result<()> {
        let mut trailer = [0; TRAILER_LEN];
        self.reader.read_exact(&mut trailer).map_err(or_cut_off)?;
        let [c0, c1, c2, c3, l0, l1, l2, l3] = trailer;
        if u32::from_le_bytes([c0, c1, c2, c3]) != self.crc.sum() {
            return Err(damaged("wrong checksum"));
        }
        // ISIZE is the length modulo 2^32.
        if u32::from_le_bytes([l0, l1, l2, l3]) != self.inflate.total_out() as u32 {
            return Err(damaged("wrong length"));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            match self.step(into) {
                Ok(0) if self.next != Next::End => {}
                Ok(len) => return Ok(len),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.next = Next::End;
                    return Err(error);
                }
            }
        }
    }
}

/// Reads a member's header, of which nothing is needed.
fn read_header(reader: &mut impl BufRead) -> io::Result<()> {
    let mut header = Vec::new();
    reader.by_ref().take(FIXED_LEN).read_to_end(&mut header)?;
    if !header.iter().zip(&MAGIC).all(|(byte, magic)| byte == magic) {
        return Err(no_member());
    }
    let &[_, _, method, flags, _, _, _, _, _, _] = &header[..] else { return Err(cut_off()) };
    if method != DEFLATE || flags & flag::RESERVED != 0 {
        return Err(damaged("header of an unknown form"));
    }
    if flags & flag::FEXTRA != 0 {
        let mut len = [0; 2];
        reader.read_exact(&mut len)?;
        header.extend(len);
        let len = u64::from(u16::from_le_bytes(len));
        if reader.by_ref().take(len).read_to_end(&mut header)? as u64 != len {
            return Err(cut_off());
        }
    }
    for text in [flag::FNAME, flag::FCOMMENT] {
        if flags & text != 0 {
            match reader.by_ref().take(LONGEST_TEXT + 1).read_until(0, &mut header)? as u64 {
                len if len > 0 && header.last() == Some(&0) => {}
                len if len > LONGEST_TEXT => return Err(damaged("name or comment without end")),
                _ => return Err(cut_off()),
            }
        }
    }
    if flags & flag::FHCRC != 0 {
        let mut crc = Crc::new();
        crc.update(&header);
        let mut told = [0; 2];
        reader.read_exact(&mut told)?;
        // The two lower bytes of the CRC-32.
        if u16::from_le_bytes(told) != crc.sum() as u16 {
            return Err(damaged("wrong checksum of the header"));
        }
    }
    Ok(())
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("gzip: {what}"))
}

fn no_member() -> io::Error {
    damaged("something that is no gzip member follows one")
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "gzip: file cut off")
}

/// What it means that bytes could not be read.
fn or_cut_off(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => cut_off(),
        _ => error,
    }
}
