//! Filters on files.

use super::*;

fn udp(port: u8) -> Vec<u8> {
    let ip = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    [&ip[..], &[0, port, 0, port, 0, 8, 0, 0]].concat()
}

/// The seconds of the frames of `file` that `expression` takes.
fn taken(file: Vec<u8>, expression: &str) -> Vec<u32> {
    let mut source = CaptureFile::from_reader(io::Cursor::new(file), "x").unwrap();
    source.set_filter(expression).unwrap();
    let (frames, error) = drain(&mut source, 8);
    assert!(error.is_none());
    frames.iter().map(|frame| frame.0.seconds()).collect()
}

#[test]
fn only_what_matches_is_taken_whatever_the_link_type() {
    for link_type in [101, 228] {
        let mut file = LITTLE.classic_header(MICROSECONDS, link_type);
        for n in 0..200 {
            file.extend(LITTLE.classic_record(n, 0, 0, &udp(n as u8)));
        }
        assert_eq!(taken(file, "udp port 53 or udp port 170"), [53, 170]);
    }
}

#[test]
fn frames_of_several_link_types_in_one_pcapng_file_are_filtered_each_by_its_own() {
    let ethernet = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    let cooked = [0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0];
    let links: [(u16, &[u8]); 5] = [(1, &ethernet), (101, &[]), (113, &cooked), (228, &[]), (12, &[])];
    let mut file = LITTLE.section();
    for (link_type, _) in links {
        file.extend(LITTLE.interface(link_type, 0, &[]));
    }
    for n in 0..100 {
        for (interface, (_, header)) in links.iter().enumerate() {
            let second = 5 * u64::from(n) + interface as u64;
            let data = [header, &udp(n)[..]].concat();
            file.extend(LITTLE.enhanced(interface as u32, second * 1_000_000, data.len() as u32, &data));
        }
    }
    assert_eq!(taken(file, "udp port 7 or udp port 60"), [35, 36, 37, 38, 39, 300, 301, 302, 303, 304]);
}

#[test]
fn the_length_is_that_on_the_wire() {
    let mut file = LITTLE.classic_header(MICROSECONDS, 101);
    for n in 0..20 {
        file.extend(LITTLE.classic_record(n, 0, 100 * n, &udp(1)));
    }
    assert_eq!(taken(file.clone(), "greater 1700"), [17, 18, 19]);
    assert_eq!(taken(file, "len < 100"), [0]);
}

#[test]
fn what_was_not_captured_is_not_matched() {
    let file = [
        LITTLE.classic_header(MICROSECONDS, 101),
        LITTLE.classic_record(1, 0, 28, &udp(7)[..21]),
        LITTLE.classic_record(2, 0, 28, &[]),
        LITTLE.classic_record(3, 0, 28, &udp(7)),
    ];
    assert_eq!(taken(file.concat(), "udp port 7"), [3]);
}

#[test]
fn a_wrong_expression_is_quoted() {
    for (expression, words) in
        [("udp porridge", "syntax error"), ("udp\0", "zero byte"), ("ip broadcast", "netmask")]
    {
        let file = io::Cursor::new(LITTLE.classic_header(MICROSECONDS, 1));
        let mut source = CaptureFile::from_reader(file, "x").unwrap();
        let error = source.set_filter(expression).unwrap_err().to_string();
        assert!(error.starts_with(&format!("option filter: {expression:?} cannot be compiled: ")), "{error}");
        assert!(error.contains(words), "{error}");
    }
}
