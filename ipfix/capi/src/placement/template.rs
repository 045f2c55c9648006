//! Which elements a program wants, or has, and where.

use std::ffi::c_void;
use std::sync::Arc;

use weir_ipfix::element::{DataType, Element};
use weir_ipfix::placement::Place;
use weir_ipfix::template::VARIABLE;

use super::memory::{Memory, form};
use super::{Callback, Fault};

/// A placement template.
#[derive(Debug, Default)]
pub(super) struct Placement {
    registered: Arc<Registered>,
    pub(super) callback: Option<Callback>,
}

/// What is registered with a placement template.
#[derive(Clone, Debug, Default)]
pub(super) struct Registered {
    pub(super) places: Vec<Place>,
    /// Where they are, in the same order.
    pub(super) memory: Vec<Memory>,
}

/// What is registered with a placement template at a moment.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) registered: Arc<Registered>,
    pub(super) callback: Option<Callback>,
}

impl Placement {
    pub(super) fn placed(&self) -> Placed {
        Placed { registered: Arc::clone(&self.registered), callback: self.callback }
    }

    /// Registers a place. `length` is that of the field when it is sent, unless `size` gives another one. An element has one place: the
    /// latest.
    pub(super) fn register(
        &mut self,
        element: &Element,
        length: u16,
        address: *mut c_void,
        size: usize,
    ) -> Result<(), Fault> {
        let data_type = element.data_type;
        let length = match size {
            0 => length,
            size => u16::try_from(size).ok().filter(|&size| fits(data_type, size)).ok_or_else(|| {
                Fault::Size { name: element.name.to_string(), data_type: data_type.name(), size }
            })?,
        };
        let place = Place { length, ..Place::new(element.id, form(data_type)) };
        let memory = Memory::new(data_type, address);
        let registered = Arc::make_mut(&mut self.registered);
        match registered.places.iter().position(|other| other.id == place.id) {
            Some(at) => (registered.places[at], registered.memory[at]) = (place, memory),
            None => {
                registered.places.push(place);
                registered.memory.push(memory);
            }
        }
        Ok(())
    }
}

const fn fits(data_type: DataType, length: u16) -> bool {
    if length == VARIABLE { data_type.may_vary() } else { data_type.fits(length) }
}
