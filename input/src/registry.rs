//! The inputs there are.

use weir_flow::options::{OptionSpec, Parsed};

use crate::{Source, SourceError, benchmark, pcap, raw};

/// An input plugin: what it is called, what it takes, how it is opened.
#[derive(Clone, Copy, Debug)]
pub struct InputDescriptor {
    /// Its name, then further names that are understood.
    pub names: &'static [&'static str],
    /// One line for people.
    pub doc: &'static str,
    /// What it takes.
    pub options: &'static [OptionSpec],
    /// Opens it. Nothing is left behind if that fails.
    pub open: fn(&Parsed) -> Result<Box<dyn Source>, SourceError>,
    /// The text that its option `list` asks for, for inputs that have one: what it can capture from.
    pub list: Option<fn() -> Result<String, SourceError>>,
}

/// All inputs.
pub static INPUTS: &[InputDescriptor] = &[benchmark::DESCRIPTOR, pcap::DESCRIPTOR, raw::DESCRIPTOR];

/// The input called `name`.
pub fn find(name: &str) -> Option<&'static InputDescriptor> {
    INPUTS.iter().find(|input| input.names.contains(&name))
}
