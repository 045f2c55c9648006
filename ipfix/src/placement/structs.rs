//! What `#[derive(Placement)]` says of a struct, and what follows from it.

use std::fmt;

use super::form::{Content, Form};
use super::layout::Slot;
use super::{Place, ReadError, WriteError};
use crate::element::{DataType, ElementId};
use crate::registry;
use crate::specification::take_apart;
use crate::template::VARIABLE;
use crate::time::Time;
use crate::value::EncodeError;

/// The place of a field of a struct: the element that a specification says, kept as an `F`. Meant for constants: what is wrong
/// is an error of the compiler.
///
/// # Panics
/// If there is no such element in the registry, and the specification is not one in full, `name(enterprise/number)<type>`; if an
/// `F` cannot be its value; if the length is not one that the type allows or is more than an `F` can hold.
pub const fn place<'a, F: Form<'a>>(specification: &str) -> Place {
    let specification = match take_apart(specification) {
        Ok(specification) => specification,
        Err(fault) => panic!("{}", fault.text()),
    };
    let known = match specification.id {
        Some(id) => registry::find_id(id),
        None => registry::find_name(specification.name),
    };
    let (id, data_type) = match (known, specification.id, specification.data_type) {
        (Some((element, is_reversed)), ..) => match (is_reversed, element.id.reversed()) {
            (true, Some(reversed)) => (reversed, element.data_type),
            _ => (element.id, element.data_type),
        },
        (None, Some(id), Some(data_type)) => (id, data_type),
        (None, Some(_), None) => panic!("the registry has no information element with this number"),
        (None, None, _) => panic!("the registry has no information element with this name"),
    };
    declared::<F>(id, data_type, specification.length)
}

const fn declared<'a, F: Form<'a>>(id: ElementId, data_type: DataType, length: Option<u16>) -> Place {
    assert!(F::TYPES.has(data_type), "a field of this type cannot hold values of the information element");
    let full = Place::new(id, data_type);
    let length = match length {
        Some(length) => length,
        None if full.length > F::LONGEST && full.check_length(F::LONGEST).is_ok() => F::LONGEST,
        None => full.length,
    };
    assert!(full.check_length(length).is_ok(), "the information element does not come in this length");
    assert!(length <= F::LONGEST, "a field of this type cannot hold values of this length");
    Place { id, data_type, length, longest: F::LONGEST, is_optional: F::IS_OPTIONAL }
}

/// A struct whose fields are places. To be derived, see [`Placement`](derive@super::Placement).
pub trait Places: Sized {
    /// The struct with fields borrowed from a record.
    type Record<'a>: Places<Slots = Self::Slots>;
    /// A slot for each place.
    type Slots: AsRef<[Slot]> + AsMut<[Slot]> + Copy + fmt::Debug;
    /// The fields, in their order.
    const PLACES: &'static [Place];
    /// No place has a field.
    const NOWHERE: Self::Slots;
    /// Where the fields are in records of the struct's own template, and octets of such a record; `None` if they vary.
    const OWN: Option<(Self::Slots, usize)>;

    /// The struct whose values lie in these slots of a record.
    ///
    /// # Errors
    /// If one of them is no value.
    fn read<'a>(record: &Located<'a>, slots: &Self::Slots) -> Result<Self::Record<'a>, ReadError>;

    /// Shows the fields to a visitor, each with its number, until it answers with an error.
    ///
    /// # Errors
    /// That of the visitor.
    fn visit(&self, visitor: &mut impl Visitor) -> Result<(), WriteError>;
}

/// A record whose slots are known.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a> {
    pub(super) octets: &'a [u8],
    pub(super) near: Time,
}

impl<'a> Located<'a> {
    /// The value in a slot.
    ///
    /// # Errors
    /// If it is none.
    #[inline(always)]
    pub fn field<F: Form<'a>>(&self, slot: Slot, place: &Place) -> Result<F, ReadError> {
        if F::IS_OPTIONAL
            && slot.is_absent()
            && let Some(absent) = F::absent()
        {
            return Ok(absent);
        }
        F::read(Content::new(self.octets, slot), place.data_type, self.near)
            .map_err(|error| ReadError::Value { id: place.id, error })
    }
}

/// Is shown the fields of a struct.
pub trait Visitor {
    /// The field `number`.
    ///
    /// # Errors
    /// Whatever is the visitor's matter.
    fn field<'a, F: Form<'a>>(&mut self, number: usize, value: &F) -> Result<(), WriteError>;
}

/// Writes fields into their slots.
pub(super) struct Put<'o, P: Places> {
    pub(super) octets: &'o mut [u8],
    pub(super) slots: &'o P::Slots,
}

impl<P: Places> Visitor for Put<'_, P> {
    #[inline(always)]
    fn field<'a, F: Form<'a>>(&mut self, number: usize, value: &F) -> Result<(), WriteError> {
        let slot = self.slots.as_ref()[number];
        let Some(field) = self.octets.get_mut(slot.range()) else {
            return Ok(());
        };
        let place = &P::PLACES[number];
        value.write(place.data_type, field).map_err(|error| WriteError::Value { id: place.id, error })
    }
}

/// Measures values for fields of variable length.
pub(super) struct Measure<P: Places> {
    pub(super) lengths: P::Slots,
}

impl<P: Places> Visitor for Measure<P> {
    fn field<'a, F: Form<'a>>(&mut self, number: usize, value: &F) -> Result<(), WriteError> {
        let length = u16::try_from(value.variable_len()).map_err(|_| WriteError::Value {
            id: P::PLACES[number].id,
            error: EncodeError::Range(VARIABLE),
        })?;
        self.lengths.as_mut()[number].length = length;
        Ok(())
    }
}

/// Gathers the places that have values.
pub(super) struct Present {
    pub(super) all: &'static [Place],
    pub(super) present: Vec<Place>,
}

impl Visitor for Present {
    fn field<'a, F: Form<'a>>(&mut self, number: usize, value: &F) -> Result<(), WriteError> {
        if value.is_present() {
            self.present.push(self.all[number]);
        }
        Ok(())
    }
}
