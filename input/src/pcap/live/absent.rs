//! No capture: this build lacks libpcap.

use super::Settings;
use crate::{Source, SourceError};

pub(in crate::pcap) fn open(_: Settings) -> Result<Box<dyn Source>, SourceError> {
    Err(absent("ifc"))
}

pub(in crate::pcap) fn list() -> Result<String, SourceError> {
    Err(absent("list"))
}

fn absent(option: &str) -> SourceError {
    SourceError::Unavailable(format!(
        "option {option}: this build lacks libpcap, build it with the cargo feature libpcap; the input raw captures without it"
    ))
}
