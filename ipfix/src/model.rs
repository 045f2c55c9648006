//! An information model: the elements of the registry, and those that a user or a peer defines.

use std::borrow::Cow;
use std::collections::HashMap;

use thiserror::Error;

use crate::element::{Element, ElementId};
use crate::registry;
use crate::specification::{Specification, SpecificationError};
use crate::template::VARIABLE;

/// Why an element cannot be defined or found.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ModelError {
    /// What the text says is not an element specification.
    #[error(transparent)]
    Specification(#[from] SpecificationError),
    /// No element is called so.
    #[error("no information element is called {0}")]
    UnknownName(String),
    /// No element has this number.
    #[error("no information element has the number {0}")]
    UnknownId(ElementId),
    /// A new element needs a name, a number and a type.
    #[error("{0}: a new information element needs name, number and type: name(enterprise/number)<type>")]
    Incomplete(String),
    /// It is known as something else.
    #[error("information element {id} is {known}, and cannot be {other} as well")]
    Conflict {
        /// The element.
        id: ElementId,
        /// Name and type that are known.
        known: String,
        /// Name and type that were given.
        other: String,
    },
    /// Its type does not allow this length.
    #[error("{name}: a value of type {data_type} cannot be {length} octets long")]
    Length {
        /// The element.
        name: String,
        /// Its type.
        data_type: &'static str,
        /// The length that was given.
        length: u16,
    },
}

/// Elements by id and by name. Costs nothing as long as nothing is added to the registry's.
#[derive(Clone, Default, Debug)]
pub struct InformationModel {
    by_id: HashMap<ElementId, Element>,
    by_name: HashMap<String, ElementId>,
}

impl InformationModel {
    /// The element with this id.
    pub fn by_id(&self, id: ElementId) -> Option<Cow<'_, Element>> {
        registry::by_id(id).or_else(|| self.by_id.get(&id).map(Cow::Borrowed))
    }

    /// The element with this name, whatever the case of its letters; see [`registry::by_name`].
    pub fn by_name(&self, name: &str) -> Option<Cow<'_, Element>> {
        registry::by_name(name).or_else(|| {
            let id = self.by_name.get(&name.to_ascii_lowercase())?;
            self.by_id.get(id).map(Cow::Borrowed)
        })
    }

    /// How many elements were added.
    pub fn added(&self) -> usize {
        self.by_id.len()
    }

    /// Adds an element. To say again what is known changes nothing.
    ///
    /// # Errors
    /// If an element with this id has another name or type. The first definition stays.
    pub fn add(&mut self, element: Element) -> Result<(), ModelError> {
        if let Some(known) = self.by_id(element.id) {
            let same = known.name.eq_ignore_ascii_case(&element.name) && known.data_type == element.data_type;
            let shown = |element: &Element| format!("{}<{}>", element.name, element.data_type);
            return if same {
                Ok(())
            } else {
                Err(ModelError::Conflict { id: element.id, known: shown(&known), other: shown(&element) })
            };
        }
        self.by_name.entry(element.name.to_ascii_lowercase()).or_insert(element.id);
        self.by_id.insert(element.id, element);
        Ok(())
    }

    /// Adds the element that `text` specifies: `name(enterprise/number)<type>`.
    ///
    /// # Errors
    /// If a part is missing or wrong, or the element is known as something else.
    pub fn define(&mut self, text: &str) -> Result<(), ModelError> {
        let element = Specification::parse(text)?.element();
        self.add(element.ok_or_else(|| ModelError::Incomplete(text.trim().to_owned()))?)
    }

    /// Adds the elements that `text` specifies, one a line. Empty lines and what follows a `#` are left out.
    ///
    /// # Errors
    /// The first line that is wrong, counted from 1, and what is wrong with it. What comes before it has been added.
    pub fn define_all(&mut self, text: &str) -> Result<usize, (usize, ModelError)> {
        let mut defined = 0;
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if !line.is_empty() {
                self.define(line).map_err(|error| (number + 1, error))?;
                defined += 1;
            }
        }
        Ok(defined)
    }

    /// The element that `text` names, by its name, by its number, or in full, and the length that its field is to have:
    /// the length given, else that of the type, else [`VARIABLE`].
    ///
    /// # Errors
    /// If there is no such element, or its type does not allow the length.
    pub fn resolve(&self, text: &str) -> Result<(Cow<'_, Element>, u16), ModelError> {
        let specification = Specification::parse(text)?;
        let known = match specification.id {
            Some(id) => self.by_id(id),
            None => self.by_name(specification.name),
        };
        let element = match (known, specification.element(), specification.id) {
            (Some(known), _, _) => known,
            (None, Some(complete), _) => Cow::Owned(complete),
            (None, None, Some(id)) => return Err(ModelError::UnknownId(id)),
            (None, None, None) => return Err(ModelError::UnknownName(specification.name.to_owned())),
        };
        let length = specification.length.or(element.data_type.length()).unwrap_or(VARIABLE);
        let data_type = element.data_type;
        if if length == VARIABLE { data_type.may_vary() } else { data_type.fits(length) } {
            Ok((element, length))
        } else {
            Err(ModelError::Length { name: element.name.to_string(), data_type: data_type.name(), length })
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::element::DataType;

    #[test]
    fn a_user_defines_elements_beside_those_of_the_registry() {
        let mut model = InformationModel::default();
        assert!(model.by_id(ElementId::new(4711, 1)).is_none());
        model.define("roomTemperature(4711/1)<signed16>[2]").unwrap();
        model.define("roomTemperature(4711/1)<signed16>").unwrap();
        assert_eq!(model.by_name("ROOMTEMPERATURE").unwrap().id, ElementId::new(4711, 1));
        assert_eq!(model.by_id(ElementId::new(4711, 1)).unwrap().data_type, DataType::Signed16);
        assert_eq!(model.by_name("octetDeltaCount").unwrap().id, ElementId::iana(1));
        assert_eq!(model.added(), 1);
    }

    #[test]
    fn a_second_definition_that_says_something_else_is_refused_and_the_first_one_stays() {
        let mut model = InformationModel::default();
        model.define("one(4711/1)<string>").unwrap();
        for other in ["two(4711/1)<string>", "one(4711/1)<octetArray>", "octets(1)<unsigned64>"] {
            assert!(matches!(model.define(other), Err(ModelError::Conflict { .. })), "{other}");
        }
        assert_eq!(&*model.by_id(ElementId::new(4711, 1)).unwrap().name, "one");
    }

    #[test]
    fn a_file_of_elements_is_read_to_its_end() {
        let mut model = InformationModel::default();
        let text = "# mine\na(4711/1)<string>\n\nb(4711/2)<boolean>[1] # two\n";
        assert_eq!(model.define_all(text), Ok(2));
        assert_eq!(model.define_all("c(4711/3)<boolean>\nd\n").unwrap_err().0, 2);
        assert!(model.by_name("c").is_some(), "what comes before a wrong line is known");
    }

    #[test]
    fn a_text_names_an_element_and_the_length_of_its_field() {
        let model = InformationModel::default();
        let resolved = |text: &str| {
            let (element, length) = model.resolve(text).unwrap();
            (element.id, length)
        };
        assert_eq!(resolved("octetDeltaCount"), (ElementId::iana(1), 8));
        assert_eq!(resolved("octetDeltaCount[4]"), (ElementId::iana(1), 4));
        assert_eq!(resolved("(8057/808)"), (ElementId::new(8057, 808), VARIABLE));
        assert_eq!(resolved("interfaceName[16]"), (ElementId::iana(82), 16));
        assert_eq!(resolved("unheardOf(4711/9)<unsigned32>[3]"), (ElementId::new(4711, 9), 3));
        for wrong in ["octetDeltaCount[9]", "octetDeltaCount[v]", "sourceIPv4Address[3]"] {
            assert!(matches!(model.resolve(wrong), Err(ModelError::Length { .. })), "{wrong}");
        }
        assert!(matches!(model.resolve("unheardOf"), Err(ModelError::UnknownName(_))));
        assert!(matches!(model.resolve("unheardOf(4711/9)"), Err(ModelError::UnknownId(_))));
    }
}
