//! A message of any of the protocols that are read.

use thiserror::Error;

use crate::message::{Message, MessageError};
use crate::netflow::{Clock, NetFlowError, v5, v9};
use crate::time::Time;

/// A protocol by which flows are exported.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Protocol {
    /// NetFlow version 5.
    NetFlow5,
    /// NetFlow version 9 (RFC 3954).
    NetFlow9,
    /// IPFIX (RFC 7011).
    Ipfix,
}

/// Why a datagram is no message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum PacketError {
    /// Neither IPFIX nor NetFlow, or a faulty message of IPFIX.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// A faulty packet of NetFlow.
    #[error(transparent)]
    NetFlow(#[from] NetFlowError),
}

/// What a datagram is.
#[derive(Clone, Copy, Debug)]
pub enum Packet<'a> {
    /// A packet of NetFlow 5.
    NetFlow5(v5::Packet<'a>),
    /// A packet of NetFlow 9.
    NetFlow9(v9::Packet<'a>),
    /// A message of IPFIX.
    Ipfix(Message<'a>),
}

impl<'a> Packet<'a> {
    /// What a datagram is, by the version with which it begins.
    ///
    /// # Errors
    /// If it is none of these from its beginning to its end.
    pub fn read(datagram: &'a [u8]) -> Result<Packet<'a>, PacketError> {
        Ok(match datagram {
            [0, 5, ..] => Packet::NetFlow5(v5::Packet::read(datagram)?),
            [0, 9, ..] => Packet::NetFlow9(v9::Packet::read(datagram)?),
            _ => Packet::Ipfix(Message::read(datagram)?),
        })
    }

    /// Its protocol.
    pub const fn protocol(&self) -> Protocol {
        match self {
            Packet::NetFlow5(_) => Protocol::NetFlow5,
            Packet::NetFlow9(_) => Protocol::NetFlow9,
            Packet::Ipfix(_) => Protocol::Ipfix,
        }
    }

    /// The observation domain, which is the source id in NetFlow 9, and type and number of the engine in NetFlow 5.
    pub const fn domain(&self) -> u32 {
        match self {
            Packet::NetFlow5(packet) => packet.header.engine(),
            Packet::NetFlow9(packet) => packet.header.source_id,
            Packet::Ipfix(message) => message.header.domain,
        }
    }

    /// When it left the exporter.
    pub const fn export_time(&self) -> Time {
        match self {
            Packet::NetFlow5(packet) => packet.header.clock.export_time,
            Packet::NetFlow9(packet) => packet.header.clock.export_time,
            Packet::Ipfix(message) => Time::new(message.header.export_time_s as u64, 0),
        }
    }

    /// By what the times of its records are told that count from the start of the exporter: `flowStartSysUpTime`, `flowEndSysUpTime`.
    /// In IPFIX messages do not say it, but records or options (`systemInitTimeMilliseconds`).
    pub const fn clock(&self) -> Option<Clock> {
        match self {
            Packet::NetFlow5(packet) => Some(packet.header.clock),
            Packet::NetFlow9(packet) => Some(packet.header.clock),
            Packet::Ipfix(_) => None,
        }
    }
}
