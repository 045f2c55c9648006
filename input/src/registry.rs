//! The inputs there are.

use weir_flow::options::{Argument, OptionError, OptionSpec, Parsed};

use crate::pcap::CaptureFile;
use crate::{Source, SourceError};

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
pub static INPUTS: &[InputDescriptor] = &[InputDescriptor {
    names: &["pcap"],
    doc: "Input plugin for reading packets from a pcap or pcapng file, plain, gzip or zstd",
    options: PCAP_OPTIONS,
    open: open_pcap,
    list: None,
}];

/// The input called `name`.
pub fn find(name: &str) -> Option<&'static InputDescriptor> {
    INPUTS.iter().find(|input| input.names.contains(&name))
}

const PCAP_OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("file", "f", Argument::Text("PATH"), "Capture file to read, - for standard input"),
    OptionSpec::new("ifc", "i", Argument::Text("IFC"), "Network interface to capture from"),
    OptionSpec::new("filter", "F", Argument::Text("FILTER"), "Packets to take, a libpcap filter expression"),
    OptionSpec::new(
        "snaplen",
        "s",
        Argument::Number("SIZE", 0, u16::MAX as u64),
        "Bytes to capture of a packet, live capture only, 120 at the least",
    )
    .default("65535"),
    OptionSpec::new("list", "l", Argument::Flag, "List the usable interfaces and exit"),
];

fn open_pcap(options: &Parsed) -> Result<Box<dyn Source>, SourceError> {
    let conflict = |text: &str| SourceError::Option(OptionError::Conflict(text.to_owned()));
    if options.is_given("list") {
        return Err(live_capture("list"));
    }
    match (options.text("file"), options.text("ifc")) {
        (Some(_), Some(_)) => Err(conflict("options file and ifc: only one of them can be given")),
        (None, None) => Err(conflict("one of the options file and ifc is required")),
        (None, Some(_)) => Err(live_capture("ifc")),
        (Some(path), None) => {
            let mut file = CaptureFile::open(path)?;
            if let Some(expression) = options.text("filter").filter(|text| !text.is_empty()) {
                file.set_filter(expression)?;
            }
            Ok(Box::new(file))
        }
    }
}

fn live_capture(option: &str) -> SourceError {
    SourceError::Unavailable(format!(
        "option {option}: live capture is not available yet, use file to read a capture file"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use weir_flow::options::PluginString;

    use super::*;

    fn error(text: &str) -> String {
        let plugin = PluginString::parse(text).unwrap();
        let input = find(&plugin.name).unwrap();
        let options = plugin.parameters(input.options).unwrap();
        (input.open)(&options).err().unwrap().to_string()
    }

    #[test]
    fn exactly_one_of_file_and_interface_is_given() {
        assert_eq!(error("pcap"), "one of the options file and ifc is required");
        assert_eq!(error("pcap;f=a;i=b"), "options file and ifc: only one of them can be given");
    }

    #[test]
    fn a_missing_file_is_named() {
        assert_eq!(
            error("pcap;file=/nowhere/at/all.pcap;snaplen=100"),
            "/nowhere/at/all.pcap: No such file or directory (os error 2)"
        );
    }

    #[test]
    fn live_capture_says_that_it_is_missing() {
        assert!(error("pcap;ifc=eth0").starts_with("option ifc: live capture"));
        assert!(error("pcap;list").starts_with("option list: live capture"));
    }
}
