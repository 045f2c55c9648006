//! What plugins see of a flow: its bytes in order, none twice, and all of them as far as there is no gap.

use std::sync::{Arc, Mutex, PoisonError};

use weir_flow::plugin::{
    Account, Factory, Hooks, Inspection, Interest, Next, Packets, Peek, Plugin, Shelf, Slot, View,
};
use weir_flow::{KeyHasher, Packet, Record, RecordConsumer, Schema};
use weir_storage::cache::EnabledPlugin;
use weir_storage::{Cache, Settings};

use super::{Header, PLACES_OF, Retention, SAID, Segment};

static SCHEMA: Schema = Schema::new("reader", &[], "");

/// How far a plugin has read one end's stream.
#[derive(Default)]
struct Progress {
    /// Where the next byte may lie, in ascending order: several places while the bytes seen behind a gap fit several. `None`
    /// before the first byte, unless a handshake has told.
    next: Option<Vec<usize>>,
    /// What it is to see again.
    retained: Vec<u8>,
    /// Bytes may be missing that no gap tells of: the capture cut a segment short.
    was_cut_short: bool,
    /// Gaps seen, but for one before the first byte.
    gaps: usize,
}

impl Progress {
    /// New bytes of the end.
    fn take(&mut self, end: usize, data: &[u8], after_gap: bool) {
        let said = &SAID[end];
        let is_first = self.next.is_none();
        let new = if after_gap {
            data
        } else {
            assert!(data.starts_with(&self.retained), "what was retained does not come again");
            &data[self.retained.len()..]
        };
        let fits = |place: &usize| said.get(*place..*place + new.len()) == Some(new);
        let least = self.next.as_ref().and_then(|next| next.first()).copied().unwrap_or(0);
        let places: Vec<usize> = if after_gap || is_first || std::mem::take(&mut self.was_cut_short) {
            self.gaps += usize::from(!is_first);
            let first = new.first().map_or(0, |byte| usize::from(*byte));
            PLACES_OF[end][first].iter().copied().filter(|place| *place >= least).filter(fits).collect()
        } else {
            self.next.take().unwrap_or_default().into_iter().filter(fits).collect()
        };
        assert!(!places.is_empty(), "{} bytes out of order or repeated, at {least} or later", new.len());
        self.next = Some(places.into_iter().map(|place| place + new.len()).collect());
    }
}

/// What a plugin has seen, and what it is to do.
struct Reader {
    retention: Retention,
    progress: [Progress; 2],
    cut: bool,
    export: bool,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Reader>>);

impl Shared {
    fn with<R>(&self, act: impl FnOnce(&mut Reader) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Plugin for Shared {
    type State = ();
    const CUTS: bool = true;

    fn inspect(&mut self, view: &View<'_>, _: Peek<'_, ()>) -> Inspection {
        assert!(view.flow.total_packets() > 0, "a cut before a record has begun");
        if self.with(|reader| std::mem::take(&mut reader.cut)) {
            Inspection::Cut
        } else {
            Inspection::Continue
        }
    }

    fn account(&mut self, view: &View<'_>, _: &mut Slot<'_, ()>) -> Account {
        self.with(|reader| {
            assert!(!view.data.is_empty(), "called for nothing");
            let end = view.flow.end(view.direction) as usize;
            let progress = &mut reader.progress[end];
            progress.take(end, view.data, view.after_gap);
            let retain = reader.retention.of(view.data.len());
            let kept = if view.buffer_full { 0 } else { retain };
            progress.retained = view.data[view.data.len() - kept..].to_vec();
            progress.was_cut_short = view.buffer_full;
            let next = if std::mem::take(&mut reader.export) { Next::Export } else { Next::Continue };
            Account { next, retain }
        })
    }
}

impl Factory for Shared {
    fn interest(&self) -> Interest {
        Interest { packets: Packets::WithPayload, stream: true, ..Interest::EVERYTHING }
    }
    fn build(&self, records: usize) -> Box<dyn Hooks> {
        Box::new(Shelf::new(self.clone(), records))
    }
}

#[derive(Default)]
struct Count(u64);

impl RecordConsumer for Count {
    fn consume(&mut self, record: &Record<'_>) {
        self.0 += record.flow.total_packets();
    }
}

/// What was captured of one end's stream.
#[derive(Default)]
struct Captured {
    /// How far there is no gap. `None` before anything is known.
    whole: Option<usize>,
    /// Parts behind a gap: from where to where.
    parts: Vec<(usize, usize)>,
    is_cut_short: bool,
}

impl Captured {
    fn add(&mut self, segment: &Segment) {
        if segment.captured_len == 0 {
            return;
        }
        self.is_cut_short |= segment.is_cut_short();
        self.parts.push((segment.from, segment.from + segment.captured_len));
        let whole = self.whole.get_or_insert(segment.from);
        while let Some(next) = self.parts.iter().position(|&(from, _)| from <= *whole) {
            *whole = self.parts.swap_remove(next).1.max(*whole);
        }
    }
}

/// Sends the flow through a cache with two readers.
pub(super) fn run(header: &Header, handshake: &[Packet], packets: &[Packet], segments: &[Segment]) {
    let reader = |retention| {
        Shared(Arc::new(Mutex::new(Reader {
            retention,
            progress: [(); 2]
                .map(|()| Progress { next: header.handshake.then(|| vec![0]), ..Progress::default() }),
            cut: false,
            export: false,
        })))
    };
    let readers = header.retention.map(reader);
    let enabled: Vec<EnabledPlugin<'_>> =
        readers.iter().map(|reader| EnabledPlugin { factory: reader, schema: &SCHEMA }).collect();
    // So many that one flow does not need all the room there is for held bytes.
    let settings = Settings { records: 1024, ..Settings::default() };
    let mut cache = match Cache::new(&settings, settings.records, &enabled) {
        Ok(cache) => cache,
        Err(error) => panic!("no cache of {} records: {error}", settings.records),
    };
    let hasher = KeyHasher::with_seed(1);
    let mut out = Count::default();
    let mut put = |cache: &mut Cache, packet: &Packet| {
        let packet = Packet { hash: hasher.hash(&packet.key), ..*packet };
        cache.put(&[packet], &mut out);
    };
    let mut captured: [Captured; 2] = Default::default();
    for packet in handshake {
        put(&mut cache, packet);
        captured.iter_mut().for_each(|captured| captured.whole = Some(0));
    }
    for (packet, segment) in packets.iter().zip(segments) {
        readers[0].with(|reader| reader.cut = segment.cut);
        readers[1].with(|reader| reader.export = segment.export);
        put(&mut cache, packet);
        captured[segment.end].add(segment);
        for reader in &readers {
            reader.with(|reader| check_whole(&reader.progress[segment.end], &captured[segment.end]));
        }
    }
    cache.finish(1, &mut out);
    assert_eq!(out.0, (handshake.len() + packets.len()) as u64, "packets in records");
    assert_eq!(cache.records_in_use(), 0);
    assert_eq!(cache.statistics().streams_taken, 0, "one flow made room for itself");
}

/// Where nothing was given up and nothing cut short, all has been seen up to the first gap.
fn check_whole(progress: &Progress, captured: &Captured) {
    if progress.gaps > 0 || captured.is_cut_short {
        return;
    }
    match (&progress.next, captured.whole) {
        (None, whole) => assert_eq!(whole, None, "bytes that were not seen"),
        (Some(next), Some(whole)) => assert!(next.contains(&whole), "seen up to {next:?} of {whole}"),
        (Some(next), None) => panic!("seen up to {next:?} of nothing"),
    }
}
