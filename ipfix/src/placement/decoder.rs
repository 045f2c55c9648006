//! Records as structs.

use std::fmt;

use super::layout::{Slot, is_made_of};
use super::structs::{Located, Places};
use super::{DecodePlan, PlanError, ReadError};
use crate::template::Template;
use crate::time::Time;

/// Something that is made of records: a struct whose fields are elements, or an enum of such structs, of which the first that goes
/// with a template is taken.
pub trait Placement: Sized {
    /// The same with what is borrowed from a record.
    type Record<'a>;
    /// How it is made of the records of a template.
    type Plan: fmt::Debug;

    /// The plan for a template.
    ///
    /// # Errors
    /// If it cannot be made of its records.
    fn plan(template: &Template) -> Result<Self::Plan, PlanError>;

    /// Makes it of the record with which `content` begins, which then goes on behind it.
    ///
    /// # Errors
    /// If the record is cut off, or contains something that is no value.
    fn read<'a>(plan: &Self::Plan, content: &mut &'a [u8], near: Time)
    -> Result<Self::Record<'a>, ReadError>;
}

/// How a struct is made of records of a template.
#[derive(Clone, Debug)]
pub struct StructPlan<S> {
    layout: Layout<S>,
}

#[derive(Clone, Debug)]
enum Layout<S> {
    /// As the struct's own template has it, which the compiler knows.
    Own,
    /// All records have their fields in the same slots.
    Fixed(S, usize),
    /// Where fields are depends on the record.
    Variable(DecodePlan),
}

impl<S: AsRef<[Slot]> + AsMut<[Slot]> + Copy> StructPlan<S> {
    /// The plan for a template.
    ///
    /// # Errors
    /// If a field that is not an `Option` is not in the template, or longer than in memory.
    pub fn new<P: Places<Slots = S>>(template: &Template) -> Result<StructPlan<S>, PlanError> {
        let plan = DecodePlan::new(template, P::PLACES)?;
        let layout = match template.record_len() {
            None => Layout::Variable(plan),
            Some(_) if P::OWN.is_some() && is_made_of(template, P::PLACES) => Layout::Own,
            Some(len) => {
                let mut slots = P::NOWHERE;
                // A record of zeros is as good as any.
                plan.locate(&vec![0; len], slots.as_mut());
                Layout::Fixed(slots, len)
            }
        };
        Ok(StructPlan { layout })
    }

    /// See [`Placement::read`].
    #[inline(always)]
    pub fn read<'a, P: Places<Slots = S>>(
        &self,
        content: &mut &'a [u8],
        near: Time,
    ) -> Result<<P as Places>::Record<'a>, ReadError> {
        match &self.layout {
            Layout::Own => {
                let (slots, len) = P::OWN.ok_or(ReadError::CutOff)?;
                P::read(&Located { octets: take(content, len)?, near }, &slots)
            }
            Layout::Fixed(slots, len) => read::<P>(take(content, *len)?, slots, near),
            Layout::Variable(plan) => {
                let mut slots = P::NOWHERE;
                let len = plan.locate(content, slots.as_mut());
                let octets = *content;
                take(content, len.unwrap_or(usize::MAX))?;
                read::<P>(octets, &slots, near)
            }
        }
    }
}

/// The octets of the next record. If it is cut off, nothing follows it.
#[inline(always)]
fn take<'a>(content: &mut &'a [u8], len: usize) -> Result<&'a [u8], ReadError> {
    let (record, rest) = content.split_at_checked(len).unwrap_or_default();
    *content = rest;
    if record.len() == len { Ok(record) } else { Err(ReadError::CutOff) }
}

/// Once for all templates but the struct's own.
#[inline(never)]
fn read<'a, P: Places>(octets: &'a [u8], slots: &P::Slots, near: Time) -> Result<P::Record<'a>, ReadError> {
    P::read(&Located { octets, near }, slots)
}

/// Makes structs of the records of a template.
pub struct Decoder<P: Placement> {
    plan: P::Plan,
    shortest: usize,
}

impl<P: Placement> fmt::Debug for Decoder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.plan.fmt(f)
    }
}

impl<P: Placement> Decoder<P> {
    /// For a template.
    ///
    /// # Errors
    /// If a field that is not an `Option` is not in the template, or longer than in memory.
    pub fn new(template: &Template) -> Result<Decoder<P>, PlanError> {
        Ok(Decoder { plan: P::plan(template)?, shortest: template.shortest_record() })
    }

    /// What a record is. `near` is about when: the export time of its message.
    ///
    /// # Errors
    /// If it is cut off, or contains something that is no value: a boolean of 3, a string that is not UTF-8, a malformed list.
    #[inline]
    pub fn read<'a>(&self, mut record: &'a [u8], near: Time) -> Result<P::Record<'a>, ReadError> {
        P::read(&self.plan, &mut record, near)
    }

    /// The records of a data set. What is shorter than the shortest record is padding. One that is cut off is the last; after one that contains
    /// something that is no value the next one follows.
    #[inline]
    pub const fn records<'a>(&self, content: &'a [u8], near: Time) -> DecodedRecords<'_, 'a, P> {
        DecodedRecords { decoder: self, rest: content, near }
    }
}

/// The records of a data set, see [`Decoder::records`].
pub struct DecodedRecords<'d, 'a, P: Placement> {
    decoder: &'d Decoder<P>,
    rest: &'a [u8],
    near: Time,
}

impl<'a, P: Placement> Iterator for DecodedRecords<'_, 'a, P> {
    type Item = Result<P::Record<'a>, ReadError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.len() < self.decoder.shortest {
            return None;
        }
        Some(P::read(&self.decoder.plan, &mut self.rest, self.near))
    }
}
