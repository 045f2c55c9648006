//! From places to records.

use super::{Place, PlanError, Wanted};
use crate::element::{DataType, ElementId};
use crate::template::{Template, VARIABLE};
use crate::value::{EncodeError, Value};
use crate::wire::Writer;

/// paddingOctets: its fields are zeros, whether there is a place for them or not.
const PADDING: ElementId = ElementId::iana(210);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Field {
    /// The place with its value; `None` for zeros.
    pub(super) place: Option<usize>,
    data_type: DataType,
    pub(super) length: u16,
}

/// How records of a template are written from places.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EncodePlan {
    fields: Box<[Field]>,
}

impl EncodePlan {
    /// The plan for a template, which may be one that [`super::template`] has made, or another one. Places that are not in the
    /// template are not sent.
    ///
    /// # Errors
    /// If there is no place for a field of the template, or one of another length.
    pub fn new(template: &Template, places: &[Place]) -> Result<EncodePlan, PlanError> {
        if places.is_empty() {
            return Err(PlanError::NoPlaces);
        }
        let mut wanted = Wanted::new(places);
        let field = |&specifier: &crate::template::FieldSpecifier| {
            let (id, length) = (specifier.id, specifier.length);
            match wanted.take(id) {
                Some(place) => {
                    let data_type = places[place].data_type;
                    places[place].check_length(length)?;
                    Ok(Field { place: Some(place), data_type, length })
                }
                None if id == PADDING && length != VARIABLE => {
                    Ok(Field { place: None, data_type: DataType::OctetArray, length })
                }
                None => Err(PlanError::Unplaced(id)),
            }
        };
        Ok(EncodePlan { fields: template.fields().iter().map(field).collect::<Result<_, _>>()? })
    }

    /// The fields of the template.
    pub(super) const fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Writes a record whose values `value` tells, asked for the number of a place.
    ///
    /// # Errors
    /// If a value is of another type than its place, or does not fit into its field, or the record not into the buffer. Then
    /// nothing has been written.
    pub fn encode<'v>(
        &self,
        out: &mut Writer<'_>,
        mut value: impl FnMut(usize) -> Value<'v>,
    ) -> Result<(), EncodeError> {
        let begin = out.len();
        let written = self.fields.iter().try_for_each(|field| {
            let value = field.place.map_or(Value::Octets(&[]), &mut value);
            value.put(field.data_type, field.length, out)
        });
        if written.is_err() {
            out.truncate(begin);
        }
        written
    }
}
