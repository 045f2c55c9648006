//! From batches to a collector.

use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use weir_flow::Schema;
use weir_flow::options::OptionError;
use weir_ipfix::export::{
    Backoff, Collector, CollectorSettings, Distribution, ExportError, Exporter, Now, Records, Refresh, Spool,
    TemplateSlot,
};

use super::batch::IpfixBatch;
use super::flow_key::FlowKey;
use super::log::Log;
use super::options::Options;
use super::settings::{Address, Settings, Way};
use super::templates::Templates;
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
    slots: Vec<Option<Slot>>,
    /// Whether each record goes to one collector only.
    is_balanced: bool,
    began: Instant,
    flushed: Duration,
    /// With less room than so many octets a slow collector is waited for; `None` to drop.
    least_room: Option<usize>,
    options: Options,
    log: Log,
}

/// A template of the exporter.
#[derive(Debug)]
struct Slot {
    slot: TemplateSlot,
    /// Where its records have what decides who gets them, if they do not go to all collectors.
    key: Option<FlowKey>,
}

/// A collector of an exporter, as the settings say.
fn collector(settings: &Settings, address: &Address) -> Result<Collector, OutputError> {
    let mut transport = settings.way.transport(&address.host, address.port, settings.mtu)?;
    // A collector may come later, a file will not.
    if let Way::File { path, .. } = &settings.way
        && let Poll::Ready(Err(source)) = transport.connect()
    {
        return Err(OutputError::Io { path: path.clone(), source });
    }
    let of_collector = CollectorSettings {
        refresh: Refresh { interval: settings.refresh_after, messages: settings.refresh_after_messages },
        queue_octets: settings.queue_octets,
        backoff: Backoff::new(settings.reconnect_after),
    };
    let collector = Collector::new(transport, settings.way.framing(settings.mtu), of_collector);
    let Some((directory, size)) = &settings.spool else { return Ok(collector) };
    let spool = Spool::new(directory, *size);
    let spool = spool.map_err(|source| OutputError::Io { path: directory.display().to_string(), source })?;
    Ok(collector.with_spool(spool))
}

impl IpfixSink {
    pub(super) fn new(
        settings: &Settings,
        templates: Arc<Templates>,
        schemas: &[&'static Schema],
    ) -> Result<IpfixSink, OutputError> {
        let collectors: Result<Vec<_>, _> =
            settings.collectors.iter().map(|address| collector(settings, address)).collect();
        let names = settings.collectors.iter().map(|address| match &settings.way {
            Way::File { path, .. } => path.clone(),
            _ => address.to_string(),
        });
        let mut exporter = Exporter::new(settings.domain, settings.mtu)
            .map_err(|error| OptionError::Conflict(format!("mtu: {error}")))?
            .with_templates(settings.template_mode)
            .with_distribution(settings.distribution);
        for collector in collectors? {
            exporter.add_collector(collector);
        }
        Ok(IpfixSink {
            exporter,
            templates,
            slots: Vec::new(),
            is_balanced: settings.distribution == Distribution::LoadBalancing,
            began: Instant::now(),
            flushed: Duration::ZERO,
            least_room: settings.is_patient.then_some(settings.queue_octets / 2),
            options: Options::new(settings, schemas),
            log: Log::new(settings, names),
        })
    }

    fn now(&self) -> Now {
        // The header's time has 32 bits (RFC 7011, 3.1).
        Now { elapsed: self.began.elapsed(), unix_s: since_1970().as_secs() as u32 }
    }

    /// Takes over the templates that workers have begun to use.
    fn learn_templates(&mut self, now: Now) {
        self.options.tell_sampling(&mut self.exporter, now, &mut self.log);
        let known = self.slots.len() / 2;
        for (new, plugins) in self.templates.since(known).into_iter().enumerate() {
            self.options.tell_types(plugins, &mut self.exporter, now, &mut self.log);
            for is_ipv6 in [false, true] {
                let template = self.templates.template(known + new, plugins, is_ipv6);
                let slot = template.map(|template| {
                    self.log.learned(&template);
                    let key = FlowKey::of(&template).filter(|_| self.is_balanced);
                    let slot = self.exporter.add_template(template, now, &mut self.log)?;
                    Ok::<_, ExportError>(Slot { slot, key })
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
        let lost = self.log.lost_so_far();
        self.options.tell_statistics(&mut self.exporter, &lost, now, &mut self.log);
    }

    /// Waits for a collector that has too much waiting for it, if that is wanted.
    fn wait_for_room(&mut self) {
        let Some(least_room) = self.least_room else { return };
        while self.exporter.is_held_up(least_room) {
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
            match self.slots.get(template as usize).and_then(Option::as_ref) {
                Some(Slot { slot, key }) => {
                    let records = Records::of_lengths(octets, lengths);
                    match key {
                        None => self.exporter.put(*slot, records, now, &mut self.log),
                        Some(key) => {
                            let number = |record: &[u8]| key.hash(record);
                            self.exporter.put_balanced(*slot, records, number, now, &mut self.log);
                        }
                    }
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
        let (now, lost) = (self.now(), self.log.lost_so_far());
        self.options.tell_last_statistics(&mut self.exporter, &lost, now, &mut self.log);
        self.drain();
        self.exporter.close(&mut self.log);
        self.log.tell_each(&self.exporter);
        Ok(())
    }

    fn take_lost(&mut self) -> Lost {
        self.log.take_lost()
    }
}
