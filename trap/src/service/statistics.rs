//! What the service interface tells.

use std::fmt::Write;

use crate::sender::{ClientCounters, Monitor, Sender};
use crate::specification::{Output, OutputKind};

/// An output, and where its counters are.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// Port, name of the socket, name of the file, or `none`.
    id: String,
    /// The letter of the kind.
    kind: char,
    monitor: Monitor,
}

impl Statistics {
    /// Of a sender that was opened for `output`.
    pub fn of(output: &Output, sender: &Sender) -> Statistics {
        let (kind, id) = match &output.kind {
            OutputKind::Tcp { port, .. } => ('t', port.to_string()),
            OutputKind::Tls { port, .. } => ('T', port.to_string()),
            OutputKind::Unix { name, .. } => ('u', name.clone()),
            OutputKind::File(file) => ('f', file.path.clone()),
            OutputKind::BlackHole => ('b', "none".to_owned()),
        };
        Statistics { id, kind, monitor: sender.monitor() }
    }
}

/// The statistics of these outputs as a JSON object, keys and types as libtrap has them.
pub fn json(outputs: &[Statistics]) -> String {
    let mut text = format!("{{\"in_cnt\": 0, \"in\": [], \"out_cnt\": {}, \"out\": [", outputs.len());
    for (place, Statistics { id, kind, monitor }) in outputs.iter().enumerate() {
        if place > 0 {
            text.push_str(", ");
        }
        let (counters, clients) = (monitor.counters(), monitor.clients());
        text.push_str("{\"ifc_id\": ");
        string(&mut text, id);
        // A text takes everything.
        let _ = write!(
            text,
            ", \"ifc_type\": {}, \"num_clients\": {}, \"sent-messages\": {}, \"dropped-messages\": {}, \"buffers\": {}, \
             \"autoflushes\": {}, \"client_stats_arr\": [",
            u32::from(*kind),
            clients.len(),
            counters.messages - counters.lost,
            counters.lost,
            counters.buffers,
            counters.autoflushes,
        );
        if matches!(kind, 't' | 'T' | 'u') {
            // What inputs have counted stands here, under this name.
            client(&mut text, "\"extended_input_interface_info\"", &ClientCounters::default());
            for counters in &clients {
                text.push_str(", ");
                client(&mut text, &counters.id.to_string(), counters);
            }
        }
        text.push_str("]}");
    }
    text.push_str("]}");
    text
}

fn client(text: &mut String, id: &str, counters: &ClientCounters) {
    let ClientCounters { buffers, messages, skipped, .. } = counters;
    let all = messages + skipped;
    let percentage = if all == 0 { 0.0 } else { 100.0 * *skipped as f64 / all as f64 };
    let _ = write!(
        text,
        "{{\"id\": {id}, \"sent_containers\": \"{buffers}\", \"sent_messages\": \"{messages}\", \
         \"skipped_messages\": \"{skipped}\", \"skipped_percentage\": {percentage:.6}}}"
    );
}

fn string(text: &mut String, content: &str) {
    text.push('"');
    for character in content.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            '\0'..='\x1f' => {
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
            _ => text.push(character),
        }
    }
    text.push('"');
}
