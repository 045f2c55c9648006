//! The program that the kernel runs for every frame that it may send: is one due, and if so, which.
//!
//! It is written in the kernel's instruction set (RFC 9669). Registers: 0 is what a call and the program answer, 1 to 5 are the arguments of
//! calls, which overwrite them, 6 to 9 stay, 10 is the end of the stack.

use std::mem::offset_of;

use super::{
    pool::{CHUNK, HEADER, LAST_BEGIN, LONGEST, SHORTEST},
    state::{FAILED, FINISHED, State},
};
use crate::send::pace::MOST_BEHIND;

/// As the kernel reads it (`struct bpf_insn`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub(super) struct Instruction {
    code: u8,
    /// The destination in the lower half, the source in the upper.
    registers: u8,
    offset: i16,
    immediate: i32,
}

/// A line of the program.
enum Line {
    Do(Instruction),
    /// A jump that does not know yet how far it is.
    Jump(Instruction, Label),
    Here(Label),
}

/// Where jumps go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    Begun,
    SameRound,
    SameChunk,
    NextFound,
    NoFraction,
    Punctual,
    Wait,
    Finished,
    Failed,
}

/// Functions of the kernel (`enum bpf_func_id`).
const MAP_LOOKUP_ELEM: i32 = 1;
const KTIME_GET_NS: i32 = 5;
const XDP_ADJUST_TAIL: i32 = 65;
const XDP_STORE_BYTES: i32 = 190;

/// What becomes of a frame (`enum xdp_action`).
const XDP_DROP: i32 = 1;
const XDP_PASS: i32 = 2;

/// What kind of number a 64-bit immediate is: the descriptor of a map, or the address of what is in one.
const MAP: u8 = 1;
const MAP_VALUE: u8 = 2;

const STACK: u8 = 10;
/// On the stack.
const NOW: i16 = -8;
const KEY: i16 = -16;

/// The program, for maps with these descriptors: one [`State`], and the chunks of the pool.
pub(super) fn program(state: i32, chunks: i32) -> Vec<Instruction> {
    use Label::*;
    const BEGIN: i16 = offset_of!(State, begin) as i16;
    const LASTING: i16 = offset_of!(State, lasting) as i16;
    const END: i16 = offset_of!(State, end) as i16;
    const LEFT: i16 = offset_of!(State, left) as i16;
    const DUE: i16 = offset_of!(State, due) as i16;
    const INTERVAL: i16 = offset_of!(State, interval) as i16;
    const FRACTION: i16 = offset_of!(State, fraction) as i16;
    const DIVISOR: i16 = offset_of!(State, divisor) as i16;
    const REMAINDER: i16 = offset_of!(State, remainder) as i16;
    const CHUNK_NUMBER: i16 = offset_of!(State, chunk) as i16;
    const WITHIN: i16 = offset_of!(State, within) as i16;
    const INDEX: i16 = offset_of!(State, index) as i16;
    const FRAMES: i16 = offset_of!(State, frames) as i16;
    const SENT: i16 = offset_of!(State, sent) as i16;
    const BYTES: i16 = offset_of!(State, bytes) as i16;
    const LAST: i16 = offset_of!(State, last) as i16;
    const OVER: i16 = offset_of!(State, over) as i16;
    assemble(&[
        copy(6, 1), // the frame, from here on in 6
        wide(7, MAP_VALUE, state),
        upper(), // the state, from here on in 7
        call(KTIME_GET_NS),
        copy(8, 0), // the time, for now in 8
        store(STACK, NOW, 8),
        // The clock starts with the first run, not with the system call, which takes its time.
        load(1, 7, BEGIN),
        jump_if_not(1, 0, Begun),
        store(7, BEGIN, 8),
        store(7, DUE, 8),
        load(1, 7, LASTING),
        add_register(1, 8),
        store(7, END, 1),
        Line::Here(Begun),
        // Is it over, or not time yet?
        load(1, 7, END),
        jump_if_at_least(8, 1, Finished),
        load(1, 7, LEFT),
        jump_if(1, 0, Finished),
        load(1, 7, DUE),
        jump_if_less(8, 1, Wait),
        // Where the next record lies. The comparisons let the verifier see that everything stays within the chunk.
        load(9, 7, WITHIN),
        jump_if_more_than(9, LAST_BEGIN as i32, Failed),
        load(1, 7, CHUNK_NUMBER),
        store_word(STACK, KEY, 1),
        wide(1, MAP, chunks),
        upper(),
        copy(2, STACK),
        add(2, i32::from(KEY)),
        call(MAP_LOOKUP_ELEM),
        jump_if(0, 0, Failed),
        add_register(9, 0), // the record, from here on in 9
        load_word(8, 9, 0), // the length, from here on in 8
        jump_if_less_than(8, SHORTEST as i32, Failed),
        jump_if_more_than(8, LONGEST as i32, Failed),
        // It comes with the greatest length, and is cut to its own.
        copy(1, 6),
        copy(2, 8),
        add(2, -(LONGEST as i32)),
        call(XDP_ADJUST_TAIL),
        jump_if_not(0, 0, Failed),
        copy(1, 6),
        set(2, 0),
        copy(3, 9),
        add(3, HEADER as i32),
        copy(4, 8),
        call(XDP_STORE_BYTES),
        jump_if_not(0, 0, Failed),
        // Count it.
        load(0, STACK, NOW), // the time, from here on in 0
        store(7, LAST, 0),
        load(1, 7, SENT),
        add(1, 1),
        store(7, SENT, 1),
        load(1, 7, BYTES),
        add_register(1, 8),
        store(7, BYTES, 1),
        load(1, 7, LEFT),
        add(1, -1),
        store(7, LEFT, 1),
        // Go on to the next, by the rule that the pool was laid out by.
        load(1, 7, INDEX),
        add(1, 1),
        load(2, 7, FRAMES),
        jump_if_less(1, 2, SameRound),
        set(1, 0),
        store(7, INDEX, 1),
        store(7, CHUNK_NUMBER, 1),
        store(7, WITHIN, 1),
        jump(NextFound),
        Line::Here(SameRound),
        store(7, INDEX, 1),
        load(1, 7, WITHIN),
        add_register(1, 8),
        add(1, HEADER as i32 + 3),
        and(1, !3),
        jump_if_at_most(1, LAST_BEGIN as i32, SameChunk),
        load(2, 7, CHUNK_NUMBER),
        add(2, 1),
        store(7, CHUNK_NUMBER, 2),
        set(1, 0),
        Line::Here(SameChunk),
        store(7, WITHIN, 1),
        Line::Here(NextFound),
        // When it is due: a period later, in whole nanoseconds and what is left of them; but not longer ago than is made up for.
        load(1, 7, DUE),
        load(2, 7, INTERVAL),
        add_register(1, 2),
        load(2, 7, REMAINDER),
        load(3, 7, FRACTION),
        add_register(2, 3),
        load(3, 7, DIVISOR),
        jump_if_less(2, 3, NoFraction),
        subtract_register(2, 3),
        add(1, 1),
        Line::Here(NoFraction),
        store(7, REMAINDER, 2),
        add(0, -(MOST_BEHIND.as_nanos() as i32)),
        jump_if_at_least(1, 0, Punctual),
        copy(1, 0),
        Line::Here(Punctual),
        store(7, DUE, 1),
        set(0, XDP_PASS),
        exit(),
        Line::Here(Wait),
        set(0, XDP_DROP),
        exit(),
        Line::Here(Finished),
        set(1, FINISHED as i32),
        store(7, OVER, 1),
        set(0, XDP_DROP),
        exit(),
        Line::Here(Failed),
        set(1, FAILED as i32),
        store(7, OVER, 1),
        set(0, XDP_DROP),
        exit(),
    ])
}

const _: () = assert!(LAST_BEGIN + HEADER + LONGEST <= CHUNK);

/// Puts distances into jumps: in instructions, from the one that follows.
fn assemble(lines: &[Line]) -> Vec<Instruction> {
    let place = |label: Label| {
        let before = lines.iter().take_while(|line| !matches!(line, Line::Here(here) if *here == label));
        before.filter(|line| !matches!(line, Line::Here(_))).count()
    };
    let mut program: Vec<Instruction> = Vec::new();
    for line in lines {
        match *line {
            Line::Do(instruction) => program.push(instruction),
            Line::Jump(instruction, label) => {
                let offset = place(label) as isize - (program.len() as isize + 1);
                program.push(Instruction { offset: offset as i16, ..instruction });
            }
            Line::Here(_) => {}
        }
    }
    program
}

fn instruction(code: u8, destination: u8, source: u8, offset: i16, immediate: i32) -> Instruction {
    Instruction { code, registers: source << 4 | destination, offset, immediate }
}

fn copy(to: u8, from: u8) -> Line {
    Line::Do(instruction(0xbf, to, from, 0, 0))
}

fn set(to: u8, value: i32) -> Line {
    Line::Do(instruction(0xb7, to, 0, 0, value))
}

fn add(to: u8, value: i32) -> Line {
    Line::Do(instruction(0x07, to, 0, 0, value))
}

fn add_register(to: u8, from: u8) -> Line {
    Line::Do(instruction(0x0f, to, from, 0, 0))
}

fn subtract_register(to: u8, from: u8) -> Line {
    Line::Do(instruction(0x1f, to, from, 0, 0))
}

fn and(to: u8, value: i32) -> Line {
    Line::Do(instruction(0x57, to, 0, 0, value))
}

/// 64 bits from memory.
fn load(to: u8, from: u8, offset: i16) -> Line {
    Line::Do(instruction(0x79, to, from, offset, 0))
}

/// 32 bits from memory, unsigned.
fn load_word(to: u8, from: u8, offset: i16) -> Line {
    Line::Do(instruction(0x61, to, from, offset, 0))
}

/// 64 bits to memory.
fn store(to: u8, offset: i16, from: u8) -> Line {
    Line::Do(instruction(0x7b, to, from, offset, 0))
}

/// 32 bits to memory.
fn store_word(to: u8, offset: i16, from: u8) -> Line {
    Line::Do(instruction(0x63, to, from, offset, 0))
}

/// A number of 64 bits; it takes the place of two instructions.
fn wide(to: u8, kind: u8, descriptor: i32) -> Line {
    Line::Do(instruction(0x18, to, kind, 0, descriptor))
}

/// The second of these: the upper half of the number.
fn upper() -> Line {
    Line::Do(instruction(0, 0, 0, 0, 0))
}

fn call(function: i32) -> Line {
    Line::Do(instruction(0x85, 0, 0, 0, function))
}

fn exit() -> Line {
    Line::Do(instruction(0x95, 0, 0, 0, 0))
}

fn jump(to: Label) -> Line {
    Line::Jump(instruction(0x05, 0, 0, 0, 0), to)
}

fn jump_if(register: u8, is: i32, to: Label) -> Line {
    Line::Jump(instruction(0x15, register, 0, 0, is), to)
}

fn jump_if_not(register: u8, is: i32, to: Label) -> Line {
    Line::Jump(instruction(0x55, register, 0, 0, is), to)
}

fn jump_if_more_than(register: u8, value: i32, to: Label) -> Line {
    Line::Jump(instruction(0x25, register, 0, 0, value), to)
}

fn jump_if_less_than(register: u8, value: i32, to: Label) -> Line {
    Line::Jump(instruction(0xa5, register, 0, 0, value), to)
}

fn jump_if_at_most(register: u8, value: i32, to: Label) -> Line {
    Line::Jump(instruction(0xb5, register, 0, 0, value), to)
}

fn jump_if_less(register: u8, than: u8, to: Label) -> Line {
    Line::Jump(instruction(0xad, register, than, 0, 0), to)
}

fn jump_if_at_least(register: u8, than: u8, to: Label) -> Line {
    Line::Jump(instruction(0x3d, register, than, 0, 0), to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_lead_to_their_labels() {
        let lines = [
            Line::Here(Label::Begun),
            set(0, 1),
            jump(Label::Wait),
            set(0, 2),
            jump(Label::Begun),
            Line::Here(Label::Wait),
            exit(),
        ];
        let offsets: Vec<i16> = assemble(&lines).iter().map(|instruction| instruction.offset).collect();
        assert_eq!(offsets, [0, 2, 0, -4, 0]);
    }
}
