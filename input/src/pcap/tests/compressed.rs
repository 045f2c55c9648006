//! Compressed files, whole and damaged: all that can be unpacked before a damage is read, and then the damage is told.

use flate2::{Crc, Decompress, FlushDecompress, GzBuilder, Status};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

const PACKETS: u32 = 5000;
/// Of a gzip header without options.
const GZIP_HEADER_LEN: usize = 10;
/// The CRC-32 and the length.
const GZIP_TRAILER_LEN: usize = 8;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), GzipLevel::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// Checks that of `packed` as much is read as of the first `len` bytes of the capture `plain`, and then that `what` is told.
fn assert_damaged(packed: &[u8], plain: &[u8], len: usize, what: &str) {
    let (frames, error) = read(packed);
    let expected = read(&plain[..len]).0;
    assert_eq!(error.unwrap(), format!("x: {what} at byte {len}"));
    assert_eq!(frames.len(), expected.len());
    assert!(frames == expected);
}

/// What is unpacked of `packed` if it comes byte by byte, so that nothing is unpacked in the step that meets the damage.
fn unpacked_bytewise(packed: &[u8]) -> Vec<u8> {
    let mut body = &packed[GZIP_HEADER_LEN..];
    let mut inflate = Decompress::new(false);
    let mut unpacked = Vec::new();
    loop {
        let (byte, rest) = body.split_at(1.min(body.len()));
        let mut piece = [0; 1024];
        let before = (inflate.total_in(), inflate.total_out());
        let result = inflate.decompress(byte, &mut piece, FlushDecompress::None);
        if inflate.total_in() > before.0 {
            body = rest;
        }
        let len = (inflate.total_out() - before.1) as usize;
        unpacked.extend(&piece[..len]);
        match result {
            Ok(Status::Ok | Status::BufError) if len > 0 || !byte.is_empty() => {}
            _ => return unpacked,
        }
    }
}

#[test]
fn compressed_files_are_read_member_by_member() {
    let file = long_classic(3000);
    let (first, second) = file.split_at(file.len() / 2 + 1);
    let skippable = [0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let files = [
        [gzip(first), gzip(second)].concat(),
        [gzip(b""), gzip(first), gzip(b""), gzip(b""), gzip(second), gzip(b"")].concat(),
        [&zstd(first), &skippable[..], &zstd(second)].concat(),
        [&skippable[..], &zstd(&file)].concat(),
    ];
    let plain = read(&file);
    for compressed in files {
        assert!(read(&compressed) == plain);
    }
}

#[test]
fn gzip_headers_may_have_more_than_is_needed() {
    let file = long_classic(100);
    let plain = read(&file);
    let mut encoder = GzBuilder::new()
        .extra(vec![7; 65_535])
        .filename("traffic.pcap")
        .comment("with a comment")
        .write(Vec::new(), GzipLevel::fast());
    encoder.write_all(&file).unwrap();
    assert!(read(&encoder.finish().unwrap()) == plain);

    let mut header = b"\x1f\x8b\x08\x1e\0\0\0\0\0\x03\x04\0abcdname\0comment\0".to_vec();
    let mut crc = Crc::new();
    crc.update(&header);
    header.extend((crc.sum() as u16).to_le_bytes());
    let body = &gzip(&file)[GZIP_HEADER_LEN..];
    assert!(read(&[&header[..], body].concat()) == plain);
    for len in GZIP_HEADER_LEN..header.len() {
        assert_eq!(read(&header[..len]).1.unwrap(), "x: gzip: file cut off at byte 0");
    }
    *header.last_mut().unwrap() ^= 1;
    let error = read(&[&header[..], body].concat()).1.unwrap();
    assert_eq!(error, "x: gzip: wrong checksum of the header at byte 0");
}

#[test]
fn the_header_of_a_gzip_member_is_bounded_and_of_a_known_form() {
    let error_of = |header: &[u8]| read(&[header, &[b'a'; 100_000]].concat()).1.unwrap();
    for flags in [8, 16] {
        let header = [0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 0];
        assert_eq!(error_of(&header), "x: gzip: name or comment without end at byte 0");
    }
    for (method, flags) in [(7, 0), (8, 0x20), (8, 0x80)] {
        let header = [0x1f, 0x8b, method, flags, 0, 0, 0, 0, 0, 0];
        assert_eq!(error_of(&header), "x: gzip: header of an unknown form at byte 0");
    }
}

#[test]
fn of_gzip_everything_before_a_damaged_block_is_read() {
    let file = long_classic(PACKETS);
    // Before the end of the first step of unpacking, and long behind it; between two packets, and within one.
    for len in [100, 40_000, 40_001, file.len() / 2, file.len() - 1] {
        let mut encoder = GzEncoder::new(Vec::new(), GzipLevel::fast());
        encoder.write_all(&file[..len]).unwrap();
        encoder.flush().unwrap();
        let damaged_from = encoder.get_ref().len();
        encoder.write_all(&file[len..]).unwrap();
        let mut packed = encoder.finish().unwrap();
        // The type that no block has.
        packed[damaged_from] |= 0b110;
        assert_damaged(&packed, &file, len, "gzip: damaged deflate data");
    }
}

#[test]
fn of_gzip_everything_before_damage_within_a_block_is_read() {
    let file = long_classic(PACKETS);
    let whole = gzip(&file);
    let mut told = 0;
    for at in (GZIP_HEADER_LEN..whole.len() - GZIP_TRAILER_LEN).step_by(whole.len() / 30) {
        let mut packed = whole.clone();
        packed[at] ^= 0x55;
        let unpacked = unpacked_bytewise(&packed);
        let (expected, damage_of_capture) = read(&unpacked);
        let (frames, error) = read(&packed);
        assert!(frames == expected, "damage at {at}: {} frames of {}", frames.len(), expected.len());
        let error = error.unwrap();
        if error.starts_with("x: gzip: ") {
            assert!(error.ends_with(&format!(" at byte {}", unpacked.len())), "{error}");
            told += 1;
        } else {
            assert_eq!(Some(error), damage_of_capture);
        }
    }
    assert!(told > 0);
}

#[test]
fn of_gzip_everything_before_the_end_of_a_file_cut_off_is_read() {
    let file = long_classic(PACKETS);
    let packed = gzip(&file);
    for cut in [packed.len() / 100, packed.len() / 3, packed.len() / 2, packed.len() - GZIP_TRAILER_LEN - 1] {
        let unpacked = unpacked_bytewise(&packed[..cut]);
        assert!(file.starts_with(&unpacked));
        assert_damaged(&packed[..cut], &file, unpacked.len(), "gzip: file cut off");
    }
    for missing in 1..=GZIP_TRAILER_LEN {
        assert_damaged(&packed[..packed.len() - missing], &file, file.len(), "gzip: file cut off");
    }
}

#[test]
fn the_checksum_and_the_length_of_a_gzip_member_are_compared_at_its_end() {
    let file = long_classic(PACKETS);
    let (first, second) = file.split_at(file.len() / 2);
    for (from_end, what) in
        [(8, "gzip: wrong checksum"), (5, "gzip: wrong checksum"), (4, "gzip: wrong length")]
    {
        let mut packed = gzip(first);
        let at = packed.len() - from_end;
        packed[at] ^= 1;
        assert_damaged(&packed, &file, first.len(), what);
        assert_damaged(&[packed, gzip(second)].concat(), &file, first.len(), what);
    }
}

#[test]
fn what_follows_the_last_gzip_member_is_padding_or_damage() {
    let file = long_classic(PACKETS);
    let packed = gzip(&file);
    let followed_by = |bytes: &[u8]| [&packed, bytes].concat();
    for zeros in [1, 511, 300_000] {
        assert!(read(&followed_by(&vec![0; zeros])) == read(&file));
    }
    let behind_zeros = [vec![0; 200_000], packed.clone()].concat();
    for garbage in [&b"x"[..], b"\x1fx", b"something that is longer than a header", b"\0x", &behind_zeros] {
        let what = "gzip: something that is no gzip member follows one";
        assert_damaged(&followed_by(garbage), &file, file.len(), what);
    }
    for cut in 1..GZIP_HEADER_LEN {
        assert_damaged(&followed_by(&packed[..cut]), &file, file.len(), "gzip: file cut off");
    }
}

/// Where the blocks of a file of one zstd frame begin, as (in the file, in what is unpacked of it); the last is the frame's end.
fn zstd_blocks(packed: &[u8], plain_len: usize) -> Vec<(usize, usize)> {
    /// What the compressor puts into a block.
    const BLOCK_LEN: usize = 128 << 10;
    // Magic, descriptor of a frame that tells its window and no length, window.
    assert_eq!(packed[4] & 0b1110_0011, 0);
    let mut blocks = vec![(6, 0)];
    loop {
        let (at, unpacked) = *blocks.last().unwrap();
        let header = u32::from_le_bytes([packed[at], packed[at + 1], packed[at + 2], 0]);
        let is_run = header >> 1 & 3 == 1;
        let len = if is_run { 1 } else { (header >> 3) as usize };
        blocks.push((at + 3 + len, plain_len.min(unpacked + BLOCK_LEN)));
        if header & 1 == 1 {
            assert_eq!(blocks.last().unwrap().1, plain_len);
            return blocks;
        }
    }
}

#[test]
fn of_zstd_all_blocks_before_damage_or_the_end_of_a_file_cut_off_are_read() {
    let file = long_classic(PACKETS);
    let packed = zstd(&file);
    let blocks = zstd_blocks(&packed, file.len());
    assert!(blocks.len() > 10);
    for pair in blocks.windows(2) {
        let [(start, unpacked), (end, _)] = *pair else { unreachable!() };
        let mut damaged = packed.clone();
        // The type that no block has.
        damaged[start] |= 0b110;
        for packed in [&packed[..start + 1], &packed[..end - 1], &damaged] {
            let (frames, error) = read(packed);
            let error = error.unwrap();
            assert!(error.starts_with("x: zstd: "), "{error}");
            assert!(error.ends_with(&format!(" at byte {unpacked}")), "{error}");
            assert!(frames == read(&file[..unpacked]).0, "of a block at {unpacked}");
        }
    }
}

#[test]
fn the_checksum_of_a_zstd_frame_is_compared_at_its_end() {
    let file = long_classic(PACKETS);
    let (first, second) = file.split_at(file.len() / 2);
    let mut packed = zstd(first);
    // The descriptor says that there is one.
    assert_eq!(packed[4] & 4, 4);
    *packed.last_mut().unwrap() ^= 1;
    assert_damaged(&packed, &file, first.len(), "zstd: wrong checksum");
    assert_damaged(&[packed, zstd(second)].concat(), &file, first.len(), "zstd: wrong checksum");
}

proptest! {
    #[test]
    fn a_damaged_compressed_file_is_the_same_in_whatever_pieces_it_comes(
        is_gzip in any::<bool>(),
        most in 1usize..1009,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        cut in 0usize..40,
    ) {
        let file = long_classic(200);
        let mut packed = if is_gzip { gzip(&file) } else { zstd(&file) };
        for (index, value) in flips {
            // The magic stays.
            let at = 4 + index.index(packed.len() - 4);
            packed[at] = value;
        }
        packed.truncate(packed.len() - cut);
        let whole = read(&packed);
        let dripping = Dripping { bytes: io::Cursor::new(packed), most };
        let in_pieces = match CaptureFile::from_reader(dripping, "x") {
            Ok(mut source) => drain(&mut source, 64),
            Err(error) => (Vec::new(), Some(error)),
        };
        prop_assert_eq!(whole.1, in_pieces.1.map(|error| error.to_string()));
        prop_assert_eq!(whole.0.len(), in_pieces.0.len());
        prop_assert!(whole.0 == in_pieces.0);
    }
}
