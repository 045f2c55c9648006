//! What a file of messages says of itself (RFC 5655, 8.1).

use std::net::{IpAddr, SocketAddr};

use super::{OptionsRecord, Values};
use crate::message::Record;
use crate::time::Time;
use crate::value::Value;

const EXPORTER_IPV4_ADDRESS: u16 = 130;
const EXPORTER_IPV6_ADDRESS: u16 = 131;
const COLLECTOR_IPV4_ADDRESS: u16 = 211;
const COLLECTOR_IPV6_ADDRESS: u16 = 212;
const PROTOCOL_VERSION: u16 = 214;
const TRANSPORT_PROTOCOL: u16 = 215;
const COLLECTOR_PORT: u16 = 216;
const EXPORTER_PORT: u16 = 217;
const LAST_EXPORT: u16 = 260;
const FIRST_EXPORT: u16 = 264;
const SESSION: u16 = 267;
const LAST_FLOW_END: u16 = 269;
const FIRST_FLOW_START: u16 = 272;

/// From when to when the messages of a file and their flows are (RFC 5655, 8.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileTimeWindow {
    /// The export times of the first and the last message, in whole seconds.
    pub exported: (Time, Time),
    /// When the first flow began and the last one ended, in milliseconds.
    pub flows: (Time, Time),
}

impl FileTimeWindow {
    /// What an options record says; `None` if it says something else.
    pub fn read(record: &Record<'_, '_>) -> Option<FileTimeWindow> {
        let values = Values(record);
        let seconds = |number| Some(Time::new(values.u32(number)?.into(), 0));
        let milliseconds = |number| values.milliseconds(number, 0);
        Some(FileTimeWindow {
            exported: (seconds(FIRST_EXPORT)?, seconds(LAST_EXPORT)?),
            flows: (milliseconds(FIRST_FLOW_START)?, milliseconds(LAST_FLOW_END)?),
        })
    }
}

/// The file itself is the scope, which says nothing more.
const THIS_FILE: (u16, Value<'static>) = (SESSION, Value::Unsigned(0));

impl OptionsRecord for FileTimeWindow {
    const SCOPE_FIELDS: u16 = 1;

    fn values(&self) -> Vec<(u16, Value<'_>)> {
        vec![
            THIS_FILE,
            (FIRST_EXPORT, Value::Time(self.exported.0)),
            (LAST_EXPORT, Value::Time(self.exported.1)),
            (FIRST_FLOW_START, Value::Time(self.flows.0)),
            (LAST_FLOW_END, Value::Time(self.flows.1)),
        ]
    }
}

/// The session in which the messages of a file were collected (RFC 5655, 8.1.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExportSessionDetails {
    /// From where they came.
    pub exporter: SocketAddr,
    /// Where they came.
    pub collector: SocketAddr,
    /// The number of the transport protocol: 6 is TCP, 17 UDP, 132 SCTP.
    pub transport: u8,
    /// The version: 10 is IPFIX, 9 NetFlow 9.
    pub version: u8,
}

impl ExportSessionDetails {
    /// What an options record says; `None` if it says something else.
    pub fn read(record: &Record<'_, '_>) -> Option<ExportSessionDetails> {
        let values = Values(record);
        let end = |v4, v6, port| Some(SocketAddr::new(values.address(v4, v6)?, values.u16(port)?));
        Some(ExportSessionDetails {
            exporter: end(EXPORTER_IPV4_ADDRESS, EXPORTER_IPV6_ADDRESS, EXPORTER_PORT)?,
            collector: end(COLLECTOR_IPV4_ADDRESS, COLLECTOR_IPV6_ADDRESS, COLLECTOR_PORT)?,
            transport: values.unsigned(TRANSPORT_PROTOCOL)?.try_into().ok()?,
            version: values.unsigned(PROTOCOL_VERSION)?.try_into().ok()?,
        })
    }
}

const fn address(address: IpAddr, v4: u16, v6: u16) -> (u16, Value<'static>) {
    match address {
        IpAddr::V4(address) => (v4, Value::Ipv4(address)),
        IpAddr::V6(address) => (v6, Value::Ipv6(address)),
    }
}

impl OptionsRecord for ExportSessionDetails {
    const SCOPE_FIELDS: u16 = 1;

    fn values(&self) -> Vec<(u16, Value<'_>)> {
        let number = |number: u16, value: u64| (number, Value::Unsigned(value));
        vec![
            THIS_FILE,
            address(self.exporter.ip(), EXPORTER_IPV4_ADDRESS, EXPORTER_IPV6_ADDRESS),
            address(self.collector.ip(), COLLECTOR_IPV4_ADDRESS, COLLECTOR_IPV6_ADDRESS),
            number(EXPORTER_PORT, self.exporter.port().into()),
            number(COLLECTOR_PORT, self.collector.port().into()),
            number(TRANSPORT_PROTOCOL, self.transport.into()),
            number(PROTOCOL_VERSION, self.version.into()),
        ]
    }
}
