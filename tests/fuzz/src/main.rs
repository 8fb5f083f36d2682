//! Runs one fuzz target under libFuzzer: `SOKIEM_FUZZ_TARGET=receive fuzz corpus/receive`. `make fuzz` does this for all.
#![no_main]

mod targets;

use std::sync::OnceLock;

use libfuzzer_sys::{Corpus, fuzz_target};

fn target() -> targets::Target {
    static TARGET: OnceLock<targets::Target> = OnceLock::new();
    *TARGET.get_or_init(|| {
        // libFuzzer's own hook ends the process at any panic. Panics that the record crate catches are no
        // crashers; one that it does not catch still ends the process.
        std::panic::set_hook(Box::new(|_| {}));
        let wanted = std::env::var("SOKIEM_FUZZ_TARGET").unwrap_or_default();
        let found = targets::TARGETS.iter().find(|(name, _)| *name == wanted);
        found.map_or_else(|| std::process::exit(2), |(_, target)| *target)
    })
}

fuzz_target!(|bytes: &[u8]| -> Corpus {
    if target()(bytes) { Corpus::Keep } else { Corpus::Reject }
});
