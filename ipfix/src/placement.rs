//! Placement: whoever wants a few elements of every record says so once, for all templates to come.
//!
//! A struct says which elements go where. Against the template of an exporter it becomes a plan, made once for each template, by
//! which every record is read without looking anything up; what is not wanted is skipped. The other way round the struct is a
//! template, and its values a record.
//!
//! ```
//! use std::net::Ipv4Addr;
//! use weir_ipfix::placement::{Decoder, Encoder, Placement};
//! use weir_ipfix::time::Time;
//! use weir_ipfix::wire::Writer;
//!
//! #[derive(Placement, Clone, Copy, PartialEq, Debug)]
//! struct Flow<'a> {
//!     #[ipfix("sourceIPv4Address")]
//!     source: Ipv4Addr,
//!     #[ipfix("flowStartMilliseconds")]
//!     start: Time,
//!     #[ipfix("octetDeltaCount[4]")]
//!     octets: u64,
//!     #[ipfix("reverseOctetDeltaCount")]
//!     reverse_octets: Option<u64>,
//!     #[ipfix("interfaceName")]
//!     interface: &'a str,
//!     #[ipfix("roomTemperature(4711/1)<signed16>")]
//!     temperature: i16,
//! }
//!
//! #[derive(Placement)]
//! struct Total {
//!     #[ipfix("octetDeltaCount")]
//!     octets: u64,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let flow = Flow {
//!     source: Ipv4Addr::new(192, 0, 2, 1),
//!     start: Time::new(1_700_000_000, 0),
//!     octets: 1500,
//!     reverse_octets: Some(40),
//!     interface: "eth0",
//!     temperature: -4,
//! };
//! let encoder = Encoder::<Flow>::new(256)?;
//! let mut buffer = [0; 100];
//! let mut out = Writer::new(&mut buffer);
//! encoder.put(&flow, &mut out)?;
//!
//! // In truth the template comes from an exporter, and `near` is the export time of the message.
//! let near = Time::new(1_700_000_000, 0);
//! let decoder = Decoder::<Flow>::new(encoder.template())?;
//! assert_eq!(decoder.records(out.written(), near).collect::<Result<Vec<_>, _>>()?, [flow]);
//! let totals = Decoder::<Total>::new(encoder.template())?;
//! assert_eq!(totals.read(out.written(), near)?.octets, 1500);
//! # Ok(())
//! # }
//! ```
//!
//! * There is a plan if every field of the struct that is not an `Option` is in the template. The order does not matter, and the template
//!   may have other fields.
//! * An element that is in the template several times is read from the first of them; fields of the same element take one
//!   after the other, in their order.
//! * Integers and doubles may be shorter in the template than in memory, not longer. [`Form`] says what they may be in memory.
//!
//! A [`Placer`] makes structs of what a session of [`collect`](crate::collect) says; [`MessageWriter::put_placed`] puts
//! records of structs into a message.
//!
//! Whoever learns only at run time what is wanted makes a list of [`Place`]s, and of it a [`DecodePlan`] and an [`EncodePlan`]:
//!
//! ```
//! use weir_ipfix::message::Records;
//! use weir_ipfix::model::InformationModel;
//! use weir_ipfix::placement::{DecodePlan, EncodePlan, Place, template};
//! use weir_ipfix::time::Time;
//! use weir_ipfix::value::Value;
//! use weir_ipfix::wire::Writer;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = InformationModel::default();
//! let sent = [
//!     Place::resolve(&model, "sourceIPv4Address")?,
//!     Place::resolve(&model, "interfaceName")?,
//!     Place::resolve(&model, "octetDeltaCount[4]")?,
//! ];
//! let template = template(256, &sent)?;
//! let mut buffer = [0; 64];
//! let mut out = Writer::new(&mut buffer);
//! let values = [Value::Ipv4([192, 0, 2, 1].into()), Value::Text("eth0"), Value::Unsigned(1500)];
//! EncodePlan::new(&template, &sent)?.encode(&mut out, |place| values[place])?;
//!
//! let wanted = [Place::resolve(&model, "octetDeltaCount")?];
//! let plan = DecodePlan::new(&template, &wanted)?;
//! for record in Records::new(&template, out.written()) {
//!     for field in plan.fields(record?.octets()) {
//!         let value = Value::read(wanted[field.place].data_type, field.content, Time::default())?;
//!         assert_eq!((field.place, value), (0, Value::Unsigned(1500)));
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`MessageWriter::put_placed`]: crate::writer::MessageWriter::put_placed

mod decode;
mod decoder;
mod encode;
mod encoder;
mod form;
mod layout;
mod placer;
mod structs;
#[cfg(test)]
mod tests;

use thiserror::Error;

/// Makes a [`Placement`] of a struct or an enum.
///
/// Every field of the struct has the specification of its element: `name`, or more of `name(enterprise/number)<type>[length]`. Elements of
/// the [registry](crate::registry) are named by name or number, all others in full. The length is that in the struct's own template, that
/// of the type if none is given. The type of the field has to be one that can hold the element's values: see [`Form`]. The
/// compiler checks all this:
///
/// ```compile_fail
/// # use weir_ipfix::placement::Placement;
/// #[derive(Placement)]
/// struct Flow {
///     #[ipfix("octetDeltaCout")] // the registry has no information element with this name
///     octets: u64,
/// }
/// ```
///
/// ```compile_fail
/// # use weir_ipfix::placement::Placement;
/// #[derive(Placement)]
/// struct Flow {
///     #[ipfix("octetDeltaCount")] // a field of this type cannot hold values of the information element
///     octets: i64,
/// }
/// ```
///
/// ```compile_fail
/// # use weir_ipfix::placement::Placement;
/// #[derive(Placement)]
/// struct Flow {
///     octets: u64, // which information element is this?
/// }
/// ```
///
/// What borrows from the record has its lifetime, the only parameter that the struct may have.
///
/// Variants of an enum hold a struct each. The first one for which a template has all that is wanted is made of its records:
/// what asks for more comes before what asks for less.
///
/// ```
/// # use std::net::{Ipv4Addr, Ipv6Addr};
/// # use weir_ipfix::placement::Placement;
/// #[derive(Placement)]
/// struct V4 {
///     #[ipfix("sourceIPv4Address")]
///     source: Ipv4Addr,
/// }
///
/// #[derive(Placement)]
/// struct V6 {
///     #[ipfix("sourceIPv6Address")]
///     source: Ipv6Addr,
/// }
///
/// #[derive(Placement)]
/// enum Flow {
///     V4(V4),
///     V6(V6),
/// }
/// ```
pub use weir_ipfix_derive::Placement;

pub use self::decode::{DecodePlan, Fields, PlacedField, Step};
pub use self::decoder::{DecodedRecords, Decoder, Placement, StructPlan};
pub use self::encode::EncodePlan;
pub use self::encoder::Encoder;
pub use self::form::{Content, DataTypes, Form};
pub use self::layout::{Slot, layout_of};
pub use self::placer::Placer;
pub use self::structs::{Located, Places, Visitor, place};
use crate::element::{DataType, ElementId};
use crate::model::{InformationModel, ModelError};
use crate::template::{FieldSpecifier, Template, TemplateError, VARIABLE};
use crate::value::{EncodeError, ValueError};
use crate::wire::Full;

/// An element that is wanted of records, or is put into them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The element.
    pub id: ElementId,
    /// As what its octets are read and written. This is the element's own type, unless it is kept as something else: a time
    /// as the number that it is on the wire, for example.
    pub data_type: DataType,
    /// Octets in a template that is made of places, or [`VARIABLE`]. Templates of others may have other lengths.
    pub length: u16,
    /// Octets of a field that its memory can hold, [`VARIABLE`] if there is no limit.
    pub longest: u16,
    /// Whether records are read as well that do not have the element.
    pub is_optional: bool,
}

impl Place {
    /// An element in the full length of its type, [`VARIABLE`] if that has none, which has to be there.
    pub const fn new(id: ElementId, data_type: DataType) -> Place {
        let length = match data_type.length() {
            Some(length) => length,
            None => VARIABLE,
        };
        Place { id, data_type, length, longest: length, is_optional: false }
    }

    /// The element that an element specification says: a name, or more: `octetDeltaCount[4]`, `(8057/808)`. A length that it gives
    /// is that of the field in a template that is made of it; the memory is that of the type in full.
    ///
    /// # Errors
    /// If there is no such element, or its type does not allow the length.
    pub fn resolve(model: &InformationModel, specification: &str) -> Result<Place, ModelError> {
        let (element, length) = model.resolve(specification)?;
        Ok(Place { length, ..Place::new(element.id, element.data_type) })
    }

    /// The same, but it may be missing.
    pub const fn optional(self) -> Place {
        Place { is_optional: true, ..self }
    }

    /// As a field of a template.
    pub const fn specifier(&self) -> FieldSpecifier {
        FieldSpecifier::new(self.id, self.length)
    }

    /// Whether values of its type may have this length.
    const fn check_length(&self, length: u16) -> Result<(), PlanError> {
        let &Place { id, data_type, .. } = self;
        if if length == VARIABLE { data_type.may_vary() } else { data_type.fits(length) } {
            Ok(())
        } else {
            Err(PlanError::Length { id, data_type, length })
        }
    }

    /// Whether a field of this length can be kept here.
    fn check(&self, length: u16) -> Result<(), PlanError> {
        self.check_length(length)?;
        let &Place { id, longest, .. } = self;
        if length > longest { Err(PlanError::Narrow { id, length, longest }) } else { Ok(()) }
    }
}

/// Why there is no plan for places and a template.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum PlanError {
    /// Nothing is wanted: this is true of any template, and not what anybody means.
    #[error("there are no places")]
    NoPlaces,
    /// An element is not in the template, or not as often as there are places for it.
    #[error("information element {0} is not in the template")]
    Absent(ElementId),
    /// The template says something that no value of this type can be.
    #[error(
        "information element {id} is {length} octets long in the template, as no value of type {data_type}"
    )]
    Length {
        /// The element.
        id: ElementId,
        /// The type of the place.
        data_type: DataType,
        /// The length in the template.
        length: u16,
    },
    /// Values may be too large for the memory.
    #[error("information element {id} is {length} octets long in the template, and its place {longest}")]
    Narrow {
        /// The element.
        id: ElementId,
        /// The length in the template.
        length: u16,
        /// Octets that the place holds.
        longest: u16,
    },
    /// A field of a template that is to be written has no place with its value.
    #[error("there is no place for information element {0} of the template")]
    Unplaced(ElementId),
}

/// Why there is no encoder.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum EncoderError {
    /// The struct does not go with the template.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The struct makes no template.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// Why a record is not a struct.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ReadError {
    /// It ends within a field.
    #[error("a record is cut off")]
    CutOff,
    /// A field contains what is no value of its type.
    #[error("information element {id}: {error}")]
    Value {
        /// The element.
        id: ElementId,
        /// What is wrong.
        error: ValueError,
    },
}

/// Why a struct is not written as a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum WriteError {
    /// It does not fit into the buffer.
    #[error(transparent)]
    Full(#[from] Full),
    /// A value does not fit into its field, or is missing.
    #[error("information element {id}: {error}")]
    Value {
        /// The element.
        id: ElementId,
        /// What is wrong.
        error: EncodeError,
    },
}

/// The template with a field for each place, in their order.
///
/// # Errors
/// See [`Template::new`].
pub fn template(id: u16, places: &[Place]) -> Result<Template, TemplateError> {
    Template::new(id, places.iter().map(Place::specifier).collect::<Vec<_>>())
}

/// The places of each element, in their order.
struct Wanted {
    /// By element, then by place.
    sorted: Vec<(ElementId, usize)>,
    is_taken: Vec<bool>,
}

impl Wanted {
    fn new(places: &[Place]) -> Wanted {
        let mut sorted: Vec<_> = places.iter().enumerate().map(|(at, place)| (place.id, at)).collect();
        sorted.sort_unstable();
        Wanted { sorted, is_taken: vec![false; places.len()] }
    }

    /// The next place of an element.
    fn take(&mut self, id: ElementId) -> Option<usize> {
        let first = self.sorted.partition_point(|&(other, _)| other < id);
        let places = self.sorted[first..].iter().take_while(|&&(other, _)| other == id);
        let place = places.map(|&(_, place)| place).find(|&place| !self.is_taken[place])?;
        self.is_taken[place] = true;
        Some(place)
    }
}
