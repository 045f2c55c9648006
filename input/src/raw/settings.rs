//! The options of `raw`, and the size of the ring that follows from them.

use std::num::NonZeroU16;
use std::time::Duration;

use libc::IFNAMSIZ;
use weir_flow::options::{Argument, OptionError, OptionSpec, Parsed, parse_number};

/// Room that is reckoned for a frame: enough for one of an MTU of 1500. Frames take what they need, so that a block holds more small ones.
const FRAME_ROOM: usize = 2048;
/// Block lengths are signed 32-bit numbers to the kernel; this is the last power of two of them.
const MOST_FRAMES_PER_BLOCK: u64 = (1 << 30) / FRAME_ROOM as u64;
const DEFAULT_BLOCKS: u32 = 2048;
const DEFAULT_FRAMES_PER_BLOCK: u32 = 32;

pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("ifc", "i", Argument::Text("IFC"), "Network interface to capture from"),
    OptionSpec::new(
        "fanout",
        "f",
        Argument::OptionalText("ID"),
        "Share the interface's packets, by flow, with the inputs of the same ID, 1 to 65535; without ID with those of this process",
    ),
    OptionSpec::new("blocks", "b", Argument::Number("COUNT", 1, u32::MAX as u64), "Blocks in the ring")
        .default("2048"),
    OptionSpec::new(
        "pkts",
        "p",
        Argument::Number("COUNT", 1, MOST_FRAMES_PER_BLOCK),
        "Packets for which a block has room, at 2048 bytes each",
    )
    .default("32"),
    OptionSpec::new("list", "l", Argument::Flag, "List the network interfaces and exit"),
];

/// What to capture from, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the network interface, at most 15 bytes.
    pub interface: String,
    /// The fanout group to join: the sockets of a group divide the packets of an interface among them, all packets of a flow to one.
    pub fanout: Option<NonZeroU16>,
    /// Blocks in the ring, at least 1. That many can be lent at a time.
    pub blocks: u32,
    /// Frames of 2048 bytes for which a block has room, 1 to 524288. A larger frame than the block is cut off.
    pub frames_per_block: u32,
}

impl Settings {
    /// The defaults: 2048 blocks of 64 KiB, no fanout.
    pub fn new(interface: &str) -> Settings {
        Settings {
            interface: interface.to_owned(),
            fanout: None,
            blocks: DEFAULT_BLOCKS,
            frames_per_block: DEFAULT_FRAMES_PER_BLOCK,
        }
    }

    pub(super) fn from_options(options: &Parsed) -> Result<Settings, OptionError> {
        let interface = options.text("ifc").ok_or(OptionError::Required("ifc"))?;
        let fanout = options.text("fanout").map(fanout_id).transpose()?;
        // Both numbers were checked against their ranges.
        let number = |name| u32::try_from(options.number(name)).unwrap_or(u32::MAX);
        let (blocks, frames_per_block) = (number("blocks"), number("pkts"));
        Ok(Settings { interface: interface.to_owned(), fanout, blocks, frames_per_block })
    }

    /// Checks what the kernel would cut off or misunderstand.
    pub(super) fn check_name(&self) -> Result<(), OptionError> {
        if (1..IFNAMSIZ).contains(&self.interface.len()) && !self.interface.contains('\0') {
            return Ok(());
        }
        Err(OptionError::InvalidArgument {
            option: "ifc",
            value: self.interface.clone(),
            expected: format!("a name of 1 to {} bytes is expected", IFNAMSIZ - 1),
        })
    }

    /// The ring, on a machine with `memory` bytes.
    pub(super) fn layout(&self, page_len: usize, memory: u64) -> Result<Layout, OptionError> {
        let block_len = (self.frames_per_block as usize)
            .checked_mul(FRAME_ROOM)
            .filter(|&len| (1..=1 << 30).contains(&len))
            .map(|len| len.next_multiple_of(page_len));
        let Some(block_len) = block_len.filter(|_| self.blocks > 0) else {
            return Err(OptionError::Conflict("options blocks and pkts: out of range".to_owned()));
        };
        let len = block_len as u64 * self.blocks as u64;
        if len > memory {
            return Err(OptionError::Conflict(format!(
                "options blocks and pkts: a ring of {} MiB is more than the memory there is, {} MiB",
                len >> 20,
                memory >> 20
            )));
        }
        let frames = (block_len / FRAME_ROOM) as u64 * self.blocks as u64;
        match (u32::try_from(frames), usize::try_from(len)) {
            (Ok(_), Ok(_)) => Ok(Layout { block_len, blocks: self.blocks as usize }),
            _ => Err(OptionError::Conflict(format!(
                "options blocks and pkts: {frames} packets are more than the kernel can manage"
            ))),
        }
    }
}

fn fanout_id(text: &str) -> Result<NonZeroU16, OptionError> {
    if text.is_empty() {
        // The inputs of one process agree on it, and other processes are unlikely to have the same.
        return Ok(NonZeroU16::new(std::process::id() as u16).unwrap_or(NonZeroU16::MIN));
    }
    let number = parse_number(text).and_then(|number| u16::try_from(number).ok()).and_then(NonZeroU16::new);
    number.ok_or_else(|| OptionError::InvalidArgument {
        option: "fanout",
        value: text.to_owned(),
        expected: "a whole number from 1 to 65535 is expected".to_owned(),
    })
}

/// The division of the ring's memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    /// A multiple of the page length.
    pub(super) block_len: usize,
    pub(super) blocks: usize,
}

impl Layout {
    /// The length of the ring.
    pub(super) fn len(&self) -> usize {
        self.block_len * self.blocks
    }

    /// How long packets can be left in the ring although there are some: at 100 Gbit/s it would be half full. To be woken for each block
    /// took a fifth of the probe's time at 200,000 packets a second.
    pub(super) fn pause(&self) -> Duration {
        const BYTES_PER_MICROSECOND: u64 = 12_500;
        const LONGEST: Duration = Duration::from_millis(5);
        Duration::from_micros(self.len() as u64 / 2 / BYTES_PER_MICROSECOND).min(LONGEST)
    }

    /// The ring as PACKET_RX_RING takes it. Blocks that are not full are retired after `retire_ms`.
    pub(super) fn request(&self, retire_ms: u32) -> libc::tpacket_req3 {
        libc::tpacket_req3 {
            tp_block_size: self.block_len as u32,
            tp_block_nr: self.blocks as u32,
            // Only the older versions of the ring have frames of a fixed size; this one checks that the numbers agree.
            tp_frame_size: FRAME_ROOM as u32,
            tp_frame_nr: (self.block_len / FRAME_ROOM * self.blocks) as u32,
            tp_retire_blk_tov: retire_ms,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use weir_flow::options::PluginString;

    use super::*;

    const GIB: u64 = 1 << 30;

    fn settings(text: &str) -> Result<Settings, String> {
        let options = PluginString::parse(text).unwrap().parameters(OPTIONS);
        let settings = options.and_then(|options| Settings::from_options(&options));
        settings.map_err(|error| error.to_string())
    }

    fn layout(text: &str) -> Result<Layout, String> {
        settings(text).unwrap().layout(4096, 8 * GIB).map_err(|error| error.to_string())
    }

    #[test]
    fn the_interface_is_required_and_its_name_is_short() {
        assert_eq!(settings("raw").unwrap_err(), "option ifc is required");
        let check = |name: &str| Settings::new(name).check_name().map_err(|error| error.to_string());
        assert_eq!(check("fifteen-letters"), Ok(()));
        assert_eq!(
            check("sixteen--letters").unwrap_err(),
            "invalid argument for option ifc: \"sixteen--letters\", a name of 1 to 15 bytes is expected"
        );
        assert!(check("").is_err() && check("a\0b").is_err());
    }

    #[test]
    fn fanout_may_have_a_number_and_never_is_0() {
        assert_eq!(settings("raw;i=lo").unwrap().fanout, None);
        assert_eq!(settings("raw;i=lo;f=0x10").unwrap().fanout, NonZeroU16::new(16));
        assert_eq!(settings("raw;i=lo;f;65535").unwrap().fanout, NonZeroU16::new(65535));
        let own = NonZeroU16::new(std::process::id() as u16).unwrap_or(NonZeroU16::MIN);
        assert_eq!(settings("raw;f;i=lo").unwrap().fanout, Some(own));
        for wrong in ["0", "65536", "x", "-1"] {
            assert_eq!(
                settings(&format!("raw;i=lo;f={wrong}")).unwrap_err(),
                format!(
                    "invalid argument for option fanout: \"{wrong}\", a whole number from 1 to 65535 is expected"
                )
            );
        }
    }

    #[test]
    fn the_defaults_in_the_help_are_those_of_the_settings() {
        let (given, default) = (settings("raw;i=lo").unwrap(), Settings::new("lo"));
        assert_eq!((given.blocks, given.frames_per_block), (default.blocks, default.frames_per_block));
        assert_eq!(layout("raw;i=lo"), Ok(Layout { block_len: 64 << 10, blocks: 2048 }));
    }

    #[test]
    fn a_block_has_room_for_its_packets_and_is_whole_pages() {
        assert_eq!(layout("raw;i=lo;b=3;p=1"), Ok(Layout { block_len: 4096, blocks: 3 }));
        assert_eq!(layout("raw;i=lo;b=3;p=33"), Ok(Layout { block_len: 68 << 10, blocks: 3 }));
        let request = layout("raw;i=lo;b=3;p=33").unwrap().request(10);
        assert_eq!(request.tp_frame_nr, 34 * 3, "as the kernel reckons: frames of a block times blocks");
        let large_pages = settings("raw;i=lo").unwrap().layout(64 << 10, 8 * GIB).unwrap();
        assert_eq!(large_pages, Layout { block_len: 64 << 10, blocks: 2048 });
    }

    #[test]
    fn a_ring_that_the_kernel_cannot_take_is_an_error_that_names_the_option() {
        assert_eq!(layout("raw;i=lo;b=1;p=524288"), Ok(Layout { block_len: 1 << 30, blocks: 1 }));
        assert_eq!(
            settings("raw;i=lo;p=524289").unwrap_err(),
            "invalid argument for option pkts: \"524289\", a whole number from 1 to 524288 is expected"
        );
        assert_eq!(
            settings("raw;i=lo;b=0").unwrap_err(),
            "invalid argument for option blocks: \"0\", a whole number from 1 to 4294967295 is expected"
        );
        assert_eq!(
            layout("raw;i=lo;b=9;p=524288").unwrap_err(),
            "options blocks and pkts: a ring of 9216 MiB is more than the memory there is, 8192 MiB"
        );
        let many = settings("raw;i=lo;b=4294967295;p=1").unwrap();
        assert_eq!(
            many.layout(4096, u64::MAX).unwrap_err().to_string(),
            "options blocks and pkts: 8589934590 packets are more than the kernel can manage"
        );
        for (blocks, frames_per_block) in [(0, 1), (1, 0), (1, u32::MAX)] {
            let settings = Settings { blocks, frames_per_block, ..Settings::new("lo") };
            assert!(settings.layout(4096, u64::MAX).is_err(), "{blocks} {frames_per_block}");
        }
    }
}
