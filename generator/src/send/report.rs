//! What was sent, in a line for scripts and for people.

use std::{fmt, time::Duration};

use crate::traffic::Background;

/// What was sent.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Report {
    /// Frames that the kernel took.
    pub packets: u64,
    /// Their lengths in bytes, without frame check sequences.
    pub bytes: u64,
    /// From the first frame to the last.
    pub duration: Duration,
    /// How many times the kernel refused a frame, because the driver's queue was full or dropped it. It was offered again.
    pub refused: u64,
    /// Frames left out because they were longer than the interface takes.
    pub skipped: u64,
    /// Frames of the background among those made, if the shape has one.
    pub background: Option<Background>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { packets, bytes, duration, refused, .. } = self;
        write!(
            f,
            "sent {packets} packets {bytes} bytes in {:.3} s, refused {refused}",
            duration.as_secs_f64()
        )?;
        if self.skipped > 0 {
            write!(f, "\nskipped {} too long", self.skipped)?;
        }
        match &self.background {
            Some(background) => write!(f, "\n{background}"),
            None => Ok(()),
        }
    }
}

impl Report {
    /// The same as a JSON object in one line.
    pub fn json(&self) -> String {
        let Report { packets, bytes, duration, refused, skipped, .. } = self;
        let mut text = format!(
            "{{\"packets\":{packets},\"bytes\":{bytes},\"seconds\":{:.6},\"refused\":{refused},\"skipped\":{skipped}",
            duration.as_secs_f64()
        );
        if let Some(Background { packets, flows, least, most }) = self.background {
            text.push_str(&format!(
                ",\"background\":{{\"packets\":{packets},\"flows\":{flows},\"least\":{least},\"most\":{most}}}"
            ));
        }
        text.push('}');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: Report = Report {
        packets: 1000,
        bytes: 60_000,
        duration: Duration::from_micros(1_500_250),
        refused: 3,
        skipped: 0,
        background: None,
    };

    #[test]
    fn the_line_for_scripts_keeps_its_form() {
        assert_eq!(REPORT.to_string(), "sent 1000 packets 60000 bytes in 1.500 s, refused 3");
        assert_eq!(
            REPORT.json(),
            r#"{"packets":1000,"bytes":60000,"seconds":1.500250,"refused":3,"skipped":0}"#
        );
    }

    #[test]
    fn background_and_skipped_frames_are_told_apart() {
        let background = Some(Background { packets: 100, flows: 7, least: 10, most: 20 });
        let report = Report { skipped: 2, background, ..REPORT };
        assert_eq!(
            report.to_string(),
            "sent 1000 packets 60000 bytes in 1.500 s, refused 3\nskipped 2 too long\n\
             100 background packets in 7 flows, 10 to 20 each"
        );
        assert_eq!(
            report.json(),
            r#"{"packets":1000,"bytes":60000,"seconds":1.500250,"refused":3,"skipped":2,"background":{"packets":100,"flows":7,"least":10,"most":20}}"#
        );
    }
}
