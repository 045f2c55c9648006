//! From records to places.

use super::{Place, PlanError, Wanted};
use crate::template::{Template, VARIABLE};
use crate::wire::Reader;

/// What is done with the next octets of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// So many octets are left out: fields of fixed length that are not wanted.
    Skip(usize),
    /// A field of variable length is left out.
    SkipVariable,
    /// The next `length` octets belong into a place.
    Fixed {
        /// Its number in the list of places.
        place: usize,
        /// Octets of the field.
        length: u16,
    },
    /// A field of variable length belongs into a place.
    Variable {
        /// Its number in the list of places.
        place: usize,
    },
}

/// How places are filled from records of a template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecodePlan {
    steps: Box<[Step]>,
}

impl DecodePlan {
    /// The plan for a template.
    ///
    /// # Errors
    /// If a place is not in the template that is not optional, or in a length that it does not take.
    pub fn new(template: &Template, places: &[Place]) -> Result<DecodePlan, PlanError> {
        if places.is_empty() {
            return Err(PlanError::NoPlaces);
        }
        let mut wanted = Wanted::new(places);
        let mut steps = Vec::with_capacity(places.len());
        for field in template.fields() {
            let step = match (wanted.take(field.id), field.length) {
                (Some(place), length) => {
                    places[place].check(length)?;
                    if length == VARIABLE { Step::Variable { place } } else { Step::Fixed { place, length } }
                }
                (None, VARIABLE) => Step::SkipVariable,
                (None, length) => match steps.last_mut() {
                    Some(Step::Skip(octets)) => {
                        *octets += usize::from(length);
                        continue;
                    }
                    _ => Step::Skip(length.into()),
                },
            };
            steps.push(step);
        }
        match places.iter().zip(&wanted.is_taken).find(|(place, is_taken)| !*is_taken && !place.is_optional) {
            Some((place, _)) => Err(PlanError::Absent(place.id)),
            None => Ok(DecodePlan { steps: steps.into() }),
        }
    }

    /// The steps, in the order of the record, all of it.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The fields of a record of the template that have places, in the order of the record. What is cut off is not there.
    #[inline]
    pub fn fields<'a>(&self, record: &'a [u8]) -> Fields<'_, 'a> {
        Fields { steps: self.steps.iter(), reader: Reader::new(record) }
    }
}

/// A field of a record, and the place where it belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlacedField<'a> {
    /// Its number in the list of places.
    pub place: usize,
    /// Its octets, without the length of a variable-length field.
    pub content: &'a [u8],
}

/// The fields of a record that have places.
#[derive(Clone, Debug)]
pub struct Fields<'p, 'a> {
    steps: std::slice::Iter<'p, Step>,
    reader: Reader<'a>,
}

impl<'a> Iterator for Fields<'_, 'a> {
    type Item = PlacedField<'a>;

    #[inline]
    fn next(&mut self) -> Option<PlacedField<'a>> {
        loop {
            match *self.steps.next()? {
                Step::Skip(octets) => self.reader.take(octets)?,
                Step::SkipVariable => self.reader.variable()?,
                Step::Fixed { place, length } => {
                    return Some(PlacedField { place, content: self.reader.take(length.into())? });
                }
                Step::Variable { place } => {
                    return Some(PlacedField { place, content: self.reader.variable()? });
                }
            };
        }
    }
}
