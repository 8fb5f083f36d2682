//! Several connections on several threads, in WAL mode.

use std::{
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
    thread,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use sokiem_disk::{Disk, Fault};

use crate::ledger::seed;

fn open(disk: &Disk) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags_and_vfs(
        "/server/sokiem.sqlite3",
        OpenFlags::default(),
        disk.vfs(),
    )?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 20)?;
    connection.execute_batch("CREATE TABLE IF NOT EXISTS pairs (n INTEGER PRIMARY KEY, twin INTEGER NOT NULL, body BLOB)")?;
    Ok(connection)
}

/// Count and highest number; fails the test when a half transaction is seen.
fn look(connection: &Connection) -> rusqlite::Result<i64> {
    let (count, sum): (i64, i64) = connection.query_row(
        "SELECT count(*), coalesce(sum(n - twin), 0) FROM pairs",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    assert_eq!((count % 2, sum), (0, 0), "half a transaction");
    Ok(count / 2)
}

fn write(connection: &mut Connection, n: i64) -> rusqlite::Result<()> {
    let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for (n, twin) in [(2 * n, 2 * n + 1), (2 * n + 1, 2 * n)] {
        tx.execute(
            "INSERT INTO pairs VALUES (?1, ?2, zeroblob(300))",
            [n, twin],
        )?;
    }
    tx.commit()
}

#[test]
fn readers_see_whole_transactions_while_a_writer_writes_and_the_power_goes() {
    let seed = seed();
    let disk = Disk::new(seed);
    let mut done = 0;
    for round in 0..20_u64 {
        let begun = look(&open(&disk).unwrap()).unwrap();
        let (acknowledged, over) = (AtomicI64::new(begun), AtomicBool::new(false));
        disk.fail_at(
            disk.calls() + 2_000 + (seed + round * 37) % 500,
            Fault::Crash,
        );
        thread::scope(|threads| {
            threads.spawn(|| {
                let work = || -> rusqlite::Result<()> {
                    let mut connection = open(&disk)?;
                    loop {
                        let n = acknowledged.load(Ordering::SeqCst);
                        write(&mut connection, n)?;
                        acknowledged.store(n + 1, Ordering::SeqCst);
                    }
                };
                work().unwrap_err();
                over.store(true, Ordering::SeqCst);
            });
            for _ in 0..2 {
                threads.spawn(|| {
                    let work = || -> rusqlite::Result<()> {
                        let connection = open(&disk)?;
                        let mut last = -1;
                        while !over.load(Ordering::SeqCst) {
                            let known = acknowledged.load(Ordering::SeqCst);
                            if known == last {
                                thread::yield_now();
                                continue;
                            }
                            last = known;
                            assert!(
                                look(&connection)? >= known,
                                "a reader sees what was committed before it began"
                            );
                        }
                        Ok(())
                    };
                    let _ = work();
                });
            }
        });
        disk.restart();
        let connection = open(&disk).unwrap();
        let (found, promised) = (look(&connection).unwrap(), acknowledged.into_inner());
        assert!(
            found == promised || found == promised + 1,
            "SOKIEM_SEED={seed}: {found}, {promised}"
        );
        let verdict: String = connection
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(verdict, "ok");
        done += promised - begun;
    }
    assert!(done > 20, "{done} transactions");
}

#[test]
fn two_writers_wait_for_each_other() {
    let disk = Disk::new(seed());
    drop(open(&disk).unwrap());
    let next = AtomicI64::new(0);
    thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                let mut connection = open(&disk).unwrap();
                for _ in 0..100 {
                    write(&mut connection, next.fetch_add(1, Ordering::SeqCst)).unwrap();
                }
            });
        }
    });
    assert_eq!(look(&open(&disk).unwrap()).unwrap(), 200);
}

#[test]
fn an_image_is_a_database_of_its_own() {
    let disk = Disk::new(seed());
    let mut connection = open(&disk).unwrap();
    for n in 0..30 {
        write(&mut connection, n).unwrap();
    }
    let clone = Disk::new(1);
    clone.put_image(&disk.image());
    write(&mut connection, 30).unwrap();
    assert_eq!(
        look(&open(&clone).unwrap()).unwrap(),
        30,
        "what was committed until then"
    );
    assert_eq!(look(&connection).unwrap(), 31);
    assert!(
        disk.image()
            .files()
            .any(|(name, length)| name.ends_with(".sqlite3") && length > 0)
    );
}

#[test]
fn a_connection_that_outlives_its_disk_gets_errors() {
    let disk = Disk::new(seed());
    let mut connection = open(&disk).unwrap();
    let vfs = disk.vfs().to_owned();
    drop(disk);
    write(&mut connection, 0).unwrap();
    drop(connection);
    assert!(Connection::open_with_flags_and_vfs("x", OpenFlags::default(), vfs.as_str()).is_err());
}
