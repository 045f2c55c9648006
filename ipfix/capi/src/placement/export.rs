//! Messages of the values that a program has in its places.

use std::ffi::{c_int, c_void};
use std::io;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use weir_ipfix::export::transport::Transport;
use weir_ipfix::export::{
    Backoff, Collector, CollectorSettings, Exporter as Exporting, Now, Observer, Records, Refresh,
    TemplateMode, TemplateSlot,
};
use weir_ipfix::message::{HEADER_LEN, SET_HEADER_LEN};
use weir_ipfix::placement::{EncodePlan, template};
use weir_ipfix::template::{FIRST_ID, LONGEST_RECORD, Template};
use weir_ipfix::value::Value;
use weir_ipfix::wire::Writer;

use super::Fault;
use super::template::{Placed, Registered};

/// Writes octets; answers how many, or less than 0 for an error.
pub(super) type Write = unsafe extern "C" fn(*mut c_void, *const u8, usize) -> isize;

/// Where messages go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Destination {
    Descriptor(c_int),
    Function(*mut c_void, Write),
}

// SAFETY: it is only used by functions whose callers guarantee that it may be called.
unsafe impl Send for Destination {}

impl Destination {
    /// Writes some of `octets`; answers how many.
    ///
    /// # Safety
    /// If it is a function, it may be called.
    unsafe fn write(self, octets: &[u8]) -> Result<usize, Fault> {
        loop {
            // SAFETY: these are the octets; the caller guarantees the rest.
            let count = unsafe {
                match self {
                    Destination::Descriptor(descriptor) => {
                        libc::write(descriptor, octets.as_ptr().cast(), octets.len())
                    }
                    Destination::Function(context, write) => write(context, octets.as_ptr(), octets.len()),
                }
            };
            return match usize::try_from(count) {
                Ok(0) => Err(Fault::Write(io::ErrorKind::WriteZero.into())),
                Ok(count) => Ok(count.min(octets.len())),
                Err(_) => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::Interrupted => continue,
                    error => Err(Fault::Write(error)),
                },
            };
        }
    }
}

/// Octets that may wait because they could not be written.
const MOST_WAITING: usize = 1 << 20;

/// Takes all messages, for [`Exporter::flush`].
#[derive(Debug)]
struct Taken(Arc<Mutex<Vec<u8>>>);

impl Transport for Taken {
    fn may_lose(&self) -> bool {
        false
    }

    fn connect(&mut self) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn send(&mut self, octets: &[u8], _ends: &[usize]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(octets);
        Ok(octets.len())
    }

    fn wait(&self, _most: Duration) {}

    fn close(&mut self) {}
}

/// Nothing is lost: records are looked at before they are put, and [`Taken`] takes all.
#[derive(Debug)]
struct NothingLost;

impl Observer for NothingLost {
    fn lost(&mut self, _collector: usize, _message: &[u8]) {}

    fn lost_record(&mut self, _template: &Template, _record: &[u8]) {}
}

/// An exporter.
#[derive(Debug)]
pub(super) struct Exporter {
    destination: Destination,
    exporting: Exporting,
    began: Instant,
    /// Octets of the longest message.
    longest: usize,
    /// Whether messages may get lost, so that each tells its templates.
    may_lose: bool,
    layouts: Vec<Layout>,
    /// Records of the next message, set by set, and the octets that they will take there.
    sets: Vec<Set>,
    octets: usize,
    taken: Arc<Mutex<Vec<u8>>>,
    /// What has to be written. Of its first message, the end of which is known, a part may have been.
    waiting: Vec<u8>,
    written: usize,
    message_end: usize,
    room: Vec<u8>,
}

/// What placement templates with the same places have in common.
#[derive(Debug)]
struct Layout {
    registered: Arc<Registered>,
    slot: TemplateSlot,
    plan: EncodePlan,
    /// Octets around a record of it that is alone in a message.
    around: usize,
}

#[derive(Debug)]
struct Set {
    slot: TemplateSlot,
    octets: Vec<u8>,
    lengths: Vec<u32>,
}

impl Exporter {
    pub(super) fn new(
        destination: Destination,
        domain: u32,
        longest: usize,
        may_lose: bool,
    ) -> Result<Exporter, Fault> {
        let longest = longest.min(u16::MAX.into());
        let mode = if may_lose { TemplateMode::Always } else { TemplateMode::Once };
        let mut exporting = Exporting::new(domain, longest)?.with_templates(mode);
        let taken = Arc::new(Mutex::new(Vec::new()));
        let settings = CollectorSettings {
            refresh: Refresh::default(),
            queue_octets: 0,
            backoff: Backoff::new(Duration::ZERO),
        };
        exporting.add_collector(Collector::new(Box::new(Taken(Arc::clone(&taken))), None, settings));
        Ok(Exporter {
            destination,
            exporting,
            began: Instant::now(),
            longest,
            may_lose,
            layouts: Vec::new(),
            sets: Vec::new(),
            octets: HEADER_LEN,
            taken,
            waiting: Vec::new(),
            written: 0,
            message_end: 0,
            room: vec![0; LONGEST_RECORD],
        })
    }

    fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // The header's time has 32 bits (RFC 7011, 3.1).
        Now { elapsed: self.began.elapsed(), unix_s: unix.as_secs() as u32 }
    }

    /// The layout of what is registered; a new one gets the next template id.
    fn layout(&mut self, registered: &Arc<Registered>) -> Result<usize, Fault> {
        let known =
            self.layouts.iter().rposition(|layout| Arc::ptr_eq(&layout.registered, registered)).or_else(
                || self.layouts.iter().position(|other| other.registered.places == registered.places),
            );
        if let Some(known) = known {
            return Ok(known);
        }
        if registered.places.is_empty() {
            return Err(Fault::NoPlaces);
        }
        let id = u16::try_from(usize::from(FIRST_ID) + self.layouts.len()).map_err(|_| Fault::Full)?;
        let template = template(id, &registered.places)?;
        let plan = EncodePlan::new(&template, &registered.places)?;
        let told = if self.may_lose { SET_HEADER_LEN + template.wire_len() } else { 0 };
        let around = HEADER_LEN + told + SET_HEADER_LEN;
        let slot = self.exporting.add_template(template, self.now(), &mut NothingLost)?;
        self.layouts.push(Layout { registered: Arc::clone(registered), slot, plan, around });
        Ok(self.layouts.len() - 1)
    }

    /// Puts a record of the values that are in the places now.
    ///
    /// # Safety
    /// The memory of the places is there, and if the destination is a function, it may be called.
    pub(super) unsafe fn place_values(&mut self, placed: &Placed) -> Result<(), Fault> {
        let waiting = self.waiting.len() - self.written;
        if waiting > MOST_WAITING {
            // SAFETY: the caller guarantees it.
            unsafe { self.flush() }.map_err(|_| Fault::Waiting(waiting))?;
        }
        let at = self.layout(&placed.registered)?;
        let mut room = mem::take(&mut self.room);
        // SAFETY: the caller guarantees it.
        let put = unsafe { self.put(at, placed, &mut room) };
        self.room = room;
        put
    }

    /// # Safety
    /// As [`Exporter::place_values`].
    unsafe fn put(&mut self, at: usize, placed: &Placed, room: &mut [u8]) -> Result<(), Fault> {
        let Layout { slot, plan, around, .. } = &self.layouts[at];
        let (slot, around) = (*slot, *around);
        let mut out = Writer::new(room);
        let mut fault = None;
        let encoded = plan.encode(&mut out, |place| {
            // SAFETY: the caller guarantees it.
            unsafe { placed.registered.memory[place].read() }.unwrap_or_else(|why| {
                fault = Some(why);
                Value::Octets(&[])
            })
        });
        if let Some(fault) = fault {
            return Err(fault);
        }
        encoded?;
        let record = out.written();
        if around + record.len() > self.longest {
            return Err(Fault::Record);
        }
        let is_next = self.sets.last().is_some_and(|set| set.slot == slot);
        let needed = record.len() + if is_next { 0 } else { around - HEADER_LEN };
        if self.octets + needed > self.longest {
            // SAFETY: the caller guarantees it.
            unsafe { self.flush() }?;
        }
        match self.sets.last_mut().filter(|set| set.slot == slot) {
            Some(set) => {
                set.octets.extend_from_slice(record);
                set.lengths.push(record.len() as u32);
                self.octets += record.len();
            }
            None => {
                let lengths = vec![record.len() as u32];
                self.sets.push(Set { slot, octets: record.to_vec(), lengths });
                self.octets += around - HEADER_LEN + record.len();
            }
        }
        Ok(())
    }

    /// Makes a message of the records and writes it, and what could not be written before.
    ///
    /// # Safety
    /// If the destination is a function, it may be called.
    pub(super) unsafe fn flush(&mut self) -> Result<(), Fault> {
        let sets = mem::take(&mut self.sets);
        self.octets = HEADER_LEN;
        let sets: Vec<_> =
            sets.iter().map(|set| (set.slot, Records::of_lengths(&set.octets, &set.lengths))).collect();
        let now = self.now();
        self.exporting.send(&sets, now, &mut NothingLost);
        let written = mem::take(&mut self.written);
        self.waiting.drain(..written);
        self.message_end -= written;
        self.waiting.append(&mut self.taken.lock().unwrap_or_else(PoisonError::into_inner));
        while self.written < self.waiting.len() {
            if self.written == self.message_end {
                // Message by message, as a function may want to have them.
                let length = self.waiting.get(self.written + 2..self.written + 4);
                let length =
                    length.map_or(0, |length| usize::from(u16::from_be_bytes([length[0], length[1]])));
                self.message_end = (self.written + length.max(1)).min(self.waiting.len());
            }
            // SAFETY: the caller guarantees it.
            self.written += unsafe { self.destination.write(&self.waiting[self.written..self.message_end]) }?;
        }
        Ok(())
    }
}
