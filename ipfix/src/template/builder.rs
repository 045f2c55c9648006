//! Templates from names of elements, checked against an information model.

use super::{FieldSpecifier, Template, TemplateError, VARIABLE};
use crate::element::{ElementId, REVERSE, Status};
use crate::model::{InformationModel, ModelError};

/// Gathers the fields of a template. What a conforming exporter does not send is refused: elements that are not known, lengths
/// that their types do not allow, reverse forms of what has no direction, and deprecated elements unless they are asked for.
#[derive(Clone, Debug)]
pub struct TemplateBuilder<'m> {
    model: &'m InformationModel,
    fields: Vec<FieldSpecifier>,
    allow_deprecated: bool,
}

impl<'m> TemplateBuilder<'m> {
    /// No fields yet.
    pub const fn new(model: &'m InformationModel) -> TemplateBuilder<'m> {
        TemplateBuilder { model, fields: Vec::new(), allow_deprecated: false }
    }

    /// Deprecated elements are taken as well, for collectors that know no others.
    pub const fn allow_deprecated(mut self) -> TemplateBuilder<'m> {
        self.allow_deprecated = true;
        self
    }

    /// Adds a field by its specification: a name, or more: `octetDeltaCount[4]`, `(8057/808)`.
    ///
    /// # Errors
    /// If there is no such element, or it is not to be sent like this.
    pub fn field(self, specification: &str) -> Result<TemplateBuilder<'m>, TemplateError> {
        let (element, length) = self.model.resolve(specification)?;
        let id = element.id;
        self.field_of(id, length)
    }

    /// Adds a field of `length` octets, or [`VARIABLE`].
    ///
    /// # Errors
    /// If there is no such element, or it is not to be sent like this.
    pub fn field_of(mut self, id: ElementId, length: u16) -> Result<TemplateBuilder<'m>, TemplateError> {
        if id.enterprise == REVERSE && id.reversed().is_none() {
            return Err(TemplateError::NotReversible(ElementId::iana(id.number)));
        }
        let element = self.model.by_id(id).ok_or(ModelError::UnknownId(id))?;
        let data_type = element.data_type;
        if !if length == VARIABLE { data_type.may_vary() } else { data_type.fits(length) } {
            let name = element.name.to_string();
            return Err(ModelError::Length { name, data_type: data_type.name(), length }.into());
        }
        if element.status == Status::Deprecated && !self.allow_deprecated {
            return Err(TemplateError::Deprecated(element.name.to_string()));
        }
        self.fields.push(FieldSpecifier { id, length });
        Ok(self)
    }

    /// The template of these fields.
    ///
    /// # Errors
    /// See [`Template::new`].
    pub fn build(self, id: u16) -> Result<Template, TemplateError> {
        Template::new(id, self.fields)
    }

    /// The options template of these fields, of which the first `scope_fields` are its scope.
    ///
    /// # Errors
    /// See [`Template::options`].
    pub fn build_options(self, id: u16, scope_fields: u16) -> Result<Template, TemplateError> {
        Template::options(id, scope_fields, self.fields)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_template_is_built_from_names() {
        let model = InformationModel::default();
        let builder = || TemplateBuilder::new(&model);
        let template =
            builder().field("octetDeltaCount").unwrap().field("reverseOctetDeltaCount[4]").unwrap();
        let template = template.field("(8057/808)").unwrap().build(300).unwrap();
        let expected = [
            FieldSpecifier::new(ElementId::iana(1), 8),
            FieldSpecifier::new(ElementId::new(REVERSE, 1), 4),
            FieldSpecifier::new(ElementId::new(8057, 808), VARIABLE),
        ];
        assert_eq!((template.id(), template.fields()), (300, &expected[..]));
        let options = builder().field("meteringProcessId").unwrap().field("ignoredPacketTotalCount").unwrap();
        assert_eq!(options.build_options(301, 1).unwrap().scope_fields(), 1);
    }

    #[test]
    fn what_a_conforming_exporter_does_not_send_is_refused() {
        let model = InformationModel::default();
        let builder = || TemplateBuilder::new(&model);
        let refused = |id: ElementId, length| builder().field_of(id, length).unwrap_err();
        assert_eq!(
            refused(ElementId::new(REVERSE, 239), 1),
            TemplateError::NotReversible(ElementId::iana(239))
        );
        assert!(matches!(refused(ElementId::iana(8), 3), TemplateError::Element(ModelError::Length { .. })));
        assert!(matches!(refused(ElementId::iana(1), VARIABLE), TemplateError::Element(_)));
        assert!(matches!(refused(ElementId::new(4711, 1), 1), TemplateError::Element(_)));
        assert!(matches!(builder().field("tcpOptions"), Err(TemplateError::Deprecated(_))));
        assert!(builder().allow_deprecated().field("tcpOptions").is_ok());
        assert_eq!(builder().build(256), Err(TemplateError::NoFields(256)));
    }
}
