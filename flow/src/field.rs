//! The one schema: what a field is called, what it holds and how outputs name it.

use std::borrow::Cow;

/// Private enterprise number of CESNET.
pub const CESNET: u32 = 8057;
/// Private enterprise number of Flowmon Networks.
pub const FLOWMON: u32 = 39499;
/// The enterprise number that marks the reverse direction of an IANA element (RFC 5103).
pub const REVERSE: u32 = 29305;
/// IANA's own elements carry no enterprise number.
pub const IANA: u32 = 0;
/// The length, in an IPFIX template, of an element whose values differ in length (RFC 7011 section 7).
pub const VARIABLE: u16 = 65_535;

/// An IPFIX information element.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Element {
    /// Private enterprise number, 0 for IANA.
    pub enterprise: u32,
    /// Element id without the enterprise bit.
    pub id: u16,
}

/// The type of a field's value, with its UniRec name in the comment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FieldType {
    /// `uint8`
    U8,
    /// `uint16`
    U16,
    /// `uint32`
    U32,
    /// `uint64`
    U64,
    /// `float`
    F32,
    /// `ipaddr`
    Address,
    /// `macaddr`
    Mac,
    /// `time`
    Time,
    /// `string`: text, at most `max` bytes
    Text {
        /// Longest value in bytes.
        max: u16,
    },
    /// `bytes`: octets, at most `max`
    Bytes {
        /// Longest value in bytes.
        max: u16,
    },
    /// `uint8*`
    U8List,
    /// `int8*`
    I8List,
    /// `uint16*`
    U16List,
    /// `uint32*`
    U32List,
    /// `time*`
    TimeList,
}

impl FieldType {
    /// The type's name in UniRec templates.
    pub const fn unirec(self) -> &'static str {
        match self {
            FieldType::U8 => "uint8",
            FieldType::U16 => "uint16",
            FieldType::U32 => "uint32",
            FieldType::U64 => "uint64",
            FieldType::F32 => "float",
            FieldType::Address => "ipaddr",
            FieldType::Mac => "macaddr",
            FieldType::Time => "time",
            FieldType::Text { .. } => "string",
            FieldType::Bytes { .. } => "bytes",
            FieldType::U8List => "uint8*",
            FieldType::I8List => "int8*",
            FieldType::U16List => "uint16*",
            FieldType::U32List => "uint32*",
            FieldType::TimeList => "time*",
        }
    }

    /// Whether the value is a list; its IPFIX form is a basicList (IE 291, RFC 6313) of [`Field::element`].
    pub const fn is_list(self) -> bool {
        matches!(
            self,
            FieldType::U8List
                | FieldType::I8List
                | FieldType::U16List
                | FieldType::U32List
                | FieldType::TimeList
        )
    }

    /// Bytes of the value, or of a list's element, in IPFIX; `None` for texts and octets, whose length varies.
    /// The length in a template may differ where the reference's does: see [`Field::length`].
    pub const fn width(self) -> Option<u16> {
        match self {
            FieldType::U8 | FieldType::U8List | FieldType::I8List => Some(1),
            FieldType::U16 | FieldType::U16List => Some(2),
            FieldType::U32 | FieldType::F32 | FieldType::U32List => Some(4),
            FieldType::U64 | FieldType::Time | FieldType::TimeList => Some(8),
            FieldType::Mac => Some(6),
            FieldType::Address => Some(16),
            FieldType::Text { .. } | FieldType::Bytes { .. } => None,
        }
    }
}

/// A field of a flow record, described once. Text, JSON, UniRec and IPFIX names, help and documentation derive from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// The UniRec name, which is also the JSON key.
    pub name: Cow<'static, str>,
    /// The type of its value.
    pub kind: FieldType,
    /// The IPFIX element; for lists the element of which IE 291 carries a list.
    pub element: Element,
    /// Bytes in an IPFIX template where they differ from the type's width: counters widened on the wire, or [`VARIABLE`] for
    /// an address of 4 or 16 bytes.
    pub length: Option<u16>,
    /// One line for people.
    pub doc: Cow<'static, str>,
    /// For a text that is a list: what its entries are.
    pub entries: Option<Entries>,
}

/// A text that is a list of entries, each of which ends with a semicolon. Outputs that have less room than it takes show whole
/// entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entries {
    /// Semicolons of one entry.
    pub separators: usize,
    /// The most bytes of the text in IPFIX, where a record has to fit a message.
    pub ipfix_max: u16,
}

impl Entries {
    /// The entries at the beginning of `text` that IPFIX has room for.
    pub fn ipfix_part(self, text: &[u8]) -> &[u8] {
        let room = &text[..text.len().min(self.ipfix_max.into())];
        let ends =
            room.iter().enumerate().filter(|&(_, &byte)| byte == b';').map(|(position, _)| position + 1);
        let whole = ends.skip(self.separators.saturating_sub(1)).step_by(self.separators.max(1)).last();
        &room[..whole.unwrap_or(0)]
    }
}

impl Field {
    /// A field known at compile time.
    pub const fn new(
        name: &'static str,
        kind: FieldType,
        enterprise: u32,
        id: u16,
        doc: &'static str,
    ) -> Field {
        Field {
            name: Cow::Borrowed(name),
            kind,
            element: Element { enterprise, id },
            length: None,
            doc: Cow::Borrowed(doc),
            entries: None,
        }
    }

    /// The field, a text with these entries.
    pub const fn with_entries(mut self, entries: Entries) -> Field {
        self.entries = Some(entries);
        self
    }

    /// The field with this length in IPFIX templates.
    pub const fn with_length(mut self, length: u16) -> Field {
        self.length = Some(length);
        self
    }
}

/// The fields that one plugin adds to a record, in the order of the IPFIX template.
///
/// `text` is the form of these fields in the `text` output: literal text with `{NAME}` where the value of field NAME goes.
/// A `{NAME:form}` selects another form: `x` lower-case hexadecimal, `high`/`low` the high or low byte of a
/// 16-bit number, `number` octets as a number, `length` how many octets there are. `{FROM-TO}` pairs two lists element by element.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Schema {
    /// The plugin's name, as in `-p name`.
    pub name: Cow<'static, str>,
    /// The fields.
    pub fields: Cow<'static, [Field]>,
    /// The form of the `text` output.
    pub text: Cow<'static, str>,
    /// What options of the plugin add. No output looks at it: see [`Schema::combinations`].
    pub optional: &'static [OptionalFields],
}

/// Fields that an option adds behind the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OptionalFields {
    /// The option, by its long name.
    pub option: &'static str,
    /// The fields.
    pub fields: &'static [Field],
    /// Their part of [`Schema::text`].
    pub text: &'static str,
}

impl Schema {
    /// A schema known at compile time.
    pub const fn new(name: &'static str, fields: &'static [Field], text: &'static str) -> Schema {
        Schema {
            name: Cow::Borrowed(name),
            fields: Cow::Borrowed(fields),
            text: Cow::Borrowed(text),
            optional: &[],
        }
    }

    /// The same, with fields that options add.
    pub const fn with_optional(mut self, optional: &'static [OptionalFields]) -> Schema {
        self.optional = optional;
        self
    }

    /// The schemas that the plugin has with its options: bit i of the index says that the option of number i in
    /// [`Schema::optional`] is given.
    pub fn combinations(&self) -> Vec<Schema> {
        let with = |given: usize| {
            let mut schema = Schema { optional: &[], ..self.clone() };
            for (_, more) in self.optional.iter().enumerate().filter(|(place, _)| given >> place & 1 != 0) {
                schema.fields.to_mut().extend_from_slice(more.fields);
                schema.text.to_mut().push_str(more.text);
            }
            schema
        };
        (0..1 << self.optional.len()).map(with).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_add_fields_behind_the_others() {
        static A: &[Field] = &[Field::new("A", FieldType::U8, CESNET, 1, "")];
        static B: &[Field] = &[Field::new("B", FieldType::U8, CESNET, 2, "")];
        static C: &[Field] = &[Field::new("C", FieldType::U8, CESNET, 3, "")];
        static SCHEMA: Schema = Schema::new("plugin", A, "a={A}").with_optional(&[
            OptionalFields { option: "b", fields: B, text: ",b={B}" },
            OptionalFields { option: "c", fields: C, text: ",c={C}" },
        ]);
        let shown: Vec<_> = SCHEMA
            .combinations()
            .into_iter()
            .map(|s| {
                (s.fields.iter().map(|field| field.name.to_string()).collect::<String>(), s.text.into_owned())
            })
            .collect();
        let expected =
            [("A", "a={A}"), ("AB", "a={A},b={B}"), ("AC", "a={A},c={C}"), ("ABC", "a={A},b={B},c={C}")];
        assert_eq!(shown, expected.map(|(fields, text)| (fields.to_owned(), text.to_owned())));
    }

    #[test]
    fn ipfix_has_whole_entries() {
        let one = Entries { separators: 1, ipfix_max: 8 };
        assert_eq!(one.ipfix_part(b"ab;cd;"), b"ab;cd;");
        assert_eq!(one.ipfix_part(b"ab;cd;ef;"), b"ab;cd;");
        assert_eq!(one.ipfix_part(b"ab;cdefg;"), b"ab;");
        assert_eq!(one.ipfix_part(b"abcdefgh;"), b"");
        let two = Entries { separators: 2, ipfix_max: 8 };
        assert_eq!(two.ipfix_part(b"a;1;b;2;"), b"a;1;b;2;");
        assert_eq!(two.ipfix_part(b"a;1;bc;2;"), b"a;1;");
        assert_eq!(two.ipfix_part(b""), b"");
    }
}
