//! No filter: this build lacks libpcap.

use crate::{CapturedFrame, LinkType, SourceError};

/// A filter, of which there is none.
#[derive(Debug)]
pub(in crate::pcap) enum Filter {}

impl Filter {
    pub(in crate::pcap) fn new(_: &str, _: LinkType) -> Result<Filter, SourceError> {
        Err(SourceError::Unavailable(
            "option filter: this build lacks libpcap, build it with the cargo feature libpcap".to_owned(),
        ))
    }

    pub(in crate::pcap) fn retain(
        &mut self,
        _: &mut Vec<CapturedFrame>,
        _: usize,
    ) -> Result<(), SourceError> {
        match *self {}
    }
}
