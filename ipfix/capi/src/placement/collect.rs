//! Reading messages into the places of a program.

use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::io;

use weir_ipfix::collect::{self, Arrival, Event, Session, SessionSettings};
use weir_ipfix::element::ElementId;
use weir_ipfix::message::{COMMON_PROPERTIES_ID, Message, Record};
use weir_ipfix::placement::{DecodePlan, PlanError};

use super::Fault;
use super::template::{Placed, Registered};

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
    let mut plans = Plans::new(templates);
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
                    Event::Element(_) | Event::Withdrawal(_) | Event::UnknownRecords(..) => Ok(()),
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
    /// Of templates of the exporter in the order of their first records.
    plans: Vec<Plan>,
    /// By observation domain and id.
    places: HashMap<(u32, u16), usize>,
    /// The latest look-up: most records have the template of the one before.
    last: ((u32, u16), usize),
}

/// What happens to the records of a template of the exporter.
enum Plan {
    /// It is new, and nothing is known yet.
    Unmade,
    /// No placement template wants them.
    Skip,
    /// They go to the placement template with this number.
    Place(usize, DecodePlan),
    /// What they have depends on what each refers to (RFC 5473).
    Join,
}

impl Plans<'_> {
    fn new(templates: &[Placed]) -> Plans<'_> {
        // No template has the id 0.
        Plans { templates, plans: Vec::new(), places: HashMap::new(), last: ((0, 0), 0) }
    }

    /// A template of the exporter is new.
    fn forget(&mut self, domain: u32, id: u16) -> Result<(), Fault> {
        if let Some(&place) = self.places.get(&(domain, id)) {
            self.plans[place] = Plan::Unmade;
        }
        Ok(())
    }

    /// The number of the plan for a template of the exporter.
    fn find(&mut self, domain: u32, id: u16) -> usize {
        let key = (domain, id);
        if self.last.0 != key {
            let place = *self.places.entry(key).or_insert(self.plans.len());
            if place == self.plans.len() {
                self.plans.push(Plan::Unmade);
            }
            self.last = (key, place);
        }
        self.last.1
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
        let place = self.find(domain, record.template().id());
        let mut fault = Ok(());
        if let Plan::Unmade = self.plans[place] {
            (self.plans[place], fault) = first_plan(record, self.templates);
        }
        let which = match &self.plans[place] {
            Plan::Place(which, _) => Some(*which),
            Plan::Join => first_joined(record, self.templates),
            Plan::Skip | Plan::Unmade => None,
        };
        let Some(which) = which else { return fault };
        *is_stopped = !start(which);
        if *is_stopped {
            return fault;
        }
        let Registered { places, memory } = &*self.templates[which].registered;
        match &self.plans[place] {
            Plan::Place(_, plan) => {
                for field in plan.fields(record.octets()) {
                    // SAFETY: the caller guarantees it.
                    unsafe { memory[field.place].write(field.content) }?;
                }
            }
            _ => {
                for (place, memory) in places.iter().zip(memory) {
                    let content = find_joined(record, place.id).unwrap_or_default();
                    // SAFETY: the caller guarantees it.
                    unsafe { memory.write(content) }?;
                }
            }
        }
        *is_stopped = !end(which);
        fault
    }
}

/// What a record has of an element, by itself or by what it refers to.
fn find_joined<'x>(record: &Record<'x, 'x>, id: ElementId) -> Option<&'x [u8]> {
    record.joined().find(|field| field.specifier.id == id).map(|field| field.content).or(record.get(id))
}

/// The first placement template all of whose elements the record has.
fn first_joined(record: &Record<'_, '_>, templates: &[Placed]) -> Option<usize> {
    templates.iter().position(|placed| {
        let places = &placed.registered.places;
        !places.is_empty() && places.iter().all(|place| find_joined(record, place.id).is_some())
    })
}

/// The plan of the first placement template all of whose elements the record has; and what is wrong with an element of one before it.
fn first_plan(record: &Record<'_, '_>, templates: &[Placed]) -> (Plan, Result<(), Fault>) {
    let template = record.template();
    if !template.is_options() && template.fields().iter().any(|field| field.id == COMMON_PROPERTIES_ID) {
        return (Plan::Join, Ok(()));
    }
    let mut fault = Ok(());
    for (which, placed) in templates.iter().enumerate() {
        match DecodePlan::new(template, &placed.registered.places) {
            Ok(plan) => return (Plan::Place(which, plan), fault),
            Err(PlanError::Absent(_) | PlanError::NoPlaces) => {}
            Err(why) => fault = Err(why.into()),
        }
    }
    (Plan::Skip, fault)
}
