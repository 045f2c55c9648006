#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn bytes_of(arena: &Arena, piece: &Piece) -> Vec<u8> {
    let mut bytes = Vec::new();
    arena.read(piece, 0, &mut bytes);
    bytes
}

#[derive(Clone, Debug)]
enum Step {
    Append(usize, Vec<u8>),
    KeepLast(usize, usize),
    Release(usize),
}

const PIECES: usize = 6;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let piece = 0..PIECES;
    let step = prop_oneof![
        4 => (piece.clone(), prop::collection::vec(any::<u8>(), 0..400)).prop_map(|(p, b)| Step::Append(p, b)),
        2 => (piece.clone(), 0..500usize).prop_map(|(p, n)| Step::KeepLast(p, n)),
        1 => piece.prop_map(Step::Release),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    #[test]
    fn pieces_are_what_vectors_would_be_and_every_block_is_free_or_in_one_piece(steps in steps()) {
        // Room for about half of what the steps may ask for.
        let mut arena = Arena::new(8 * size_of::<Block>());
        let mut pieces = [Piece::default(); PIECES];
        let mut model = vec![Vec::new(); PIECES];
        for step in steps {
            match step {
                Step::Append(p, bytes) => {
                    let needed = Arena::blocks_to_append(&pieces[p], bytes.len());
                    let fits = needed <= arena.free_blocks();
                    prop_assert_eq!(arena.append(&mut pieces[p], &bytes), fits);
                    if fits {
                        model[p].extend(bytes);
                    }
                }
                Step::KeepLast(p, most) => {
                    arena.keep_last(&mut pieces[p], most);
                    let surplus = model[p].len().saturating_sub(most);
                    model[p].drain(..surplus);
                }
                Step::Release(p) => {
                    arena.release(&mut pieces[p]);
                    model[p].clear();
                }
            }
            for (piece, model) in pieces.iter().zip(&model) {
                prop_assert_eq!(&bytes_of(&arena, piece), model);
                prop_assert_eq!((piece.len(), piece.is_empty()), (model.len(), model.is_empty()));
            }
            let used: usize = pieces.iter().map(Piece::blocks).sum();
            prop_assert_eq!(arena.free_blocks() + used, arena.all_blocks());
        }
        pieces.iter_mut().for_each(|piece| arena.release(piece));
        let mut whole = Piece::default();
        let everything = vec![1; arena.capacity()];
        prop_assert!(arena.append(&mut whole, &everything), "what was given back can be used again");
        prop_assert_eq!(bytes_of(&arena, &whole), everything);
    }
}

#[test]
fn a_piece_is_read_from_any_byte_on() {
    let mut arena = Arena::new(1 << 16);
    let mut piece = Piece::default();
    let bytes: Vec<u8> = (0..700).map(|n| (n % 251) as u8).collect();
    assert!(arena.append(&mut piece, &bytes));
    arena.keep_last(&mut piece, 600);
    for from in 0..=601 {
        let mut read = vec![9];
        arena.read(&piece, from, &mut read);
        assert_eq!(read[1..], bytes[(100 + from).min(700)..], "from {from}");
    }
}

#[test]
fn a_full_arena_refuses_and_nothing_changes() {
    let mut arena = Arena::new(2 * size_of::<Block>());
    let mut piece = Piece::default();
    assert!(arena.append(&mut piece, &[7; 400]));
    assert!(!arena.append(&mut piece, &[8; 81]));
    assert!(arena.append(&mut piece, &[8; 80]));
    assert_eq!((piece.len(), arena.free_blocks(), arena.reserved_bytes()), (480, 0, 4096));
}

#[test]
fn an_arena_without_memory_holds_nothing() {
    let mut arena = Arena::new(0);
    arena.touch();
    let mut piece = Piece::default();
    assert!(!arena.append(&mut piece, b"a"));
    assert_eq!((arena.capacity(), arena.reserved_bytes()), (0, 0));
    assert!(arena.append(&mut piece, b""));
}
