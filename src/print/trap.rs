//! Trapcap files and TRAP interfaces.

use std::io::{Read, Write};
use std::time::Duration;

use weir_trap::buffer::END_OF_STREAM;
use weir_trap::hello::Format;
use weir_trap::reader::{Event, Framing, Next, Reader, StreamReader};
use weir_trap::specification::{Input, InputKind, Timeout};
use weir_trap::unirec::{self, Record, Template};

use super::PrintError;
use super::printer::Printer;
use super::value::{Column, Value};

/// How often it is looked whether somebody wants it to end, while nothing comes.
const LOOK: Duration = Duration::from_millis(200);

/// Shows a file.
pub(super) fn file(
    name: &str,
    source: impl Read,
    printer: &mut Printer<impl Write>,
) -> Result<(), PrintError> {
    let mut stream = StreamReader::new(source, Framing::Plain);
    let mut messages = Messages::of(name);
    loop {
        match stream.advance().map_err(|error| messages.wrong(error))? {
            Next::End => return Ok(()),
            Next::Nothing => {}
            Next::Format | Next::Message => {
                if printer.is_done() || !messages.print(stream.current(), printer)? {
                    return Ok(());
                }
            }
        }
    }
}

/// Shows what comes from an interface. While its sender is not there it is waited for, unless the interface says how long.
pub(super) fn interface(
    name: &str,
    mut input: Input,
    printer: &mut Printer<impl Write>,
) -> Result<(), PrintError> {
    let is_patient = input.timeout == Timeout::Wait || matches!(input.kind, InputKind::File { .. });
    if is_patient {
        input.timeout = Timeout::After(LOOK);
    }
    let mut messages = Messages::of(name);
    let mut reader = Reader::open(input).map_err(|error| messages.wrong(error))?;
    let mut is_told = false;
    while !printer.is_done() {
        let outcome = match reader.read().map_err(|error| messages.wrong(error))? {
            Event::End => return Ok(()),
            Event::Nothing => Ok(is_patient),
            Event::Away => Err(()),
            event => {
                is_told = false;
                Ok(messages.print(event, printer)?)
            }
        };
        match (outcome, reader.failure()) {
            (Ok(false), _) => break,
            (Err(()), Some(failure)) if !is_patient => return Err(messages.wrong(failure)),
            (Err(()), Some(failure)) if !std::mem::replace(&mut is_told, true) => {
                eprintln!("Warning: {name}: {failure}; it is tried again");
            }
            _ => {}
        }
        if !reader.has_more() {
            printer.flush()?;
        }
    }
    if reader.missed() > 0 {
        eprintln!("Warning: {name}: {} messages were missed", reader.missed());
    }
    Ok(())
}

/// What messages hold.
enum Content {
    /// Records of a template.
    Records(Template, Vec<Column>),
    Texts,
    Octets,
}

/// The messages of a source.
struct Messages<'n> {
    name: &'n str,
    content: Content,
}

impl<'n> Messages<'n> {
    const fn of(name: &'n str) -> Messages<'n> {
        Messages { name, content: Content::Octets }
    }

    fn wrong(&self, error: impl std::fmt::Display) -> PrintError {
        PrintError::Source(self.name.to_owned(), error.to_string())
    }

    /// Shows what came. Whether there will be more.
    fn print(&mut self, event: Event<'_>, printer: &mut Printer<impl Write>) -> Result<bool, PrintError> {
        match (event, &self.content) {
            (Event::Format(format), _) => {
                self.content = match format {
                    Format::UniRec(specifier) => {
                        let template = Template::parse(specifier).map_err(|error| self.wrong(error))?;
                        let column = |field: &unirec::Field| Column {
                            kind: field.kind.to_string(),
                            name: field.name.clone(),
                        };
                        let columns: Vec<Column> = template.fields().iter().map(column).collect();
                        printer.columns(&columns)?;
                        Content::Records(template, columns)
                    }
                    Format::Json(_) => Content::Texts,
                    Format::Raw | Format::Unknown => Content::Octets,
                };
            }
            (Event::Message(content), _) if content.len() <= END_OF_STREAM.len() => return Ok(false),
            (Event::Message(content), Content::Records(template, columns)) => {
                let record = Record::new(template, content).map_err(|error| self.wrong(error))?;
                let values: Vec<Value<'_>> =
                    (0..columns.len()).map(|position| value(record.get(position))).collect();
                printer.record(columns, &values)?;
            }
            (Event::Message(content), Content::Texts) => printer.text(content)?,
            (Event::Message(content), Content::Octets) => printer.octets(content)?,
            (Event::End | Event::Nothing | Event::Away, _) => {}
        }
        Ok(true)
    }
}

/// A value as it is shown.
fn value(value: unirec::Value<'_>) -> Value<'_> {
    match value {
        unirec::Value::Unsigned(number) => Value::Unsigned(number),
        unirec::Value::Signed(number) => Value::Signed(number),
        unirec::Value::Char(octet) => Value::Unsigned(octet.into()),
        unirec::Value::Float(number) => Value::Float(number),
        unirec::Value::Double(number) => Value::Double(number),
        unirec::Value::Time(time) => {
            Value::Time { seconds: time.seconds().into(), nanoseconds: time.nanoseconds() }
        }
        unirec::Value::Mac(mac) => Value::Mac(mac),
        unirec::Value::Address(address) => Value::Address(address),
        unirec::Value::Text(text) => Value::Text(text),
        unirec::Value::Bytes(octets) => Value::Octets(octets),
        unirec::Value::Array(array) => Value::List(array.iter().map(self::value).collect()),
    }
}
