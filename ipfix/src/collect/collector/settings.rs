//! How much a collector takes on.

use std::time::Duration;

use crate::collect::SessionSettings;

/// How much a collector takes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CollectorSettings {
    /// For sessions over UDP and DTLS.
    pub datagrams: SessionSettings,
    /// For sessions over TCP and TLS, and of files.
    pub streams: SessionSettings,
    /// For sessions over SCTP: data may come before its template, on another stream.
    pub associations: SessionSettings,
    /// Sessions over UDP and DTLS that there may be at a time, at all sockets. Others are refused: those that are here stay.
    pub most_peers: usize,
    /// Connections and associations of SCTP that there may be at a time, at all sockets.
    pub most_connections: usize,
    /// Handshakes that there may be at a time: of TLS at all sockets, of DTLS at each. Who has not come to the end of one has no session, and is in nobody's
    /// way: if there are too many, the oldest is given up.
    pub most_handshakes: usize,
    /// How long a handshake may take.
    pub handshake_time: Duration,
    /// After so long without a message a session over UDP, TCP, TLS or SCTP ends.
    pub idle_time: Duration,
    /// Octets that a UDP socket is to keep until they are read, if the system allows so many.
    pub receive_buffer: usize,
}

/// For any exporters: with these bounds all sessions together take less than 2 GiB, whatever is sent; one of an honest exporter takes a
/// few hundred KiB.
impl Default for CollectorSettings {
    fn default() -> CollectorSettings {
        let narrow = |settings| SessionSettings {
            most_domains: 16,
            most_templates: 1024,
            most_fields: 8192,
            most_common: 16 << 10,
            most_elements: 1024,
            ..settings
        };
        CollectorSettings {
            datagrams: narrow(SessionSettings::new(true)),
            streams: narrow(SessionSettings::new(false)),
            associations: SessionSettings {
                most_waiting: SessionSettings::new(true).most_waiting,
                ..narrow(SessionSettings::new(false))
            },
            most_peers: 256,
            most_connections: 64,
            most_handshakes: 64,
            handshake_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(1800),
            receive_buffer: 4 << 20,
        }
    }
}
