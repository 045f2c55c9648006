//! `weir-ipfix` for C and C++: the interfaces of IPFIXLOLIB (`ipfixlolib.h`) and libfc (`ipfix.h`, `ipfix.hpp`).
//!
//! What a program gets of this library are numbers that look like pointers: a null pointer, a pointer that was given back or one that is of
//! something else are errors and no undefined behaviour (`handles`). Panics do not get into C (`boundary`). What only the program
//! can know, that its buffers are as long and live as long as it says, it has to keep: the headers say where.

mod boundary;
mod handles;
mod lolib;
mod placement;
