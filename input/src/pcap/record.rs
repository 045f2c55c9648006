//! What the formats have in common.

use crate::SourceError;
use crate::parse::LINK_TYPES;

/// No record or block is longer. What claims to be is damaged: believing it would swallow the rest of the file.
pub(super) const LONGEST: usize = 16 << 20;

/// How far a format got in a window.
#[derive(Debug)]
pub(super) struct Walked {
    /// Bytes of whole records walked over.
    pub(super) used: usize,
    pub(super) stop: Stop,
}

/// Why a walk stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// As many frames as were asked for.
    Limit,
    /// Nothing more can be told from fewer than this many bytes from here on.
    Need(usize),
    /// What comes next is wrong.
    Damaged(Damage),
}

/// What is wrong with a file.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Damage {
    NotACaptureFile,
    Empty,
    FileHeader,
    Version(u16, u16),
    LinkType(u16),
    RecordLen(u32),
    BlockLen(u32),
    BlockTrailer,
    BlockContent,
    ByteOrder,
    NoInterface(u32),
    TooManyInterfaces,
}

impl Damage {
    /// As the error of the file at `path`, found at byte `offset`.
    pub(super) fn at(self, path: &str, offset: u64) -> SourceError {
        let path = path.to_owned();
        let what = match self {
            Damage::LinkType(link_type) => return unsupported(path, link_type),
            Damage::NotACaptureFile => "neither pcap nor pcapng".to_owned(),
            Damage::Empty => "the file is empty".to_owned(),
            Damage::FileHeader => "file header cut off".to_owned(),
            Damage::Version(major, minor) => format!("version {major}.{minor} is not supported"),
            Damage::RecordLen(len) => format!("packet of {len} bytes"),
            Damage::BlockLen(len) => format!("block of {len} bytes"),
            Damage::BlockTrailer => "block whose two lengths differ".to_owned(),
            Damage::BlockContent => "block too short for its type".to_owned(),
            Damage::ByteOrder => "section of unknown byte order".to_owned(),
            Damage::NoInterface(id) => format!("packet of interface {id}, which is not described"),
            Damage::TooManyInterfaces => "too many interfaces".to_owned(),
        };
        SourceError::Damaged { path, what, offset }
    }
}

/// The error of a file or interface whose link type the parser does not read.
pub(super) fn unsupported(path: String, link_type: u16) -> SourceError {
    let names: Vec<&str> = LINK_TYPES.iter().map(|(_, name)| *name).collect();
    SourceError::LinkType { path, link_type, supported: names.join(", ") }
}
