//! Options records of the output: what its elements are, what it has sent, and what it has lost.
//!
//! Records of types (RFC 5610) go before the first record that needs them, once a session, and are repeated with the templates. Statistics
//! (RFC 7011, 4.1) and reliability (4.3) go to each collector that is connected, at an interval and at the end. What was not metered
//! (4.2), the output does not know. The record of the selector (RFC 5476, 6.5.2) says what a collector that scales counts up has to know: that no
//! packet is left out.

use std::collections::HashSet;
use std::time::Duration;

use thiserror::Error;
use weir_flow::options::OptionError;
use weir_flow::{Field, FieldType, Schema};
use weir_ipfix::element::{DataType, Element, ElementId, REVERSE};
use weir_ipfix::export::{ExportError, Exporter, Now, Observer, Statistics as Sent, TemplateSlot};
use weir_ipfix::options::{
    ExportingReliability, ExportingScope, MeteringScope, MeteringStatistics, OptionsRecord, Selector,
    SelectorAlgorithm, TypeInformation,
};
use weir_ipfix::registry;
use weir_ipfix::template::TemplateError;
use weir_ipfix::time::Time;
use weir_ipfix::value::EncodeError;

use super::settings::{Layout, Settings};
use super::templates::Plugins;
use crate::Lost;

/// Ids of the options templates, the last ones that there are: no other template has them.
pub(super) const FIRST_ID: u16 = SELECTOR_ID;
const SELECTOR_ID: u16 = u16::MAX - 3;
const RELIABILITY_ID: u16 = u16::MAX - 2;
const STATISTICS_ID: u16 = u16::MAX - 1;
const TYPES_ID: u16 = u16::MAX;

/// Which options are sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Chosen {
    pub(super) types: bool,
    pub(super) statistics: bool,
    pub(super) sampling: bool,
}

impl Chosen {
    /// Those of a list of words with commas between them.
    pub(super) fn parse(list: &str) -> Result<Chosen, OptionError> {
        let mut chosen = Chosen::default();
        for word in list.split(',') {
            match word.trim() {
                "all" => chosen = Chosen { types: true, statistics: true, sampling: true },
                "sampling" => chosen.sampling = true,
                "types" => chosen.types = true,
                "statistics" => chosen.statistics = true,
                _ => {
                    return Err(OptionError::InvalidArgument {
                        option: "options",
                        value: list.to_owned(),
                        expected: "it is a list of statistics, types, sampling, all, with commas".to_owned(),
                    });
                }
            }
        }
        Ok(chosen)
    }
}

/// What has been lost since the output began, and when, in milliseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct LostSoFar {
    pub(super) lost: Lost,
    pub(super) times: Option<(u64, u64)>,
}

impl LostSoFar {
    /// More has been lost, if `lost` is more in anything.
    pub(super) fn raise_to(&mut self, lost: Lost, now_ms: u64) {
        let before = self.lost;
        self.lost.records = before.records.max(lost.records);
        self.lost.packets = before.packets.max(lost.packets);
        self.lost.bytes = before.bytes.max(lost.bytes);
        if self.lost != before {
            self.times = Some((self.times.map_or(now_ms, |(first, _)| first), now_ms));
        }
    }
}

/// Sends options records.
#[derive(Debug)]
pub(super) struct Options {
    types: Option<Types>,
    statistics: Option<Statistics>,
    /// It is told once, and repeated like a template.
    is_sampling_due: bool,
}

impl Options {
    pub(super) fn new(settings: &Settings, schemas: &[&'static Schema]) -> Options {
        let &Settings { options: chosen, options_interval: interval, domain, layout, .. } = settings;
        // Plugins say nothing in the other layout.
        let schemas = if layout == Layout::Ipfixprobe { schemas } else { &[] };
        let types =
            || Types { schemas: schemas.to_vec(), slot: None, told: HashSet::new(), is_warned: false };
        let statistics =
            || Statistics { domain, interval, told: Duration::ZERO, slots: None, is_warned: false };
        Options {
            types: chosen.types.then(types),
            statistics: chosen.statistics.then(statistics),
            is_sampling_due: chosen.sampling,
        }
    }

    /// Tells how packets are sampled before the first record.
    pub(super) fn tell_sampling(&mut self, exporter: &mut Exporter, now: Now, observer: &mut dyn Observer) {
        if std::mem::take(&mut self.is_sampling_due)
            && let Err(error) = tell_selector(exporter, now, observer)
        {
            warn(&mut false, "sampling", &error);
        }
    }

    /// Tells the elements of plugins before the first record of such a template.
    pub(super) fn tell_types(
        &mut self,
        plugins: Plugins,
        exporter: &mut Exporter,
        now: Now,
        observer: &mut dyn Observer,
    ) {
        if let Some(types) = &mut self.types {
            types.tell(plugins, exporter, now, observer);
        }
    }

    /// Tells statistics if it is time.
    pub(super) fn tell_statistics(
        &mut self,
        exporter: &mut Exporter,
        lost: &LostSoFar,
        now: Now,
        observer: &mut dyn Observer,
    ) {
        if let Some(statistics) = &mut self.statistics
            && now.elapsed - statistics.told >= statistics.interval
        {
            statistics.tell(exporter, lost, now, observer);
        }
    }

    /// Tells statistics for the last time.
    pub(super) fn tell_last_statistics(
        &mut self,
        exporter: &mut Exporter,
        lost: &LostSoFar,
        now: Now,
        observer: &mut dyn Observer,
    ) {
        if let Some(statistics) = &mut self.statistics {
            statistics.tell(exporter, lost, now, observer);
        }
    }
}

/// Why options cannot be sent.
#[derive(Debug, Error)]
enum OptionsError {
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Value(#[from] EncodeError),
}

/// Told once: an option that does not fit does not fit again.
fn warn(is_warned: &mut bool, what: &str, error: &OptionsError) {
    if !std::mem::replace(is_warned, true) {
        eprintln!("Warning: ipfix: options: {what}: {error} (mtu)");
    }
}

/// All packets are selected: one, and then none that is not.
const SELECTOR: Selector =
    Selector { id: 1, algorithm: SelectorAlgorithm::SystematicCount { interval: 1, space: 0 } };

fn tell_selector(exporter: &mut Exporter, now: Now, observer: &mut dyn Observer) -> Result<(), OptionsError> {
    let slot = exporter.add_template(SELECTOR.template(SELECTOR_ID)?, now, observer)?;
    Ok(exporter.add_standing(slot, &SELECTOR.to_record()?, now, observer)?)
}

/// What elements are.
#[derive(Debug)]
struct Types {
    /// The schemas of the plugins, by number.
    schemas: Vec<&'static Schema>,
    slot: Option<TemplateSlot>,
    told: HashSet<ElementId>,
    is_warned: bool,
}

impl Types {
    fn tell(&mut self, plugins: Plugins, exporter: &mut Exporter, now: Now, observer: &mut dyn Observer) {
        for (number, schema) in self.schemas.clone().into_iter().enumerate() {
            for field in schema.fields.iter().filter(|_| plugins >> number & 1 == 1) {
                let element = element(field);
                // What elements of IANA are, is known; and others may not say it.
                if matches!(element.id.enterprise, 0 | REVERSE) || !self.told.insert(element.id) {
                    continue;
                }
                let bare = TypeInformation::new(&element);
                let in_words = TypeInformation { description: &field.doc, ..bare.clone() };
                let told = self.add(&in_words, exporter, now, observer);
                if let Err(error) = told.or_else(|_| self.add(&bare, exporter, now, observer)) {
                    warn(&mut self.is_warned, &element.name, &error);
                }
            }
        }
    }

    fn add(
        &mut self,
        information: &TypeInformation<'_>,
        exporter: &mut Exporter,
        now: Now,
        observer: &mut dyn Observer,
    ) -> Result<(), OptionsError> {
        let slot = match self.slot {
            Some(slot) => slot,
            None => exporter.add_template(information.template(TYPES_ID)?, now, observer)?,
        };
        self.slot = Some(slot);
        Ok(exporter.add_standing(slot, &information.to_record()?, now, observer)?)
    }
}

/// The element of a field, or of the values of a list: as it is known, or as the plugin has it.
fn element(field: &Field) -> Element {
    let id = ElementId::new(field.element.enterprise, field.element.id);
    let data_type = match field.kind {
        FieldType::U8 | FieldType::U8List => DataType::Unsigned8,
        FieldType::I8List => DataType::Signed8,
        FieldType::U16 | FieldType::U16List => DataType::Unsigned16,
        FieldType::U32 | FieldType::U32List => DataType::Unsigned32,
        FieldType::U64 => DataType::Unsigned64,
        FieldType::F32 => DataType::Float32,
        FieldType::Mac => DataType::MacAddress,
        FieldType::Time | FieldType::TimeList => DataType::DateTimeMilliseconds,
        FieldType::Text { .. } => DataType::String,
        FieldType::Address if field.length == Some(4) => DataType::Ipv4Address,
        FieldType::Address if field.length == Some(16) => DataType::Ipv6Address,
        FieldType::Address | FieldType::Bytes { .. } => DataType::OctetArray,
    };
    registry::by_id(id)
        .map_or_else(|| Element::new(id, field.name.clone().into_owned(), data_type), |it| it.into_owned())
}

/// What was sent and lost.
#[derive(Debug)]
struct Statistics {
    domain: u32,
    interval: Duration,
    /// When they were told last.
    told: Duration,
    /// Of statistics and of reliability.
    slots: Option<[TemplateSlot; 2]>,
    is_warned: bool,
}

impl Statistics {
    fn tell(&mut self, exporter: &mut Exporter, lost: &LostSoFar, now: Now, observer: &mut dyn Observer) {
        self.told = now.elapsed;
        if let Err(error) = self.put(exporter, lost, now, observer) {
            warn(&mut self.is_warned, "statistics", &error);
        }
    }

    fn put(
        &mut self,
        exporter: &mut Exporter,
        lost: &LostSoFar,
        now: Now,
        observer: &mut dyn Observer,
    ) -> Result<(), OptionsError> {
        let reliability = Statistics::reliability(lost);
        let [of_statistics, of_reliability] = match self.slots {
            Some(slots) => slots,
            None => {
                let statistics = self.statistics(Sent::default()).template(STATISTICS_ID)?;
                let reliability = reliability.template(RELIABILITY_ID)?;
                [
                    exporter.add_template(statistics, now, observer)?,
                    exporter.add_template(reliability, now, observer)?,
                ]
            }
        };
        self.slots = Some([of_statistics, of_reliability]);
        // Templates that are due go before, and are counted.
        exporter.advance(now, observer);
        let collectors = exporter.collectors().iter().filter(|collector| collector.is_up());
        let collectors: Vec<_> = collectors.map(|it| (it.number(), it.statistics())).collect();
        for (collector, sent) in collectors {
            let statistics = self.statistics(sent).to_record()?;
            exporter.put_to(collector, of_statistics, &statistics, now, observer)?;
            exporter.put_to(collector, of_reliability, &reliability.to_record()?, now, observer)?;
        }
        Ok(())
    }

    const fn statistics(&self, sent: Sent) -> MeteringStatistics {
        MeteringStatistics {
            scope: MeteringScope::ObservationDomain(self.domain),
            messages: sent.messages,
            flow_records: sent.flow_records,
            octets: sent.octets,
        }
    }

    fn reliability(so_far: &LostSoFar) -> ExportingReliability {
        let time = Time::from_milliseconds;
        ExportingReliability {
            scope: ExportingScope::Process(std::process::id()),
            not_sent_flows: so_far.lost.records,
            not_sent_packets: so_far.lost.packets,
            not_sent_octets: so_far.lost.bytes,
            times: so_far.times.map(|(first, last)| (time(first), time(last))),
        }
    }
}
