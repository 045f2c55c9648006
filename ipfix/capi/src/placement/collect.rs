//! Reading messages into the places of a program.

use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::io;

use weir_ipfix::collect::{self, Arrival, Event, Session, SessionSettings};
use weir_ipfix::message::{Message, Record};
use weir_ipfix::placement::{DecodePlan, PlanError};

use super::Fault;
use super::template::Placed;

/// Reads up to so many octets; answers how many, 0 at the end, or less than 0 for an error.
type Read = unsafe extern "C" fn(*mut c_void, *mut u8, usize) -> isize;

/// `struct ipfix_collecting`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Hooks {
    pub(super) context: *mut c_void,
    pub(super) read: Option<Read>,
    pub(super) start: Option<unsafe extern "C" fn(*mut c_void, usize) -> c_int>,
    pub(super) end: Option<unsafe extern "C" fn(*mut c_void, usize) -> c_int>,
}

/// Where messages come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Descriptor(c_int),
    Function(*mut c_void, Read),
}

impl Source {
    /// Reads some octets into `room`; 0 at the end.
    ///
    /// # Safety
    /// If it is a function, it may be called.
    unsafe fn read(self, room: &mut [u8]) -> Result<usize, Fault> {
        loop {
            // SAFETY: there is so much room; the caller guarantees the rest.
            let count = unsafe {
                match self {
                    Source::Descriptor(descriptor) => {
                        libc::read(descriptor, room.as_mut_ptr().cast(), room.len())
                    }
                    Source::Function(context, read) => read(context, room.as_mut_ptr(), room.len()),
                }
            };
            return match usize::try_from(count) {
                Ok(count) => Ok(count.min(room.len())),
                Err(_) => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::Interrupted => continue,
                    error => Err(Fault::Read(error)),
                },
            };
        }
    }
}

/// Octets that are read at once, and room for the longest message.
const ROOM: usize = 2 << 16;

/// Reads messages to the end of the input. `start` and `end` are told the number of the placement template before and after a record is
/// placed, and answer whether to go on. What is wrong with a part of a message is told when all has been read.
///
/// # Safety
/// The memory of the templates is there, and if the source is a function, it may be called.
pub(super) unsafe fn collect(
    source: Source,
    templates: &[Placed],
    mut start: impl FnMut(usize) -> bool,
    mut end: impl FnMut(usize) -> bool,
) -> Result<(), Fault> {
    // Files may hold what was sent over UDP: templates that are replaced, and data before them.
    let mut session = Session::new(SessionSettings::new(true));
    let mut plans = Plans { templates, plans: HashMap::new() };
    let (mut fault, mut is_stopped) = (None, false);
    let mut octets = vec![0; ROOM];
    let (mut begin, mut filled) = (0, 0);
    loop {
        while let Some((message, _)) = Message::read_from(&octets[begin..filled])? {
            let domain = message.header.domain;
            session.read(&message, Arrival::default(), |event| {
                if is_stopped {
                    return;
                }
                let why = match event {
                    Event::Template(template) => plans.forget(domain, template.id()),
                    // SAFETY: the caller guarantees it.
                    Event::Record(record) => unsafe {
                        plans.place(domain, &record, &mut start, &mut end, &mut is_stopped)
                    },
                    Event::Fault(collect::Fault::Withdrawn(_)) => Ok(()),
                    Event::Fault(why) => Err(why.into()),
                    Event::Withdrawal(_) | Event::UnknownRecords(..) => Ok(()),
                };
                if let Err(why) = why {
                    fault.get_or_insert(why);
                }
            });
            if is_stopped {
                return Err(Fault::Stopped);
            }
            begin += usize::from(message.header.length);
        }
        octets.copy_within(begin..filled, 0);
        (begin, filled) = (0, filled - begin);
        // SAFETY: the caller guarantees it.
        match unsafe { source.read(&mut octets[filled..]) }? {
            0 if filled > 0 => return Err(Fault::CutOff),
            0 => return fault.map_or(Ok(()), Err),
            count => filled += count,
        }
    }
}

/// Which placement template takes the records of a template of the exporter, and how.
struct Plans<'t> {
    templates: &'t [Placed],
    /// By observation domain and id.
    plans: HashMap<(u32, u16), Option<Plan>>,
}

struct Plan {
    /// The number of the placement template.
    which: usize,
    plan: DecodePlan,
}

impl Plans<'_> {
    /// A template of the exporter is new.
    fn forget(&mut self, domain: u32, id: u16) -> Result<(), Fault> {
        self.plans.remove(&(domain, id));
        Ok(())
    }

    /// Places a record, if there is a placement template for it.
    ///
    /// # Safety
    /// The memory of the templates is there.
    unsafe fn place(
        &mut self,
        domain: u32,
        record: &Record<'_, '_>,
        start: &mut impl FnMut(usize) -> bool,
        end: &mut impl FnMut(usize) -> bool,
        is_stopped: &mut bool,
    ) -> Result<(), Fault> {
        let mut fault = Ok(());
        let plan = self.plans.entry((domain, record.template().id())).or_insert_with(|| {
            let (plan, why) = first_plan(record, self.templates);
            fault = why;
            plan
        });
        fault?;
        let Some(Plan { which, plan }) = plan else { return Ok(()) };
        if !start(*which) {
            *is_stopped = true;
            return Ok(());
        }
        let memory = &self.templates[*which].registered.memory;
        for field in plan.fields(record.octets()) {
            // SAFETY: the caller guarantees it.
            unsafe { memory[field.place].write(field.content) }?;
        }
        *is_stopped = !end(*which);
        Ok(())
    }
}

/// The plan of the first placement template all of whose elements the record has; and what is wrong with an element of one before it.
fn first_plan(record: &Record<'_, '_>, templates: &[Placed]) -> (Option<Plan>, Result<(), Fault>) {
    let mut fault = Ok(());
    for (which, placed) in templates.iter().enumerate() {
        match DecodePlan::new(record.template(), &placed.registered.places) {
            Ok(plan) => return (Some(Plan { which, plan }), fault),
            Err(PlanError::Absent(_) | PlanError::NoPlaces) => {}
            Err(why) => fault = Err(why.into()),
        }
    }
    (None, fault)
}
