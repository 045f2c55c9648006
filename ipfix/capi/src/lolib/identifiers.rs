//! Names and numbers of IANA's information elements.

use std::ffi::{CString, c_char, c_int};
use std::ptr;
use std::sync::OnceLock;

use thiserror::Error;
use weir_ipfix::element::ElementId;
use weir_ipfix::registry::{self, iana};

use crate::boundary::{enter, text};

#[derive(Debug, Error)]
enum Fault {
    #[error("no information element of IANA is called so")]
    Name,
    #[error("no information element of IANA has this number")]
    Number,
}

/// `struct ipfix_identifier`.
#[repr(C)]
#[derive(Debug)]
struct Identifier {
    name: *mut c_char,
    id: u16,
    length: u8,
}

/// The first of the identifiers that C is shown, as many as IANA's table has and in its order. They stay for ever.
struct Shown(*mut Identifier);

// SAFETY: nothing here reads or writes what C is shown.
unsafe impl Send for Shown {}
// SAFETY: as above.
unsafe impl Sync for Shown {}

static SHOWN: OnceLock<Shown> = OnceLock::new();

fn shown() -> &'static Shown {
    SHOWN.get_or_init(|| {
        let identifier = |element: &weir_ipfix::element::Element| Identifier {
            name: CString::new(&*element.name).unwrap_or_default().into_raw(),
            id: element.id.number,
            length: element.data_type.length().and_then(|length| length.try_into().ok()).unwrap_or(0),
        };
        let identifiers: Vec<Identifier> = iana::ELEMENTS.iter().map(identifier).collect();
        Shown(identifiers.leak().as_mut_ptr())
    })
}

/// # Safety
/// `name` is null or points to a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn ipfix_name_lookup(name: *const c_char) -> c_int {
    enter(-1, || {
        // SAFETY: the caller guarantees it.
        let element = unsafe { text(name) }.and_then(registry::by_name).filter(|e| e.id.enterprise == 0);
        element.map(|element| element.id.number.into()).ok_or(Fault::Name)
    })
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_id_lookup(id: c_int) -> *mut Identifier {
    enter(ptr::null_mut(), || {
        let number = u16::try_from(id).map_err(|_| Fault::Number)?;
        let id = ElementId::iana(number);
        let place =
            iana::ELEMENTS.binary_search_by_key(&id, |element| element.id).map_err(|_| Fault::Number)?;
        Ok::<_, Fault>(shown().0.wrapping_add(place))
    })
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_id_rangecheck(id: c_int) -> c_int {
    let last = iana::ELEMENTS.last().map_or(0, |element| element.id.number);
    (1..=c_int::from(last)).contains(&id).into()
}
