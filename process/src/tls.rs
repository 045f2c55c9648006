//! TLS (RFC 8446, RFC 5246): what the plaintext part of a handshake tells.

mod hashed;
pub mod hello;
pub mod ja3;
pub mod ja4;
#[cfg(test)]
pub(crate) mod samples;
