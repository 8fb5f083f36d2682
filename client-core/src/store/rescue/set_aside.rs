//! The order of a rescue: nothing is moved before the new database is complete.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, config::DbConfig};

use crate::{
    error::{Error, Result},
    store::{
        open,
        rescue::{RescueReport, carry_over},
    },
};

/// What the new database is called until it is complete.
const UNFINISHED: &str = ".rescuing";
/// What it is called from then on, until the damaged one is out of the way.
const FINISHED: &str = ".rescued";

/// Begins a new database from what can be read of the damaged one, and sets that aside. Whenever this
/// is interrupted, the next opening does it again or finishes it.
pub(crate) fn rescue(
    path: &Path,
    reason: String,
    now_ms: i64,
) -> Result<(Connection, RescueReport)> {
    let aside = free_name(path, now_ms);
    let mut report = RescueReport {
        set_aside: aside.clone(),
        reason,
        ..RescueReport::default()
    };
    let (unfinished, finished) = (with_suffix(path, UNFINISHED), with_suffix(path, FINISHED));
    for suffix in ["", "-wal", "-shm", "-journal"] {
        remove_if_there(&with_suffix(&unfinished, suffix)).map_err(Error::Files)?;
    }
    {
        let mut fresh = Connection::open(&unfinished)?;
        let damaged = open_damaged(path);
        carry_over(damaged.as_ref(), &mut fresh, now_ms, &mut report)?;
        // Closing folds the write-ahead log in: from here on it is one file.
        fresh.close().map_err(|(_, error)| error)?;
    }
    fs::rename(&unfinished, &finished).map_err(Error::Files)?;
    move_aside(path, &aside).map_err(Error::Files)?;
    finish(path).map_err(Error::Files)?;
    let mut connection = Connection::open(path)?;
    open::prepare(&mut connection)?;
    Ok((connection, report))
}

/// Finishes a rescue that was interrupted after the damaged database was out of the way.
pub(crate) fn finish(path: &Path) -> std::io::Result<()> {
    let finished = with_suffix(path, FINISHED);
    if finished.exists() && !path.exists() {
        fs::rename(finished, path)?;
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    if path.exists() {
        fs::remove_file(path)
    } else {
        Ok(())
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A name beside the database that nothing has yet.
fn free_name(path: &Path, now_ms: i64) -> PathBuf {
    let mut aside = with_suffix(path, &format!(".damaged-{now_ms}"));
    let mut again = 1_u32;
    while aside.exists() {
        again += 1;
        aside = with_suffix(path, &format!(".damaged-{now_ms}-{again}"));
    }
    aside
}

/// Renames the database with its journal files. The database goes last: while it is there, an
/// interrupted rescue begins anew.
fn move_aside(path: &Path, aside: &Path) -> std::io::Result<()> {
    for suffix in ["-wal", "-shm", "-journal", ""] {
        let file = with_suffix(path, suffix);
        if file.exists() {
            fs::rename(&file, with_suffix(aside, suffix))?;
        }
    }
    Ok(())
}

/// Opens the damaged file for reading. Its write-ahead log is read, and not folded into it.
fn open_damaged(path: &Path) -> rusqlite::Result<Connection> {
    let damaged = Connection::open(path)?;
    damaged.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    damaged.pragma_update(None, "query_only", true)?;
    Ok(damaged)
}
