//! Checking a backup: every byte, the database's own structure, and that its areas are what their changes say.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use rusqlite::{Connection, OpenFlags};
use serde::Serialize;
use sokiem_record::{
    ChangeHash,
    chunk::ChangeHeader,
    fingerprint::Fingerprint,
    id::{AreaId, DocumentId},
};

use super::{ATTACHMENTS, MANIFEST, Manifest, copy, files};
use crate::{
    audit::chain::{self, Anchor},
    error::Error,
    secret,
    store::{self, FILE_NAME, id},
};

/// What a check of a backup found.
#[derive(Clone, Debug, Serialize)]
pub struct Soundness {
    /// Whether it can be restored and is what was written.
    pub ok: bool,
    /// What is wrong.
    pub faults: Vec<String>,
    /// When it was made, milliseconds since 1970-01-01 UTC.
    pub made_ms: i64,
    /// How many documents were recomputed.
    pub documents: u64,
    /// How many changes were read.
    pub changes: u64,
    /// How many attachments were read.
    pub attachments: u64,
    /// The newest row of its audit log.
    pub audit: String,
}

/// Checks a backup. Faults are a result; an error means that there is none to check.
///
/// # Errors
/// The manifest can't be read.
pub fn check(backup: &Path) -> Result<Soundness, Error> {
    let manifest = Manifest::read(backup)?;
    let mut faults = Vec::new();
    check_files(backup, &manifest, &mut faults)?;
    let mut seen = Seen::default();
    if faults.iter().all(|fault| !fault.starts_with(FILE_NAME))
        && let Err(error) = check_database(backup, &manifest, &mut faults, &mut seen)
    {
        faults.push(format!("{FILE_NAME}: {error}"));
    }
    Ok(Soundness {
        ok: faults.is_empty(),
        faults,
        made_ms: manifest.made_ms,
        documents: seen.documents,
        changes: seen.changes,
        attachments: manifest.attachments,
        audit: manifest.audit,
    })
}

/// As [`check`], faults being an error.
pub(super) fn expect_sound(backup: &Path) -> Result<Manifest, Error> {
    let sound = check(backup)?;
    if !sound.ok {
        return Err(Error::BackupUnsound(sound.faults));
    }
    Manifest::read(backup)
}

#[derive(Default)]
struct Seen {
    documents: u64,
    changes: u64,
}

fn check_files(backup: &Path, manifest: &Manifest, faults: &mut Vec<String>) -> Result<(), Error> {
    let mut named: BTreeSet<&str> = BTreeSet::from([MANIFEST]);
    for file in &manifest.files {
        named.insert(&file.path);
        match files::digest(&backup.join(&file.path)) {
            Ok((bytes, digest)) => {
                if bytes != file.bytes || secret::hex(&digest) != file.sha256 {
                    faults.push(format!("{}: not the bytes that were written", file.path));
                }
            }
            Err(error) => faults.push(format!("{}: {error}", file.path)),
        }
    }
    for path in files::list(backup)? {
        let path = path.to_string_lossy().into_owned();
        if !named.contains(path.as_str()) {
            faults.push(format!("{path}: not in the manifest"));
        }
    }
    Ok(())
}

fn check_database(
    backup: &Path,
    manifest: &Manifest,
    faults: &mut Vec<String>,
    seen: &mut Seen,
) -> Result<(), Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sql = Connection::open_with_flags(backup.join(FILE_NAME), flags)?;
    let schema: usize = sql.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if schema > store::newest_schema() {
        return Err(Error::NewerDatabase {
            found: schema,
            known: store::newest_schema(),
        });
    }
    let sound: String = sql.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    if sound != "ok" {
        faults.push(format!("{FILE_NAME}: {sound}"));
        return Ok(());
    }
    if sql.prepare("PRAGMA foreign_key_check")?.exists([])? {
        faults.push(format!(
            "{FILE_NAME}: a row refers to one that is not there"
        ));
    }
    let again = Manifest::of(&sql, manifest.made_ms)?;
    if (
        again.epoch,
        again.documents,
        again.changes,
        &again.areas,
        &again.audit,
    ) != (
        manifest.epoch,
        manifest.documents,
        manifest.changes,
        &manifest.areas,
        &manifest.audit,
    ) {
        faults.push(format!("{FILE_NAME}: other figures than in the manifest"));
    }
    let anchor: Option<Anchor> = manifest.audit.parse().ok();
    if let Some(fault) = chain::verify(&sql, anchor)?.fault {
        faults.push(format!("audit log: {fault}"));
    }
    let listed: BTreeSet<(&str, &str)> = manifest
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.sha256.as_str()))
        .collect();
    for (hash, _) in copy::attachments(&sql)? {
        let path = format!("{ATTACHMENTS}/{}", files::object(&hash).display());
        if !listed.contains(&(path.as_str(), secret::hex(&hash).as_str())) {
            faults.push(format!(
                "{path}: the database refers to it and the backup lacks it"
            ));
        }
    }
    check_areas(&sql, faults, seen)
}

/// Recomputes every document's heads from its changes, and every area's fingerprint from those.
fn check_areas(sql: &Connection, faults: &mut Vec<String>, seen: &mut Seen) -> Result<(), Error> {
    let mut sums: BTreeMap<AreaId, Fingerprint> = BTreeMap::new();
    let mut statement = sql.prepare("SELECT id, area, heads, changes FROM documents")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (document, area): (DocumentId, AreaId) = (id::id(row, 0)?, id::id(row, 1)?);
        let mut stated = id::hashes(row, 2)?;
        stated.sort_unstable();
        let (heads, changes) = match heads_of(sql, document) {
            Ok(found) => found,
            Err(fault) => {
                faults.push(format!("document {document}: {fault}"));
                continue;
            }
        };
        if heads != stated || changes != row.get::<_, u64>(3)? {
            faults.push(format!(
                "document {document}: its changes lead to another state"
            ));
        }
        let sum = sums.entry(area).or_default();
        *sum = sum.plus(Fingerprint::of_document(document, &heads));
        seen.documents += 1;
        seen.changes += changes;
    }
    let mut statement = sql.prepare(
        "SELECT id, fingerprint, last_seq, (SELECT count(*) FROM log WHERE area = areas.id),
                (SELECT coalesce(max(seq), 0) FROM log WHERE area = areas.id) FROM areas",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let area: AreaId = id::id(row, 0)?;
        let sum = sums.get(&area).copied().unwrap_or_default();
        if Fingerprint::from_slice(&row.get::<_, Vec<u8>>(1)?) != Some(sum) {
            faults.push(format!(
                "area {area}: its fingerprint is not that of its changes"
            ));
        }
        let (last, count, newest): (u64, u64, u64) = (row.get(2)?, row.get(3)?, row.get(4)?);
        if last != count || last != newest {
            faults.push(format!("area {area}: its log has gaps"));
        }
    }
    Ok(())
}

/// The heads that a document's stored changes lead to, and how many changes there are.
fn heads_of(sql: &Connection, document: DocumentId) -> Result<(Vec<ChangeHash>, u64), String> {
    let read = |error: rusqlite::Error| error.to_string();
    let mut statement = sql
        .prepare_cached("SELECT hash, bytes FROM changes WHERE document = ?1 ORDER BY position")
        .map_err(read)?;
    let mut rows = statement
        .query([document.as_bytes().as_slice()])
        .map_err(read)?;
    let mut heads: BTreeSet<ChangeHash> = BTreeSet::new();
    let mut known: BTreeSet<ChangeHash> = BTreeSet::new();
    while let Some(row) = rows.next().map_err(read)? {
        let stated = id::hash(row, 0).map_err(read)?;
        let bytes: Vec<u8> = row.get(1).map_err(read)?;
        let header =
            ChangeHeader::parse(&bytes).map_err(|why| format!("a change is {}", why.code()))?;
        if header.hash != stated {
            return Err("a change has another hash than its row".to_owned());
        }
        if header.deps.iter().any(|dep| !known.contains(dep)) {
            return Err("a change builds on one that is not there".to_owned());
        }
        for dep in &header.deps {
            heads.remove(dep);
        }
        known.insert(header.hash);
        heads.insert(header.hash);
    }
    Ok((heads.into_iter().collect(), known.len() as u64))
}
