//! All targets of `weir-harness` under libFuzzer. WEIR_FUZZ_TARGET names the one that is run.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use weir_harness::{Target, find};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("WEIR_FUZZ_TARGET").unwrap_or_default();
    find(&name).unwrap_or_else(|| {
        eprintln!("WEIR_FUZZ_TARGET={name}: no target is called so; scripts/fuzz --list shows them");
        std::process::exit(2);
    })
});

fuzz_target!(|data: &[u8]| TARGET.run(data));
