//! Names of files that follow each other.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::specification;

/// The highest number behind a name.
const LAST_NUMBER: u32 = 65_535;

/// The names of an output's files: the path; behind it, if there is a new file every so often, the local time at which the interval
/// began; behind that, if files are numbered, five digits.
#[derive(Debug)]
pub(super) struct Names {
    path: String,
    append: bool,
    /// Seconds of an interval.
    interval: Option<u64>,
    by_size: bool,
    /// When the interval of the current file began.
    began: Option<u64>,
    number: u32,
    current: PathBuf,
}

impl Names {
    pub(super) fn new(settings: &specification::File) -> Names {
        // What is read while it is written has one name.
        let one = settings.path == "/dev/stdout";
        Names {
            path: settings.path.clone(),
            append: settings.append && !one,
            interval: settings.minutes.filter(|_| !one).map(|minutes| u64::from(minutes) * 60),
            by_size: settings.mebibytes.is_some() && !one,
            began: None,
            number: 0,
            current: PathBuf::new(),
        }
    }

    /// Whether there will be more than one file.
    pub(super) const fn may_change(&self) -> bool {
        self.append || self.by_size || self.interval.is_some()
    }

    /// Whether the interval of the current file has ended at `now`, seconds since 1970.
    pub(super) fn interval_is_over(&self, now: u64) -> bool {
        self.interval.zip(self.began).is_some_and(|(interval, began)| now >= began + interval || now < began)
    }

    /// The name of the file that begins at `now`. `exists` tells whether there is such a file already.
    pub(super) fn next(&mut self, now: u64, exists: impl Fn(&Path) -> bool) -> PathBuf {
        let begins = self.interval.map(|interval| now - now % interval);
        let is_first_of_interval = self.current.as_os_str().is_empty() || begins != self.began;
        self.began = begins;
        let mut name = if self.path.contains('%') { formatted(&self.path, now) } else { self.path.clone() };
        if let Some(begins) = begins {
            name += ".";
            name += &formatted("%Y%m%d%H%M", begins);
        }
        self.number = if is_first_of_interval { 0 } else { (self.number + 1).min(LAST_NUMBER) };
        let numbered = |number: u32| PathBuf::from(format!("{name}.{number:05}"));
        self.current = if self.append {
            while self.number < LAST_NUMBER && exists(&numbered(self.number)) {
                self.number += 1;
            }
            numbered(self.number)
        } else if self.by_size {
            numbered(self.number)
        } else {
            PathBuf::from(&name)
        };
        self.current.clone()
    }

    /// The name of the current file.
    pub(super) fn current(&self) -> &Path {
        &self.current
    }
}

/// `text` with its `%` sequences as the local time `seconds` since 1970; as it is where it has others.
fn formatted(text: &str, seconds: u64) -> String {
    let time = Timestamp::from_second(i64::try_from(seconds).unwrap_or(i64::MAX)).unwrap_or(Timestamp::MAX);
    jiff::fmt::strtime::format(text, &time.to_zoned(TimeZone::system())).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(append: bool, minutes: Option<u32>, mebibytes: Option<u32>) -> Names {
        Names::new(&specification::File { path: "/d/x".into(), append, minutes, mebibytes })
    }

    fn text(path: PathBuf) -> String {
        path.display().to_string()
    }

    #[test]
    fn numbers_follow_each_other() {
        let mut by_size = names(false, None, Some(1));
        assert_eq!(
            [0; 3].map(|now| text(by_size.next(now, |_| true))),
            ["/d/x.00000", "/d/x.00001", "/d/x.00002"]
        );
        let mut free = names(true, None, None);
        let taken = |path: &Path| path.ends_with("x.00000") || path.ends_with("x.00002");
        assert_eq!([0; 2].map(|now| text(free.next(now, taken))), ["/d/x.00001", "/d/x.00003"]);
        let mut plain = names(false, None, None);
        assert_eq!((text(plain.next(5, |_| true)), plain.may_change()), ("/d/x".into(), false));
    }

    #[test]
    fn intervals_begin_at_multiples_of_their_length() {
        let mut both = names(false, Some(5), Some(1));
        let first = both.next(1_700_000_090, |_| false);
        let minute = formatted("%Y%m%d%H%M", 1_699_999_800);
        assert_eq!(text(first), format!("/d/x.{minute}.00000"));
        assert_eq!(text(both.next(1_700_000_095, |_| false)), format!("/d/x.{minute}.00001"));
        assert_eq!([1_700_000_099, 1_700_000_100].map(|now| both.interval_is_over(now)), [false, true]);
        let minute = formatted("%Y%m%d%H%M", 1_700_000_100);
        assert_eq!(text(both.next(1_700_000_200, |_| false)), format!("/d/x.{minute}.00000"));
    }

    #[test]
    fn parts_of_the_time_stand_in_the_path() {
        let settings =
            specification::File { path: "/d/%Y/x%%".into(), append: false, minutes: None, mebibytes: None };
        assert_eq!(text(Names::new(&settings).next(1_700_000_000, |_| false)), "/d/2023/x%");
    }
}
