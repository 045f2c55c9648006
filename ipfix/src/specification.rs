//! Element specifications: `name(enterprise/number)<type>[length]`.
//!
//! The parts stand in any order, each at most once; which of them are needed depends on what the specification is for. A `{context}`
//! is allowed and says nothing.

use std::fmt;

use thiserror::Error;

use crate::element::{DataType, Element, ElementId};
use crate::template::VARIABLE;

/// What an element specification says, part by part.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Specification<'a> {
    /// The name; empty if there is none.
    pub name: &'a str,
    /// Enterprise (0 if it is not given) and number.
    pub id: Option<ElementId>,
    /// The type.
    pub data_type: Option<DataType>,
    /// Octets of the field, or [`VARIABLE`].
    pub length: Option<u16>,
}

/// What is wrong with an element specification.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{text:?} is not an information element: {fault}")]
pub struct SpecificationError {
    text: String,
    fault: Fault,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
enum Fault {
    #[error("a part is given twice")]
    Twice,
    #[error("a bracket is not closed")]
    Unclosed,
    #[error("the number must be 0 to 32767, with an enterprise number before a / or without")]
    Number,
    #[error("there is no such type")]
    Type,
    #[error("the length must be up to 65515, or v for variable")]
    Length,
    #[error("there is nothing that names it")]
    Nameless,
}

/// The longest field that fits into a message: header, set header and the octets of a length are around it.
const LONGEST: u16 = 65515;

impl<'a> Specification<'a> {
    /// Takes `text` apart.
    ///
    /// # Errors
    /// If a part is given twice, is not closed or not what it should be, or if there is neither name nor number.
    pub fn parse(text: &'a str) -> Result<Specification<'a>, SpecificationError> {
        take_apart(text).map_err(|fault| SpecificationError { text: text.trim().to_owned(), fault })
    }

    /// The element, if name, number and type are given.
    pub fn element(&self) -> Option<Element> {
        let (id, data_type) = (self.id?, self.data_type?);
        (!self.name.is_empty()).then(|| Element::new(id, self.name.to_owned(), data_type))
    }
}

fn take_apart(text: &str) -> Result<Specification<'_>, Fault> {
    let mut specification = Specification::default();
    let mut has_context = false;
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        let closing = match first {
            '(' => ')',
            '<' => '>',
            '[' => ']',
            '{' => '}',
            _ => {
                let end = rest.find(['(', '<', '[', '{']).unwrap_or(rest.len());
                once(specification.name.is_empty())?;
                specification.name = rest[..end].trim();
                rest = rest[end..].trim_start();
                continue;
            }
        };
        let (content, after) = rest[1..].split_once(closing).ok_or(Fault::Unclosed)?;
        let content = content.trim();
        match first {
            '(' => {
                once(specification.id.is_none())?;
                specification.id = Some(number(content).ok_or(Fault::Number)?);
            }
            '<' => {
                once(specification.data_type.is_none())?;
                specification.data_type = Some(DataType::from_name(content).ok_or(Fault::Type)?);
            }
            '[' => {
                once(specification.length.is_none())?;
                specification.length = Some(length(content).ok_or(Fault::Length)?);
            }
            _ => {
                once(!has_context)?;
                has_context = true;
            }
        }
        rest = after.trim_start();
    }
    if specification.name.is_empty() && specification.id.is_none() {
        return Err(Fault::Nameless);
    }
    Ok(specification)
}

const fn once(is_first: bool) -> Result<(), Fault> {
    if is_first { Ok(()) } else { Err(Fault::Twice) }
}

fn number(text: &str) -> Option<ElementId> {
    let (enterprise, number) = text.split_once('/').unwrap_or(("0", text));
    let id = ElementId::new(enterprise.trim().parse().ok()?, number.trim().parse().ok()?);
    (id.number <= ElementId::LARGEST_NUMBER).then_some(id)
}

fn length(text: &str) -> Option<u16> {
    if text.starts_with('v') {
        return Some(VARIABLE);
    }
    text.parse().ok().filter(|&length| length <= LONGEST || length == VARIABLE)
}

/// The element with the length of its type: `octetDeltaCount(1)<unsigned64>[8]`.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})<{}>", self.name, self.id, self.data_type)?;
        match self.data_type.length() {
            Some(length) => write!(f, "[{length}]"),
            None => f.write_str("[v]"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::registry;

    #[test]
    fn parts_stand_in_any_order() {
        let expected = Specification {
            name: "octetDeltaCount",
            id: Some(ElementId::iana(1)),
            data_type: Some(DataType::Unsigned64),
            length: Some(8),
        };
        for text in [
            "octetDeltaCount(1)<unsigned64>[8]",
            " [8] octetDeltaCount (1) <unsigned64> ",
            "<unsigned64>(0/1)[8]{forward}octetDeltaCount",
        ] {
            assert_eq!(Specification::parse(text), Ok(expected), "{text}");
        }
        assert_eq!(Specification::parse("x[v]").unwrap().length, Some(VARIABLE));
        assert_eq!(Specification::parse("x[65535]").unwrap().length, Some(VARIABLE));
        assert_eq!(Specification::parse("(8057/1013)").unwrap().id, Some(ElementId::new(8057, 1013)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |text: &str| Specification::parse(text).unwrap_err().to_string();
        assert_eq!(error("a(1)(2)"), r#""a(1)(2)" is not an information element: a part is given twice"#);
        for (text, fault) in [
            ("a(1) b", Fault::Twice),
            ("a[1][2]", Fault::Twice),
            ("a{x}{y}", Fault::Twice),
            ("a(1", Fault::Unclosed),
            ("a(32768)", Fault::Number),
            ("a(x/1)", Fault::Number),
            ("a()", Fault::Number),
            ("a<octet>", Fault::Type),
            ("a[65516]", Fault::Length),
            ("a[-1]", Fault::Length),
            ("", Fault::Nameless),
            ("<string>", Fault::Nameless),
        ] {
            assert_eq!(take_apart(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn an_element_is_shown_as_it_is_read() {
        for element in registry::all() {
            let shown = element.to_string();
            let read = Specification::parse(&shown).unwrap().element().unwrap();
            assert_eq!((&read.name, read.id, read.data_type), (&element.name, element.id, element.data_type));
        }
        assert_eq!(
            registry::by_name("octetDeltaCount").unwrap().to_string(),
            "octetDeltaCount(1)<unsigned64>[8]"
        );
        assert_eq!(registry::by_name("TLSSNI").unwrap().to_string(), "TLSSNI(8057/808)<string>[v]");
    }
}
