//! What is known of names.

use std::io::Write;

use memchr::memmem;
use weir_flow::plugin::ALLOCATION_OVERHEAD;

/// The longest list as text; what does not fit is left out.
pub(super) const MAX_RESPONSES: usize = 8192;

/// Names of one record; further ones are left out.
const MAX_SERVICES: usize = 64;

/// What a record says about a name.
pub(super) enum Part<'a> {
    /// SRV: where the service is.
    Server { port: u16, target: &'a [u8] },
    /// HINFO: what the host is.
    Host { hardware: &'a [u8], system: &'a [u8] },
    /// TXT: strings, each followed by a colon.
    Attributes(&'a [u8]),
}

/// What is known of one name.
#[derive(Default)]
struct Service {
    name: Box<[u8]>,
    port: Option<u16>,
    target: Box<[u8]>,
    hardware: Box<[u8]>,
    system: Box<[u8]>,
    attributes: Box<[u8]>,
}

/// Keeps what is there if it is the same.
fn set(place: &mut Box<[u8]>, text: &[u8]) {
    if **place != *text {
        *place = text.into();
    }
}

impl Service {
    /// The most that its text takes: six separators, five digits of a port.
    fn text_len(&self) -> usize {
        let texts = [&self.name, &self.target, &self.hardware, &self.system, &self.attributes];
        11 + texts.iter().map(|text| text.len()).sum::<usize>()
    }

    fn take(&mut self, part: &Part<'_>, is_new: bool) {
        match *part {
            Part::Server { port, target } => {
                self.port = Some(port);
                set(&mut self.target, target);
            }
            Part::Host { hardware, system } => {
                set(&mut self.hardware, hardware);
                set(&mut self.system, system);
            }
            Part::Attributes(attributes) if is_new => self.attributes = attributes.into(),
            // What a further record adds ends with one more colon.
            Part::Attributes(attributes) => {
                self.attributes = [&self.attributes, attributes, b":"].concat().into();
            }
        }
    }

    /// How many bytes `part` adds to the text.
    fn growth(&self, part: &Part<'_>) -> isize {
        let (new, old) = match *part {
            Part::Server { target, .. } => (target.len(), self.target.len()),
            Part::Host { hardware, system } => {
                (hardware.len() + system.len(), self.hardware.len() + self.system.len())
            }
            Part::Attributes(attributes) => (attributes.len() + 1, 0),
        };
        new as isize - old as isize
    }
}

/// The names in the order in which they came.
#[derive(Default)]
pub(super) struct Services {
    list: Vec<Service>,
}

impl Services {
    /// The most that they take: each has five texts.
    pub(super) const MAX_HEAP: usize =
        MAX_SERVICES * (size_of::<Service>() + 5 * ALLOCATION_OVERHEAD) + ALLOCATION_OVERHEAD + MAX_RESPONSES;

    /// Adds what a record says about `name`.
    pub(super) fn add(&mut self, name: &[u8], part: Part<'_>) {
        let taken: usize = self.list.iter().map(Service::text_len).sum();
        let room = MAX_RESPONSES.saturating_sub(taken) as isize;
        if let Some(known) = self.list.iter_mut().find(|service| *service.name == *name) {
            let says_nothing_new = match part {
                Part::Attributes(new) => new.is_empty() || memmem::find(&known.attributes, new).is_some(),
                _ => false,
            };
            if !says_nothing_new && known.growth(&part) <= room {
                known.take(&part, false);
            }
        } else if self.list.len() < MAX_SERVICES {
            let mut service = Service { name: name.into(), ..Service::default() };
            service.take(&part, true);
            if service.text_len() as isize <= room {
                self.list.push(service);
            }
        }
    }

    /// Appends `name;port;target;hardware:system;attributes;` for each name, -1 for a port that is not known.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for service in &self.list {
            out.extend_from_slice(&service.name);
            // Writing to memory does not fail.
            let _ = match service.port {
                Some(port) => write!(out, ";{port};"),
                None => write!(out, ";-1;"),
            };
            out.extend_from_slice(&service.target);
            out.push(b';');
            if !(service.hardware.is_empty() && service.system.is_empty()) {
                out.extend_from_slice(&service.hardware);
                out.push(b':');
                out.extend_from_slice(&service.system);
            }
            out.push(b';');
            out.extend_from_slice(&service.attributes);
            out.push(b';');
        }
    }
}
