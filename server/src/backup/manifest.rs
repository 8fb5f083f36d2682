//! What a backup says about itself.

use std::{fs, path::Path};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use sokiem_record::id::{AreaId, EpochId};
use uuid::Uuid;

use super::{MANIFEST, files};
use crate::{app, audit::chain, error::Error, secret, store::id};

/// The form of the manifest that this build writes and reads.
const FORMAT: &str = "sokiem backup v1";

/// What a backup holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form of this file.
    pub format: String,
    /// When it was made, milliseconds since 1970-01-01 UTC.
    pub made_ms: i64,
    /// The server that made it.
    pub server_version: String,
    /// Version of the database's schema.
    pub schema: usize,
    /// The history that the database belongs to.
    pub epoch: Uuid,
    /// The newest row of the audit log: an anchor for `verify-audit`.
    pub audit: String,
    /// How many documents.
    pub documents: u64,
    /// How many changes.
    pub changes: u64,
    /// How many accounts.
    pub accounts: u64,
    /// How many devices.
    pub devices: u64,
    /// How many attachments.
    pub attachments: u64,
    /// Where each area's log stands.
    pub areas: Vec<Area>,
    /// Every file but this one.
    pub files: Vec<File>,
}

/// Where an area's log stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// The area.
    pub id: Uuid,
    /// Its newest row.
    pub last_seq: u64,
    /// Its fingerprint, hexadecimal.
    pub fingerprint: String,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Relative to the backup, with `/`.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// What the copied database says.
    pub(super) fn of(sql: &Connection, made_ms: i64) -> Result<Self, Error> {
        let count = |table: &str| {
            sql.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                row.get::<_, u64>(0)
            })
        };
        let mut areas = sql.prepare("SELECT id, last_seq, fingerprint FROM areas ORDER BY id")?;
        let areas = areas.query_map([], |row| {
            Ok(Area {
                id: id::id::<AreaId>(row, 0)?.0,
                last_seq: row.get(1)?,
                fingerprint: secret::hex(&row.get::<_, Vec<u8>>(2)?),
            })
        })?;
        let epoch: EpochId = app::read_epoch(sql)?.ok_or(Error::Unreadable("epoch"))?;
        Ok(Self {
            format: FORMAT.to_owned(),
            made_ms,
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
            schema: sql.pragma_query_value(None, "user_version", |row| row.get(0))?,
            epoch: epoch.0,
            audit: chain::head(sql)?.to_string(),
            documents: count("documents")?,
            changes: count("changes")?,
            accounts: count("accounts")?,
            devices: count("devices")?,
            attachments: 0,
            areas: areas.collect::<Result<_, _>>()?,
            files: Vec::new(),
        })
    }

    /// Reads the manifest of a backup.
    ///
    /// # Errors
    /// There is none, or it is not one that this build reads.
    pub fn read(backup: &Path) -> Result<Self, Error> {
        let path = backup.join(MANIFEST);
        let bytes = fs::read(&path).map_err(files::failed("reading", &path))?;
        let unsound = |fault: String| Error::BackupUnsound(vec![fault]);
        let manifest: Self = serde_json::from_slice(&bytes)
            .map_err(|error| unsound(format!("{MANIFEST}: {error}")))?;
        if manifest.format != FORMAT {
            return Err(unsound(format!(
                "{MANIFEST}: the form {} is not known here",
                manifest.format
            )));
        }
        Ok(manifest)
    }

    /// Writes it; its SHA-256.
    pub(super) fn write(&self, backup: &Path) -> Result<[u8; 32], Error> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::BackupUnsound(vec![error.to_string()]))?;
        files::write(&backup.join(MANIFEST), &text)?;
        Ok(secret::digest(&text))
    }
}
