//! libfc's placement: a program says once which elements of records it wants and where. The headers, `ipfix.h` and `ipfix.hpp`, are its
//! documentation.

mod collect;
mod export;
mod memory;
mod octets;
mod template;
#[cfg(test)]
mod tests;

use std::ffi::{c_char, c_int, c_void};
use std::slice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use thiserror::Error;
use weir_ipfix::element::{Element, ElementId};
use weir_ipfix::export::ExportError;
use weir_ipfix::model::{InformationModel, ModelError};
use weir_ipfix::placement::PlanError;
use weir_ipfix::template::TemplateError;
use weir_ipfix::value::{EncodeError, ValueError};
use weir_ipfix::writer::ShortBuffer;

use self::collect::{Hooks, Source, collect};
use self::export::{Destination, Exporter};
use self::octets::Octets;
use self::template::{Placed, Placement};
use crate::boundary::{enter, text};
use crate::handles::Handles;

/// What went wrong.
#[derive(Debug, Error)]
enum Fault {
    #[error("a null pointer, or text that is not UTF-8")]
    Null,
    #[error("there is no such template")]
    NoTemplate,
    #[error("there is no such exporter")]
    NoExporter,
    #[error("the exporter is in use")]
    InUse,
    #[error("there are too many of them")]
    Full,
    #[error("nothing is registered with the template")]
    NoPlaces,
    #[error("{name}: a value of type {data_type} cannot be {size} octets long")]
    Size { name: String, data_type: &'static str, size: usize },
    #[error("a string is not UTF-8")]
    Text,
    #[error("an octet buffer has a length and no octets")]
    Octets,
    #[error("out of memory")]
    Memory,
    #[error("a record does not fit into a message")]
    Record,
    #[error("read: {0}")]
    Read(std::io::Error),
    #[error("write: {0}")]
    Write(std::io::Error),
    #[error("{0} octets wait to be written, and nothing more is taken")]
    Waiting(usize),
    #[error("the input ends inside of a message")]
    CutOff,
    #[error("stopped by the program")]
    Stopped,
    #[error(transparent)]
    Message(#[from] weir_ipfix::message::MessageError),
    #[error(transparent)]
    Collected(#[from] weir_ipfix::collect::Fault),
    #[error(transparent)]
    Value(#[from] ValueError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Longest(#[from] ShortBuffer),
}

static TEMPLATES: Handles<Placement> = Handles::new();

static EXPORTERS: Handles<Exporter> = Handles::new();

/// The elements that programs have added to those of the registry.
static MODEL: Mutex<Option<InformationModel>> = Mutex::new(None);

fn with_model<R>(what: impl FnOnce(&mut InformationModel) -> R) -> R {
    let mut model = MODEL.lock().unwrap_or_else(PoisonError::into_inner);
    what(model.get_or_insert_default())
}

/// The callback of a C program.
type Callback = unsafe extern "C" fn(*const c_void);

/// As [`enter`], for functions that answer 1, or 0 for a fault.
fn success(entry: impl FnOnce() -> Result<(), Fault>) -> c_int {
    enter(0, || entry().map(|()| 1))
}

fn template(given: *const c_void) -> Result<Arc<Mutex<Placement>>, Fault> {
    TEMPLATES.get(given).ok_or(Fault::NoTemplate)
}

/// What is registered with a template, as it is now: a program may register more or delete it meanwhile.
fn placed(given: *const c_void) -> Result<Placed, Fault> {
    Ok(template(given)?.lock().unwrap_or_else(PoisonError::into_inner).placed())
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_template_new() -> *mut c_void {
    enter(std::ptr::null_mut(), || {
        let given: *mut c_void = TEMPLATES.give(Placement::default());
        if given.is_null() { Err(Fault::Full) } else { Ok(given) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_template_delete(given: *mut c_void) {
    enter((), || TEMPLATES.take_back(given).map(drop).ok_or(Fault::NoTemplate));
}

/// # Safety
/// `element` is null or points to a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn ipfix_register_placement(
    given: *mut c_void,
    element: *const c_char,
    memory: *mut c_void,
    size: usize,
) -> c_int {
    success(|| {
        // SAFETY: the caller guarantees it.
        let element = unsafe { text(element) }.ok_or(Fault::Null)?;
        if memory.is_null() {
            return Err(Fault::Null);
        }
        let (element, length) = with_model(|model| {
            model.resolve(element).map(|(element, length)| (element.into_owned(), length))
        })?;
        let template = template(given)?;
        template.lock().unwrap_or_else(PoisonError::into_inner).register(&element, length, memory, size)
    })
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_register_callback(given: *mut c_void, callback: Option<Callback>) -> c_int {
    success(|| {
        template(given)?.lock().unwrap_or_else(PoisonError::into_inner).callback = callback;
        Ok(())
    })
}

/// # Safety
/// The memory of what is registered is there, and the callback may be called.
#[unsafe(no_mangle)]
unsafe extern "C" fn ipfix_collect_from_file(descriptor: c_int, given: *mut c_void) -> c_int {
    success(|| {
        let placed = placed(given)?;
        let callback = placed.callback;
        let ended = |_| {
            if let Some(callback) = callback {
                // SAFETY: the caller guarantees it.
                unsafe { callback(given) };
            }
            true
        };
        // SAFETY: the caller guarantees it.
        unsafe { collect(Source::Descriptor(descriptor), &[placed], |_| true, ended) }
    })
}

/// # Safety
/// `hooks` is null or points to a `struct ipfix_collecting` whose functions may be called, `templates` to as many templates as `count`
/// says, and the memory of what is registered with them is there.
#[unsafe(no_mangle)]
unsafe extern "C" fn ipfix_collect(
    hooks: *const Hooks,
    templates: *const *mut c_void,
    count: usize,
) -> c_int {
    success(|| {
        if hooks.is_null() || templates.is_null() {
            return Err(Fault::Null);
        }
        // SAFETY: the caller guarantees it.
        let (hooks, templates) = unsafe { (hooks.read(), slice::from_raw_parts(templates, count)) };
        let templates = templates.iter().map(|&given| placed(given)).collect::<Result<Vec<_>, _>>()?;
        let read = hooks.read.ok_or(Fault::Null)?;
        let call = |hook: Option<unsafe extern "C" fn(*mut c_void, usize) -> c_int>, which| {
            // SAFETY: the caller guarantees it.
            hook.is_none_or(|hook| unsafe { hook(hooks.context, which) } != 0)
        };
        let source = Source::Function(hooks.context, read);
        // SAFETY: the caller guarantees it.
        unsafe {
            collect(source, &templates, |which| call(hooks.start, which), |which| call(hooks.end, which))
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_placement_exporter_new(descriptor: c_int, domain: u32) -> *mut c_void {
    exporter_new(Destination::Descriptor(descriptor), domain, u16::MAX.into(), false)
}

/// # Safety
/// `write` may be called as long as the exporter is there.
#[unsafe(no_mangle)]
unsafe extern "C" fn ipfix_placement_exporter_new_to(
    context: *mut c_void,
    write: Option<export::Write>,
    domain: u32,
    longest: usize,
    may_lose: c_int,
) -> *mut c_void {
    match write {
        Some(write) => exporter_new(Destination::Function(context, write), domain, longest, may_lose != 0),
        None => enter(std::ptr::null_mut(), || Err(Fault::Null)),
    }
}

fn exporter_new(destination: Destination, domain: u32, longest: usize, may_lose: bool) -> *mut c_void {
    enter(std::ptr::null_mut(), || {
        let given: *mut c_void = EXPORTERS.give(Exporter::new(destination, domain, longest, may_lose)?);
        if given.is_null() { Err(Fault::Full) } else { Ok(given) }
    })
}

/// An exporter that nobody uses: not even what writes for it.
fn unused(exporter: &Mutex<Exporter>) -> Result<MutexGuard<'_, Exporter>, Fault> {
    match exporter.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Fault::InUse),
        Err(TryLockError::Poisoned(exporter)) => Ok(exporter.into_inner()),
        Ok(exporter) => Ok(exporter),
    }
}

/// Does something with an exporter.
fn with_exporter(
    given: *const c_void,
    what: impl FnOnce(&mut Exporter) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let exporter = EXPORTERS.get(given).ok_or(Fault::NoExporter)?;
    what(&mut *unused(&exporter)?)
}

/// # Safety
/// The memory of what is registered is there.
#[unsafe(no_mangle)]
unsafe extern "C" fn ipfix_place_values(exporter: *mut c_void, given: *const c_void) -> c_int {
    success(|| {
        let placed = placed(given)?;
        // SAFETY: the caller guarantees it.
        with_exporter(exporter, |exporter| unsafe { exporter.place_values(&placed) })
    })
}

/// # Safety
/// What the exporter writes with may be called.
#[unsafe(no_mangle)]
unsafe extern "C" fn ipfix_placement_exporter_flush(exporter: *mut c_void) -> c_int {
    // SAFETY: the caller guarantees it.
    success(|| with_exporter(exporter, |exporter| unsafe { exporter.flush() }))
}

/// # Safety
/// What the exporter writes with may be called.
#[unsafe(no_mangle)]
unsafe extern "C" fn ipfix_placement_exporter_delete(exporter: *mut c_void) -> c_int {
    success(|| {
        let exporter = EXPORTERS.take_back(exporter).ok_or(Fault::NoExporter)?;
        // SAFETY: the caller guarantees it.
        unsafe { unused(&exporter)?.flush() }
    })
}

/// `struct ipfix_element`.
#[repr(C)]
struct ElementInfo {
    enterprise: u32,
    number: u16,
    length: u16,
    memory: u16,
    data_type: u16,
    name: [c_char; NAME_ROOM],
}

/// Octets of an element's name and the 0 behind it.
const NAME_ROOM: usize = 128;

impl ElementInfo {
    fn new(element: &Element, length: u16) -> Option<ElementInfo> {
        let ElementId { enterprise, number } = element.id;
        let mut name = [0; NAME_ROOM];
        let room = name.get_mut(..element.name.len()).filter(|room| room.len() < NAME_ROOM)?;
        room.iter_mut().zip(element.name.bytes()).for_each(|(room, octet)| *room = octet as c_char);
        let memory = match memory::form(element.data_type).length() {
            Some(length) => length,
            None => size_of::<Octets>() as u16,
        };
        let data_type = element.data_type.number().into();
        Some(ElementInfo { enterprise, number, length, memory, data_type, name })
    }
}

/// # Safety
/// `specification` is null or points to a string, and `element` is null or points to where a `struct ipfix_element` can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn ipfix_element_lookup(specification: *const c_char, element: *mut ElementInfo) -> c_int {
    success(|| {
        // SAFETY: the caller guarantees it.
        let specification = unsafe { text(specification) }.ok_or(Fault::Null)?;
        let found =
            with_model(|model| model.resolve(specification).map(|(e, length)| ElementInfo::new(&e, length)))?;
        let found = found.ok_or(Fault::Memory)?;
        if !element.is_null() {
            // SAFETY: the caller guarantees it.
            unsafe { element.write(found) };
        }
        Ok(())
    })
}

/// # Safety
/// `specification` is null or points to a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn ipfix_element_add(specification: *const c_char) -> c_int {
    success(|| {
        // SAFETY: the caller guarantees it.
        let specification = unsafe { text(specification) }.ok_or(Fault::Null)?;
        Ok(with_model(|model| model.define(specification))?)
    })
}

/// # Safety
/// `octets` is null or points to octets that were initialised, and `from` to `length` octets, or is null if that is 0.
#[unsafe(no_mangle)]
unsafe extern "C" fn ipfix_octets_assign(octets: *mut Octets, from: *const c_void, length: usize) -> c_int {
    success(|| {
        if octets.is_null() || from.is_null() && length > 0 {
            return Err(Fault::Null);
        }
        let from = match length {
            0 => &[][..],
            // SAFETY: the caller guarantees it.
            _ => unsafe { slice::from_raw_parts(from.cast::<u8>(), length) },
        };
        // SAFETY: the caller guarantees it.
        unsafe { Octets::assign(octets, from) }
    })
}

/// # Safety
/// `octets` is null or points to octets that were initialised.
#[unsafe(no_mangle)]
unsafe extern "C" fn ipfix_octets_free(octets: *mut Octets) {
    if !octets.is_null() {
        // SAFETY: the caller guarantees it.
        unsafe { Octets::free(octets) };
    }
}
