//! What processes that meter and export say of themselves (RFC 7011, 4).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{OptionsRecord, Values};
use crate::element::ElementId;
use crate::message::Record;
use crate::template::Template;
use crate::time::Time;
use crate::value::{Value, unsigned};

const EXPORTED_OCTETS: u16 = 40;
const EXPORTED_MESSAGES: u16 = 41;
const EXPORTED_FLOW_RECORDS: u16 = 42;
const EXPORTER_IPV4_ADDRESS: u16 = 130;
const EXPORTER_IPV6_ADDRESS: u16 = 131;
const METERING_PROCESS: u16 = 143;
const EXPORTING_PROCESS: u16 = 144;
const TEMPLATE: u16 = 145;
const OBSERVATION_DOMAIN: u16 = 149;
const IGNORED_PACKETS: u16 = 164;
const IGNORED_OCTETS: u16 = 165;
const NOT_SENT_FLOWS: u16 = 166;
const NOT_SENT_PACKETS: u16 = 167;
const NOT_SENT_OCTETS: u16 = 168;
const FLOW_KEYS: u16 = 173;
/// observationTimeMilliseconds: twice, for the first and the last time.
const TIME: u16 = 323;

/// What a statement about metering is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MeteringScope {
    /// An observation domain, by its id.
    ObservationDomain(u32),
    /// A metering process, by its id.
    Process(u32),
}

impl MeteringScope {
    const fn value(self) -> (u16, Value<'static>) {
        match self {
            MeteringScope::ObservationDomain(id) => (OBSERVATION_DOMAIN, Value::Unsigned(id as u64)),
            MeteringScope::Process(id) => (METERING_PROCESS, Value::Unsigned(id as u64)),
        }
    }

    fn read(values: &Values<'_, '_, '_>) -> Option<MeteringScope> {
        let domain = values.u32(OBSERVATION_DOMAIN).map(MeteringScope::ObservationDomain);
        domain.or_else(|| values.u32(METERING_PROCESS).map(MeteringScope::Process))
    }
}

/// What was exported (RFC 7011, 4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MeteringStatistics {
    /// Of which process or domain.
    pub scope: MeteringScope,
    /// Messages that were sent to the collector since the exporter began.
    pub messages: u64,
    /// Flow records in them.
    pub flow_records: u64,
    /// Octets of these messages.
    pub octets: u64,
}

impl MeteringStatistics {
    /// What an options record says; `None` if it says something else.
    pub fn read(record: &Record<'_, '_>) -> Option<MeteringStatistics> {
        let values = Values(record);
        Some(MeteringStatistics {
            scope: MeteringScope::read(&values)?,
            messages: values.unsigned(EXPORTED_MESSAGES)?,
            flow_records: values.unsigned(EXPORTED_FLOW_RECORDS)?,
            octets: values.unsigned(EXPORTED_OCTETS)?,
        })
    }
}

impl OptionsRecord for MeteringStatistics {
    const SCOPE_FIELDS: u16 = 1;

    fn values(&self) -> Vec<(u16, Value<'_>)> {
        vec![
            self.scope.value(),
            (EXPORTED_MESSAGES, Value::Unsigned(self.messages)),
            (EXPORTED_FLOW_RECORDS, Value::Unsigned(self.flow_records)),
            (EXPORTED_OCTETS, Value::Unsigned(self.octets)),
        ]
    }
}

/// When something happened for the first time and the last; 0 on the wire if it did not.
fn times(times: Option<(Time, Time)>) -> [(u16, Value<'static>); 2] {
    let (first, last) = times.unwrap_or((Time::new(0, 0), Time::new(0, 0)));
    [(TIME, Value::Time(first)), (TIME, Value::Time(last))]
}

fn read_times(values: &Values<'_, '_, '_>) -> Option<(Time, Time)> {
    Some((values.milliseconds(TIME, 0)?, values.milliseconds(TIME, 1)?))
}

/// What was not metered (RFC 7011, 4.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MeteringReliability {
    /// By which process, or where.
    pub scope: MeteringScope,
    /// Packets that were observed and ignored.
    pub ignored_packets: u64,
    /// Octets of these packets.
    pub ignored_octets: u64,
    /// When the first and the last of them were, in milliseconds.
    pub times: Option<(Time, Time)>,
}

impl MeteringReliability {
    /// What an options record says; `None` if it says something else.
    pub fn read(record: &Record<'_, '_>) -> Option<MeteringReliability> {
        let values = Values(record);
        Some(MeteringReliability {
            scope: MeteringScope::read(&values)?,
            ignored_packets: values.unsigned(IGNORED_PACKETS)?,
            ignored_octets: values.unsigned(IGNORED_OCTETS)?,
            times: read_times(&values),
        })
    }
}

impl OptionsRecord for MeteringReliability {
    const SCOPE_FIELDS: u16 = 1;

    fn values(&self) -> Vec<(u16, Value<'_>)> {
        let mut values = vec![
            self.scope.value(),
            (IGNORED_PACKETS, Value::Unsigned(self.ignored_packets)),
            (IGNORED_OCTETS, Value::Unsigned(self.ignored_octets)),
        ];
        values.extend(times(self.times));
        values
    }
}

/// What a statement about exporting is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExportingScope {
    /// An exporter, by its address of version 4.
    Ipv4(Ipv4Addr),
    /// An exporter, by its address of version 6.
    Ipv6(Ipv6Addr),
    /// An exporting process, by its id.
    Process(u32),
}

impl ExportingScope {
    const fn value(self) -> (u16, Value<'static>) {
        match self {
            ExportingScope::Ipv4(address) => (EXPORTER_IPV4_ADDRESS, Value::Ipv4(address)),
            ExportingScope::Ipv6(address) => (EXPORTER_IPV6_ADDRESS, Value::Ipv6(address)),
            ExportingScope::Process(id) => (EXPORTING_PROCESS, Value::Unsigned(id as u64)),
        }
    }

    fn read(values: &Values<'_, '_, '_>) -> Option<ExportingScope> {
        match values.address(EXPORTER_IPV4_ADDRESS, EXPORTER_IPV6_ADDRESS) {
            Some(IpAddr::V4(address)) => Some(ExportingScope::Ipv4(address)),
            Some(IpAddr::V6(address)) => Some(ExportingScope::Ipv6(address)),
            None => values.u32(EXPORTING_PROCESS).map(ExportingScope::Process),
        }
    }
}

/// What was not exported (RFC 7011, 4.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExportingReliability {
    /// By whom.
    pub scope: ExportingScope,
    /// Flow records that were dropped and not sent.
    pub not_sent_flows: u64,
    /// Packets that these count.
    pub not_sent_packets: u64,
    /// Octets that these count.
    pub not_sent_octets: u64,
    /// When the first and the last of them were dropped, in milliseconds.
    pub times: Option<(Time, Time)>,
}

impl ExportingReliability {
    /// What an options record says; `None` if it says something else.
    pub fn read(record: &Record<'_, '_>) -> Option<ExportingReliability> {
        let values = Values(record);
        Some(ExportingReliability {
            scope: ExportingScope::read(&values)?,
            not_sent_flows: values.unsigned(NOT_SENT_FLOWS)?,
            not_sent_packets: values.unsigned(NOT_SENT_PACKETS)?,
            not_sent_octets: values.unsigned(NOT_SENT_OCTETS)?,
            times: read_times(&values),
        })
    }
}

impl OptionsRecord for ExportingReliability {
    const SCOPE_FIELDS: u16 = 1;

    fn values(&self) -> Vec<(u16, Value<'_>)> {
        let mut values = vec![
            self.scope.value(),
            (NOT_SENT_FLOWS, Value::Unsigned(self.not_sent_flows)),
            (NOT_SENT_PACKETS, Value::Unsigned(self.not_sent_packets)),
            (NOT_SENT_OCTETS, Value::Unsigned(self.not_sent_octets)),
        ];
        values.extend(times(self.times));
        values
    }
}

/// Which fields of a template are the key of its flows (RFC 7011, 4.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FlowKeys {
    /// The template.
    pub template: u16,
    /// A bit for each of its first 64 fields, the lowest one for the first field.
    pub indicator: u64,
}

impl FlowKeys {
    /// Those of the fields of `template` for which `is_key` holds. Only the first 64 can be.
    pub fn of(template: &Template, mut is_key: impl FnMut(ElementId) -> bool) -> FlowKeys {
        let keys = template.fields().iter().take(64).enumerate().filter(|(_, field)| is_key(field.id));
        FlowKeys {
            template: template.id(),
            indicator: keys.fold(0, |indicator, (place, _)| indicator | 1 << place),
        }
    }

    /// Whether the field at `place`, counted from 0, is a part of the key.
    pub const fn has(&self, place: usize) -> bool {
        place < 64 && self.indicator >> place & 1 == 1
    }

    /// What an options record says; `None` if it says something else.
    pub fn read(record: &Record<'_, '_>) -> Option<FlowKeys> {
        let values = Values(record);
        let indicator = values.nth(FLOW_KEYS, 0).filter(|octets| octets.len() <= 8).map(unsigned)?;
        Some(FlowKeys { template: values.u16(TEMPLATE)?, indicator })
    }
}

impl OptionsRecord for FlowKeys {
    const SCOPE_FIELDS: u16 = 1;

    fn values(&self) -> Vec<(u16, Value<'_>)> {
        vec![(TEMPLATE, Value::Unsigned(self.template.into())), (FLOW_KEYS, Value::Unsigned(self.indicator))]
    }
}
