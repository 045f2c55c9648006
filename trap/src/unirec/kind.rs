//! The types of fields.

use std::fmt;

/// What a number, an address or an element of an array is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Element {
    /// `uint8`
    U8,
    /// `int8`
    I8,
    /// `char`: one octet
    Char,
    /// `uint16`
    U16,
    /// `int16`
    I16,
    /// `uint32`
    U32,
    /// `int32`
    I32,
    /// `float`: IEEE 754 binary32
    Float,
    /// `uint64`
    U64,
    /// `int64`
    I64,
    /// `double`: IEEE 754 binary64
    Double,
    /// `time`: see [`super::Time`]
    Time,
    /// `macaddr`: six octets as transmitted
    Mac,
    /// `ipaddr`: see [`super::address`]
    Address,
}

/// All elements with their names.
const NAMES: [(Element, &str); 14] = [
    (Element::U8, "uint8"),
    (Element::I8, "int8"),
    (Element::Char, "char"),
    (Element::U16, "uint16"),
    (Element::I16, "int16"),
    (Element::U32, "uint32"),
    (Element::I32, "int32"),
    (Element::Float, "float"),
    (Element::U64, "uint64"),
    (Element::I64, "int64"),
    (Element::Double, "double"),
    (Element::Time, "time"),
    (Element::Mac, "macaddr"),
    (Element::Address, "ipaddr"),
];

impl Element {
    /// Bytes of one value.
    pub const fn size(self) -> usize {
        match self {
            Element::U8 | Element::I8 | Element::Char => 1,
            Element::U16 | Element::I16 => 2,
            Element::U32 | Element::I32 | Element::Float => 4,
            Element::Mac => 6,
            Element::U64 | Element::I64 | Element::Double | Element::Time => 8,
            Element::Address => 16,
        }
    }
}

/// The type of a field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// One value of fixed size.
    One(Element),
    /// `string`: text without terminator, in no certain encoding.
    String,
    /// `bytes`: octets.
    Bytes,
    /// An array: the name of its elements with a star behind, such as `uint16*`. There are no arrays of `char`.
    Array(Element),
}

impl Kind {
    /// The type with this name, such as `uint8`, `string`, `time*`.
    pub fn from_name(name: &str) -> Option<Kind> {
        match name {
            "string" => return Some(Kind::String),
            "bytes" => return Some(Kind::Bytes),
            _ => {}
        }
        let (element, is_array) = name.strip_suffix('*').map_or((name, false), |element| (element, true));
        let &(element, _) = NAMES.iter().find(|(_, known)| *known == element)?;
        match (element, is_array) {
            (Element::Char, true) => None,
            (element, true) => Some(Kind::Array(element)),
            (element, false) => Some(Kind::One(element)),
        }
    }

    /// Bytes in the part of fixed size, `None` for fields of variable size.
    pub const fn fixed_size(self) -> Option<usize> {
        match self {
            Kind::One(element) => Some(element.size()),
            _ => None,
        }
    }

    /// Bytes of one element of a field of variable size; 1 for texts and octets.
    pub const fn element_size(self) -> usize {
        match self {
            Kind::One(element) | Kind::Array(element) => element.size(),
            Kind::String | Kind::Bytes => 1,
        }
    }

    /// By what fields are put in order: fields of fixed size by their size, the greatest first, then the others, those of the smallest
    /// elements first.
    pub(crate) const fn rank(self) -> i32 {
        match self.fixed_size() {
            Some(size) => -(size as i32),
            None => self.element_size() as i32,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (element, star) = match self {
            Kind::String => return f.write_str("string"),
            Kind::Bytes => return f.write_str("bytes"),
            Kind::One(element) => (element, ""),
            Kind::Array(element) => (element, "*"),
        };
        let name = NAMES.iter().find(|(known, _)| known == element).map_or("", |(_, name)| name);
        write!(f, "{name}{star}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types_correspond() {
        for (element, name) in NAMES {
            assert_eq!(Kind::from_name(name), Some(Kind::One(element)));
            assert_eq!(Kind::One(element).to_string(), name);
            let array = format!("{name}*");
            let expected = (element != Element::Char).then_some(Kind::Array(element));
            assert_eq!(Kind::from_name(&array), expected);
        }
        assert_eq!(
            (Kind::from_name("string"), Kind::from_name("bytes")),
            (Some(Kind::String), Some(Kind::Bytes))
        );
        for name in ["", "*", "string*", "bytes*", "uint", "uint8**", " uint8"] {
            assert_eq!(Kind::from_name(name), None, "{name}");
        }
    }
}
