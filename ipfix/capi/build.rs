//! Names the shared library, so that programs find the one that they were linked with.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // As long as versions begin with 0, each of them may have another interface.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libweir_ipfix.so.{}", env!("CARGO_PKG_VERSION_MAJOR"));
}
