//! The whole system from a seed: short worlds with every kind of fault.

use sokiem_tests::simulation::{Plan, play};

fn seed() -> u64 {
    let drawn = || {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).unwrap();
        u64::from(u32::from_le_bytes(bytes)) << 16
    };
    let seed = std::env::var("SOKIEM_SEED").map_or_else(|_| drawn(), |seed| seed.parse().unwrap());
    println!("SOKIEM_SEED={seed} replays this run");
    seed
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
