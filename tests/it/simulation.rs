//! The whole system from a seed: short worlds with every kind of fault.

use std::{
    sync::Mutex,
    sync::atomic::{AtomicU64, Ordering},
};

use sokiem_tests::simulation::{Plan, Report, play};

/// Edits in each world.
const EDITS: u64 = 60;
const WORLDS: u64 = 60;

/// The same worlds in every run, so that a red run means a change of the code; `make soak` draws new ones.
fn seed() -> u64 {
    let seed = std::env::var("SOKIEM_SEED").map_or(1, |seed| seed.parse().unwrap());
    println!("SOKIEM_SEED={seed} replays this run");
    seed
}

/// Plays worlds on two threads; each world is one thread's alone.
fn worlds(first: u64, count: u64) -> Report {
    let total = Mutex::new(Report::default());
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= count {
                        return;
                    }
                    let seed = first + number;
                    let plan = Plan {
                        seed,
                        edits: EDITS,
                        aloud: false,
                    };
                    let outcome = play(plan);
                    if !outcome.report.wrongs.is_empty() {
                        println!("world {seed}: {:#?}", outcome.report.wrongs);
                        println!("{:#?}", outcome.end);
                    }
                    total.lock().unwrap().add(&outcome.report);
                }
            });
        }
    });
    total.into_inner().unwrap()
}

#[test]
fn nothing_is_lost_and_nothing_is_silent_whatever_happens() {
    let total = worlds(seed(), WORLDS);
    println!("{total:#?}");
    assert_eq!(total.wrongs, Vec::<String>::new());
    assert_eq!((total.lost, total.silent), (0, 0));
    assert_eq!(total.schedules, WORLDS);
}

#[test]
fn a_seed_plays_the_same_world_again() {
    let plan = Plan {
        seed: seed(),
        edits: 150,
        aloud: false,
    };
    let (one, two) = (play(plan), play(plan));
    assert_eq!(one.end, two.end);
    assert_eq!(one.digest, two.digest);
    let other = Plan {
        seed: plan.seed + 1,
        ..plan
    };
    assert_ne!(play(other).digest, one.digest);
}
