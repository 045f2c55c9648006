//! From batches to a collector.

use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use weir_flow::Schema;
use weir_flow::options::OptionError;
use weir_ipfix::export::{
    Backoff, Collector, CollectorSettings, Exporter, Messages, Now, Observer, Records, Refresh, TemplateSlot,
};
use weir_ipfix::message::{Message, Records as DataRecords, SetKind};
use weir_ipfix::template::Template;

use super::batch::IpfixBatch;
use super::options::{LostSoFar, Options};
use super::settings::{Layout, Settings, Way};
use super::templates::Templates;
use super::{basic, ulogd};
use crate::{Lost, OutputError, Sink};

/// Records wait so long for a message to become full; then messages go as they are.
const FLUSH_AFTER: Duration = Duration::from_secs(1);

/// How long a collector that takes nothing is waited for at the end.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

/// How long a single wait is, so that everything else goes on.
const WAIT: Duration = Duration::from_millis(100);

/// Makes messages of records and sends them.
#[derive(Debug)]
pub struct IpfixSink {
    exporter: Exporter,
    templates: Arc<Templates>,
    /// The templates of the exporter, twice as many as pairs.
    slots: Vec<Option<TemplateSlot>>,
    began: Instant,
    flushed: Duration,
    /// With so many octets waiting a slow collector is waited for; `None` to drop.
    patience_octets: Option<usize>,
    options: Options,
    log: Log,
}

impl IpfixSink {
    pub(super) fn new(
        settings: &Settings,
        templates: Arc<Templates>,
        schemas: &[&'static Schema],
    ) -> Result<IpfixSink, OutputError> {
        let Settings { host, port, .. } = settings;
        let mut transport = settings.way.transport(host, *port)?;
        let mut place = format!("the collector {host}, port {port}");
        if let Way::File { path, .. } = &settings.way {
            place = path.clone();
            // A collector may come later, a file will not.
            if let Poll::Ready(Err(source)) = transport.connect() {
                return Err(OutputError::Io { path: path.clone(), source });
            }
        }
        let framing = settings.way.framing(settings.mtu);
        let collector = CollectorSettings {
            refresh: Refresh { interval: settings.refresh_after, messages: settings.refresh_after_messages },
            queue_octets: settings.queue_octets,
            backoff: Backoff::new(settings.reconnect_after),
        };
        let mut exporter = Exporter::new(settings.domain, settings.mtu)
            .map_err(|error| OptionError::Conflict(format!("mtu: {error}")))?
            .with_templates(settings.template_mode);
        exporter.add_collector(Collector::new(transport, framing, collector));
        Ok(IpfixSink {
            exporter,
            templates,
            slots: Vec::new(),
            began: Instant::now(),
            flushed: Duration::ZERO,
            patience_octets: settings.is_patient.then_some(settings.queue_octets / 2),
            options: Options::new(settings, schemas),
            log: Log {
                place,
                is_verbose: settings.is_verbose,
                is_away: false,
                layout: settings.layout,
                layouts: Vec::new(),
                lost: Lost::default(),
                lost_so_far: LostSoFar::default(),
            },
        })
    }

    fn now(&self) -> Now {
        // The header's time has 32 bits (RFC 7011, 3.1).
        Now { elapsed: self.began.elapsed(), unix_s: since_1970().as_secs() as u32 }
    }

    /// Takes over the templates that workers have begun to use.
    fn learn_templates(&mut self, now: Now) {
        let known = self.slots.len() / 2;
        for (new, plugins) in self.templates.since(known).into_iter().enumerate() {
            self.options.tell_types(plugins, &mut self.exporter, now, &mut self.log);
            for is_ipv6 in [false, true] {
                let template = self.templates.template(known + new, plugins, is_ipv6);
                let slot = template.map(|template| {
                    self.log.learned(&template);
                    self.exporter.add_template(template, now, &mut self.log)
                });
                if let Some(Err(error)) = &slot {
                    eprintln!("Warning: ipfix: records are lost: {error} (mtu)");
                }
                self.slots.push(slot.and_then(Result::ok));
            }
        }
    }

    /// Waits until collectors have got what waits for them, as long as they take something.
    fn drain(&mut self) {
        let mut moved = Instant::now();
        let mut waiting = usize::MAX;
        self.exporter.advance(self.now(), &mut self.log);
        while self.exporter.is_busy() && moved.elapsed() < LAST_PATIENCE {
            if self.exporter.queued_octets() < waiting {
                waiting = self.exporter.queued_octets();
                moved = Instant::now();
            }
            self.exporter.wait(WAIT);
            self.exporter.advance(self.now(), &mut self.log);
        }
    }

    fn tell_statistics(&mut self, now: Now) {
        let lost = self.log.lost_so_far;
        self.options.tell_statistics(&mut self.exporter, &lost, now, &mut self.log);
    }

    /// Waits for a collector that has too much waiting for it, if that is wanted.
    fn wait_for_room(&mut self) {
        let Some(patience_octets) = self.patience_octets else { return };
        while (self.exporter.is_congested() || self.exporter.is_connecting())
            && self.exporter.queued_octets() > patience_octets
        {
            self.exporter.wait(WAIT);
            self.exporter.advance(self.now(), &mut self.log);
        }
    }
}

/// What time it is.
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

impl Sink for IpfixSink {
    type Batch = IpfixBatch;

    fn write(&mut self, batch: &IpfixBatch) -> Result<(), OutputError> {
        let now = self.now();
        for (template, octets, lengths) in batch.runs() {
            if template as usize >= self.slots.len() {
                self.learn_templates(now);
            }
            match self.slots.get(template as usize).copied().flatten() {
                Some(slot) => {
                    let records = Records::of_lengths(octets, lengths);
                    self.exporter.put(slot, records, now, &mut self.log);
                }
                None => self.log.lost_records(octets, lengths),
            }
        }
        self.exporter.hand_over(now, &mut self.log);
        self.tell_statistics(now);
        self.wait_for_room();
        Ok(())
    }

    fn idle(&mut self) -> Result<(), OutputError> {
        let now = self.now();
        if now.elapsed - self.flushed >= FLUSH_AFTER {
            self.flushed = now.elapsed;
            self.exporter.flush(now, &mut self.log);
        } else {
            self.exporter.advance(now, &mut self.log);
        }
        self.tell_statistics(now);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        self.exporter.flush(self.now(), &mut self.log);
        self.exporter.hurry(self.now());
        self.drain();
        let (now, lost) = (self.now(), self.log.lost_so_far);
        self.options.tell_last_statistics(&mut self.exporter, &lost, now, &mut self.log);
        self.drain();
        self.exporter.close(&mut self.log);
        Ok(())
    }

    fn take_lost(&mut self) -> Lost {
        std::mem::take(&mut self.log.lost)
    }
}

/// What is counted of, and told about, the exporter.
#[derive(Debug)]
struct Log {
    /// Where messages go.
    place: String,
    is_verbose: bool,
    /// Whether the collector is known to be away: it is told once.
    is_away: bool,
    layout: Layout,
    layouts: Vec<Template>,
    lost: Lost,
    lost_so_far: LostSoFar,
}

impl Log {
    fn learned(&mut self, template: &Template) {
        if self.is_verbose {
            eprintln!("VERBOSE: template {} with {} fields", template.id(), template.fields().len());
        }
        self.layouts.push(template.clone());
    }

    fn lost_one(&mut self, record: &[u8]) {
        let (packets, bytes) = match self.layout {
            Layout::Ipfixprobe => basic::counted(record),
            Layout::Ulogd2 => ulogd::counted(record),
        };
        // A further record of a flow counts no packets, and is no further flow.
        let records = u64::from(packets > 0);
        self.lost.records += records;
        self.lost.packets += packets;
        self.lost.bytes += bytes;
        self.lost_so_far.add(Lost { records, packets, bytes }, since_1970().as_millis() as u64);
    }

    fn lost_records(&mut self, mut octets: &[u8], lengths: &[u32]) {
        for &length in lengths {
            let (record, rest) = octets.split_at(octets.len().min(length as usize));
            self.lost_one(record);
            octets = rest;
        }
    }
}

impl Observer for Log {
    fn lost(&mut self, message: &[u8]) {
        let Ok(message) = Message::read(message) else { return };
        for set in message.sets().flatten().filter(|set| set.kind() == SetKind::Data) {
            let Some(place) = self.layouts.iter().position(|template| template.id() == set.id) else {
                continue;
            };
            let lost: Vec<&[u8]> =
                DataRecords::new(&self.layouts[place], set.content).flatten().map(|r| r.octets()).collect();
            lost.into_iter().for_each(|record| self.lost_one(record));
        }
    }

    fn lost_record(&mut self, _template: &Template, record: &[u8]) {
        self.lost_one(record);
    }

    fn connected(&mut self, _collector: usize) {
        if self.is_verbose {
            eprintln!("VERBOSE: connected to {}", self.place);
        } else if self.is_away {
            eprintln!("There is a connection to {} again", self.place);
        }
        self.is_away = false;
    }

    fn disconnected(&mut self, _collector: usize, why: &str) {
        if !std::mem::replace(&mut self.is_away, true) {
            eprintln!("Warning: no connection to {}: {why}", self.place);
        } else if self.is_verbose {
            eprintln!("VERBOSE: no connection to {}: {why}", self.place);
        }
    }

    fn delivered(&mut self, _collector: usize, messages: &Messages) {
        if self.is_verbose {
            for (message, records) in messages.iter() {
                eprintln!("VERBOSE: message of {} bytes with {records} records", message.len());
            }
        }
    }
}
