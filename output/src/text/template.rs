//! The text form of a plugin's fields, compiled.

use weir_flow::Schema;

use crate::OutputError;

/// How a value is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// As its type is usually shown.
    Plain,
    /// Lower-case hexadecimal, numbers with at least this many digits.
    Hexadecimal(usize),
    /// The high byte of a 16-bit number.
    High,
    /// The low byte of a 16-bit number.
    Low,
    /// Octets as a big-endian number in decimal.
    Number,
    /// How many octets there are.
    Length,
}

/// A piece of the form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    /// This text.
    Literal(String),
    /// The value of the field with this index.
    Field(usize, Form),
    /// Two lists of equal length, element by element: `(a1-b1,a2-b2)`.
    Pairs(usize, usize),
}

/// Compiles [`Schema::text`]: literal text with `{NAME}`, `{NAME:x}`, `{NAME:04x}` (padded to four digits), `{NAME:high}`,
/// `{NAME:low}`, `{NAME:number}`, `{NAME:length}`, and `{LIST-LIST}` for two lists element by element.
pub(super) fn compile(schema: &Schema) -> Result<Vec<Piece>, OutputError> {
    let wrong = |what: String| OutputError::Template { plugin: schema.name.clone().into_owned(), what };
    let index = |name: &str| {
        schema
            .fields
            .iter()
            .position(|field| field.name == name)
            .ok_or_else(|| wrong(format!("no field is called {name}")))
    };
    let mut pieces = Vec::new();
    let mut rest: &str = &schema.text;
    while let Some((literal, from_brace)) = rest.split_once('{') {
        let (inner, after) =
            from_brace.split_once('}').ok_or_else(|| wrong(format!("{{{from_brace} has no }}")))?;
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.to_owned()));
        }
        pieces.push(match (inner.split_once(':'), inner.split_once('-')) {
            (Some((name, form)), _) => {
                Piece::Field(index(name)?, parse_form(form).ok_or_else(|| wrong(format!("no form :{form}")))?)
            }
            (None, Some((first, second))) => Piece::Pairs(index(first)?, index(second)?),
            (None, None) => Piece::Field(index(inner)?, Form::Plain),
        });
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    Ok(pieces)
}

fn parse_form(form: &str) -> Option<Form> {
    match form {
        "high" => Some(Form::High),
        "low" => Some(Form::Low),
        "number" => Some(Form::Number),
        "length" => Some(Form::Length),
        _ => {
            let width = form.strip_suffix('x')?;
            let width = if width.is_empty() { 1 } else { width.parse().ok().filter(|&w| w <= 16)? };
            Some(Form::Hexadecimal(width))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use weir_flow::{Field, FieldType, field::CESNET};

    use super::*;

    const FIELDS: &[Field] = &[
        Field::new("CODE", FieldType::U16, CESNET, 1, ""),
        Field::new("START", FieldType::TimeList, CESNET, 2, ""),
        Field::new("STOP", FieldType::TimeList, CESNET, 3, ""),
    ];

    fn compiled(text: &'static str) -> Result<Vec<Piece>, String> {
        compile(&Schema::new("plugin", FIELDS, text)).map_err(|error| error.to_string())
    }

    #[test]
    fn names_and_forms_become_pieces() {
        let literal = |text: &str| Piece::Literal(text.to_owned());
        assert_eq!(
            compiled("a={CODE:high},b={CODE:low} {CODE}{CODE:04x}{CODE:x}{CODE:number}{CODE:length}.")
                .unwrap(),
            [
                literal("a="),
                Piece::Field(0, Form::High),
                literal(",b="),
                Piece::Field(0, Form::Low),
                literal(" "),
                Piece::Field(0, Form::Plain),
                Piece::Field(0, Form::Hexadecimal(4)),
                Piece::Field(0, Form::Hexadecimal(1)),
                Piece::Field(0, Form::Number),
                Piece::Field(0, Form::Length),
                literal("."),
            ]
        );
        assert_eq!(compiled("{START-STOP},").unwrap(), [Piece::Pairs(1, 2), literal(",")]);
        assert_eq!(compiled("").unwrap(), []);
    }

    #[test]
    fn a_wrong_form_is_an_error_that_names_the_plugin() {
        assert_eq!(compiled("{NO}").unwrap_err(), "text form of plugin plugin: no field is called NO");
        assert_eq!(compiled("{CODE").unwrap_err(), "text form of plugin plugin: {CODE has no }");
        assert_eq!(compiled("{CODE:99x}").unwrap_err(), "text form of plugin plugin: no form :99x");
        assert_eq!(
            compiled("{START-END}").unwrap_err(),
            "text form of plugin plugin: no field is called END"
        );
    }
}
