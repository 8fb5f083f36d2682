//! The checks can fail: without syncs that sync, things are lost.

use sokiem_disk::Disk;

use crate::{
    crashes::live,
    ledger::{Broken, DURABLE, Mode, seed},
};

/// Lives out of 60 that ended with a broken promise.
fn broken(mode: Mode, lies: bool) -> Vec<Broken> {
    let first = seed();
    (first..first + 60)
        .filter_map(|seed| {
            let disk = Disk::new(seed);
            disk.lie_about_syncs(lies);
            live(&disk, mode, seed).err()
        })
        .collect()
}

#[test]
fn without_syncs_commits_are_lost_and_it_shows() {
    for mode in DURABLE {
        let mode = Mode {
            synchronous: "OFF",
            ..mode
        };
        let broken = broken(mode, false);
        println!("{mode:?}: {} of 60", broken.len());
        assert!(broken.len() > 6, "{mode:?}: {broken:?}");
    }
}

#[test]
fn a_disk_that_lies_about_syncs_loses_commits_and_it_shows() {
    let mut unsound = 0;
    for mode in DURABLE {
        let broken = broken(mode, true);
        println!("{mode:?}: {} of 60", broken.len());
        assert!(broken.len() > 6, "{mode:?}: {broken:?}");
        unsound += broken
            .iter()
            .filter(|broken| **broken != Broken::Wrong)
            .count();
    }
    assert!(
        unsound > 0,
        "torn databases are seen, not only lost commits"
    );
}
