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
#[error("{}", self.text())]
pub(crate) enum Fault {
    Twice,
    Unclosed,
    Number,
    Type,
    Length,
    Nameless,
}

impl Fault {
    /// What is wrong, also for the compiler's errors about specifications in constants.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Fault::Twice => "a part is given twice",
            Fault::Unclosed => "a bracket is not closed",
            Fault::Number => "the number must be 0 to 32767, with an enterprise number before a / or without",
            Fault::Type => "there is no such type",
            Fault::Length => "the length must be up to 65515, or v for variable",
            Fault::Nameless => "there is nothing that names it",
        }
    }
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

/// Takes `text` apart: in constants as well.
pub(crate) const fn take_apart(text: &str) -> Result<Specification<'_>, Fault> {
    let mut specification = Specification { name: "", id: None, data_type: None, length: None };
    let mut has_context = false;
    let mut rest = text.trim_ascii();
    while let Some(&first) = rest.as_bytes().first() {
        let closing: &[u8] = match first {
            b'(' => b")",
            b'<' => b">",
            b'[' => b"]",
            b'{' => b"}",
            _ => {
                let (name, after) = rest.split_at(position(rest, b"(<[{"));
                if !specification.name.is_empty() {
                    return Err(Fault::Twice);
                }
                specification.name = name.trim_ascii();
                rest = after;
                continue;
            }
        };
        let (part, after) = rest.split_at(position(rest, closing));
        let (Some((_, content)), Some((_, after))) = (part.split_at_checked(1), after.split_at_checked(1))
        else {
            return Err(Fault::Unclosed);
        };
        let content = content.trim_ascii();
        let is_repeated = match first {
            b'(' => specification.id.is_some(),
            b'<' => specification.data_type.is_some(),
            b'[' => specification.length.is_some(),
            _ => has_context,
        };
        if is_repeated {
            return Err(Fault::Twice);
        }
        match first {
            b'(' => match number(content) {
                Some(id) => specification.id = Some(id),
                None => return Err(Fault::Number),
            },
            b'<' => match DataType::from_name(content) {
                Some(data_type) => specification.data_type = Some(data_type),
                None => return Err(Fault::Type),
            },
            b'[' => match length(content) {
                Some(length) => specification.length = Some(length),
                None => return Err(Fault::Length),
            },
            _ => has_context = true,
        }
        rest = after.trim_ascii();
    }
    if specification.name.is_empty() && specification.id.is_none() {
        return Err(Fault::Nameless);
    }
    Ok(specification)
}

/// Where the first of `wanted`, which are ASCII, is in `text`; its end if none is.
pub(crate) const fn position(text: &str, wanted: &[u8]) -> usize {
    let octets = text.as_bytes();
    let mut at = 0;
    while at < octets.len() {
        let mut one = 0;
        while one < wanted.len() {
            if octets[at] == wanted[one] {
                return at;
            }
            one += 1;
        }
        at += 1;
    }
    at
}

const fn number(text: &str) -> Option<ElementId> {
    let (before, after) = text.split_at(position(text, b"/"));
    let (enterprise, number) = match after.split_at_checked(1) {
        Some((_, number)) => (before.trim_ascii(), number.trim_ascii()),
        None => ("0", before),
    };
    match (u32::from_str_radix(enterprise, 10), u16::from_str_radix(number, 10)) {
        (Ok(enterprise), Ok(number @ 0..=ElementId::LARGEST_NUMBER)) => {
            Some(ElementId::new(enterprise, number))
        }
        _ => None,
    }
}

const fn length(text: &str) -> Option<u16> {
    if let Some(b'v') = text.as_bytes().first() {
        return Some(VARIABLE);
    }
    match u16::from_str_radix(text, 10) {
        Ok(length @ (0..=LONGEST | VARIABLE)) => Some(length),
        _ => None,
    }
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
