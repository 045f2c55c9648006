//! Values that many records have in common (RFC 5473), in place of repeating them: they are told once, and records refer to them.

use super::{ExportError, Exporter, Now, Observer, TemplateSlot};
use crate::message::{COMMON_PROPERTIES_ID, are_defined_by};
use crate::template::{FieldSpecifier, Template, TemplateError};

/// The field by which records refer to common properties, and these say which they are.
pub const COMMON_PROPERTIES_FIELD: FieldSpecifier = FieldSpecifier::new(COMMON_PROPERTIES_ID, 8);

/// The options template of common properties with these fields.
///
/// # Errors
/// See [`Template::options`].
pub fn common_properties_template(id: u16, fields: &[FieldSpecifier]) -> Result<Template, TemplateError> {
    Template::options(id, 1, [&[COMMON_PROPERTIES_FIELD], fields].concat())
}

impl Exporter {
    /// Says once what many records have in common: encoded values of the fields of a template made by [`common_properties_template`].
    /// The answer is what records are to have in their [`COMMON_PROPERTIES_FIELD`] from now on. Each is kept as long as the exporter, and
    /// told in each session.
    ///
    /// # Errors
    /// If the template is another one, or no message could hold the values.
    pub fn add_common_properties(
        &mut self,
        slot: TemplateSlot,
        values: &[u8],
        now: Now,
        observer: &mut dyn Observer,
    ) -> Result<u64, ExportError> {
        let template = self.common.template(slot.0);
        if !template.is_some_and(|it| are_defined_by(it) && it.fields()[0] == COMMON_PROPERTIES_FIELD) {
            return Err(ExportError::NoCommonProperties);
        }
        let id = self.last_common_properties + 1;
        self.add_standing(slot, &[&id.to_be_bytes(), values].concat(), now, observer)?;
        self.last_common_properties = id;
        Ok(id)
    }
}
