//! Files of messages (RFC 5655): one after the other, each file with its templates and so readable by itself.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::task::Poll;
use std::time::{Duration, Instant};

use super::Transport;

/// When a file is ended and the next one begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rotation {
    /// Before it becomes longer than so many octets.
    pub octets: Option<u64>,
    /// So long after it was begun.
    pub after: Option<Duration>,
}

/// Messages into a file, or into one file after the other.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    /// Without rotation there is one file.
    rotation: Option<Rotation>,
    /// The number of the next file.
    next: u64,
    open: Option<Open>,
    /// Octets of whole messages in the one file, if it has been begun.
    written: Option<u64>,
}

#[derive(Debug)]
struct Open {
    file: fs::File,
    octets: u64,
    since: Instant,
    is_full: bool,
}

impl File {
    /// Messages go to the file `path`, which is truncated, or, with a rotation, to files `path.0000000000`, `path.0000000001` and so
    /// on. Of these none that exists is touched: its number is left out.
    pub fn new(path: impl Into<PathBuf>, rotation: Option<Rotation>) -> File {
        File { path: path.into(), rotation, next: 0, open: None, written: None }
    }

    /// Creates the next of many files.
    fn create_next(&mut self) -> io::Result<fs::File> {
        loop {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{:010}", self.next));
            self.next += 1;
            match OpenOptions::new().write(true).create_new(true).open(Path::new(&name)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                opened => return opened,
            }
        }
    }

    fn open(&mut self) -> io::Result<Open> {
        let (file, octets) = match (self.rotation, self.written) {
            (Some(_), _) => (self.create_next()?, 0),
            (None, None) => (fs::File::create(&self.path)?, 0),
            // It could not be written to its end: half a message would make the rest unreadable.
            (None, Some(whole)) => {
                let file = OpenOptions::new().append(true).open(&self.path)?;
                file.set_len(whole)?;
                (file, whole)
            }
        };
        self.written = Some(octets);
        Ok(Open { file, octets, since: Instant::now(), is_full: false })
    }
}

impl Transport for File {
    fn may_lose(&self) -> bool {
        false
    }

    fn connect(&mut self) -> Poll<io::Result<()>> {
        Poll::Ready(self.open().map(|open| self.open = Some(open)))
    }

    fn send(&mut self, octets: &[u8], ends: &[usize]) -> io::Result<usize> {
        let Some(open) = &mut self.open else { return Err(io::ErrorKind::NotConnected.into()) };
        let limit = self.rotation.and_then(|rotation| rotation.octets).unwrap_or(u64::MAX);
        let room = limit.saturating_sub(open.octets);
        let fitting = ends.iter().copied().take_while(|&end| end as u64 <= room).last();
        // A message that is longer than a file may be has one for itself.
        let alone = ends.first().copied().filter(|_| open.octets == 0);
        let Some(end) = fitting.or(alone) else {
            open.is_full = true;
            return Err(io::ErrorKind::WouldBlock.into());
        };
        open.file.write_all(&octets[..end])?;
        open.octets += end as u64;
        self.written = Some(open.octets);
        Ok(end)
    }

    fn has_ended(&mut self) -> bool {
        let after = self.rotation.and_then(|rotation| rotation.after);
        self.open.as_ref().is_some_and(|open| {
            open.is_full || open.octets > 0 && after.is_some_and(|after| open.since.elapsed() >= after)
        })
    }

    fn wait(&self, _most: Duration) {}

    fn close(&mut self) {
        self.open = None;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::element::ElementId;
    use crate::export::{
        Backoff, Collector, CollectorSettings, Exporter, Now, Observer, Records, Refresh, TemplateSlot,
    };
    use crate::message::{Message, SetKind};
    use crate::template::{FieldSpecifier, Template};

    struct NothingLost;

    impl Observer for NothingLost {
        fn lost(&mut self, _collector: usize, _message: &[u8]) {
            panic!("a message is lost");
        }

        fn lost_record(&mut self, _template: &Template, _record: &[u8]) {
            panic!("a record is lost");
        }
    }

    fn exporter(file: File) -> (Exporter, TemplateSlot) {
        let mut exporter = Exporter::new(1, 100).unwrap();
        let settings = CollectorSettings {
            refresh: Refresh::default(),
            queue_octets: 1 << 20,
            backoff: Backoff::new(Duration::from_secs(1)),
        };
        exporter.add_collector(Collector::new(Box::new(file), None, settings));
        let template = Template::new(256, [FieldSpecifier::new(ElementId::iana(1), 8)]).unwrap();
        let slot = exporter.add_template(template, Now::default(), &mut NothingLost).unwrap();
        (exporter, slot)
    }

    fn export(exporter: &mut Exporter, slot: TemplateSlot, records: usize) {
        let octets = vec![7; 8 * records];
        exporter.put(slot, Records::of_equal_length(&octets, 8), Now::default(), &mut NothingLost);
        exporter.flush(Now::default(), &mut NothingLost);
        while exporter.queued_octets() > 0 {
            exporter.advance(Now::default(), &mut NothingLost);
        }
    }

    /// Messages of a file, as the kinds of their sets; each file has its templates first and is numbered from 0.
    fn kinds(path: &Path) -> Vec<SetKind> {
        let octets = fs::read(path).unwrap();
        let (mut rest, mut kinds, mut records) = (&octets[..], Vec::new(), 0);
        while let Some((message, after)) = Message::read_from(rest).unwrap() {
            assert_eq!(message.header.sequence, records);
            let set = message.sets().next().unwrap().unwrap();
            if set.kind() == SetKind::Data {
                records += set.content.len() as u32 / 8;
            }
            kinds.push(set.kind());
            rest = after;
        }
        assert!(rest.is_empty());
        kinds
    }

    #[test]
    fn one_file_has_everything() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flows.ipfix");
        fs::write(&path, "what was here before").unwrap();
        let (mut exporter, slot) = exporter(File::new(&path, None));
        export(&mut exporter, slot, 25);
        export(&mut exporter, slot, 1);
        let [templates, data] = [SetKind::Templates, SetKind::Data];
        assert_eq!(kinds(&path), [templates, data, data, data, data]);
    }

    #[test]
    fn a_file_ends_before_it_gets_too_long_and_the_next_one_is_complete_in_itself() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flows");
        let name = |number: u32| directory.path().join(format!("flows.{number:010}"));
        fs::write(name(1), "somebody else's").unwrap();
        let rotation = Rotation { octets: Some(250), after: None };
        let (mut exporter, slot) = exporter(File::new(&path, Some(rotation)));
        export(&mut exporter, slot, 35);
        let [templates, data] = [SetKind::Templates, SetKind::Data];
        assert_eq!(kinds(&name(0)), [templates, data, data]);
        assert_eq!(fs::read(name(1)).unwrap(), b"somebody else's");
        assert_eq!(kinds(&name(2)), [templates, data, data]);
        assert!(!name(3).exists() && !path.exists());
    }

    #[test]
    fn a_file_ends_after_its_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flows");
        let rotation = Rotation { octets: None, after: Some(Duration::ZERO) };
        let (mut exporter, slot) = exporter(File::new(&path, Some(rotation)));
        export(&mut exporter, slot, 1);
        export(&mut exporter, slot, 1);
        let [templates, data] = [SetKind::Templates, SetKind::Data];
        for number in 0..2 {
            let name = directory.path().join(format!("flows.{number:010}"));
            assert_eq!(kinds(&name), [templates, data], "{number}");
        }
    }

    #[test]
    fn half_a_message_is_taken_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flows.ipfix");
        let mut file = File::new(&path, None);
        assert!(matches!(file.connect(), Poll::Ready(Ok(()))));
        assert_eq!(file.send(b"whole", &[5]).unwrap(), 5);
        fs::write(&path, "wholehal").unwrap();
        file.close();
        assert!(matches!(file.connect(), Poll::Ready(Ok(()))));
        assert_eq!(file.send(b"other", &[5]).unwrap(), 5);
        assert_eq!(fs::read(&path).unwrap(), b"wholeother");
    }

    #[test]
    fn a_file_that_cannot_be_made_is_an_error() {
        let mut file = File::new("/nowhere/at/all", None);
        assert!(matches!(file.connect(), Poll::Ready(Err(_))));
        assert!(file.send(b"x", &[1]).is_err());
    }
}
