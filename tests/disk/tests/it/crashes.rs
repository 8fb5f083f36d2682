//! Power cuts at any call.

use sokiem_disk::{Disk, Fault};

use crate::ledger::{Broken, DURABLE, Dice, Mode, Rows, judge, open, seed, transaction};

/// What came of a life: how often the power went, and how often the transaction under way survived.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) cuts: u32,
    pub(crate) survived: u32,
    pub(crate) calls: u64,
}

/// Writes until the power goes, looks at what is left, and goes on, some times.
pub(crate) fn live(disk: &Disk, mode: Mode, seed: u64) -> Result<Life, Broken> {
    let mut dice = Dice::new(seed);
    let (mut before, mut life) = (Rows::new(), Life::default());
    for _ in 0..3 {
        disk.fail_at(disk.calls() + 1 + dice.below(150), Fault::Crash);
        let mut after = before.clone();
        let mut work = || -> rusqlite::Result<()> {
            let mut connection = open(disk, mode)?;
            loop {
                transaction(&mut connection, &mut dice, &mut after)?;
                before.clone_from(&after);
            }
        };
        assert!(work().is_err(), "the power went");
        disk.restart();
        life.cuts += 1;
        if judge(disk, mode, &before, &after)? {
            life.survived += 1;
            before = after;
        }
    }
    life.calls = disk.calls();
    Ok(life)
}

#[test]
fn what_is_committed_survives_power_cuts_at_any_call_in_every_durable_mode() {
    let first = seed();
    let mut sum = Life::default();
    for seed in first..first + 120 {
        for mode in DURABLE {
            let life = live(&Disk::new(seed), mode, seed)
                .unwrap_or_else(|broken| panic!("SOKIEM_SEED={seed} {mode:?}: {broken:?}"));
            sum.cuts += life.cuts;
            sum.survived += life.survived;
        }
    }
    println!(
        "{} power cuts, {} times what was under way survived",
        sum.cuts, sum.survived
    );
    assert!(sum.cuts >= 1_800, "{sum:?}");
    assert!(
        sum.survived > 0 && sum.survived < sum.cuts,
        "both happen: {sum:?}"
    );
}

#[test]
fn the_same_seed_plays_the_same_life() {
    let seed = seed();
    for mode in DURABLE {
        let lives = [0, 1].map(|_| live(&Disk::new(seed), mode, seed).unwrap());
        assert_eq!(lives[0], lives[1], "{mode:?}");
    }
}

#[test]
fn a_power_cut_at_every_single_call_of_one_transaction() {
    for mode in DURABLE {
        let seed = seed();
        let (before, after, image, calls) = one_transaction(mode, seed);
        for call in 1..=calls {
            for outcome in 0..3 {
                let disk = Disk::new(seed.wrapping_add(call * 3 + outcome));
                disk.put_image(&image);
                let mut connection = open(&disk, mode).unwrap();
                disk.fail_at(disk.calls() + call, Fault::Crash);
                let done = transaction(
                    &mut connection,
                    &mut Dice::new(seed + 99),
                    &mut before.clone(),
                );
                drop(connection);
                assert!(!disk.has_power() || done.is_ok());
                disk.restart();
                let survived = judge(&disk, mode, &before, &after);
                let survived = survived.unwrap_or_else(|broken| {
                    panic!("{mode:?} call {call} SOKIEM_SEED={seed}: {broken:?}")
                });
                assert!(
                    survived || done.is_err(),
                    "{mode:?} call {call}: committed and lost"
                );
            }
        }
    }
}

/// A database with something in it, one more transaction, and how many calls that takes.
pub(crate) fn one_transaction(mode: Mode, seed: u64) -> (Rows, Rows, sokiem_disk::Image, u64) {
    let disk = Disk::new(seed);
    let mut before = Rows::new();
    {
        let mut connection = open(&disk, mode).unwrap();
        for n in 0..5 {
            transaction(&mut connection, &mut Dice::new(seed + n), &mut before).unwrap();
        }
    }
    // Closed: what was done last may be unsynced names only.
    disk.restart();
    let image = disk.image();
    let mut connection = open(&disk, mode).unwrap();
    let (mut after, begun) = (before.clone(), disk.calls());
    transaction(&mut connection, &mut Dice::new(seed + 99), &mut after).unwrap();
    assert_ne!(before, after);
    let calls = disk.calls() - begun;
    assert!(calls > 0);
    (before, after, image, calls)
}

#[test]
fn what_a_killed_process_wrote_is_there_for_the_next_one() {
    let mode = DURABLE[0];
    let disk = Disk::new(seed());
    let (mut rows, mut dice) = (Rows::new(), Dice::new(1));
    let mut connection = open(&disk, mode).unwrap();
    connection
        .pragma_update(None, "synchronous", "OFF")
        .unwrap();
    for _ in 0..10 {
        transaction(&mut connection, &mut dice, &mut rows).unwrap();
    }
    disk.kill();
    assert!(
        transaction(&mut connection, &mut dice, &mut rows.clone()).is_err(),
        "it is dead"
    );
    assert_eq!(judge(&disk, mode, &rows, &rows), Ok(false));
}
