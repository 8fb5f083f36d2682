//! The order of a rescue: nothing is moved before the new database is complete.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::config::DbConfig;

use crate::{
    error::{Error, Result},
    keys::BookKey,
    store::{
        replacing::{self, with_suffix},
        rescue::{RescueReport, Source, carry_over},
        sealed,
    },
};

/// What the new database is called until it is complete.
const UNFINISHED: &str = ".rescuing";
/// What it is called from then on, until the damaged one is out of the way.
const FINISHED: &str = ".rescued";

/// Begins a new database under `key` from what can be read of the damaged one, and sets that aside.
/// Whenever this is interrupted, the next opening does it again or finishes it.
pub(crate) fn rescue(
    path: &Path,
    key: &BookKey,
    damaged: Source<'_>,
    reason: String,
    now_ms: i64,
) -> Result<RescueReport> {
    let aside = free_name(path, now_ms);
    let mut report = RescueReport {
        set_aside: aside.clone(),
        reason,
        ..RescueReport::default()
    };
    let (unfinished, finished) = (with_suffix(path, UNFINISHED), with_suffix(path, FINISHED));
    replacing::remove(&unfinished).map_err(Error::Files)?;
    {
        let mut fresh = sealed::connect(None, &unfinished, key)?;
        // Read only. The write-ahead log is read, and not folded into the file.
        let damaged = || {
            let connection = damaged()?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            connection.pragma_update(None, "query_only", true)?;
            Ok(connection)
        };
        carry_over(&damaged, &mut fresh, now_ms, &mut report)?;
        // Closing folds the write-ahead log in: from here on it is one file.
        fresh.close().map_err(|(_, error)| error)?;
    }
    fs::rename(&unfinished, &finished).map_err(Error::Files)?;
    replacing::rename(path, &aside).map_err(Error::Files)?;
    finish(path).map_err(Error::Files)?;
    Ok(report)
}

/// Finishes a rescue that was interrupted after the damaged database was out of the way.
pub(crate) fn finish(path: &Path) -> std::io::Result<()> {
    let finished = with_suffix(path, FINISHED);
    if finished.exists() && !path.exists() {
        fs::rename(finished, path)?;
        replacing::sync_folder(path)?;
    }
    Ok(())
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
