//! Making a backup.

use std::{fs, path::Path};

use rusqlite::{Connection, TransactionBehavior};

use super::{Manifest, copy, files, manifest::File};
use crate::{
    Config,
    audit::{Action, Entry, chain},
    error::Error,
    platform::{Machine, SystemPlatform},
    secret,
    store::{self, FILE_NAME},
};

/// Makes a backup of a server's data folder at `to`, whether the server runs or not. `like` is an earlier
/// backup on the same disk, whose attachments are linked instead of copied.
///
/// # Errors
/// [`Error::BackupExists`] when something is at `to`, else what failed; then nothing is at `to`.
pub fn make_beside(config: &Config, to: &Path, like: Option<&Path>) -> Result<Manifest, Error> {
    make(config, &Machine::new(SystemPlatform), to, like)
}

pub(super) fn make(
    config: &Config,
    machine: &Machine,
    to: &Path,
    like: Option<&Path>,
) -> Result<Manifest, Error> {
    if !files::is_vacant(to)? {
        return Err(Error::BackupExists(to.to_owned()));
    }
    let partial = files::beside(to, "partial");
    if partial.exists() {
        // What a backup left behind that did not come to its end.
        fs::remove_dir_all(&partial).map_err(files::failed("clearing", &partial))?;
    }
    files::make_folder(&partial)?;
    let made = write(config, machine, &partial, like)
        .and_then(|made| files::put_in_place(&partial, to).map(|()| made));
    if made.is_err() {
        let _ = fs::remove_dir_all(&partial);
    }
    let (manifest, digest) = made?;
    note(config, machine, &manifest, digest)?;
    Ok(manifest)
}

fn write(
    config: &Config,
    machine: &Machine,
    partial: &Path,
    like: Option<&Path>,
) -> Result<(Manifest, [u8; 32]), Error> {
    let made_ms = machine.now_ms();
    let (from, file) = (config.data_dir.join(FILE_NAME), partial.join(FILE_NAME));
    let sql = copy::database(&from, machine.vfs(), &file)?;
    let mut manifest = Manifest::of(&sql, made_ms)?;
    copy::objects(&sql, &config.data_dir, partial, like, &mut manifest)?;
    sql.close().map_err(|(_, error)| error)?;
    files::sync(&file)?;
    let (bytes, digest) = files::digest(&file)?;
    manifest.files.insert(
        0,
        File {
            path: FILE_NAME.to_owned(),
            bytes,
            sha256: secret::hex(&digest),
        },
    );
    let digest = manifest.write(partial)?;
    sync_folders(partial)?;
    Ok((manifest, digest))
}

fn sync_folders(folder: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(files::failed("listing", folder))? {
        let entry = entry.map_err(files::failed("listing", folder))?;
        if entry.path().is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    files::sync(folder)
}

/// Notes the backup in the audit log of the database that was copied.
fn note(
    config: &Config,
    machine: &Machine,
    manifest: &Manifest,
    digest: [u8; 32],
) -> Result<(), Error> {
    let mut sql = open(config, machine)?;
    let transaction = sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let entry = Entry::new(Action::BackupMade)
        .detail("manifest_sha256", secret::hex(&digest))
        .detail("audit", manifest.audit.as_str())
        .detail("documents", manifest.documents)
        .detail("attachments", manifest.attachments);
    chain::append(&transaction, machine.now_ms(), entry)?;
    Ok(transaction.commit()?)
}

fn open(config: &Config, machine: &Machine) -> Result<Connection, Error> {
    let path = config.data_dir.join(FILE_NAME);
    store::open_connection(&path, machine.vfs()).map_err(|source| Error::Open { path, source })
}
