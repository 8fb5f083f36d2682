//! What an exchange costs over real HTTP against a real server with its database on disk: nothing new with
//! 5,000 documents, a push of 1,000 new records, a fresh pull of 5,000.
#![expect(clippy::unwrap_used, reason = "a benchmark stops by panicking")]

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use sokiem_client_core::sync::sync_once;
use sokiem_tests::{
    device::Device,
    town::{Small, new_unit},
};
use tokio::runtime::Runtime;

const DOCUMENTS: usize = 5_000;
const PUSHED: usize = 1_000;

fn exchanges(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let town = runtime.block_on(Small::start()).unwrap();
    let writer = runtime.block_on(town.officer("lan")).unwrap();
    runtime.block_on(town.fill(&writer, DOCUMENTS)).unwrap();
    runtime.block_on(writer.sync()).unwrap();

    let mut group = criterion.benchmark_group("exchange");
    group.bench_function("nothing new, 5,000 documents", |bencher| {
        bencher.iter(|| {
            runtime
                .block_on(sync_once(&writer.book, &writer.transport))
                .unwrap()
        });
    });

    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(10));
    let mut officers = 0;
    group.bench_function("fresh pull of 5,000, listed and searchable", |bencher| {
        bencher.iter_custom(|rounds| {
            (0..rounds)
                .map(|_| timed(&runtime, || fresh(&runtime, &town, &mut officers)))
                .sum()
        });
    });
    group.bench_function("push of 1,000 new records", |bencher| {
        bencher.iter_custom(|rounds| {
            let with_work = || {
                let town = runtime.block_on(Small::start()).unwrap();
                let device = runtime.block_on(town.officer("lan")).unwrap();
                runtime.block_on(device.sync()).unwrap();
                for n in 0..PUSHED {
                    new_unit(&device.book, town.commune, n).unwrap();
                }
                (Some(town), device)
            };
            (0..rounds).map(|_| timed(&runtime, with_work)).sum()
        });
    });
    group.finish();
}

fn fresh(runtime: &Runtime, town: &Small, officers: &mut u32) -> (Option<Small>, Device) {
    *officers += 1;
    (
        None,
        runtime
            .block_on(town.officer(&format!("moi{officers}")))
            .unwrap(),
    )
}

/// The time that a device's sync takes, without what prepares it.
fn timed(runtime: &Runtime, mut prepare: impl FnMut() -> (Option<Small>, Device)) -> Duration {
    let (town, device) = prepare();
    let began = Instant::now();
    runtime.block_on(device.sync()).unwrap();
    let took = began.elapsed();
    drop((town, device));
    took
}

criterion_group!(benches, exchanges);
criterion_main!(benches);
