//! IPFIXLOLIB: an exporter for programs that have values in network order. The header, `ipfixlolib.h`, is its documentation.

mod definition;
mod exporter;
mod identifiers;
mod sets;
#[cfg(test)]
mod tests;

use std::ffi::{c_char, c_int, c_void};
use std::net::IpAddr;
use std::slice;
use std::sync::PoisonError;

use thiserror::Error;
use weir_ipfix::export::ExportError;
use weir_ipfix::template::TemplateError;
use weir_ipfix::writer::ShortBuffer;

use self::definition::Announced;
use self::exporter::{Exporter, Protocol};
use crate::boundary::{enter, status, text};
use crate::handles::Handles;

/// What went wrong.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
enum Fault {
    #[error("a null pointer")]
    Null,
    #[error("there is no such exporter")]
    NoExporter,
    #[error("there are too many of them")]
    Full,
    #[error("no address, of version 4 or 6, in numbers")]
    Address,
    #[error("no port: 1 to 65535")]
    Port,
    #[error("no transport protocol: UDP, TCP or SCTP")]
    Protocol,
    #[error("the collector cannot be reached: {0}")]
    Collector(String),
    #[error("there is no such collector")]
    NoCollector,
    #[error("template id {0}: ids begin with 256")]
    TemplateId(u16),
    #[error("template {0} would have no fields, or no scope")]
    NoFields(u16),
    #[error("template {0} is being defined, and has to be ended first")]
    Defining(u16),
    #[error("template {0} is not being defined")]
    NotDefining(u16),
    #[error("template {0} would have more fields than it was started with")]
    TooManyFields(u16),
    #[error("template {0} has fewer fields than it was started with")]
    FieldsMissing(u16),
    #[error("template {0} was not started as a data template")]
    NoDataTemplate(u16),
    #[error("template {0}: the fixed values are not those of its fields, or too long")]
    FixedValues(u16),
    #[error("information element {0} is an enterprise's, and no enterprise is given")]
    NoEnterprise(u16),
    #[error("template {0}: a message cannot hold its records")]
    RecordTooLong(u16),
    #[error("template id {0} is that of the fixed values of a data template")]
    TakenForFixedValues(u16),
    #[error("there is no template {0}")]
    NoTemplate(u16),
    #[error("data sets of template {0} have not been sent")]
    SetsWait(u16),
    #[error("a data set has been started, and has to be ended first")]
    SetOpen,
    #[error("no data set has been started")]
    NoSetOpen,
    #[error("a field could not be put into the data set")]
    Spoilt,
    #[error("{octets} octets are not {records} records of the template")]
    Records { octets: usize, records: u16 },
    #[error("records were left out that are longer than a message")]
    RecordsTooLong,
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Message(#[from] ShortBuffer),
}

static EXPORTERS: Handles<Exporter> = Handles::new();

/// Does something with an exporter.
fn with<R>(
    exporter: *const c_void,
    what: impl FnOnce(&mut Exporter) -> Result<R, Fault>,
) -> Result<R, Fault> {
    let exporter = EXPORTERS.get(exporter).ok_or(Fault::NoExporter)?;
    // One in which there was a panic is memory-safe, and says what is wrong with it.
    let mut exporter = exporter.lock().unwrap_or_else(PoisonError::into_inner);
    what(&mut exporter)
}

fn place(address: Option<&str>, port: c_int) -> Result<(IpAddr, u16), Fault> {
    let address = address.and_then(|address| address.parse().ok()).ok_or(Fault::Address)?;
    let port = u16::try_from(port).ok().filter(|&port| port > 0).ok_or(Fault::Port)?;
    Ok((address, port))
}

/// # Safety
/// `exporter` is null or points to where a pointer can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn ipfix_init_exporter(source_id: u32, exporter: *mut *mut c_void) -> c_int {
    status(|| {
        if exporter.is_null() {
            return Err(Fault::Null);
        }
        let given: *mut c_void = EXPORTERS.give(Exporter::new(source_id)?);
        // SAFETY: the caller guarantees it.
        unsafe { exporter.write(given) };
        if given.is_null() { Err(Fault::Full) } else { Ok(()) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_deinit_exporter(exporter: *mut c_void) -> c_int {
    status(|| {
        let exporter = EXPORTERS.take_back(exporter).ok_or(Fault::NoExporter)?;
        exporter.lock().unwrap_or_else(PoisonError::into_inner).close();
        Ok::<_, Fault>(())
    })
}

/// # Safety
/// `address` is null or points to a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn ipfix_add_collector(
    exporter: *mut c_void,
    address: *const c_char,
    port: c_int,
    protocol: c_int,
) -> c_int {
    status(|| {
        // SAFETY: the caller guarantees it.
        let (address, port) = place(unsafe { text(address) }, port)?;
        let protocol = match protocol {
            0 => Protocol::Udp,
            1 => Protocol::Tcp,
            2 => Protocol::Sctp,
            _ => return Err(Fault::Protocol),
        };
        with(exporter, |exporter| exporter.add_collector(address, port, protocol))
    })
}

/// # Safety
/// `address` is null or points to a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn ipfix_remove_collector(
    exporter: *mut c_void,
    address: *const c_char,
    port: c_int,
) -> c_int {
    status(|| {
        // SAFETY: the caller guarantees it.
        let (address, port) = place(unsafe { text(address) }, port)?;
        with(exporter, |exporter| exporter.remove_collector(address, port))
    })
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_start_template_set(exporter: *mut c_void, id: u16, fields: u16) -> c_int {
    status(|| with(exporter, |exporter| exporter.define(id, Announced::Fields(fields))))
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_start_optionstemplate_set(
    exporter: *mut c_void,
    id: u16,
    scope: u16,
    options: u16,
) -> c_int {
    status(|| with(exporter, |exporter| exporter.define(id, Announced::Options { scope, options })))
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_start_datatemplate_set(exporter: *mut c_void, id: u16, fields: u16, fixed: u16) -> c_int {
    status(|| with(exporter, |exporter| exporter.define(id, Announced::Data { fields, fixed })))
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_put_template_field(
    exporter: *mut c_void,
    id: u16,
    number: u16,
    length: u16,
    enterprise: u32,
) -> c_int {
    status(|| with(exporter, |exporter| exporter.definition(id)?.put_field(number, length, enterprise)))
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_put_template_fixedfield(
    exporter: *mut c_void,
    id: u16,
    number: u16,
    length: u16,
    enterprise: u32,
) -> c_int {
    status(|| with(exporter, |exporter| exporter.definition(id)?.put_fixed_field(number, length, enterprise)))
}

/// # Safety
/// `data` is null or points to `length` octets.
#[unsafe(no_mangle)]
unsafe extern "C" fn ipfix_put_template_data(
    exporter: *mut c_void,
    id: u16,
    data: *const c_void,
    length: u16,
) -> c_int {
    status(|| {
        if data.is_null() {
            return Err(Fault::Null);
        }
        // SAFETY: the caller guarantees it.
        let values = unsafe { slice::from_raw_parts(data.cast::<u8>(), length.into()) };
        with(exporter, |exporter| exporter.definition(id)?.put_values(values))
    })
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_end_template_set(exporter: *mut c_void, id: u16) -> c_int {
    status(|| with(exporter, |exporter| exporter.end_definition(id)))
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_remove_template_set(exporter: *mut c_void, id: u16) -> c_int {
    status(|| with(exporter, |exporter| exporter.remove_template(id)))
}

/// `id` is in network order, and nothing else is.
#[unsafe(no_mangle)]
extern "C" fn ipfix_start_data_set(exporter: *mut c_void, id: u16) -> c_int {
    status(|| with(exporter, |exporter| exporter.begin_set(u16::from_be(id))))
}

/// `data` is not read before [`ipfix_send`].
#[unsafe(no_mangle)]
extern "C" fn ipfix_put_data_field(exporter: *mut c_void, data: *const c_void, length: u16) -> c_int {
    status(|| with(exporter, |exporter| exporter.sets().put(data.cast(), length)))
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_set_data_field_marker(exporter: *mut c_void) -> c_int {
    status(|| with(exporter, |exporter| exporter.sets().set_marker()))
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_delete_data_fields_upto_marker(exporter: *mut c_void) -> c_int {
    status(|| with(exporter, |exporter| exporter.sets().return_to_marker()))
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_end_data_set(exporter: *mut c_void, records: u16) -> c_int {
    status(|| with(exporter, |exporter| exporter.end_set(records)))
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_cancel_data_set(exporter: *mut c_void) -> c_int {
    status(|| with(exporter, |exporter| exporter.sets().cancel()))
}

/// # Safety
/// What [`ipfix_put_data_field`] was given is still there.
#[unsafe(no_mangle)]
unsafe extern "C" fn ipfix_send(exporter: *mut c_void) -> c_int {
    // SAFETY: the caller guarantees it.
    status(|| with(exporter, |exporter| unsafe { exporter.send() }))
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_beat(exporter: *mut c_void) -> c_int {
    enter(-1, || with(exporter, |exporter| Ok(exporter.beat().into())))
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_get_remaining_space(exporter: *mut c_void) -> c_int {
    enter(-1, || with(exporter, |exporter| Ok(exporter.room() as c_int)))
}

#[unsafe(no_mangle)]
extern "C" fn ipfix_get_lost_records(exporter: *mut c_void) -> u64 {
    enter(0, || with(exporter, |exporter| Ok(exporter.lost_records())))
}
