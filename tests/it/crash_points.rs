//! Every storage call of every kind of work fails once: with an I/O error, with a full disk, with a power cut.
//!
//! The work is done once undisturbed, to see how many calls it takes and which states the database goes
//! through. Then it is done again from a copy of the disk with a fault at the first call, the second, and so
//! on. After each the database must be in one of the states, whole, and no earlier than what was reported done.

mod device;
mod opening;
mod phone;
mod server;

use std::collections::BTreeMap;

use sokiem_disk::Fault;

const FAULTS: [Fault; 3] = [Fault::Io, Fault::Full, Fault::Crash];

/// How many calls were made to fail, and how.
#[derive(Debug, Default)]
struct Tried(BTreeMap<Fault, u64>);

impl Tried {
    fn add(&mut self, fault: Fault, met: u64) {
        *self.0.entry(fault).or_default() += met;
    }

    /// Prints the count; there must have been some of each kind.
    fn report(&self, what: &str) {
        println!("{what}: failed {:?}", self.0);
        for fault in FAULTS {
            assert!(
                self.0.get(&fault).is_some_and(|met| *met > 0),
                "{what}: no {fault:?}"
            );
        }
    }
}

/// The seed of this run, printed.
pub(crate) fn seed() -> u64 {
    let drawn = || {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).unwrap();
        u64::from(u32::from_le_bytes(bytes))
    };
    let seed = std::env::var("SOKIEM_SEED").map_or_else(|_| drawn(), |seed| seed.parse().unwrap());
    println!("SOKIEM_SEED={seed} replays this run");
    seed
}
