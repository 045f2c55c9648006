//! What values are in memory: the types that fields of a struct may have.

mod numbers;
mod octets;

use super::layout::Slot;
use crate::element::DataType;
use crate::time::Time;
use crate::value::{EncodeError, ValueError};

/// A set of abstract data types.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataTypes(u32);

impl DataTypes {
    /// These.
    pub const fn of(types: &[DataType]) -> DataTypes {
        let mut set = 0;
        let mut at = 0;
        while at < types.len() {
            set |= 1 << types[at] as u32;
            at += 1;
        }
        DataTypes(set)
    }

    /// Whether a type is among them.
    pub const fn has(self, data_type: DataType) -> bool {
        self.0 & 1 << data_type as u32 != 0
    }
}

/// A type of memory that values of elements can be kept in.
///
/// | memory | abstract data types |
/// |---|---|
/// | `u8` to `u64` | unsigned integers; dateTime as the number that it is on the wire |
/// | `i8` to `i64` | signed integers |
/// | `f32`, `f64` | float32, float64 |
/// | `bool` | boolean |
/// | [`Ipv4Addr`](std::net::Ipv4Addr), [`Ipv6Addr`](std::net::Ipv6Addr) | ipv4Address, ipv6Address |
/// | `[u8; N]` | macAddress (6 octets), unsigned256 (32), octetArray of just this length |
/// | [`Time`] | dateTime, all four |
/// | `&str` | string |
/// | `&[u8]` | octetArray, string, and lists as they are on the wire |
/// | [`BasicList`](crate::list::BasicList) and the other two | the list |
/// | `Option` of these | the same, where records may lack the element |
///
/// Numbers may be smaller than their type would allow: then templates in which they are longer than their memory have no
/// plan.
pub trait Form<'a>: Sized {
    /// The types whose values it can be.
    const TYPES: DataTypes;
    /// Octets of a field that it can hold; [`VARIABLE`](crate::template::VARIABLE) if there is no limit.
    const LONGEST: u16;
    /// Whether it can be nothing.
    const IS_OPTIONAL: bool = false;

    /// The value of a field that has a length which the type allows. `near` is about when, for the eras of NTP.
    ///
    /// # Errors
    /// If the octets are no value.
    fn read(field: Content<'a>, data_type: DataType, near: Time) -> Result<Self, ValueError>;

    /// What it is where there is no field; `None` if it cannot be nothing.
    #[inline(always)]
    fn absent() -> Option<Self> {
        None
    }

    /// Whether there is a value.
    #[inline(always)]
    fn is_present(&self) -> bool {
        true
    }

    /// Writes the value so that it fills `field`, all of it.
    ///
    /// # Errors
    /// If it does not fit, or is none.
    fn write(&self, data_type: DataType, field: &mut [u8]) -> Result<(), EncodeError>;

    /// Octets of the value in a field of variable length.
    fn variable_len(&self) -> usize {
        0
    }
}

impl<'a, F: Form<'a>> Form<'a> for Option<F> {
    const TYPES: DataTypes = F::TYPES;
    const LONGEST: u16 = F::LONGEST;
    const IS_OPTIONAL: bool = true;

    #[inline(always)]
    fn read(field: Content<'a>, data_type: DataType, near: Time) -> Result<Self, ValueError> {
        F::read(field, data_type, near).map(Some)
    }

    #[inline(always)]
    fn absent() -> Option<Self> {
        Some(None)
    }

    #[inline(always)]
    fn is_present(&self) -> bool {
        self.is_some()
    }

    #[inline(always)]
    fn write(&self, data_type: DataType, field: &mut [u8]) -> Result<(), EncodeError> {
        self.as_ref().ok_or(EncodeError::Absent)?.write(data_type, field)
    }

    fn variable_len(&self) -> usize {
        self.as_ref().map_or(0, F::variable_len)
    }
}

/// A field where it lies in its record.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    record: &'a [u8],
    slot: Slot,
}

impl<'a> Content<'a> {
    /// The field at `slot`. What lies beyond the record is not there.
    #[inline(always)]
    pub(super) const fn new(record: &'a [u8], slot: Slot) -> Content<'a> {
        Content { record, slot }
    }

    /// Its octets.
    #[inline(always)]
    pub fn octets(self) -> &'a [u8] {
        self.record.get(self.slot.range()).unwrap_or_default()
    }

    /// The `N` octets that it has; zeros if it has others.
    #[inline(always)]
    pub fn array<const N: usize>(self) -> [u8; N] {
        self.octets().try_into().unwrap_or([0; N])
    }

    /// The number that up to eight octets are.
    #[inline(always)]
    pub fn unsigned(self) -> u64 {
        let (word, free) = self.slot.word(self.record);
        word.wrapping_shr(free)
    }

    /// The number that up to eight octets are in two's complement.
    #[inline(always)]
    pub fn signed(self) -> i64 {
        let (word, free) = self.slot.word(self.record);
        (word as i64).wrapping_shr(free)
    }
}
