//! The options of the input `pcap`, and what they open.

use weir_flow::options::{Argument, OptionError, OptionSpec, Parsed};

use super::CaptureFile;
use crate::{InputDescriptor, Source, SourceError};

/// The input `pcap`.
pub const DESCRIPTOR: InputDescriptor = InputDescriptor {
    names: &["pcap"],
    doc: "Input plugin for reading packets from a pcap or pcapng file, plain, gzip or zstd",
    options: OPTIONS,
    open,
    list: None,
};

const OPTIONS: &[OptionSpec] = &[
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

fn open(options: &Parsed) -> Result<Box<dyn Source>, SourceError> {
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
        let options = plugin.parameters(OPTIONS).unwrap();
        open(&options).err().unwrap().to_string()
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
