//! Moving the damaged files out of the way, and the order of the rescue.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, config::DbConfig};

use crate::{
    error::{Error, Result},
    store::{
        open::{self, OpenError},
        record,
        rescue::{RescueReport, salvage},
    },
};

/// Sets the damaged database aside and begins a new one from what can be read of it.
pub(crate) fn rescue(
    path: &Path,
    reason: String,
    now_ms: i64,
) -> Result<(Connection, RescueReport)> {
    let aside = set_aside(path, now_ms).map_err(Error::Files)?;
    let mut report = RescueReport {
        set_aside: aside.clone(),
        reason,
        ..RescueReport::default()
    };
    let mut fresh = Connection::open(path)?;
    open::prepare(&mut fresh).map_err(|error| match error {
        OpenError::Failed(error) => error,
        OpenError::Damaged(_) => Error::Unreadable("a database that was just begun"),
    })?;
    match open_damaged(&aside) {
        Ok(damaged) => {
            let tx = fresh.transaction()?;
            salvage::carry_over(&damaged, &tx, now_ms, &mut report)?;
            tx.commit()?;
        }
        Err(error) => report.lose("everything", error),
    }
    let detail = serde_json::to_value(&report).unwrap_or_default();
    record::note(&fresh, now_ms, "rescued", &detail)?;
    Ok((fresh, report))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Renames the database with its journal files, to a name that nothing has yet.
fn set_aside(path: &Path, now_ms: i64) -> std::io::Result<PathBuf> {
    let mut aside = with_suffix(path, &format!(".damaged-{now_ms}"));
    let mut again = 1_u32;
    while aside.exists() {
        again += 1;
        aside = with_suffix(path, &format!(".damaged-{now_ms}-{again}"));
    }
    for suffix in ["-wal", "-shm", "-journal"] {
        let journal = with_suffix(path, suffix);
        if journal.exists() {
            fs::rename(&journal, with_suffix(&aside, suffix))?;
        }
    }
    fs::rename(path, &aside)?;
    Ok(aside)
}

/// Opens the damaged file for reading. Its write-ahead log is read, and not folded into it.
fn open_damaged(path: &Path) -> rusqlite::Result<Connection> {
    let damaged = Connection::open(path)?;
    damaged.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    damaged.pragma_update(None, "query_only", true)?;
    Ok(damaged)
}
