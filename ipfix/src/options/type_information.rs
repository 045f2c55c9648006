//! What elements are called and what their values are (RFC 5610, 3.9).

use std::borrow::Cow;

use super::{OptionsRecord, Values};
use crate::element::{DataType, Element, ElementId, Semantics, Units};
use crate::message::Record;
use crate::value::Value;

const ELEMENT: u16 = 303;
const DATA_TYPE: u16 = 339;
const DESCRIPTION: u16 = 340;
const NAME: u16 = 341;
const RANGE_BEGIN: u16 = 342;
const RANGE_END: u16 = 343;
const SEMANTICS: u16 = 344;
const UNITS: u16 = 345;
const ENTERPRISE: u16 = 346;

/// Octets that the name of an element has at most.
const LONGEST_NAME: usize = 255;

/// What an element is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TypeInformation<'e> {
    /// The element. Its status is not told.
    pub element: Cow<'e, Element>,
    /// What it is, in words.
    pub description: &'e str,
}

impl<'e> TypeInformation<'e> {
    /// Of an element, without words.
    pub const fn new(element: &'e Element) -> TypeInformation<'e> {
        TypeInformation { element: Cow::Borrowed(element), description: "" }
    }

    /// What an options record says; `None` if it says something else, or what no element can be: of a type that is not known, without a
    /// name, or with one of more than 255 octets or of others than letters, digits, `_`, `-` and `.`.
    pub fn read(record: &Record<'e, '_>) -> Option<TypeInformation<'e>> {
        let values = Values(record);
        // The bit of the enterprise number may be given, or not.
        let number = values.u16(ELEMENT)? & ElementId::LARGEST_NUMBER;
        let id = ElementId::new(values.u32(ENTERPRISE)?, number);
        let data_type = DataType::from_number(values.unsigned(DATA_TYPE)?.try_into().ok()?)?;
        let name = values.text(NAME).filter(|name| is_name(name))?;
        let semantics = values.unsigned(SEMANTICS).and_then(|number| number.try_into().ok());
        let units = values.u16(UNITS).and_then(Units::from_number);
        let range = values.unsigned(RANGE_BEGIN).zip(values.unsigned(RANGE_END));
        let element = Element {
            semantics: semantics.and_then(Semantics::from_number).unwrap_or(Semantics::Default),
            units: units.unwrap_or(Units::None),
            // Two zeros stand for none.
            range: range.filter(|&range| range != (0, 0)),
            ..Element::new(id, name.to_owned(), data_type)
        };
        let description = values.text(DESCRIPTION).unwrap_or_default();
        Some(TypeInformation { element: Cow::Owned(element), description })
    }
}

/// Whether an element may be called so: names are shown and looked for by people and programs.
fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

impl OptionsRecord for TypeInformation<'_> {
    const SCOPE_FIELDS: u16 = 2;

    fn values(&self) -> Vec<(u16, Value<'_>)> {
        let element = &*self.element;
        let (begin, end) = element.range.unwrap_or_default();
        vec![
            (ENTERPRISE, Value::Unsigned(element.id.enterprise.into())),
            (ELEMENT, Value::Unsigned(element.id.number.into())),
            (DATA_TYPE, Value::Unsigned(element.data_type.number().into())),
            (SEMANTICS, Value::Unsigned(element.semantics.number().into())),
            (UNITS, Value::Unsigned(element.units.number().into())),
            (RANGE_BEGIN, Value::Unsigned(begin)),
            (RANGE_END, Value::Unsigned(end)),
            (NAME, Value::Text(&element.name)),
            (DESCRIPTION, Value::Text(self.description)),
        ]
    }
}
