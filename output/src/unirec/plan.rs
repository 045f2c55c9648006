//! How the records of one interface are written: compiled once from its template.

use weir_flow::record::basic;
use weir_flow::{Field, FieldType, Record, Schema, Timestamp, Value};
use weir_trap::sender::Weight;
use weir_trap::unirec::{self, Element, Kind, RecordWriter, Template, Time, address};

use super::settings::Settings;
use crate::OutputError;

/// Most plugins of one interface.
pub(super) const MOST_PLUGINS: usize = 64;

/// Basic fields that IPFIX has and UniRec has not.
const NOT_IN_UNIREC: [usize; 2] = [basic::FLOW_END_REASON, basic::IP_VERSION];

/// Where the value of a field comes from.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// A basic field, by its position.
    Basic(usize),
    /// LINK_BIT_FIELD or ODID.
    Link,
    /// DIR_BIT_FIELD.
    Direction,
    /// A field of a plugin, by the plugin's place among those of the interface.
    Plugin { place: u8, field: u8 },
}

/// The records of one interface.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    template: Template,
    /// Numbers of the plugins whose fields are in it.
    plugins: Vec<u8>,
    /// The sources of all fields in the order of the template.
    sources: Vec<Source>,
    link: u64,
    direction: u8,
    /// Where records have the counters of packets and bytes, of both directions.
    packets: [usize; 2],
    bytes: [usize; 2],
}

/// What the plugins of an interface say for one record: values by the plugin's place, none if it says nothing.
pub(super) type Said<'a> = [&'a [Value<'a>]];

fn kind(kind: FieldType) -> Kind {
    match kind {
        FieldType::U8 => Kind::One(Element::U8),
        FieldType::U16 => Kind::One(Element::U16),
        FieldType::U32 => Kind::One(Element::U32),
        FieldType::U64 => Kind::One(Element::U64),
        FieldType::F32 => Kind::One(Element::Float),
        FieldType::Address => Kind::One(Element::Address),
        FieldType::Mac => Kind::One(Element::Mac),
        FieldType::Time => Kind::One(Element::Time),
        FieldType::Text { .. } => Kind::String,
        FieldType::Bytes { .. } => Kind::Bytes,
        FieldType::U8List => Kind::Array(Element::U8),
        FieldType::I8List => Kind::Array(Element::I8),
        FieldType::U16List => Kind::Array(Element::U16),
        FieldType::U32List => Kind::Array(Element::U32),
        FieldType::TimeList => Kind::Array(Element::Time),
    }
}

impl Plan {
    /// For the fields of the plugins with these numbers.
    pub(super) fn new(plugins: &[u8], schemas: &[&Schema], settings: &Settings) -> Result<Plan, OutputError> {
        let mut fields: Vec<(unirec::Field, Source)> = Vec::new();
        let field = |field: &Field| unirec::Field::new(&*field.name, kind(field.kind));
        for (position, basic_field) in basic::FIELDS.iter().enumerate() {
            let source = match position {
                basic::DIR_BIT_FIELD => Source::Direction,
                _ if NOT_IN_UNIREC.contains(&position) => continue,
                _ => Source::Basic(position),
            };
            fields.push((field(basic_field), source));
        }
        let link =
            if settings.has_domain { ("ODID", Element::U32) } else { ("LINK_BIT_FIELD", Element::U64) };
        fields.push((unirec::Field::new(link.0, Kind::One(link.1)), Source::Link));
        for (place, &number) in plugins.iter().enumerate() {
            let schema = schemas[usize::from(number)];
            for (index, plugin_field) in schema.fields.iter().enumerate() {
                let source = Source::Plugin { place: place as u8, field: index as u8 };
                fields.push((field(plugin_field), source));
            }
        }
        let template = Template::new(fields.iter().map(|(field, _)| field.clone())).map_err(|error| {
            OutputError::Template { plugin: "unirec".to_owned(), what: error.to_string() }
        })?;
        // Two plugins may share a field (DNS_ID); the one named first fills it.
        let sources = template
            .fields()
            .iter()
            .filter_map(|field| fields.iter().find(|(known, _)| known == field).map(|(_, source)| *source))
            .collect();
        let counters = |names: [&str; 2]| {
            names.map(|name| template.position(name).map_or(0, |position| template.offset(position)))
        };
        Ok(Plan {
            packets: counters(["PACKETS", "PACKETS_REV"]),
            bytes: counters(["BYTES", "BYTES_REV"]),
            template,
            plugins: plugins.to_vec(),
            sources,
            link: settings.link,
            direction: settings.direction,
        })
    }

    pub(super) fn template(&self) -> &Template {
        &self.template
    }

    pub(super) fn plugins(&self) -> &[u8] {
        &self.plugins
    }

    /// What a record counts: itself, packets and bytes of both directions.
    #[inline]
    pub(super) fn weight(&self, record: &[u8]) -> Weight {
        let packets = self.packets.map(|at| record[at..].first_chunk().map_or(0, |b| u32::from_le_bytes(*b)));
        let bytes = self.bytes.map(|at| record[at..].first_chunk().map_or(0, |b| u64::from_le_bytes(*b)));
        let [packets, packets_back] = packets.map(u64::from);
        Weight([1, packets + packets_back, bytes[0].saturating_add(bytes[1])])
    }

    /// Appends a record.
    #[inline]
    pub(super) fn write(&self, record: &Record<'_>, said: &Said<'_>, out: &mut Vec<u8>) {
        let mut writer = RecordWriter::new(&self.template, out);
        let (fixed, variable) = self.sources.split_at(self.template.fixed_fields());
        for (position, &source) in fixed.iter().enumerate() {
            self.put_fixed(&mut writer, position, source, record, said);
        }
        for (place, &source) in variable.iter().enumerate() {
            if let Source::Plugin { place: plugin, field } = source
                && let Some(value) = said[usize::from(plugin)].get(usize::from(field))
            {
                put_variable(&mut writer, fixed.len() + place, value);
            }
        }
        writer.finish();
    }

    #[inline]
    fn put_fixed(
        &self,
        writer: &mut RecordWriter<'_>,
        position: usize,
        source: Source,
        record: &Record<'_>,
        said: &Said<'_>,
    ) {
        let size = self.template.fields()[position].kind.element_size();
        let value = match source {
            Source::Basic(basic) => record.basic(basic),
            Source::Link => Value::U64(self.link),
            Source::Direction => Value::U8(self.direction),
            Source::Plugin { place, field } => match said[usize::from(place)].get(usize::from(field)) {
                Some(value) => *value,
                None => return,
            },
        };
        match value {
            // Counters are cut to the width that UniRec has for them, at its greatest value.
            Value::U64(number) if size < 8 => {
                let greatest = (1 << (8 * size)) - 1;
                writer.fixed(position, &number.min(greatest).to_le_bytes()[..size]);
            }
            Value::U64(number) => writer.fixed(position, &number.to_le_bytes()),
            Value::U32(number) => writer.fixed(position, &number.to_le_bytes()),
            Value::U16(number) => writer.fixed(position, &number.to_le_bytes()),
            Value::U8(number) => writer.fixed(position, &[number]),
            Value::F32(number) => writer.fixed(position, &number.to_le_bytes()),
            Value::Mac(mac) => writer.fixed(position, &mac),
            Value::Address(ip) => writer.fixed(position, &address::to_bytes(ip)),
            Value::Time(time) => writer.fixed(position, &to_time(time).0.to_le_bytes()),
            _ => {}
        }
    }
}

#[inline]
fn to_time(time: Timestamp) -> Time {
    Time::new(time.seconds(), time.nanoseconds())
}

fn put_variable(writer: &mut RecordWriter<'_>, position: usize, value: &Value<'_>) {
    match *value {
        // A text ends at its first NUL, as it does in the modules that read it.
        Value::Text(text) => {
            let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
            writer.variable(position, &text[..end]);
        }
        Value::Bytes(bytes) | Value::U8List(bytes) => writer.variable(position, bytes),
        Value::I8List(list) => writer.array(position, list.iter().map(|number| number.to_le_bytes())),
        Value::U16List(list) => writer.array(position, list.iter().map(|number| number.to_le_bytes())),
        Value::U32List(list) => writer.array(position, list.iter().map(|number| number.to_le_bytes())),
        Value::TimeList(list) => {
            writer.array(position, list.iter().map(|&time| to_time(time).0.to_le_bytes()))
        }
        _ => {}
    }
}
