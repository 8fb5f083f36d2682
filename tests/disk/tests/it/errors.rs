//! Single calls that fail, and disks that run full.

use sokiem_disk::{Disk, Fault};

use crate::{
    crashes::one_transaction,
    ledger::{DURABLE, Dice, Rows, judge, open, rows, seed, transaction},
};

#[test]
fn an_error_at_any_call_undoes_the_transaction_or_comes_after_it() {
    let seed = seed();
    for mode in DURABLE {
        let (before, after, image, calls) = one_transaction(mode, seed);
        for fault in [Fault::Io, Fault::Full] {
            let mut met = 0;
            for call in 1..=calls {
                let disk = Disk::new(seed + call);
                disk.put_image(&image);
                let mut connection = open(&disk, mode).unwrap();
                disk.fail_at(disk.calls() + call, fault);
                let done = transaction(
                    &mut connection,
                    &mut Dice::new(seed + 99),
                    &mut before.clone(),
                );
                met += disk.faults_met();
                drop(connection);
                disk.forget_faults();
                disk.restart();
                let survived = judge(&disk, mode, &before, &after).unwrap_or_else(|broken| {
                    panic!("{mode:?} {fault:?} call {call} SOKIEM_SEED={seed}: {broken:?}")
                });
                assert!(
                    survived || done.is_err(),
                    "{mode:?} {fault:?} call {call}: committed and lost"
                );
            }
            assert!(met > 0, "{mode:?} {fault:?}: {calls} calls");
        }
    }
}

#[test]
fn after_an_error_the_same_connection_goes_on() {
    let seed = seed();
    for mode in DURABLE {
        for round in 0..30 {
            let disk = Disk::new(seed + round);
            let mut dice = Dice::new(seed + round);
            let mut connection = open(&disk, mode).unwrap();
            let mut kept = Rows::new();
            for _ in 0..10 {
                disk.fail_at(disk.calls() + 1 + dice.below(40), Fault::Io);
                let mut after = kept.clone();
                if transaction(&mut connection, &mut dice, &mut after).is_ok() {
                    kept = after;
                } else {
                    disk.forget_faults();
                    let found = rows(&connection).unwrap();
                    // An error of the commit's last steps may come after the point of no return.
                    assert!(
                        found == kept || found == after,
                        "{mode:?} SOKIEM_SEED={seed} round {round}"
                    );
                    kept = found;
                }
            }
            disk.forget_faults();
            transaction(&mut connection, &mut dice, &mut kept).unwrap();
            drop(connection);
            disk.restart();
            assert_eq!(
                judge(&disk, mode, &kept, &kept),
                Ok(false),
                "{mode:?} SOKIEM_SEED={seed} round {round}"
            );
        }
    }
}

#[test]
fn a_full_disk_refuses_and_takes_again_when_there_is_room() {
    for mode in DURABLE {
        let disk = Disk::new(seed());
        let mut dice = Dice::new(3);
        let mut connection = open(&disk, mode).unwrap();
        disk.set_capacity(Some(200_000));
        let mut kept = Rows::new();
        let refused = (0..200).find_map(|_| {
            let mut after = kept.clone();
            let done = transaction(&mut connection, &mut dice, &mut after);
            if done.is_ok() {
                kept = after;
            }
            done.err()
        });
        let code = refused.unwrap().sqlite_error_code();
        assert_eq!(code, Some(rusqlite::ErrorCode::DiskFull), "{mode:?}");
        assert_eq!(rows(&connection).unwrap(), kept, "{mode:?}");
        disk.set_capacity(None);
        transaction(&mut connection, &mut dice, &mut kept).unwrap();
        drop(connection);
        disk.restart();
        assert_eq!(judge(&disk, mode, &kept, &kept), Ok(false), "{mode:?}");
    }
}
