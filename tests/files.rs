//! The same packets in every kind of capture file give the same records, and a damaged file all that can be read of it.
#![allow(clippy::unwrap_used)]

mod probe;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use flate2::write::GzEncoder;
use probe::capture::{Captured, Order, classic, ng_section, packets};
use probe::{ALL_PLUGINS, Ended, Scratch, committed, json, run, weir};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use weir_generator::captures::Film;
use weir_generator::path::Path as Way;
use weir_generator::shapes::Shape;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// A capture of some thousand packets of all sorts, as the generator writes it.
fn sample(scratch: &Scratch) -> Vec<u8> {
    std::fs::read(scratch.capture(Shape::Imix, 4000, 300)).unwrap()
}

fn only_packets(file: &[u8]) -> Vec<Captured> {
    packets(file).into_iter().map(|(_, packet)| packet).collect()
}

/// The same files, as (what it is, bytes).
fn spellings(plain: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let packets = only_packets(plain);
    let halves = packets.split_at(packets.len() / 2);
    let two_sections = [ng_section(halves.0, Order::Little, None), ng_section(halves.1, Order::Big, Some(9))];
    let ng = ng_section(&packets, Order::Little, Some(6));
    vec![
        ("classic, little-endian, microseconds", classic(&packets, Order::Little, false)),
        ("classic, big-endian, microseconds", classic(&packets, Order::Big, false)),
        ("classic, little-endian, nanoseconds", classic(&packets, Order::Little, true)),
        ("classic, big-endian, nanoseconds", classic(&packets, Order::Big, true)),
        ("pcapng, big-endian", ng_section(&packets, Order::Big, None)),
        ("pcapng in ticks of 2^-30 s", ng_section(&packets, Order::Little, Some(0x80 | 30))),
        ("pcapng in two sections", two_sections.concat()),
        ("gzip", gzip(plain)),
        ("gzip in two members", [gzip(&plain[..1000]), gzip(&plain[1000..])].concat()),
        ("zstd", zstd(plain)),
        ("zstd in two frames", [zstd(&plain[..1000]), zstd(&plain[1000..])].concat()),
        ("pcapng in gzip", gzip(&ng)),
        ("pcapng", ng),
    ]
}

/// Runs with the bytes on standard input.
fn piped(command: &mut Command, bytes: &[u8]) -> Ended {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let feeder = std::thread::spawn(move || {
        // In pieces that end where no record does.
        for piece in bytes.chunks(1013) {
            if input.write_all(piece).is_err() {
                return;
            }
        }
    });
    let ended = Ended::of(child.wait_with_output().unwrap());
    feeder.join().unwrap();
    ended
}

#[test]
fn the_same_packets_in_any_file_are_the_same_records() {
    let scratch = Scratch::new();
    let plain = sample(&scratch);
    let arguments = format!("{ALL_PLUGINS} -s cache;fused");
    let expected = json(&scratch.file("plain", &plain), &arguments);
    assert!(expected.lines().len() > 500, "{}", expected.lines().len());
    for (what, bytes) in spellings(&plain) {
        let ended = json(&scratch.file("spelt", &bytes), &arguments);
        assert!(ended.stdout == expected.stdout, "{what}");
        ended.tables().assert_nothing_is_lost();
        let piped = piped(&mut weir(&format!("-i pcap;file=- -o json {arguments}")), &bytes);
        assert_eq!(piped.status, Some(0), "{what}: {}", piped.stderr);
        assert!(piped.stdout == expected.stdout, "{what}, from a pipe");
    }
}

#[test]
fn standard_input_may_be_a_file() {
    let path = committed("quickstart");
    let expected = json(&path, "-s cache;fused");
    let file = std::fs::File::open(&path).unwrap();
    let ended = run(weir("-i pcap;file=- -s cache;fused -o json").stdin(file));
    assert_eq!((ended.status, ended.stdout), (Some(0), expected.stdout));
}

#[test]
fn a_file_without_packets_has_no_records() {
    let scratch = Scratch::new();
    for (what, bytes) in [
        ("classic", classic(&[], Order::Big, true)),
        ("pcapng", ng_section(&[], Order::Big, None)),
        ("gzip", gzip(&classic(&[], Order::Little, false))),
    ] {
        let ended = json(&scratch.file("empty", &bytes), "");
        assert_eq!((&*ended.stdout, ended.tables().packets()), ("", (0, 0)), "{what}");
    }
}

/// Runs on a file that is damaged behind its first packets: those are in the records, the rest is told.
fn assert_damaged(path: &Path, whole: &Ended, offset: Option<usize>) {
    let mut command = probe::weir_on(path, "-s cache;fused -o json");
    let ended = run(&mut command);
    assert_eq!(ended.status, Some(1), "{}", ended.stderr);
    assert_eq!(ended.stdout, whole.stdout, "{}", path.display());
    let tables = ended.tables();
    tables.assert_nothing_is_lost();
    assert_eq!(tables.packets(), whole.tables().packets());
    let status = &tables.inputs[0].status;
    assert!(status.starts_with(&format!("{}: ", path.display())), "{status}");
    if let Some(offset) = offset {
        assert!(status.ends_with(&format!(" at byte {offset}")), "{status}, not {offset}");
    } else {
        assert!(status.contains(" at byte "), "{status}");
    }
    assert_eq!(tables.outputs[0].status, "ok");
    assert!(ended.stderr.ends_with("\nError: a plugin ended unexpectedly\n"), "{}", ended.stderr);
}

#[test]
fn a_file_cut_off_anywhere_has_the_records_of_all_before() {
    let scratch = Scratch::new();
    let bytes = std::fs::read(committed("quickstart")).unwrap();
    let packets = packets(&bytes);
    for number in [0, 1, 2, packets.len() / 2, packets.len() - 1] {
        let start = packets[number].0;
        let whole = scratch.file("whole", &bytes[..start]);
        let whole = json(&whole, "-s cache;fused");
        assert_eq!(whole.tables().packets().0, number as u64);
        let end = packets.get(number + 1).map_or(bytes.len(), |(start, _)| *start);
        for cut in [start + 1, start + 15, start + 16, start + 17, end - 1] {
            assert_damaged(&scratch.file("cut", &bytes[..cut]), &whole, Some(start));
        }
    }
    // Within the file's own header there is nothing to begin with.
    for cut in [1, 4, 23] {
        let ended = run(&mut probe::weir_on(&scratch.file("stump", &bytes[..cut]), "-o json"));
        assert_eq!((ended.status, &*ended.stdout), (Some(1), ""), "cut at {cut}");
        assert!(ended.stderr.starts_with("Error: pcap: "), "{}", ended.stderr);
    }
}

#[test]
fn a_pcapng_file_cut_off_has_the_records_of_all_before() {
    let scratch = Scratch::new();
    let bytes = std::fs::read(committed("quickstart")).unwrap();
    let packets = only_packets(&bytes);
    for number in [0, 1, packets.len() / 2, packets.len() - 1] {
        let before = ng_section(&packets[..number], Order::Little, None);
        let whole = json(&scratch.file("whole", &before), "-s cache;fused");
        let more = ng_section(&packets[..=number], Order::Little, None);
        for cut in [before.len() + 1, before.len() + 7, before.len() + 8, more.len() - 1] {
            assert_damaged(&scratch.file("cut", &more[..cut]), &whole, Some(before.len()));
        }
    }
}

#[test]
fn a_record_that_is_no_record_is_damage() {
    let scratch = Scratch::new();
    let bytes = std::fs::read(committed("quickstart")).unwrap();
    let (start, _) = packets(&bytes)[10];
    let whole = json(&scratch.file("whole", &bytes[..start]), "-s cache;fused");
    let mut damaged = bytes.clone();
    damaged[start + 8..start + 12].copy_from_slice(&[0xff; 4]);
    assert_damaged(&scratch.file("damaged", &damaged), &whole, Some(start));
}

#[test]
fn a_compressed_file_cut_off_or_damaged_has_the_records_of_what_could_be_unpacked() {
    let scratch = Scratch::new();
    let plain = sample(&scratch);
    let full = json(&scratch.file("plain", &plain), "-s cache;fused").tables().packets().0;
    for (what, packed) in [("gzip", gzip(&plain)), ("zstd", zstd(&plain))] {
        for cut in [packed.len() - 1, packed.len() / 2, packed.len() / 3] {
            let path = scratch.file("cut", &packed[..cut]);
            let ended = run(&mut probe::weir_on(&path, "-s cache;fused -o json"));
            assert_eq!(ended.status, Some(1), "{what} cut at {cut}: {}", ended.stderr);
            let tables = ended.tables();
            tables.assert_nothing_is_lost();
            let read = tables.packets().0;
            assert!(
                read <= full && (cut < packed.len() - 1 || read > full * 9 / 10),
                "{what}: {read} of {full}"
            );
            assert!(tables.inputs[0].status.contains(" at byte "), "{what}: {}", tables.inputs[0].status);
        }
    }
}

#[test]
fn captures_glued_together_have_the_records_of_each() {
    const YEAR_NS: u64 = 365 * 86_400 * 1_000_000_000;
    let scratch = Scratch::new();
    let way = |port| Way::v4([10, 0, 0, 1], port, [10, 0, 0, 2], 2000);
    let film = (0..2000u16).fold(Film::new(), |film, n| {
        film.udp(u64::from(n) * 5, &way(1000 + n % 100).directed(n % 3 != 0), b"again")
    });
    let part = only_packets(&film.into_bytes());
    let moved = |years: i64| -> Vec<Captured> {
        let moved = |p: &Captured| Captured {
            time_ns: p.time_ns.checked_add_signed(years * YEAR_NS as i64).unwrap(),
            ..p.clone()
        };
        part.iter().map(moved).collect()
    };
    // Back, forth, and back to where it began.
    let parts: Vec<Vec<Captured>> = [0, -2, 3, -10, 0].map(moved).to_vec();
    let sorted = |path: &Path, arguments: &str| -> Vec<String> {
        let ended = json(path, arguments);
        ended.tables().assert_nothing_is_lost();
        // Before a jump forward records end as inactive, which those of the part alone do not.
        let mut records: Vec<String> =
            ended.records().iter().map(|r| probe::line(r).rsplit_once(", ").unwrap().0.to_owned()).collect();
        records.sort_unstable();
        records
    };
    let mut expected = Vec::new();
    for packets in &parts {
        let path = scratch.file("part", classic(packets, Order::Little, false));
        expected.extend(sorted(&path, "-s cache;fused"));
    }
    expected.sort_unstable();
    assert_eq!(expected.len(), 5 * 100);
    let glued = scratch.file("glued", classic(&parts.concat(), Order::Little, false));
    for arguments in ["-s cache;fused", "-s cache;shards=1", "-s cache;shards=3", "-q 1", "-q 1024"] {
        assert_eq!(sorted(&glued, arguments), expected, "{arguments}");
    }
}
