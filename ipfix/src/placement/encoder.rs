//! Structs as records.

use std::fmt;

use super::layout::{Slot, is_made_of};
use super::structs::{Measure, Places, Present, Put};
use super::{EncodePlan, EncoderError, WriteError, template};
use crate::template::{LONGEST_RECORD, Template, VARIABLE};
use crate::wire::{Full, Writer};

/// Makes records of a template of structs.
pub struct Encoder<P: Places> {
    template: Template,
    layout: Layout<P::Slots>,
}

#[derive(Clone, Debug)]
enum Layout<S> {
    /// As the struct's own template has it, which the compiler knows.
    Own,
    /// All records have their fields in the same slots, and zeros elsewhere.
    Fixed(S, usize),
    /// Where fields are depends on the record.
    Variable(EncodePlan),
}

impl<P: Places> fmt::Debug for Encoder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("template", &self.template).field("layout", &self.layout).finish()
    }
}

impl<P: Places> Encoder<P> {
    /// For the template that has all fields of the struct, in their order. Then an `Option` has to be something.
    ///
    /// # Errors
    /// See [`Template::new`].
    pub fn new(id: u16) -> Result<Encoder<P>, EncoderError> {
        Encoder::for_template(template(id, P::PLACES)?)
    }

    /// For the template that has the fields which are something in `record`, in their order.
    ///
    /// # Errors
    /// See [`Template::new`].
    pub fn like(id: u16, record: &P::Record<'_>) -> Result<Encoder<P>, EncoderError> {
        let mut present = Present { all: P::PLACES, present: Vec::new() };
        // Looking never fails.
        let _ = record.visit(&mut present);
        Encoder::for_template(template(id, &present.present)?)
    }

    /// For any template. Fields of the struct that it does not have are not sent.
    ///
    /// # Errors
    /// If the struct has no field for one of the template's, or the lengths do not fit.
    pub fn for_template(template: Template) -> Result<Encoder<P>, EncoderError> {
        let plan = EncodePlan::new(&template, P::PLACES)?;
        let layout = match template.record_len() {
            None => Layout::Variable(plan),
            Some(_) if P::OWN.is_some() && is_made_of(&template, P::PLACES) => Layout::Own,
            Some(len) => {
                let mut slots = P::NOWHERE;
                let mut start = 0;
                for field in plan.fields() {
                    if let Some(place) = field.place {
                        slots.as_mut()[place] = Slot::new(start, field.length.into(), len);
                    }
                    start += usize::from(field.length);
                }
                Layout::Fixed(slots, len)
            }
        };
        Ok(Encoder { template, layout })
    }

    /// The template.
    pub const fn template(&self) -> &Template {
        &self.template
    }

    /// Writes a record.
    ///
    /// # Errors
    /// If a value is missing or does not fit into its field, or the record not into the buffer or a message. Then nothing has
    /// been written.
    #[inline]
    pub fn put(&self, record: &P::Record<'_>, out: &mut Writer<'_>) -> Result<(), WriteError> {
        let begin = out.len();
        let written = self.put_slots(record, out);
        if written.is_err() {
            out.truncate(begin);
        }
        written
    }

    #[inline(always)]
    fn put_slots(&self, record: &P::Record<'_>, out: &mut Writer<'_>) -> Result<(), WriteError> {
        match &self.layout {
            Layout::Own => {
                let (slots, len) = P::OWN.ok_or(Full)?;
                let octets = out.take(len)?;
                record.visit(&mut Put::<P> { octets, slots: &slots })
            }
            Layout::Fixed(slots, len) => {
                let octets = out.take(*len)?;
                octets.fill(0);
                record.visit(&mut Put::<P> { octets, slots })
            }
            Layout::Variable(plan) => put_variable::<P>(plan, record, out),
        }
    }
}

/// Measures the values of variable length, makes room for all, and fills it.
fn put_variable<P: Places>(
    plan: &EncodePlan,
    record: &P::Record<'_>,
    out: &mut Writer<'_>,
) -> Result<(), WriteError> {
    let mut measure = Measure::<P> { lengths: P::NOWHERE };
    record.visit(&mut measure)?;
    let mut slots = P::NOWHERE;
    let begin = out.len();
    for field in plan.fields() {
        let length = match field.place {
            Some(place) if field.length == VARIABLE => {
                let length = measure.lengths.as_ref()[place].length;
                out.put_variable_length(length)?;
                length
            }
            _ => field.length,
        };
        let start = out.len() - begin;
        out.take(length.into())?.fill(0);
        if let Some(place) = field.place {
            slots.as_mut()[place] = Slot::new(start, length.into(), out.len() - begin);
        }
    }
    if out.len() - begin > LONGEST_RECORD {
        return Err(Full.into());
    }
    let octets = out.written_mut(begin);
    record.visit(&mut Put::<P> { octets, slots: &slots })
}
