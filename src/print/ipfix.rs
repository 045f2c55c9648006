//! IPFIX files (RFC 5655): messages back to back.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, Read, Write};

use weir_ipfix::collect::{Closed, Collector, CollectorSettings, Event, News, Packet};
use weir_ipfix::element::{DataType, ElementId};
use weir_ipfix::list::DEEPEST;
use weir_ipfix::message::{Message, Record, Records};
use weir_ipfix::model::InformationModel;
use weir_ipfix::template::Template;
use weir_ipfix::time::Time;
use weir_ipfix::value;

use super::PrintError;
use super::printer::Printer;
use super::value::{Column, Value};

/// paddingOctets: nothing.
const PADDING: ElementId = ElementId::iana(210);

/// Templates of a file by observation domain and id, for the lists that refer to them.
type Templates = HashMap<(u32, u16), Template>;

/// Shows a file. What is damaged in it is skipped; that, and what else is not known or wrong, is told at its end.
pub(super) fn file(
    name: &str,
    source: impl Read,
    printer: &mut Printer<impl Write>,
) -> Result<(), PrintError> {
    let printer = RefCell::new(printer);
    let (mut templates, mut model) = (Templates::new(), InformationModel::default());
    let (mut problems, mut written) = (Problems::default(), Ok(()));
    let source = Wanted { source, printer: &printer };
    let counters =
        Collector::new(CollectorSettings::default()).read_from(name, source, |_, news| match news {
            News::Event(Packet::Ipfix(message), event) => match event {
                Event::Record(record) => {
                    let mut printer = printer.borrow_mut();
                    if written.is_ok() && !printer.is_done() {
                        let (columns, values) = Shower::of(message, &templates, &model).record(&record);
                        written = printer.record(&columns, &values);
                        if written.is_err() {
                            printer.end();
                        }
                    }
                }
                Event::Template(template) => {
                    templates.insert((message.header.domain, template.id()), template.clone());
                }
                Event::Element(element) => {
                    // The session has seen that it is no other one's.
                    let _ = model.add(element.clone());
                }
                Event::Withdrawal(id) => {
                    templates.remove(&(message.header.domain, id));
                }
                Event::Fault(fault) => {
                    let number = message.header.sequence;
                    problems.add(|| format!("message with sequence number {number}: {fault}"));
                }
                Event::UnknownRecords(..) => {}
            },
            News::Skipped(skipped) => problems.add(|| skipped.to_string()),
            News::Closed(Closed::End, _) => {}
            News::Closed(Closed::CutOff, _) => problems.add(|| "a message is cut off".to_owned()),
            News::Closed(why, _) => problems.add(|| why.to_string()),
            News::Opened | News::Refused(_) | News::Malformed(_) | News::Event(..) => {}
        });
    written?;
    if counters.unknown_sets > 0 {
        eprintln!("Warning: {name}: {} sets have records of unknown templates", counters.unknown_sets);
    }
    // Where it ends if no more is wanted is not its end.
    if printer.borrow().is_done() { Ok(()) } else { problems.conclude(name) }
}

/// A file that ends when nothing more of it is wanted.
struct Wanted<'p, S, W: Write> {
    source: S,
    printer: &'p RefCell<&'p mut Printer<W>>,
}

impl<S: Read, W: Write> Read for Wanted<'_, S, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.printer.borrow().is_done() { Ok(0) } else { self.source.read(buffer) }
    }
}

/// What is wrong with a file: the first of it, and how much more.
#[derive(Default)]
struct Problems {
    first: Option<String>,
    more: u64,
}

impl Problems {
    fn add(&mut self, problem: impl FnOnce() -> String) {
        match self.first {
            Some(_) => self.more += 1,
            None => self.first = Some(problem()),
        }
    }

    fn conclude(self, name: &str) -> Result<(), PrintError> {
        let more = match self.more {
            0 => String::new(),
            more => format!(" (and {more} more faults)"),
        };
        self.first.map_or(Ok(()), |first| Err(PrintError::Source(name.to_owned(), format!("{first}{more}"))))
    }
}

/// Shows the records of a message.
#[derive(Clone, Copy)]
struct Shower<'m> {
    domain: u32,
    /// When the message was sent, which tells the eras of its times apart.
    sent: Time,
    templates: &'m Templates,
    /// Elements, those among them that the file tells.
    model: &'m InformationModel,
}

impl<'m> Shower<'m> {
    fn of(message: &Message<'_>, templates: &'m Templates, model: &'m InformationModel) -> Shower<'m> {
        let sent = Time::new(message.header.export_time_s.into(), 0);
        Shower { domain: message.header.domain, sent, templates, model }
    }

    /// The fields of a record, those that it has in common with others among them.
    fn record<'a>(self, record: &Record<'a, 'a>) -> (Vec<Column>, Vec<Value<'a>>) {
        let (mut columns, mut values) = (Vec::<Column>::new(), Vec::new());
        for field in record.joined().filter(|field| field.specifier.id != PADDING) {
            let (column, value) = self.field(field.specifier.id, field.content, 0);
            // An element may be in a record several times (RFC 7011, 8), a name in an object only once.
            let same = columns.iter().filter(|other| is_same(&other.name, &column.name)).count();
            let name = if same == 0 { column.name } else { format!("{}#{}", column.name, same + 1) };
            columns.push(Column { kind: column.kind, name });
            values.push(value);
        }
        (columns, values)
    }

    /// A field that holds `octets`. A list of values of one element is called after that element.
    fn field<'a>(self, id: ElementId, octets: &'a [u8], depth: usize) -> (Column, Value<'a>) {
        let known = self.model.by_id(id);
        let kind = known.as_ref().map_or(DataType::OctetArray, |element| element.data_type);
        let name = known.map_or_else(|| id.to_string(), |element| element.name.clone().into_owned());
        let value = value::Value::read(kind, octets, self.sent);
        if let Ok(value::Value::BasicList(list)) = value
            && depth < DEEPEST
        {
            let (column, _) = self.field(list.field.id, &[], DEEPEST);
            let values = list.values().flatten().map(|octets| self.field(list.field.id, octets, depth + 1).1);
            return (
                Column { kind: format!("{}*", column.kind), name: column.name },
                Value::List(values.collect()),
            );
        }
        let value = value.map_or(Value::Octets(octets), |value| self.value(value, octets, depth));
        (Column { kind: kind.name().to_owned(), name }, value)
    }

    /// A value that was read from `octets`. Lists that lie too deep are shown as octets.
    fn value<'a>(self, value: value::Value<'a>, octets: &'a [u8], depth: usize) -> Value<'a> {
        match value {
            value::Value::Unsigned(number) => Value::Unsigned(number),
            value::Value::Signed(number) => Value::Signed(number),
            value::Value::Float(number) if octets.len() == size_of::<f32>() => Value::Float(number as f32),
            value::Value::Float(number) => Value::Double(number),
            value::Value::Boolean(truth) => Value::Boolean(truth),
            value::Value::Mac(mac) => Value::Mac(mac),
            value::Value::Ipv4(address) => Value::Address(address.into()),
            value::Value::Ipv6(address) => Value::Address(address.into()),
            // A text in a field of fixed length is filled up with zeros.
            value::Value::Text(text) => Value::Text(text.trim_end_matches('\0').as_bytes()),
            value::Value::Octets(octets) | value::Value::Unsigned256(octets) => Value::Octets(octets),
            value::Value::Time(Time { seconds, nanoseconds }) => Value::Time { seconds, nanoseconds },
            value::Value::SubTemplateList(list) if depth < DEEPEST => {
                Value::List(self.records(list.template_id, list.content, depth))
            }
            value::Value::SubTemplateMultiList(list) if depth < DEEPEST => Value::List(
                list.parts().flatten().flat_map(|(id, content)| self.records(id, content, depth)).collect(),
            ),
            value::Value::BasicList(_)
            | value::Value::SubTemplateList(_)
            | value::Value::SubTemplateMultiList(_) => Value::Octets(octets),
        }
    }

    /// The records of a list; as octets if their template is not known.
    fn records<'a>(self, id: u16, content: &'a [u8], depth: usize) -> Vec<Value<'a>> {
        let Some(template) = self.templates.get(&(self.domain, id)) else {
            return vec![Value::Octets(content)];
        };
        let record = |record: Record<'a, '_>| {
            let field = |field: weir_ipfix::message::Field<'a>| {
                let (column, value) = self.field(field.specifier.id, field.content, depth + 1);
                (column.name, value)
            };
            Value::Record(record.fields().map(field).collect())
        };
        Records::new(template, content).flatten().map(record).collect()
    }
}

/// Whether `name` is `other`, or that with a number behind it.
fn is_same(name: &str, other: &str) -> bool {
    name.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('#'))
}
