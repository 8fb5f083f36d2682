//! The whole system in one thread, from one seed: real books, the real server, and a world that does to
//! them whatever happens to phones and servers.
//!
//! A [`world::World`] owns several phones, each a real [`sokiem_client_core::Book`] on a simulated disk, one
//! real server without sockets ([`sokiem_server::Local`]) on another, and the network between them. A schedule
//! draws what happens next; the world does it and counts it. Whatever a person was told is saved goes into a
//! ledger outside of every machine. In the end faults stop, everybody synchronises, and the ledger is
//! compared with what is there.
//!
//! Nothing is left to the operating system: time, randomness, disks and the order of events follow from the
//! seed, so that a seed that fails fails again. [`Outcome::digest`] is over every event.
//!
//! `lost` counts edits that were acknowledged and are nowhere. `silent` counts everything that is not as
//! somebody is told it is: "synced" without an edit that the server lacks, replicas that differ, records
//! outside of a phone's scope, damaged files.

pub mod chance;
pub mod check;
pub mod edits;
pub mod ledger;
pub mod line;
pub mod machine;
pub mod office;
pub mod phone;
pub mod report;
pub mod schedule;
pub mod trace;
mod upheaval;
pub mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use report::Report;

use world::World;

/// A world is given up after so many steps for each edit that it is to make.
const STEPS_PER_EDIT: u64 = 60;

/// One world to be played.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Everything follows from it.
    pub seed: u64,
    /// Edits after which the faults end.
    pub edits: u64,
    /// Print each event.
    pub aloud: bool,
}

/// What a world came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Counts, and what was wrong.
    pub report: Report,
    /// SHA-256 over every event.
    pub digest: String,
    /// The last events.
    pub end: Vec<String>,
}

/// Plays one world to its end. Panics and failures that no fault explains are in the report as silent ones.
pub fn play(plan: Plan) -> Outcome {
    let mut world = match World::new(plan.seed, plan.aloud) {
        Ok(world) => world,
        Err(error) => {
            let mut report = Report::default();
            report.hush(format!("the world does not begin: {error}"));
            return Outcome {
                report,
                digest: String::new(),
                end: Vec::new(),
            };
        }
    };
    let played = catch_unwind(AssertUnwindSafe(|| history(&mut world, plan)));
    match played {
        Ok(Ok(())) => {}
        Ok(Err(error)) => world.report.hush(format!("the world stops: {error}")),
        Err(_) => world.report.hush("the world panics".to_owned()),
    }
    world.report.schedules = 1;
    Outcome {
        digest: world.trace.digest(),
        end: world.trace.end(),
        report: std::mem::take(&mut world.report),
    }
}

fn history(world: &mut World, plan: Plan) -> crate::Result<()> {
    let mut steps = 0;
    while world.report.edits < plan.edits && steps < plan.edits.saturating_mul(STEPS_PER_EDIT) {
        world.step()?;
        steps += 1;
    }
    world.come_to_rest()?;
    world.check()
}
