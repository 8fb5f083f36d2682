//! Which attachments somebody may read: those whose bytes were brought for a document that they may read.
//!
//! A document that moves takes its attachments along, since the area is looked up when somebody asks.

use rusqlite::{Connection, OptionalExtension, params};
use sokiem_record::{
    attachment::{ContentHash, Rendition},
    id::{AccountId, AreaId, DeviceId, DocumentId},
    media::MediaType,
};

use crate::{
    accounts::access::Areas,
    error::Error,
    store::{Writing, id},
    sync::scope,
};

/// A stored attachment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    pub(super) hash: ContentHash,
    pub(super) media_type: MediaType,
    pub(super) bytes: u64,
    pub(super) size: Option<(u32, u32)>,
}

/// The areas that a device of this account may see.
pub(super) fn of_device(sql: &Connection, account: AccountId) -> Result<Areas, Error> {
    let some = scope::of_account(sql, account)?
        .into_iter()
        .map(|grant| (grant.area, grant.writable))
        .collect();
    Ok(Areas { all: false, some })
}

/// Looks an attachment up, whoever asks.
pub(super) fn find(sql: &Connection, hash: ContentHash) -> Result<Option<Stored>, Error> {
    let row = sql
        .prepare_cached("SELECT media_type, bytes, width, height FROM attachments WHERE hash = ?1")?
        .query_row([hash.0.as_slice()], |row| {
            let media_type = MediaType::from_name(row.get_ref(0)?.as_str()?);
            let (width, height): (Option<u32>, Option<u32>) = (row.get(2)?, row.get(3)?);
            Ok((media_type, row.get(1)?, width.zip(height)))
        })
        .optional()?;
    row.map(|(media_type, bytes, size)| {
        Ok(Stored {
            hash,
            media_type: media_type.ok_or(Error::Unreadable("attachment"))?,
            bytes,
            size,
        })
    })
    .transpose()
}

/// Looks an attachment up for somebody with these areas, with a document that lets them; `None` also when they
/// may not know of it.
pub(super) fn visible(
    sql: &Connection,
    hash: ContentHash,
    areas: &Areas,
) -> Result<Option<(Stored, DocumentId, AreaId)>, Error> {
    let mut statement = sql.prepare_cached(
        "SELECT documents.id, documents.area FROM attachment_links
           JOIN documents ON documents.id = attachment_links.document WHERE attachment_links.hash = ?1",
    )?;
    let rows = statement.query_map([hash.0.as_slice()], |row| {
        Ok((id::id(row, 0)?, id::id(row, 1)?))
    })?;
    for row in rows {
        let (document, area) = row?;
        if areas.readable(area) {
            return Ok(find(sql, hash)?.map(|stored| (stored, document, area)));
        }
    }
    Ok(None)
}

/// Whether these bytes were brought for this document.
pub(super) fn linked(
    sql: &Connection,
    document: DocumentId,
    hash: ContentHash,
) -> Result<bool, Error> {
    Ok(sql
        .prepare_cached("SELECT 1 FROM attachment_links WHERE document = ?1 AND hash = ?2")?
        .exists(params![document.as_bytes().as_slice(), hash.0.as_slice()])?)
}

/// Notes that a device brought these bytes for this document.
pub(super) fn link(
    writing: &Writing<'_>,
    document: DocumentId,
    hash: ContentHash,
    rendition: Rendition,
    device: DeviceId,
) -> Result<(), Error> {
    writing
        .sql
        .prepare_cached(
            "INSERT INTO attachment_links (document, hash, rendition, device, linked_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (document, hash) DO NOTHING",
        )?
        .execute(params![
            document.as_bytes().as_slice(),
            hash.0.as_slice(),
            rendition.name(),
            device.as_bytes().as_slice(),
            writing.now_ms,
        ])?;
    Ok(())
}

/// Forgets what a document had attached, because the document goes. Bytes that nothing else has are removed
/// by the next sweep. Part of the transaction that removes the document.
pub(crate) fn forget(writing: &Writing<'_>, document: DocumentId) -> Result<(), Error> {
    let document = document.as_bytes().as_slice();
    let sql = writing.sql;
    sql.execute(
        "INSERT INTO attachment_removals (hash)
         SELECT hash FROM attachment_links AS mine WHERE document = ?1 AND NOT EXISTS
           (SELECT 1 FROM attachment_links AS other WHERE other.hash = mine.hash AND other.document <> ?1)
         ON CONFLICT (hash) DO NOTHING",
        [document],
    )?;
    sql.execute(
        "DELETE FROM attachment_links WHERE document = ?1",
        [document],
    )?;
    sql.execute(
        "DELETE FROM attachments WHERE hash IN (SELECT hash FROM attachment_removals)
           AND NOT EXISTS (SELECT 1 FROM attachment_links WHERE attachment_links.hash = attachments.hash)",
        [],
    )?;
    sql.execute(
        "UPDATE uploads SET expires_ms = ?2 WHERE document = ?1",
        params![document, writing.now_ms],
    )?;
    Ok(())
}
