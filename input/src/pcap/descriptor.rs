//! The options of the input `pcap`, and what they open.

use weir_flow::options::{Argument, OptionError, OptionSpec, Parsed};

use super::{CaptureFile, live};
use crate::{InputDescriptor, Source, SourceError};

/// The input `pcap`.
pub const DESCRIPTOR: InputDescriptor = InputDescriptor {
    names: &["pcap"],
    doc: "Input plugin for reading packets from a pcap or pcapng file (plain, gzip or zstd) or, through libpcap, from a network interface",
    options: OPTIONS,
    open,
    list: Some(live::list),
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
        return Err(conflict("option list only lists the interfaces, nothing is captured"));
    }
    let filter = options.text("filter").filter(|text| !text.is_empty());
    match (options.text("file"), options.text("ifc")) {
        (Some(_), Some(_)) => Err(conflict("options file and ifc: only one of them can be given")),
        (None, None) => Err(conflict("one of the options file and ifc is required")),
        (None, Some(interface)) => live::open(live::Settings {
            interface: interface.to_owned(),
            filter: filter.map(str::to_owned),
            snaplen: options.number("snaplen").try_into().unwrap_or(u16::MAX),
        }),
        (Some(path), None) => {
            let mut file = CaptureFile::open(path)?;
            if let Some(expression) = filter {
                file.set_filter(expression)?;
            }
            Ok(Box::new(file))
        }
    }
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

    #[cfg(not(feature = "libpcap"))]
    #[test]
    fn without_libpcap_it_says_so_and_what_captures_without() {
        assert_eq!(
            error("pcap;ifc=eth0"),
            "option ifc: this build lacks libpcap, build it with the cargo feature libpcap; \
             the input raw captures without it"
        );
        assert!((DESCRIPTOR.list.unwrap())().unwrap_err().to_string().starts_with("option list: this build"));
    }

    #[cfg(feature = "libpcap")]
    #[test]
    fn an_interface_that_is_not_there_is_named() {
        let text = error("pcap;ifc=nowhere0");
        assert!(text.starts_with("nowhere0: "), "{text}");
    }
}
