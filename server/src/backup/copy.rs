//! Copying the database and the attachments that the copy refers to.

use std::{fs, path::Path};

use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};

use super::{
    ATTACHMENTS, files,
    manifest::{File, Manifest},
};
use crate::{error::Error, secret, store};

/// Copies a database that others may be writing, as it is at one moment. Readers do not hold up the writer:
/// one step copies every page within one read transaction.
pub(super) fn database(from: &Path, vfs: Option<&str>, to: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(from, flags, vfs)?,
        None => Connection::open_with_flags(from, flags)?,
    };
    source.busy_timeout(store::PATIENCE)?;
    let mut copy = Connection::open(to)?;
    let backup = Backup::new(&source, &mut copy)?;
    if backup.step(-1)? != StepResult::Done {
        // Only somebody who works on the files without the server can hold it up for so long.
        return Err(Error::NotCommitted);
    }
    drop(backup);
    // One file, whole without a log beside it.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    Ok(copy)
}

/// The attachments that a database refers to.
pub(super) fn attachments(sql: &Connection) -> Result<Vec<(Vec<u8>, u64)>, Error> {
    let mut statement = sql.prepare("SELECT hash, bytes FROM attachments ORDER BY hash")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Brings the attachments into a backup. Objects never change, so one that an earlier backup holds is
/// linked from there and takes no more room.
pub(super) fn objects(
    sql: &Connection,
    data: &Path,
    backup: &Path,
    like: Option<&Path>,
    manifest: &mut Manifest,
) -> Result<(), Error> {
    let folder = backup.join(ATTACHMENTS);
    files::make_folder(&folder)?;
    for (hash, bytes) in attachments(sql)? {
        let name = files::object(&hash);
        let to = folder.join(&name);
        if let Some(inner) = to.parent() {
            files::make_folder(inner)?;
        }
        let earlier = like.map(|like| like.join(ATTACHMENTS).join(&name));
        let linked = earlier.is_some_and(|earlier| {
            fs::metadata(&earlier).is_ok_and(|found| found.len() == bytes)
                && fs::hard_link(&earlier, &to).is_ok()
        });
        let sha256 = secret::hex(&hash);
        if !linked {
            let from = data.join(ATTACHMENTS).join(&name);
            let (copied, digest) = files::copy(&from, &to)?;
            if copied != bytes || digest.as_slice() != hash {
                let fault = format!("attachment {sha256} is damaged in the data folder");
                return Err(Error::BackupUnsound(vec![fault]));
            }
        }
        manifest.attachments += 1;
        manifest.files.push(File {
            path: format!("{ATTACHMENTS}/{}", name.display()),
            bytes,
            sha256,
        });
    }
    Ok(())
}
