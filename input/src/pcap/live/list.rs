//! The interfaces that libpcap can capture from.

use std::fmt::Write;

use ::pcap::Device;

use crate::SourceError;
use crate::pcap::libpcap::words;

/// The interfaces that are up, a line each, with a heading.
pub(in crate::pcap) fn list() -> Result<String, SourceError> {
    let devices = Device::list().map_err(|error| {
        SourceError::Unavailable(format!("option list: the interfaces cannot be listed: {}", words(error)))
    })?;
    let up = devices.iter().filter(|device| device.flags.is_up());
    Ok(text(&up.map(|device| (device.name.as_str(), device.desc.as_deref())).collect::<Vec<_>>()))
}

fn text(interfaces: &[(&str, Option<&str>)]) -> String {
    if interfaces.is_empty() {
        return "No usable interfaces found\n".to_owned();
    }
    let width = interfaces.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = "List of usable interfaces:\n".to_owned();
    for (number, (name, description)) in (1..).zip(interfaces) {
        let _ = write!(text, "{number:>2}. {name:>width$}");
        if let Some(description) = description {
            let _ = write!(text, "  {description}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_end_in_one_column() {
        let mut interfaces = vec![("lo", None), ("enp0s31f6", Some("Uplink")), ("ünicode", Some("Other"))];
        let lines =
            ["List of usable interfaces:", " 1.        lo", " 2. enp0s31f6  Uplink", " 3.   ünicode  Other"];
        assert!(text(&interfaces).lines().eq(lines));
        interfaces.resize(10, ("x", None));
        assert!(text(&interfaces).ends_with("\n10.         x\n"));
    }

    #[test]
    fn that_there_is_none_is_said() {
        assert_eq!(text(&[]), "No usable interfaces found\n");
    }
}
