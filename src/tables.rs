//! The tables at the end of a run: what came in, what went out, what was skipped.

use std::io::{self, Write};

/// What an input did.
#[derive(Clone, Debug)]
pub(crate) struct InputRow {
    /// Packets read.
    pub(crate) packets: u64,
    /// Packets handed to the cache.
    pub(crate) parsed: u64,
    /// Sum of lengths on the wire.
    pub(crate) bytes: u64,
    /// Packets lost.
    pub(crate) dropped: u64,
    /// Nanoseconds that packets spent in the storage.
    pub(crate) qtime_ns: u64,
    /// The error that ended it.
    pub(crate) status: Result<(), String>,
}

/// What an output did.
#[derive(Clone, Debug)]
pub(crate) struct OutputRow {
    /// Records taken.
    pub(crate) biflows: u64,
    /// Their packets, both directions.
    pub(crate) packets: u64,
    /// Their bytes, both directions: IP total lengths, whatever the heading of the column says.
    pub(crate) bytes: u64,
    /// Records lost.
    pub(crate) dropped: u64,
    /// The error that ended it.
    pub(crate) status: Result<(), String>,
}

/// What became of the packets meant for the probe, as far as one output is concerned. The first two are the sum of the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fate {
    /// All that were received, lost ones among them.
    pub(crate) received: u64,
    /// Those that are metered twice, by the inner and the outer header of a tunnel, and so appear once more below.
    pub(crate) twice: u64,
    /// Lost before the probe could take them.
    pub(crate) dropped: u64,
    /// Not of a kind that makes a flow.
    pub(crate) skipped: u64,
    /// In flows that are not exported yet, or on their way there.
    pub(crate) in_flows: u64,
    /// In records that the output has not taken yet.
    pub(crate) waiting: u64,
    /// In records that the output has written.
    pub(crate) written: u64,
    /// In records that the output did not take or could not write.
    pub(crate) lost: u64,
}

/// Everything that is said at the end of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables<'a> {
    /// One row per input.
    pub(crate) inputs: &'a [InputRow],
    /// One row per output.
    pub(crate) outputs: &'a [OutputRow],
    /// One row per output.
    pub(crate) fates: &'a [Fate],
    /// How packets were lost before the probe could take them, with their numbers.
    pub(crate) dropped: &'a [(&'a str, u64)],
    /// Reasons for which packets were skipped, with their numbers.
    pub(crate) skipped: &'a [(&'a str, u64)],
    /// What the cache has to say, label and number.
    pub(crate) cache: &'a [(&'a str, u64)],
}

impl Tables<'_> {
    /// Writes the tables.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.write_inputs(out)?;
        writeln!(out)?;
        self.write_outputs(out)?;
        writeln!(out)?;
        self.write_fates(out)?;
        list(out, "Dropped packets:", self.dropped.iter().filter(|(_, count)| *count > 0))?;
        list(out, "Skipped packets:", self.skipped.iter().filter(|(_, count)| *count > 0))?;
        list(out, "Cache:", self.cache.iter())?;
        out.flush()
    }

    fn write_inputs(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "Input stats:")?;
        writeln!(
            out,
            "{:>3}{:>13}{:>13}{:>20}{:>13}{:>16}{:>7}",
            "#", "packets", "parsed", "bytes", "dropped", "qtime", "status"
        )?;
        let mut sum = [0u64; 5];
        for (index, row) in self.inputs.iter().enumerate() {
            let numbers = [row.packets, row.parsed, row.bytes, row.dropped, row.qtime_ns];
            input_numbers(out, &format!(" {index:>2}"), &numbers)?;
            writeln!(out, " {:>6}", status(&row.status))?;
            for (total, number) in sum.iter_mut().zip(numbers) {
                *total = total.saturating_add(number);
            }
        }
        input_numbers(out, "SUM", &sum)?;
        writeln!(out)
    }

    fn write_outputs(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "Output stats:")?;
        writeln!(
            out,
            "{:>3}{:>13}{:>13}{:>20}{:>13}{:>7}",
            "#", "biflows", "packets", "bytes (L4)", "dropped", "status"
        )?;
        for (index, row) in self.outputs.iter().enumerate() {
            writeln!(
                out,
                " {index:>2} {:>12} {:>12} {:>19} {:>12} {:>6}",
                row.biflows,
                row.packets,
                row.bytes,
                row.dropped,
                status(&row.status)
            )?;
        }
        Ok(())
    }

    fn write_fates(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "Packets by output:")?;
        // A column that only those have who ask for it.
        let with_twice = self.fates.iter().any(|fate| fate.twice > 0);
        let twice = |cell: String| if with_twice { format!(" {cell:>12}") } else { String::new() };
        writeln!(
            out,
            "{:>3}{:>13}{}{:>13}{:>13}{:>13}{:>13}{:>13}{:>13}",
            "#",
            "received",
            twice("twice".to_owned()),
            "dropped",
            "skipped",
            "in flows",
            "waiting",
            "written",
            "lost"
        )?;
        for (index, fate) in self.fates.iter().enumerate() {
            writeln!(
                out,
                " {index:>2} {:>12}{} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12}",
                fate.received,
                twice(fate.twice.to_string()),
                fate.dropped,
                fate.skipped,
                fate.in_flows,
                fate.waiting,
                fate.written,
                fate.lost
            )?;
        }
        Ok(())
    }
}

fn input_numbers(out: &mut impl Write, head: &str, numbers: &[u64; 5]) -> io::Result<()> {
    let [packets, parsed, bytes, dropped, qtime] = numbers;
    write!(out, "{head} {packets:>12} {parsed:>12} {bytes:>19} {dropped:>12} {qtime:>15}")
}

/// `ok`, or the error on one line.
fn status(status: &Result<(), String>) -> String {
    match status {
        Ok(()) => "ok".to_owned(),
        Err(error) => error.replace(['\n', '\r'], " "),
    }
}

fn list<'a>(
    out: &mut impl Write,
    heading: &str,
    entries: impl Iterator<Item = &'a (&'a str, u64)>,
) -> io::Result<()> {
    let entries: Vec<_> = entries.collect();
    if entries.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{heading}")?;
    let labels = entries.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    for (label, number) in entries {
        writeln!(out, "  {label:labels$} {number:>12}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn shown(tables: &Tables<'_>) -> String {
        let mut out = Vec::new();
        tables.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn input(packets: u64, bytes: u64) -> InputRow {
        InputRow { packets, parsed: packets, bytes, dropped: 0, qtime_ns: 0, status: Ok(()) }
    }

    const OUTPUT: OutputRow =
        OutputRow { biflows: 57, packets: 203, bytes: 87130, dropped: 0, status: Ok(()) };

    const FATE: Fate = Fate {
        received: 203,
        twice: 0,
        dropped: 0,
        skipped: 0,
        in_flows: 0,
        waiting: 0,
        written: 203,
        lost: 0,
    };

    #[test]
    fn the_tables_have_the_usual_shape() {
        let inputs = [input(46, 66168), input(157, 23804)];
        assert_eq!(
            shown(&Tables { inputs: &inputs, outputs: &[OUTPUT], fates: &[FATE], ..Tables::default() }),
            "\
Input stats:
  #      packets       parsed               bytes      dropped           qtime status
  0           46           46               66168            0               0     ok
  1          157          157               23804            0               0     ok
SUM          203          203               89972            0               0

Output stats:
  #      biflows      packets          bytes (L4)      dropped status
  0           57          203               87130            0     ok

Packets by output:
  #     received      dropped      skipped     in flows      waiting      written         lost
  0          203            0            0            0            0          203            0
"
        );
    }

    #[test]
    fn packets_metered_twice_have_a_column_where_there_are_any() {
        let fate = Fate { received: 200, twice: 3, ..FATE };
        let text = shown(&Tables { fates: &[fate], ..Tables::default() });
        assert!(text.contains("  #     received        twice      dropped      skipped"), "{text}");
        assert!(text.contains("  0          200            3            0            0"), "{text}");
    }

    #[test]
    fn an_error_stands_in_the_status_column_on_one_line() {
        let failed = InputRow { status: Err("x.pcap: cut off\nat byte 24".to_owned()), ..input(1, 60) };
        let lost = OutputRow { status: Err("disk full".to_owned()), dropped: 3, ..OUTPUT };
        let text = shown(&Tables { inputs: &[failed], outputs: &[OUTPUT, lost], ..Tables::default() });
        assert!(text.contains("               0 x.pcap: cut off at byte 24\n"), "{text}");
        assert!(text.contains("            0     ok\n  1           57          203               87130            3 disk full\n"), "{text}");
    }

    #[test]
    fn skipped_packets_are_listed_by_reason_where_there_are_any() {
        let skipped = [("not IP", 12), ("cut short", 0), ("unknown link type", 3)];
        let cache = [("records at once", 0)];
        let text = shown(&Tables { skipped: &skipped, cache: &cache, ..Tables::default() });
        assert!(
            text.ends_with(
                "\nSkipped packets:\n  not IP                      12\n  unknown link type            3\n\
                 \nCache:\n  records at once            0\n"
            ),
            "{text}"
        );
        let nothing = shown(&Tables { skipped: &[("not IP", 0)], ..Tables::default() });
        assert!(!nothing.contains("Skipped"), "{nothing}");
    }

    #[test]
    fn sums_do_not_overflow() {
        assert!(
            shown(&Tables { inputs: &[input(u64::MAX, 1), input(1, 1)], ..Tables::default() })
                .contains("SUM 18446744073709551615")
        );
    }
}
