//! Restoring a backup: checked first, built beside its place, and put there in one step. What was there
//! is set aside and never deleted.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, params};
use serde::Serialize;
use sokiem_record::id::{AreaId, DocumentId, EpochId, Kind};

use super::{ATTACHMENTS, Manifest, check, files};
use crate::{
    Config,
    accounts::second_factor::KEY_FILE_NAME,
    app,
    audit::{self, Action, Entry},
    error::Error,
    occupied::Occupied,
    platform,
    retention::burial,
    store::{FILE_NAME, Writing, id},
};

/// What a restore did.
#[derive(Clone, Debug, Serialize)]
pub struct Restored {
    /// The epoch that began.
    pub epoch: EpochId,
    /// When the backup was made, milliseconds since 1970-01-01 UTC.
    pub made_ms: i64,
    /// Until when devices may bring back what others wrote.
    pub recovery_until_ms: i64,
    /// Where the data folder that was replaced lies now.
    pub set_aside: Option<PathBuf>,
    /// What was taken over from the replaced database: what had been taken away stays away. `None` when
    /// there was none or it could not be read: then look at revoked devices and closed accounts by hand.
    pub carried: Option<Carried>,
}

/// What is taken over from the database that a restore replaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Carried {
    /// Devices that had been revoked after the backup.
    pub revoked: Vec<(Vec<u8>, i64)>,
    /// Accounts that had been closed after the backup.
    pub closed: Vec<Vec<u8>>,
    /// Documents that had been purged after the backup.
    pub purged: Vec<Purged>,
    /// The newest row of the replaced audit log.
    pub audit: String,
}

/// A document that had been purged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Purged {
    /// The document.
    pub document: DocumentId,
    /// Its kind.
    pub kind: Kind,
    /// Its area.
    pub area: AreaId,
    /// The rule.
    pub rule: String,
}

/// Restores a backup into the configured data folder, and begins a new epoch there.
///
/// # Errors
/// [`Error::BackupUnsound`], [`Error::DataFolderInUse`] while a server runs there,
/// [`Error::DataFolderNotEmpty`] unless `replace`, else what failed; then the data folder is as it was.
pub async fn restore(config: Config, from: &Path, replace: bool) -> Result<Restored, Error> {
    let target = config.data_dir.clone();
    let vacant = files::is_vacant(&target)?;
    if !vacant && !replace {
        return Err(Error::DataFolderNotEmpty(target));
    }
    let occupied = if vacant {
        None
    } else {
        Some(Occupied::take(&target)?)
    };
    let manifest = check::expect_sound(from)?;
    let carried = if vacant { None } else { carried(&target) };
    let now_ms = platform::Platform::now_ms(&platform::SystemPlatform);
    let building = files::beside(&target, &format!("restoring-{now_ms}"));
    copy_all(from, &building, &manifest)?;
    let into = Config {
        data_dir: building.clone(),
        ..config
    };
    let (epoch, recovery_until_ms) = begin(into, manifest.clone(), carried.clone()).await?;
    let mut set_aside = None;
    if !vacant {
        let aside = files::beside(&target, &format!("set-aside-{now_ms}"));
        files::put_in_place(&target, &aside)?;
        set_aside = Some(aside);
    }
    files::put_in_place(&building, &target)?;
    if let Some(aside) = &set_aside {
        keep_key(aside, &target)?;
    }
    drop(occupied);
    Ok(Restored {
        epoch,
        made_ms: manifest.made_ms,
        recovery_until_ms,
        set_aside,
        carried,
    })
}

/// No backup holds the key of second factors: the one that was here stays, if there was one.
fn keep_key(aside: &Path, target: &Path) -> Result<(), Error> {
    let key = aside.join(KEY_FILE_NAME);
    if key.is_file() {
        files::copy_private(&key, &target.join(KEY_FILE_NAME))?;
    }
    Ok(())
}

/// Copies the files that the manifest names, and compares them once more.
fn copy_all(from: &Path, to: &Path, manifest: &Manifest) -> Result<(), Error> {
    files::make_folder(&to.join(ATTACHMENTS))?;
    for file in &manifest.files {
        let target = to.join(&file.path);
        if let Some(folder) = target.parent() {
            files::make_folder(folder)?;
        }
        let (bytes, digest) = files::copy(&from.join(&file.path), &target)?;
        if bytes != file.bytes || crate::secret::hex(&digest) != file.sha256 {
            let fault = format!("{}: it changed while it was copied", file.path);
            return Err(Error::BackupUnsound(vec![fault]));
        }
    }
    Ok(())
}

/// Opens the copied database and makes it a server's own: a new epoch, nobody signed in, no code that
/// may have been used since.
async fn begin(
    config: Config,
    manifest: Manifest,
    carried: Option<Carried>,
) -> Result<(EpochId, i64), Error> {
    let recovery_s = config.lifetimes.recovery_s;
    let app = crate::running::offline(config).await?;
    let begun = app
        .store
        .write(move |writing| {
            let until_ms = platform::after_s(writing.now_ms, recovery_s);
            let sql = writing.sql;
            sql.execute("DELETE FROM sessions", [])?;
            sql.execute("DELETE FROM pending_sign_ins", [])?;
            sql.execute("DELETE FROM codes WHERE used_ms IS NULL", [])?;
            // The files of uploads under way are not in a backup: devices begin them again.
            sql.execute("DELETE FROM uploads WHERE state = 'open'", [])?;
            sql.execute("DELETE FROM upload_tokens", [])?;
            let epoch = app::restore_epoch(sql, writing.machine, until_ms)?;
            let mut entry = Entry::new(Action::Restored)
                .on("epoch", epoch)
                .detail("before", manifest.epoch.to_string())
                .detail("made_ms", manifest.made_ms)
                .detail("backup_audit", manifest.audit)
                .detail("recovery_until_ms", until_ms);
            if let Some(carried) = carried {
                entry = entry.detail("replaced_audit", carried.audit.as_str());
                carry(writing, &carried)?;
            }
            audit::note(writing, entry)?;
            Ok::<_, Error>((epoch, until_ms))
        })
        .await;
    app.store.close();
    begun
}

/// What the replaced database knows that the backup can't; `None` when it can't be read.
fn carried(folder: &Path) -> Option<Carried> {
    let read = || -> Result<Carried, Error> {
        // Read and write, so that a log beside the file that no server has taken in yet is read too.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sql = Connection::open_with_flags(folder.join(FILE_NAME), flags)?;
        let mut revoked =
            sql.prepare("SELECT id, revoked_ms FROM devices WHERE revoked_ms IS NOT NULL")?;
        let mut purged = sql.prepare("SELECT document, kind, area, rule FROM tombstones")?;
        let mut closed = sql.prepare("SELECT id FROM accounts WHERE active = 0")?;
        Ok(Carried {
            revoked: revoked
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?,
            closed: closed
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?,
            purged: purged
                .query_map([], |row| {
                    Ok(Purged {
                        document: id::id(row, 0)?,
                        kind: id::kind(row, 1)?,
                        area: id::id(row, 2)?,
                        rule: row.get(3)?,
                    })
                })?
                .collect::<Result<_, _>>()?,
            audit: audit::chain::head(&sql)?.to_string(),
        })
    };
    read()
        .inspect_err(|error| tracing::warn!(%error, "the replaced database can't be read"))
        .ok()
}

/// Takes away again what had been taken away after the backup.
fn carry(writing: &Writing<'_>, carried: &Carried) -> Result<(), Error> {
    for (device, revoked_ms) in &carried.revoked {
        writing.sql.execute(
            "UPDATE devices SET revoked_ms = coalesce(revoked_ms, ?2) WHERE id = ?1",
            params![device, revoked_ms],
        )?;
    }
    for purged in &carried.purged {
        burial::bury(
            writing,
            purged.document,
            purged.kind,
            purged.area,
            &purged.rule,
        )?;
    }
    for account in &carried.closed {
        writing
            .sql
            .execute("UPDATE accounts SET active = 0 WHERE id = ?1", [account])?;
    }
    Ok(())
}
