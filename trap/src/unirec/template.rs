//! Templates: which fields a record has, and where they lie.

use std::fmt;

use thiserror::Error;

use super::Kind;

/// A field of a template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Letters, digits and underscores; upper case by convention.
    pub name: String,
    /// The type.
    pub kind: Kind,
}

impl Field {
    /// A field.
    pub fn new(name: impl Into<String>, kind: Kind) -> Field {
        Field { name: name.into(), kind }
    }
}

/// Why a text is no template.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum TemplateError {
    /// An item is not `type name`.
    #[error("\"{0}\" is not a type and a name")]
    Item(String),
    /// There is no such type.
    #[error("there is no type \"{0}\"")]
    UnknownType(String),
    /// A name may hold letters, digits and underscores, and begins with a letter.
    #[error("\"{0}\" is no name of a field")]
    Name(String),
    /// One name with two types.
    #[error("field {0} has two types")]
    TwoTypes(String),
    /// More than what references, which have 16 bits, can reach.
    #[error("the fields take {0} bytes, more than the 65,535 of a record")]
    TooLarge(usize),
}

/// Bytes of a reference: offset and length, 16 bits each.
pub(crate) const REFERENCE_LEN: usize = 4;

/// The greatest length of a record.
pub const MAX_RECORD: usize = 65_535;

/// A set of fields, in the order in which records hold them: fixed sizes first, the greatest first, then variable ones, those with the
/// smallest elements first; equals by name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template {
    fields: Vec<Field>,
    /// Where each field, or the reference to it, begins.
    offsets: Vec<usize>,
    /// How many fields have a fixed size.
    fixed: usize,
    /// Where the references end and what they refer to begins.
    data_start: usize,
}

impl Template {
    /// The template of these fields, in any order; a field that is there twice counts once.
    ///
    /// # Errors
    /// If a name is none, has two types, or the fields do not fit a record.
    pub fn new(fields: impl IntoIterator<Item = Field>) -> Result<Template, TemplateError> {
        let mut fields: Vec<Field> = fields.into_iter().collect();
        fields.sort_by(|a, b| a.kind.rank().cmp(&b.kind.rank()).then_with(|| a.name.cmp(&b.name)));
        fields.dedup();
        for field in &fields {
            let begins_well = field.name.starts_with(|c: char| c.is_ascii_alphabetic());
            if !begins_well || !field.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err(TemplateError::Name(field.name.clone()));
            }
        }
        let mut names: Vec<&str> = fields.iter().map(|field| &*field.name).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(TemplateError::TwoTypes(twice[0].to_owned()));
        }
        let mut offsets = Vec::with_capacity(fields.len());
        let mut data_start = 0;
        for field in &fields {
            offsets.push(data_start);
            data_start += field.kind.fixed_size().unwrap_or(REFERENCE_LEN);
        }
        if data_start > MAX_RECORD {
            return Err(TemplateError::TooLarge(data_start));
        }
        let fixed = fields.iter().filter(|field| field.kind.fixed_size().is_some()).count();
        Ok(Template { fields, offsets, fixed, data_start })
    }

    /// Reads a specifier: `type name` items, separated by commas; blanks around the parts are ignored.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(specifier: &str) -> Result<Template, TemplateError> {
        let field = |item: &str| {
            let mut parts = item.split_ascii_whitespace();
            let (Some(kind), Some(name), None) = (parts.next(), parts.next(), parts.next()) else {
                return Err(TemplateError::Item(item.trim().to_owned()));
            };
            let kind = Kind::from_name(kind).ok_or_else(|| TemplateError::UnknownType(kind.to_owned()))?;
            Ok(Field::new(name, kind))
        };
        let fields: Result<Vec<Field>, TemplateError> = specifier.split(',').map(field).collect();
        Template::new(fields?)
    }

    /// The fields in the order of records.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The place of the field called `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// How many fields, the first ones, have a fixed size.
    pub const fn fixed_fields(&self) -> usize {
        self.fixed
    }

    /// Where field `position`, or the reference to it, begins in a record.
    pub fn offset(&self, position: usize) -> usize {
        self.offsets[position]
    }

    /// Bytes of the fields of fixed size and the references: where what varies begins, and the length of a record without any.
    pub const fn data_start(&self) -> usize {
        self.data_start
    }

    /// Whether every field of `self` is one of `other`: whether who asks for `self` can take records of `other`.
    pub fn is_subset_of(&self, other: &Template) -> bool {
        self.fields.iter().all(|field| other.fields.contains(field))
    }
}

/// The specifier, as senders announce it: `type name,type name`.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, field) in self.fields.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            write!(f, "{comma}{} {}", field.kind, field.name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fields_have_the_order_of_records() {
        let template = Template::parse(
            " time* D, uint8 A ,string B,uint16* C,uint64 Z,ipaddr X,macaddr M,float F, bytes A1,uint32* K,uint8 A",
        );
        assert_eq!(
            template.unwrap().to_string(),
            "ipaddr X,uint64 Z,macaddr M,float F,uint8 A,bytes A1,string B,uint16* C,uint32* K,time* D"
        );
    }

    #[test]
    fn places_are_counted_without_padding() {
        let template = Template::parse("uint32 COUNT,uint16 PORT,string NAME,uint16* LENS").unwrap();
        assert_eq!(template.to_string().len(), 49);
        let offsets: Vec<_> = (0..4).map(|position| template.offset(position)).collect();
        assert_eq!((offsets, template.fixed_fields(), template.data_start()), (vec![0, 4, 6, 10], 2, 14));
        assert_eq!((template.position("LENS"), template.position("lens")), (Some(3), None));
    }

    #[test]
    fn what_is_no_template_is_told() {
        for (text, error) in [
            ("", TemplateError::Item(String::new())),
            ("uint8 A,", TemplateError::Item(String::new())),
            ("uint8", TemplateError::Item("uint8".into())),
            ("uint8 A B", TemplateError::Item("uint8 A B".into())),
            ("uint9 A", TemplateError::UnknownType("uint9".into())),
            ("uint8 A-B", TemplateError::Name("A-B".into())),
            ("uint8 1A", TemplateError::Name("1A".into())),
            ("uint8 A,uint16 A", TemplateError::TwoTypes("A".into())),
        ] {
            assert_eq!(Template::parse(text), Err(error), "{text}");
        }
        let many =
            Template::new((0..4096).map(|i| Field::new(format!("F{i}"), Kind::from_name("ipaddr").unwrap())));
        assert_eq!(many, Err(TemplateError::TooLarge(65_536)));
    }

    #[test]
    fn a_subset_has_the_same_names_and_types() {
        let all = Template::parse("uint8 A,uint16 B,string C").unwrap();
        let subset = |text| Template::parse(text).unwrap().is_subset_of(&all);
        assert_eq!(
            [subset("uint16 B"), subset("uint8 B"), subset("string C,uint8 A"), subset("uint8 D")],
            [true, false, true, false]
        );
    }
}
