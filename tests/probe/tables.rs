//! The tables at the end of a run.

use std::collections::BTreeMap;

/// What the tables say.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) inputs: Vec<Input>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) fates: Vec<Fate>,
    /// Packets lost on the way in, by how.
    pub(crate) dropped: BTreeMap<String, u64>,
    /// Skipped packets by reason.
    pub(crate) skipped: BTreeMap<String, u64>,
    /// What the cache has to say.
    pub(crate) cache: BTreeMap<String, u64>,
}

/// The row of an input.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) packets: u64,
    pub(crate) parsed: u64,
    pub(crate) bytes: u64,
    pub(crate) dropped: u64,
    pub(crate) status: String,
}

/// What became of the packets, for one output.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) struct Fate {
    pub(crate) received: u64,
    pub(crate) twice: u64,
    pub(crate) dropped: u64,
    pub(crate) skipped: u64,
    pub(crate) in_flows: u64,
    pub(crate) waiting: u64,
    pub(crate) written: u64,
    pub(crate) lost: u64,
}

/// The row of an output.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) records: u64,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) dropped: u64,
    pub(crate) status: String,
}

/// The first `count` columns of a row as numbers, and the rest.
fn columns(row: &str, count: usize) -> (Vec<u64>, String) {
    let words: Vec<&str> = row.split_whitespace().collect();
    let numbers = words[..count].iter().map(|w| w.parse().unwrap_or_else(|_| panic!("{row}"))).collect();
    (numbers, words[count..].join(" "))
}

impl Tables {
    pub(crate) fn parse(text: &str) -> Tables {
        let mut tables = Tables::default();
        let mut section = "";
        let mut has_twice = false;
        for line in text.lines() {
            match line {
                "Input stats:" | "Output stats:" | "Packets by output:" | "Dropped packets:"
                | "Skipped packets:" | "Cache:" => {
                    section = line;
                    continue;
                }
                _ if section.is_empty() || line.is_empty() => continue,
                _ if line.starts_with("Error: ") => break,
                _ if line.starts_with("  #") => {
                    has_twice = line.contains(" twice ");
                    continue;
                }
                _ => {}
            }
            match section {
                "Input stats:" => match line.strip_prefix("SUM") {
                    Some(sum) => {
                        let (sum, _) = columns(sum, 5);
                        assert_eq!(sum[0], tables.inputs.iter().map(|i| i.packets).sum::<u64>());
                        assert_eq!(sum[1], tables.inputs.iter().map(|i| i.parsed).sum::<u64>());
                        assert_eq!(sum[2], tables.inputs.iter().map(|i| i.bytes).sum::<u64>());
                    }
                    None => {
                        let (numbers, status) = columns(line, 6);
                        let [_, packets, parsed, bytes, dropped, _] = numbers[..] else { unreachable!() };
                        tables.inputs.push(Input { packets, parsed, bytes, dropped, status });
                    }
                },
                "Output stats:" => {
                    let (numbers, status) = columns(line, 5);
                    let [_, records, packets, bytes, dropped] = numbers[..] else { unreachable!() };
                    tables.outputs.push(Output { records, packets, bytes, dropped, status });
                }
                "Packets by output:" => {
                    let (mut numbers, _) = columns(line, 8 + usize::from(has_twice));
                    let twice = if has_twice { numbers.remove(2) } else { 0 };
                    let [_, received, dropped, skipped, in_flows, waiting, written, lost] = numbers[..]
                    else {
                        unreachable!()
                    };
                    let fate = Fate { received, twice, dropped, skipped, in_flows, waiting, written, lost };
                    tables.fates.push(fate);
                }
                _ => {
                    let (label, count) = line.trim().rsplit_once(' ').unwrap();
                    let list = match section {
                        "Cache:" => &mut tables.cache,
                        "Dropped packets:" => &mut tables.dropped,
                        _ => &mut tables.skipped,
                    };
                    list.insert(label.trim_end().to_owned(), count.parse().unwrap());
                }
            }
        }
        assert!(!tables.inputs.is_empty(), "no tables in: {text}");
        tables.assert_all_is_accounted_for();
        tables
    }

    /// Every packet that was received became something.
    fn assert_all_is_accounted_for(&self) {
        let (packets, _) = self.packets();
        let dropped: u64 = self.inputs.iter().map(|i| i.dropped).sum();
        assert_eq!(dropped, self.dropped.values().sum::<u64>(), "{self:#?}");
        assert_eq!(self.fates.len(), self.outputs.len(), "{self:#?}");
        for fate in &self.fates {
            let Fate { received, twice, dropped: of_it, skipped, in_flows, waiting, written, lost } = *fate;
            assert_eq!(received + twice, of_it + skipped + in_flows + waiting + written + lost, "{self:#?}");
            assert_eq!((received, of_it), (packets + dropped, dropped), "{self:#?}");
            assert_eq!(skipped, self.skipped.values().sum::<u64>(), "{self:#?}");
        }
    }

    /// Packets read and packets parsed, over all inputs.
    pub(crate) fn packets(&self) -> (u64, u64) {
        (self.inputs.iter().map(|i| i.packets).sum(), self.inputs.iter().map(|i| i.parsed).sum())
    }

    /// Every packet read is in a record of every output (in two where it is metered twice), or was skipped for a reason; every record is
    /// there because of an end reason.
    pub(crate) fn assert_nothing_is_lost(&self) {
        let (packets, parsed) = self.packets();
        assert_eq!(packets, parsed + self.skipped.values().sum::<u64>(), "{self:#?}");
        let ended: u64 =
            self.cache.iter().filter(|(label, _)| label.starts_with("records ended")).map(|(_, n)| n).sum();
        for (output, fate) in self.outputs.iter().zip(&self.fates) {
            let Fate { twice, in_flows, waiting, written, lost, .. } = *fate;
            let metered = parsed + twice;
            assert_eq!((output.packets, output.records, output.dropped), (metered, ended, 0), "{self:#?}");
            assert_eq!((in_flows, waiting, written, lost), (0, 0, metered, 0), "{self:#?}");
        }
    }
}
