//! Which threads there are, and which cache belongs to whom.

use std::thread;

use weir_input::Source;
use weir_storage::cache::{CacheError, EnabledPlugin};
use weir_storage::{Cache, Settings, Threading};

/// Which threads there are, and which cache belongs to whom.
pub(super) struct Plan {
    pub(super) threading: Threading,
    inputs: usize,
    /// The clock domain of each input: one per file, one for all live inputs.
    pub(super) domains: Vec<usize>,
}

impl Plan {
    pub(super) fn new(settings: &Settings, sources: &[Box<dyn Source>]) -> Plan {
        let threading = settings.threading.unwrap_or_else(|| {
            let cpus = thread::available_parallelism().map_or(1, |n| n.get());
            // A live input does not come faster when there are more threads, and one thread costs the least; what it cannot take is a
            // matter of several inputs (fanout) or of workers asked for.
            let is_live = sources.iter().any(|s| s.is_live());
            // Measured on two CPUs, with three plugins: two workers took 0.53 to 0.77 of the time of one thread, one worker 0.73 to 0.81. A
            // capture thread is as busy as two workers. Several inputs already keep several CPUs busy.
            if sources.len() == 1 && cpus > 1 && !is_live {
                Threading::Threaded { shards: 2 }
            } else {
                Threading::Fused
            }
        });
        let mut next = 0;
        let mut live = None;
        let domains = sources
            .iter()
            .map(|source| {
                if let (true, Some(domain)) = (source.is_live(), live) {
                    return domain;
                }
                let domain = next;
                next += 1;
                if source.is_live() {
                    live = Some(domain);
                }
                domain
            })
            .collect();
        Plan { threading, inputs: sources.len(), domains }
    }

    pub(super) fn workers(&self) -> usize {
        match self.threading {
            Threading::Fused => self.inputs,
            Threading::Threaded { shards } => shards,
        }
    }

    pub(super) fn describe(&self) -> String {
        match self.threading {
            Threading::Fused => "the capture thread of each input".to_owned(),
            Threading::Threaded { shards: 1 } => "a worker thread".to_owned(),
            Threading::Threaded { shards } => format!("{shards} worker threads"),
        }
    }

    /// The caches of each worker. Each domain has a cache of the size asked for, divided among the threads that share it.
    pub(super) fn caches(
        &self,
        settings: &Settings,
        plugins: &[EnabledPlugin<'_>],
    ) -> Result<Vec<Vec<Cache>>, CacheError> {
        let in_domain = |domain: usize| self.domains.iter().filter(|&&d| d == domain).count();
        match self.threading {
            Threading::Fused => self
                .domains
                .iter()
                .map(|&d| Ok(vec![Cache::new(settings, settings.records_per_shard(in_domain(d)), plugins)?]))
                .collect(),
            Threading::Threaded { shards } => {
                let domains = self.domains.iter().max().map_or(0, |&d| d + 1);
                (0..shards)
                    .map(|_| {
                        (0..domains)
                            .map(|_| Cache::new(settings, settings.records_per_shard(shards), plugins))
                            .collect()
                    })
                    .collect()
            }
        }
    }
}
