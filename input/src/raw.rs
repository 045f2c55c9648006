//! Network interfaces by AF_PACKET sockets with a memory-mapped ring (TPACKET_V3), which every Linux has.
//!
//! * `capture`: the source; what happens when its interface goes down or is removed, and when the program is to end.
//! * `device`: one open interface. `socket`: its system calls. `ring`: its memory, lent out block by block. `block`: what the kernel
//!   writes there.
//! * `settings`: the options.

mod block;
mod capture;
mod device;
mod ring;
mod settings;
mod socket;

use std::fmt::Write;

use weir_flow::options::Parsed;

pub use capture::InterfaceCapture;
pub use settings::Settings;

use crate::registry::InputDescriptor;
use crate::{Source, SourceError};

/// The input `raw`.
pub(crate) const DESCRIPTOR: InputDescriptor = InputDescriptor {
    names: &["raw"],
    doc: "Input plugin for reading packets from a network interface with an AF_PACKET socket",
    options: settings::OPTIONS,
    open,
    list: Some(list),
};

fn open(options: &Parsed) -> Result<Box<dyn Source>, SourceError> {
    Ok(Box::new(InterfaceCapture::open(Settings::from_options(options)?)?))
}

fn list() -> Result<String, SourceError> {
    let names = socket::interface_names()
        .map_err(|error| SourceError::Unavailable(format!("cannot list the network interfaces: {error}")))?;
    Ok(listed(&names))
}

/// A heading, and the names numbered.
fn listed(names: &[String]) -> String {
    let mut text = "Network interfaces:\n".to_owned();
    for (number, name) in (1..).zip(names) {
        let _ = writeln!(text, "{number}.   {name}");
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_list_numbers_each_interface_once() {
        assert_eq!(
            listed(&["lo".to_owned(), "eth0".to_owned()]),
            "Network interfaces:\n1.   lo\n2.   eth0\n"
        );
        let names = socket::interface_names().unwrap();
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(names.len(), once.len(), "{names:?}");
        assert_eq!(list().unwrap(), listed(&names));
    }
}
