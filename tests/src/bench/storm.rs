//! Five in the afternoon: a district of devices comes back into the network within a minute.
//!
//! Every device has recorded inspections all day, each with answers and what photos say about themselves. It comes
//! back at its moment, exchanges with the server by the real protocol, signed and compressed as the core does it,
//! until the server has nothing more for it, and says so of each exchange how long it took. What each device brought is
//! looked for on the server at the end. The devices are in one process and keep no book: what is measured is the server.

mod device;
mod district;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    bench::{
        figures::quantile,
        machine::Machine,
        process::{cpu_seconds, memory_mib},
    },
    program::Server,
    simulation::chance::Chance,
};
use device::Came;
use district::District;

/// How a storm is played.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// How many devices.
    pub devices: usize,
    /// Inspections of each.
    pub inspections: usize,
    /// Photos of each inspection, as metadata.
    pub photos: usize,
    /// Officers of one commune, who get each other's news.
    pub officers_per_commune: usize,
    /// Seconds within which all come back; 0: as many at a time as `at_once`.
    pub within_s: u64,
    /// Most devices that exchange at the same time.
    pub at_once: usize,
    /// The seed of when who comes.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// How it was played.
    pub plan: Plan,
    /// From the first return to the last answer.
    pub seconds: f64,
    /// Inspections that were brought, each in two changes.
    pub records: usize,
    /// Changes that were acknowledged.
    pub stored: usize,
    /// Exchanges that were answered.
    pub exchanges: usize,
    /// Documents that devices got from each other.
    pub pulled: usize,
    /// Inspections a second.
    pub records_per_s: f64,
    /// Milliseconds of an exchange: the middle, 99 of 100, the longest.
    pub exchange_ms: (f64, f64, f64),
    /// Exchanges that the server put off, which devices repeat.
    pub put_off: usize,
    /// Devices that did not get through, and the first of their reasons.
    pub errors: usize,
    /// The first reason.
    pub first_error: Option<String>,
    /// Inspections that the server lacks in the end, or has in another state.
    pub lost: usize,
    /// The server's memory afterwards and at most, in MiB.
    pub server_mib: (f64, f64),
    /// The server's processor time during the storm.
    pub server_cpu_s: f64,
    /// Seconds that the morning took: enrolling, campaigns, units.
    pub morning_s: f64,
}

/// Storms on one machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Storms {
    /// Where.
    pub machine: Machine,
    /// The command that repeats it.
    pub command: String,
    /// All that were played.
    pub outcomes: Vec<Outcome>,
}

/// Plays one storm in an empty folder.
///
/// # Errors
/// When the morning fails; what fails in the storm is counted.
pub fn play(program: &Path, folder: &Path, plan: Plan) -> Result<Outcome> {
    let runtime = tokio::runtime::Runtime::new()?;
    let begun = Instant::now();
    let server = Server::begin(program, folder, district::PASSWORD)?;
    let district = runtime.block_on(District::in_the_morning(server.url(), plan))?;
    let morning_s = begun.elapsed().as_secs_f64();
    let devices = district.after_a_day(plan)?;
    let brought: Vec<_> = devices
        .iter()
        .map(|device| (device.commune, device.heads()))
        .collect();
    let mut chance = Chance::new(plan.seed);
    let spread = usize::try_from(plan.within_s * 1_000)?;
    let moments: Vec<Duration> = devices
        .iter()
        .map(|_| Duration::from_millis(chance.below(spread) as u64))
        .collect();

    let cpu = cpu_seconds(server.pid())?;
    let storm = Instant::now();
    let came = runtime.block_on(async {
        let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(plan.at_once));
        let tasks: Vec<_> = devices
            .into_iter()
            .zip(moments)
            .map(|(device, moment)| {
                let gate = std::sync::Arc::clone(&gate);
                tokio::spawn(async move {
                    tokio::time::sleep(moment).await;
                    let _permit = gate.acquire_owned().await;
                    device.comes_back().await
                })
            })
            .collect();
        let mut came = Vec::new();
        for task in tasks {
            came.push(
                task.await
                    .unwrap_or_else(|error| Came::failed(error.to_string())),
            );
        }
        came
    });
    let seconds = storm.elapsed().as_secs_f64();
    let server_cpu_s = cpu_seconds(server.pid())? - cpu;
    let server_mib = memory_mib(server.pid())?;
    let lost = runtime.block_on(district.lacking(&brought))?;
    server.stop()?;

    let mut times: Vec<f64> = came
        .iter()
        .flat_map(|one| one.exchanges_ms.clone())
        .collect();
    times.sort_by(f64::total_cmp);
    let of = |share: f64| quantile(&times, share).unwrap_or(0.0);
    let records = plan.devices * plan.inspections;
    #[expect(clippy::cast_precision_loss, reason = "a few hundred thousand at most")]
    let records_per_s = (records - lost.min(records)) as f64 / seconds;
    Ok(Outcome {
        plan,
        seconds,
        records,
        stored: came.iter().map(|one| one.stored).sum(),
        exchanges: times.len(),
        pulled: came.iter().map(|one| one.pulled).sum(),
        records_per_s,
        exchange_ms: (of(0.5), of(0.99), of(1.0)),
        put_off: came.iter().map(|one| one.put_off).sum(),
        errors: came.iter().filter(|one| one.error.is_some()).count(),
        first_error: came.iter().find_map(|one| one.error.clone()),
        lost,
        server_mib,
        server_cpu_s,
        morning_s,
    })
}
