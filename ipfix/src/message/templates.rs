//! Template records and withdrawals (RFC 7011, 3.4 and 8.1).

use crate::element::ElementId;
use crate::template::{ENTERPRISE_BIT, FIRST_ID, FieldSpecifier, Template, TemplateError};
use crate::wire::Reader;

/// What a set of templates says.
#[derive(Clone, Copy, Debug)]
pub enum TemplateRecord<'a> {
    /// The definition of a template.
    Definition(TemplateView<'a>),
    /// A template is not used any more. The id is that of the set if all templates of its kind are meant.
    Withdrawal(u16),
}

/// A template as it stands in the message. Whether it is one, is seen by [`TemplateView::to_template`].
#[derive(Clone, Copy, Debug)]
pub struct TemplateView<'a> {
    /// Its id.
    pub id: u16,
    /// How many of its fields are scope, if it is an options template.
    pub scope_fields: Option<u16>,
    field_count: u16,
    /// The field specifiers.
    octets: &'a [u8],
}

impl<'a> TemplateView<'a> {
    /// How many fields it has.
    pub const fn field_count(&self) -> u16 {
        self.field_count
    }

    /// The fields.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = FieldSpecifier> + use<'a> {
        let mut reader = Reader::new(self.octets);
        // All were read once when the view was made.
        (0..self.field_count)
            .map(move |_| field(&mut reader).unwrap_or(FieldSpecifier::new(ElementId::iana(0), 0)))
    }

    /// The template, which does not borrow from the message.
    ///
    /// # Errors
    /// If it is none: see [`Template::new`] and [`Template::options`].
    pub fn to_template(&self) -> Result<Template, TemplateError> {
        let fields: Vec<FieldSpecifier> = self.fields().collect();
        match self.scope_fields {
            None => Template::new(self.id, fields),
            Some(scope_fields) => Template::options(self.id, scope_fields, fields),
        }
    }

    /// Whether it says the same as `template`.
    pub fn is(&self, template: &Template) -> bool {
        self.id == template.id()
            && self.scope_fields.unwrap_or(0) == template.scope_fields()
            && self.fields().eq(template.fields().iter().copied())
    }
}

fn field(reader: &mut Reader<'_>) -> Option<FieldSpecifier> {
    let (number, length) = (reader.u16()?, reader.u16()?);
    let enterprise = if number & ENTERPRISE_BIT == 0 { 0 } else { reader.u32()? };
    Some(FieldSpecifier::new(ElementId::new(enterprise, number & ElementId::LARGEST_NUMBER), length))
}

/// The template records of a set. After an error there is nothing more.
#[derive(Clone, Debug)]
pub struct TemplateRecords<'a> {
    reader: Reader<'a>,
    are_options: bool,
}

/// Octets of the shortest template record, a withdrawal. Less is padding.
const SHORTEST: usize = 4;

impl<'a> TemplateRecords<'a> {
    pub(super) const fn new(content: &'a [u8], are_options: bool) -> TemplateRecords<'a> {
        TemplateRecords { reader: Reader::new(content), are_options }
    }

    fn record(&mut self) -> Result<TemplateRecord<'a>, TemplateError> {
        let id = self.reader.u16().unwrap_or(0);
        let cut_off = TemplateError::CutOff(id);
        let field_count = self.reader.u16().ok_or(cut_off.clone())?;
        let all = if self.are_options { super::OPTIONS_TEMPLATE_SET } else { super::TEMPLATE_SET };
        if field_count == 0 && (id >= FIRST_ID || id == all) {
            return Ok(TemplateRecord::Withdrawal(id));
        }
        if id < FIRST_ID {
            return Err(TemplateError::Id(id));
        }
        let scope_fields = match self.are_options {
            true => Some(self.reader.u16().ok_or(cut_off.clone())?),
            false => None,
        };
        let from = self.reader.rest();
        for _ in 0..field_count {
            field(&mut self.reader).ok_or(cut_off.clone())?;
        }
        let octets = &from[..from.len() - self.reader.rest().len()];
        Ok(TemplateRecord::Definition(TemplateView { id, scope_fields, field_count, octets }))
    }
}

impl<'a> Iterator for TemplateRecords<'a> {
    type Item = Result<TemplateRecord<'a>, TemplateError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.reader.rest();
        // Zeros are padding, however many: no template has the id 0.
        if rest.len() < SHORTEST || rest.iter().all(|&octet| octet == 0) {
            return None;
        }
        let record = self.record();
        if record.is_err() {
            self.reader = Reader::new(&[]);
        }
        Some(record)
    }
}
