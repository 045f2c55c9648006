//! A template that is being defined, field by field.

use weir_ipfix::element::ElementId;
use weir_ipfix::export::{COMMON_PROPERTIES_FIELD, common_properties_template};
use weir_ipfix::template::{FieldSpecifier, Template};
use weir_ipfix::wire::Reader;

use super::Fault;

/// The bit of an element's number that says that it is an enterprise's.
const ENTERPRISE_BIT: u16 = 0x8000;

/// What has been announced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Announced {
    /// So many fields.
    Fields(u16),
    /// So many octets of scope fields, and of the other fields, in the shortest record.
    Options { scope: u16, options: u16 },
    /// So many fields, and so many with fixed values.
    Data { fields: u16, fixed: u16 },
}

/// A template that is being defined.
#[derive(Debug)]
pub(super) struct Definition {
    id: u16,
    announced: Announced,
    fields: Vec<FieldSpecifier>,
    fixed: Vec<FieldSpecifier>,
    /// Octets of the shortest scope, and of the shortest rest of a record with options.
    scope_len: usize,
    option_len: usize,
    scope_fields: u16,
    /// Fixed values, as they go on the wire.
    values: Vec<u8>,
}

/// A template that has been defined.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Defined {
    pub(super) layout: Layout,
    scope_fields: u16,
    fixed: Vec<FieldSpecifier>,
    /// The fixed values of a data template; empty if there are none.
    pub(super) values: Vec<u8>,
}

/// The fields of a record as the program puts them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    fields: Vec<FieldSpecifier>,
}

impl Layout {
    fn has_variable(&self) -> bool {
        self.fields.iter().any(|field| field.is_variable())
    }

    /// Octets of the shortest record.
    pub(super) fn shortest(&self) -> usize {
        self.fields.iter().map(|field| field.shortest()).sum()
    }

    /// Octets of every record, if all have the same length.
    pub(super) fn record_len(&self) -> Option<usize> {
        (!self.has_variable()).then(|| self.shortest())
    }

    /// Octets of the record that `octets` begin with; `None` if it is cut off.
    pub(super) fn first_len(&self, octets: &[u8]) -> Option<usize> {
        let mut reader = Reader::new(octets);
        for field in &self.fields {
            match field.is_variable() {
                true => reader.variable()?,
                false => reader.take(field.length.into())?,
            };
        }
        Some(octets.len() - reader.rest().len())
    }
}

impl Definition {
    pub(super) fn new(id: u16, announced: Announced) -> Result<Definition, Fault> {
        let is_empty = match announced {
            Announced::Fields(fields) => fields == 0,
            Announced::Options { scope, .. } => scope == 0,
            Announced::Data { fields, fixed } => fields == 0 && fixed == 0,
        };
        match id {
            ..weir_ipfix::template::FIRST_ID => Err(Fault::TemplateId(id)),
            _ if is_empty => Err(Fault::NoFields(id)),
            _ => Ok(Definition {
                id,
                announced,
                fields: Vec::new(),
                fixed: Vec::new(),
                scope_len: 0,
                option_len: 0,
                scope_fields: 0,
                values: Vec::new(),
            }),
        }
    }

    pub(super) const fn id(&self) -> u16 {
        self.id
    }

    pub(super) fn put_field(&mut self, number: u16, length: u16, enterprise: u32) -> Result<(), Fault> {
        let field = specifier(number, length, enterprise)?;
        let fits = match self.announced {
            Announced::Fields(fields) | Announced::Data { fields, .. } => self.fields.len() < fields.into(),
            Announced::Options { scope, options } => {
                let is_scope = self.scope_len < scope.into();
                let (sum, most) = match is_scope {
                    true => (&mut self.scope_len, usize::from(scope)),
                    false => (&mut self.option_len, usize::from(options)),
                };
                let fits = *sum + field.shortest() <= most && self.fields.len() < u16::MAX.into();
                if fits {
                    *sum += field.shortest();
                    self.scope_fields += u16::from(is_scope);
                }
                fits
            }
        };
        if !fits {
            return Err(Fault::TooManyFields(self.id));
        }
        self.fields.push(field);
        Ok(())
    }

    pub(super) fn put_fixed_field(&mut self, number: u16, length: u16, enterprise: u32) -> Result<(), Fault> {
        let field = specifier(number, length, enterprise)?;
        match self.announced {
            Announced::Data { fixed, .. } if self.fixed.len() < fixed.into() => self.fixed.push(field),
            Announced::Data { .. } => return Err(Fault::TooManyFields(self.id)),
            _ => return Err(Fault::NoDataTemplate(self.id)),
        }
        Ok(())
    }

    /// Appends fixed values.
    pub(super) fn put_values(&mut self, values: &[u8]) -> Result<(), Fault> {
        let Announced::Data { fields, fixed } = self.announced else {
            return Err(Fault::NoDataTemplate(self.id));
        };
        if self.fields.len() < fields.into() || self.fixed.len() < fixed.into() {
            return Err(Fault::FieldsMissing(self.id));
        }
        if self.values.len() + values.len() > weir_ipfix::template::LONGEST_RECORD {
            return Err(Fault::FixedValues(self.id));
        }
        self.values.extend_from_slice(values);
        Ok(())
    }

    /// The template, if all that was announced has come.
    pub(super) fn finish(self) -> Result<Defined, Fault> {
        let is_complete = match self.announced {
            Announced::Fields(fields) => self.fields.len() == usize::from(fields),
            Announced::Options { scope, options } => {
                (self.scope_len, self.option_len) == (scope.into(), options.into())
            }
            Announced::Data { fields, fixed } => {
                self.fields.len() == usize::from(fields) && self.fixed.len() == usize::from(fixed)
            }
        };
        if !is_complete {
            return Err(Fault::FieldsMissing(self.id));
        }
        let fixed = Layout { fields: self.fixed };
        if fixed.first_len(&self.values) != Some(self.values.len()) {
            return Err(Fault::FixedValues(self.id));
        }
        let layout = Layout { fields: self.fields };
        Ok(Defined { layout, scope_fields: self.scope_fields, fixed: fixed.fields, values: self.values })
    }
}

impl Defined {
    /// Whether it has fixed values, so that its records go with a [`COMMON_PROPERTIES_FIELD`].
    pub(super) fn has_common(&self) -> bool {
        !self.fixed.is_empty()
    }

    /// The template of its records on the wire.
    pub(super) fn template(&self, id: u16) -> Result<Template, Fault> {
        let mut fields = self.layout.fields.clone();
        if self.scope_fields > 0 {
            return Ok(Template::options(id, self.scope_fields, fields)?);
        }
        if self.has_common() {
            fields.insert(0, COMMON_PROPERTIES_FIELD);
        }
        Ok(Template::new(id, fields)?)
    }

    /// The options template of its fixed values.
    pub(super) fn common_template(&self, id: u16) -> Result<Template, Fault> {
        Ok(common_properties_template(id, &self.fixed)?)
    }
}

fn specifier(number: u16, length: u16, enterprise: u32) -> Result<FieldSpecifier, Fault> {
    if number & ENTERPRISE_BIT != 0 && enterprise == 0 {
        return Err(Fault::NoEnterprise(number));
    }
    Ok(FieldSpecifier::new(ElementId::new(enterprise, number & !ENTERPRISE_BIT), length))
}
