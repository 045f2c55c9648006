//! A filter expression, compiled once for each link type that occurs.

use std::fmt;

use ::pcap::{Capture, Linktype};
use weir_flow::options::OptionError;

use crate::pcap::libpcap::{Program, words};
use crate::{CapturedFrame, LinkType, SourceError};

/// What libpcap calls raw IP on this system; in files it is [`LinkType::RAW`].
pub(in crate::pcap) const DLT_RAW: i32 = 12;

/// A filter expression and its programs.
pub(in crate::pcap) struct Filter {
    expression: String,
    programs: Vec<(LinkType, Program)>,
}

impl Filter {
    /// Compiles `expression` for frames of `link_type`.
    pub(in crate::pcap) fn new(expression: &str, link_type: LinkType) -> Result<Filter, SourceError> {
        let mut filter = Filter { expression: expression.to_owned(), programs: Vec::new() };
        filter.program(link_type)?;
        Ok(filter)
    }

    fn program(&mut self, link_type: LinkType) -> Result<&Program, SourceError> {
        let index = match self.programs.iter().position(|(of, _)| *of == link_type) {
            Some(index) => index,
            None => {
                self.programs.push((link_type, compile(&self.expression, link_type)?));
                self.programs.len() - 1
            }
        };
        Ok(&self.programs[index].1)
    }

    /// Removes the frames from `first` on that the filter does not take.
    pub(in crate::pcap) fn retain(
        &mut self,
        frames: &mut Vec<CapturedFrame>,
        first: usize,
    ) -> Result<(), SourceError> {
        let mut kept = first;
        for at in first..frames.len() {
            let frame = frames[at];
            if self.program(frame.link_type)?.matches(frame.frame.bytes(), frame.wire_len) {
                frames[kept] = frame;
                kept += 1;
            }
        }
        frames.truncate(kept);
        Ok(())
    }
}

fn compile(expression: &str, link_type: LinkType) -> Result<Program, SourceError> {
    // Files number raw IP differently from the library.
    let data_link_type = match link_type {
        LinkType::RAW => DLT_RAW,
        other => i32::from(other.0),
    };
    Capture::dead(Linktype(data_link_type))
        .map_err(words)
        .and_then(|capture| Program::compile(&capture, expression, None))
        .map_err(|text| cannot_be_compiled(expression, &text))
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Filter").field(&self.expression).finish()
    }
}

/// The error of a filter expression that libpcap refuses with `text`.
pub(in crate::pcap) fn cannot_be_compiled(expression: &str, text: &str) -> SourceError {
    OptionError::Conflict(format!("option filter: {expression:?} cannot be compiled: {text}")).into()
}
