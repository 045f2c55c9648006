//! Numbers as text.

use std::fmt::Write;
use std::time::SystemTime;

use crate::{InputNumbers, OutputNumbers, Snapshot};

/// Two tables, each with a line a row. A column is as wide as its longest number needs, and not less than usual.
pub(super) fn tables(snapshot: &Snapshot) -> String {
    let mut text = String::from("Input stats:\n");
    let inputs = snapshot.inputs.iter().enumerate();
    let rows: Vec<[u64; 6]> = inputs
        .map(|(index, &InputNumbers { packets, parsed, bytes, qtime_ns, dropped })| {
            [index as u64, packets, parsed, bytes, dropped, qtime_ns]
        })
        .collect();
    let titles = [("#", 3), ("packets", 10), ("parsed", 10), ("bytes", 16), ("dropped", 10), ("qtime", 12)];
    table(&mut text, titles, &rows);
    text.push_str("\nOutput stats:\n");
    let outputs = snapshot.outputs.iter().enumerate();
    let rows: Vec<[u64; 5]> = outputs
        .map(|(index, &OutputNumbers { biflows, bytes, packets, dropped })| {
            [index as u64, biflows, packets, bytes, dropped]
        })
        .collect();
    let titles = [("#", 3), ("biflows", 10), ("packets", 10), ("bytes", 16), ("dropped", 10)];
    table(&mut text, titles, &rows);
    text
}

/// Right-aligned columns, each with its title and least width.
fn table<const COLUMNS: usize>(text: &mut String, titles: [(&str, usize); COLUMNS], rows: &[[u64; COLUMNS]]) {
    let mut widths = titles.map(|(_, width)| width);
    for row in rows {
        for (width, number) in widths.iter_mut().zip(row) {
            let digits = number.checked_ilog10().unwrap_or(0) as usize + 1;
            *width = (*width).max(1 + digits);
        }
    }
    for ((title, _), width) in titles.iter().zip(widths) {
        let _ = write!(text, "{title:>width$}");
    }
    text.push('\n');
    for row in rows {
        for (number, width) in row.iter().zip(widths) {
            let _ = write!(text, "{number:>width$}");
        }
        text.push('\n');
    }
}

/// What a terminal is told so that the last `lines` lines vanish and the cursor is where they began.
pub(super) fn erase(lines: usize) -> String {
    // For each line: up, and erase it.
    "\x1b[A\x1b[2K".repeat(lines)
}

/// An object on a line of its own. `time_ms` is in milliseconds since 1970, `qtime_ns` in nanoseconds; all other numbers
/// count from the start of the probe.
pub(super) fn json(process_id: u32, now: SystemTime, snapshot: &Snapshot) -> String {
    let time_ms = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    let inputs: Vec<String> = snapshot
        .inputs
        .iter()
        .map(|InputNumbers { packets, parsed, bytes, qtime_ns, dropped }| {
            format!(
                r#"{{"packets":{packets},"parsed":{parsed},"bytes":{bytes},"dropped":{dropped},"qtime_ns":{qtime_ns}}}"#
            )
        })
        .collect();
    let outputs: Vec<String> = snapshot
        .outputs
        .iter()
        .map(|OutputNumbers { biflows, bytes, packets, dropped }| {
            format!(r#"{{"biflows":{biflows},"packets":{packets},"bytes":{bytes},"dropped":{dropped}}}"#)
        })
        .collect();
    format!(
        "{{\"pid\":{process_id},\"time_ms\":{time_ms},\"inputs\":[{}],\"outputs\":[{}]}}\n",
        inputs.join(","),
        outputs.join(",")
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;

    fn snapshot() -> Snapshot {
        let input = InputNumbers { packets: 46, parsed: 45, bytes: 66168, qtime_ns: 7, dropped: 1 };
        let busy = InputNumbers { packets: 157, bytes: 23804, ..InputNumbers::default() };
        let output = OutputNumbers { biflows: 57, bytes: 87130, packets: 203, dropped: 2 };
        Snapshot { inputs: vec![input, busy], outputs: vec![output] }
    }

    #[test]
    fn the_tables_are_the_final_ones_without_status_and_sum_and_narrower() {
        assert_eq!(
            tables(&snapshot()),
            "\
Input stats:
  #   packets    parsed           bytes   dropped       qtime
  0        46        45           66168         1           7
  1       157         0           23804         0           0

Output stats:
  #   biflows   packets           bytes   dropped
  0        57       203           87130         2
"
        );
    }

    #[test]
    fn a_column_grows_with_its_numbers() {
        let input = InputNumbers { packets: u64::MAX, parsed: 123_456_789, ..InputNumbers::default() };
        let text = tables(&Snapshot { inputs: vec![input, InputNumbers::default()], outputs: vec![] });
        assert_eq!(
            text,
            "\
Input stats:
  #              packets    parsed           bytes   dropped       qtime
  0 18446744073709551615 123456789               0         0           0
  1                    0         0               0         0           0

Output stats:
  #   biflows   packets           bytes   dropped
"
        );
    }

    #[test]
    fn lines_are_erased_one_by_one_upwards() {
        assert_eq!(erase(0), "");
        assert_eq!(erase(2), "\x1b[A\x1b[2K\x1b[A\x1b[2K");
    }

    #[test]
    fn json_says_everything_on_one_line() {
        let text = json(1234, SystemTime::UNIX_EPOCH + Duration::from_millis(1500), &snapshot());
        assert_eq!(text.matches('\n').count(), 1);
        assert!(text.ends_with('\n'));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            value,
            serde_json::json!({
                "pid": 1234,
                "time_ms": 1500,
                "inputs": [
                    {"packets": 46, "parsed": 45, "bytes": 66168, "dropped": 1, "qtime_ns": 7},
                    {"packets": 157, "parsed": 0, "bytes": 23804, "dropped": 0, "qtime_ns": 0},
                ],
                "outputs": [{"biflows": 57, "packets": 203, "bytes": 87130, "dropped": 2}],
            })
        );
    }
}
