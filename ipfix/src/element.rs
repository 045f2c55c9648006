//! Information elements (RFC 7012): what a field means and how its values are written.

mod data_type;
mod properties;

use std::borrow::Cow;
use std::fmt;

pub use data_type::DataType;
pub use properties::{Semantics, Status, Units};

/// Enterprise number of the reverse forms of IANA's elements (RFC 5103).
pub const REVERSE: u32 = 29305;

/// What identifies an information element on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ElementId {
    /// Private enterprise number, 0 for IANA's own elements.
    pub enterprise: u32,
    /// Number of the element, 0 to 32767: without the bit that says that an enterprise number follows.
    pub number: u16,
}

impl ElementId {
    /// The largest number: the bit above it marks an enterprise number (RFC 7011, 3.2).
    pub const LARGEST_NUMBER: u16 = 0x7fff;

    /// One of IANA's elements.
    pub const fn iana(number: u16) -> ElementId {
        ElementId { enterprise: 0, number }
    }

    /// An enterprise's element.
    pub const fn new(enterprise: u32, number: u16) -> ElementId {
        ElementId { enterprise, number }
    }

    /// The element of the other direction of a biflow (RFC 5103), and back. `None` where there is no such form: enterprises
    /// define reverse elements of their own, and some of IANA's elements have none.
    pub const fn reversed(self) -> Option<ElementId> {
        match self.enterprise {
            0 if is_reversible(self.number) => Some(ElementId::new(REVERSE, self.number)),
            REVERSE if is_reversible(self.number) => Some(ElementId::iana(self.number)),
            _ => None,
        }
    }
}

/// As in element specifications: `12`, or `8057/1013` with an enterprise number.
impl fmt::Display for ElementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.enterprise != 0 {
            write!(f, "{}/", self.enterprise)?;
        }
        write!(f, "{}", self.number)
    }
}

/// Whether an IANA element can be said of the other direction (RFC 5103, 6.1): not what describes the processes that meter and
/// export or counts what they do, nor what identifies a flow or something larger, nor padding, nor the direction itself.
const fn is_reversible(number: u16) -> bool {
    !matches!(
        number,
        // Statistics of the exporting process (RFC 5102, 5.3).
        40..=42 | 163..=168
        // Its configuration (RFC 5102, 5.2).
        | 130 | 131 | 173 | 211..=217
        // commonPropertiesId, templateId, flowId, observationDomainId: of the identifiers (RFC 5102, 5.1) those that cannot belong to one
        // direction. Where a direction was observed, metered and exported (138, 141 to 144) can.
        | 137 | 145 | 148 | 149
        // paddingOctets, biflowDirection, and the description of elements (RFC 5610).
        | 210 | 239 | 303 | 339..=346
    )
}

/// An information element.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Element {
    /// What identifies it on the wire.
    pub id: ElementId,
    /// Its name: `octetDeltaCount`.
    pub name: Cow<'static, str>,
    /// What its values are.
    pub data_type: DataType,
    /// What its values mean.
    pub semantics: Semantics,
    /// What its values count.
    pub units: Units,
    /// Whether it is to be used.
    pub status: Status,
    /// The smallest and the largest value, where the type does not say it.
    pub range: Option<(u64, u64)>,
}

impl Element {
    /// An element of which only the name and the type are known.
    pub fn new(id: ElementId, name: impl Into<Cow<'static, str>>, data_type: DataType) -> Element {
        Element {
            id,
            name: name.into(),
            data_type,
            semantics: Semantics::Default,
            units: Units::None,
            status: Status::Current,
            range: None,
        }
    }

    /// The element of the other direction, if it has one: `reverseOctetDeltaCount`.
    pub fn reversed(&self) -> Option<Element> {
        if self.id.enterprise != 0 {
            return None;
        }
        let id = self.id.reversed()?;
        let mut letters = self.name.chars();
        let first = letters.next()?.to_ascii_uppercase();
        Some(Element { id, name: format!("reverse{first}{}", letters.as_str()).into(), ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_direction_has_the_same_number_under_the_reverse_enterprise() {
        let octets = ElementId::iana(1);
        assert_eq!(octets.reversed(), Some(ElementId::new(29305, 1)));
        assert_eq!(octets.reversed().and_then(ElementId::reversed), Some(octets));
        assert_eq!(ElementId::new(8057, 900).reversed(), None, "enterprises define their own");
    }

    #[test]
    fn what_has_no_direction_has_no_reverse_form() {
        let none = [
            &[40, 41, 42, 130, 131, 137, 145, 148, 149, 163, 164, 165, 166, 167, 168, 173][..],
            &[210, 211, 212, 213, 214, 215, 216, 217, 239, 303, 339, 340, 341, 342, 343, 344, 345, 346],
        ]
        .concat();
        for number in 0..500 {
            let is_reversible = !none.contains(&number);
            assert_eq!(ElementId::iana(number).reversed().is_some(), is_reversible, "{number}");
            assert_eq!(ElementId::new(REVERSE, number).reversed().is_some(), is_reversible, "{number}");
        }
    }

    #[test]
    fn a_reverse_element_is_named_after_the_forward_one() {
        let octets = Element::new(ElementId::iana(1), "octetDeltaCount", DataType::Unsigned64);
        let reversed = octets.reversed();
        assert_eq!(reversed.as_ref().map(|e| &*e.name), Some("reverseOctetDeltaCount"));
        assert_eq!(reversed.and_then(|e| e.reversed()), None);
    }
}
