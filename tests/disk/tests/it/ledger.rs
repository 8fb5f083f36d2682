//! A database on a disk, and beside it what has to be in it.

use std::{collections::BTreeMap, env};

use rusqlite::{Connection, OpenFlags};
use sokiem_disk::Disk;

/// The seed of this run: given, or drawn and printed.
pub(crate) fn seed() -> u64 {
    let seed = env::var("SOKIEM_SEED").map_or_else(
        |_| {
            let mut bytes = [0; 4];
            getrandom::fill(&mut bytes).unwrap();
            u64::from(u32::from_le_bytes(bytes))
        },
        |text| text.parse().unwrap(),
    );
    println!("SOKIEM_SEED={seed}");
    seed
}

/// Numbers that follow from a seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// How a database keeps its promise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    pub(crate) journal: &'static str,
    pub(crate) synchronous: &'static str,
    pub(crate) exclusive: bool,
}

/// Those under which SQLite promises that what is committed survives a power cut.
pub(crate) const DURABLE: [Mode; 5] = [
    Mode {
        journal: "WAL",
        synchronous: "FULL",
        exclusive: false,
    },
    Mode {
        journal: "WAL",
        synchronous: "FULL",
        exclusive: true,
    },
    Mode {
        journal: "DELETE",
        synchronous: "EXTRA",
        exclusive: false,
    },
    Mode {
        journal: "TRUNCATE",
        synchronous: "FULL",
        exclusive: false,
    },
    Mode {
        journal: "PERSIST",
        synchronous: "FULL",
        exclusive: true,
    },
];

pub(crate) type Rows = BTreeMap<i64, Vec<u8>>;

pub(crate) const NAME: &str = "/phone/book.sqlite3";

pub(crate) fn open(disk: &Disk, mode: Mode) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags_and_vfs(NAME, OpenFlags::default(), disk.vfs())?;
    if mode.exclusive {
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    }
    connection.query_row(
        &format!("PRAGMA journal_mode = {}", mode.journal),
        [],
        |_| Ok(()),
    )?;
    connection.pragma_update(None, "synchronous", mode.synchronous)?;
    // Often, so that crashes meet checkpoints too.
    connection.pragma_update(None, "wal_autocheckpoint", 8)?;
    connection.pragma_update(None, "cache_size", 10)?;
    connection.execute_batch("CREATE TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY, body BLOB NOT NULL); CREATE INDEX IF NOT EXISTS bodies ON kept (body)")?;
    Ok(connection)
}

pub(crate) fn rows(connection: &Connection) -> rusqlite::Result<Rows> {
    let mut statement = connection.prepare("SELECT id, body FROM kept")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// One transaction of random writes; `after` becomes what it would leave.
pub(crate) fn transaction(
    connection: &mut Connection,
    dice: &mut Dice,
    after: &mut Rows,
) -> rusqlite::Result<()> {
    let tx = connection.transaction()?;
    for _ in 0..1 + dice.below(6) {
        let id = i64::try_from(dice.below(40)).unwrap();
        if dice.below(4) == 0 {
            tx.execute("DELETE FROM kept WHERE id = ?1", [id])?;
            after.remove(&id);
        } else {
            let length = usize::try_from(dice.below(9_000)).unwrap();
            let body = vec![u8::try_from(dice.below(256)).unwrap(); length];
            tx.execute(
                "INSERT OR REPLACE INTO kept VALUES (?1, ?2)",
                rusqlite::params![id, body],
            )?;
            after.insert(id, body);
        }
    }
    // Whatever was drawn, a transaction changes something.
    let mark: Vec<u8> = (0..8)
        .map(|_| u8::try_from(dice.below(256)).unwrap())
        .collect();
    tx.execute(
        "INSERT OR REPLACE INTO kept VALUES (40, ?1)",
        rusqlite::params![mark],
    )?;
    after.insert(40, mark);
    tx.commit()
}

/// What a broken promise looks like.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    Unreadable(String),
    Corrupt(String),
    /// Neither what was committed nor that and the transaction that was under way.
    Wrong,
}

/// The state in which the database is found: `Ok(true)` when what was under way is in it.
pub(crate) fn judge(disk: &Disk, mode: Mode, before: &Rows, after: &Rows) -> Result<bool, Broken> {
    let read = || -> rusqlite::Result<(String, Rows)> {
        let connection = open(disk, mode)?;
        let verdict = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        Ok((verdict, rows(&connection)?))
    };
    let (verdict, found) = read().map_err(|error| Broken::Unreadable(error.to_string()))?;
    if verdict != "ok" {
        return Err(Broken::Corrupt(verdict));
    }
    if found == *before {
        Ok(false)
    } else if found == *after {
        Ok(true)
    } else {
        Err(Broken::Wrong)
    }
}
