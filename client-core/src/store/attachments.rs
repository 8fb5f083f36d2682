//! Attachments on this device: what there is, where it stands, and the bytes.

use rusqlite::{Connection, Row as SqlRow, params};
use sokiem_record::{
    attachment::{ContentHash, Rendition},
    id::DocumentId,
    media::MediaType,
};

use crate::{
    error::{Error, Result},
    store::{signed, unsigned},
};

/// Bytes of one row of `attachment_parts`.
pub(crate) const PART_BYTES: usize = 256 * 1024;

/// Where an attachment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AttachmentState {
    /// It is to be sent, or on its way.
    Waiting,
    /// The server said that it has it.
    Done,
    /// The server will never take it. It stays here until somebody dismisses it.
    Refused,
    /// It came from the server, to be looked at.
    Fetched,
}

impl AttachmentState {
    fn name(self) -> &'static str {
        match self {
            AttachmentState::Waiting => "waiting",
            AttachmentState::Done => "done",
            AttachmentState::Refused => "refused",
            AttachmentState::Fetched => "fetched",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Done, Self::Refused, Self::Fetched]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// An attachment on this device.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Attached {
    /// The record that it belongs to.
    pub document: DocumentId,
    /// Its name.
    pub hash: ContentHash,
    /// What it is to the record.
    pub rendition: Rendition,
    /// Its type.
    pub media_type: MediaType,
    /// Its size.
    pub bytes: u64,
    /// Where it stands.
    pub state: AttachmentState,
    /// How many of its bytes the server has, while it is on its way.
    pub sent: u64,
    /// Why it was refused or has to wait, as a word: `type-not-allowed`, `quota-reached`, `not-found`, …
    pub reason: Option<String>,
    /// The reason in English.
    pub reason_en: Option<String>,
    /// The reason in Vietnamese.
    pub reason_vi: Option<String>,
    /// Where the server keeps the upload.
    #[serde(skip)]
    pub(crate) upload: Option<String>,
}

const COLUMNS: &str = "document, hash, rendition, media_type, bytes, state, sent, reason, reason_en, reason_vi, upload";

fn read(row: &SqlRow<'_>) -> rusqlite::Result<Option<Attached>> {
    let found = (
        DocumentId::from_slice(row.get_ref(0)?.as_blob()?),
        ContentHash::from_slice(row.get_ref(1)?.as_blob()?),
        Rendition::from_name(row.get_ref(2)?.as_str()?),
        MediaType::from_name(row.get_ref(3)?.as_str()?),
        AttachmentState::from_name(row.get_ref(5)?.as_str()?),
        u64::try_from(row.get::<_, i64>(4)?),
        u64::try_from(row.get::<_, i64>(6)?),
    );
    let (
        Some(document),
        Some(hash),
        Some(rendition),
        Some(media_type),
        Some(state),
        Ok(bytes),
        Ok(sent),
    ) = found
    else {
        return Ok(None);
    };
    Ok(Some(Attached {
        document,
        hash,
        rendition,
        media_type,
        bytes,
        state,
        sent,
        reason: row.get(7)?,
        reason_en: row.get(8)?,
        reason_vi: row.get(9)?,
        upload: row.get(10)?,
    }))
}

fn list(
    connection: &Connection,
    rest: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<Attached>> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM attachments {rest}"))?;
    let rows: Vec<Option<Attached>> = statement
        .query_map(values, read)?
        .collect::<rusqlite::Result<_>>()?;
    rows.into_iter()
        .map(|row| row.ok_or(Error::Unreadable("an attachment")))
        .collect()
}

/// Everything that belongs to a record.
pub(crate) fn of(connection: &Connection, document: DocumentId) -> Result<Vec<Attached>> {
    list(
        connection,
        "WHERE document = ?1 ORDER BY number",
        [document.as_bytes().as_slice()],
    )
}

/// Everything that was refused or has to wait.
pub(crate) fn unsent(connection: &Connection) -> Result<Vec<Attached>> {
    list(
        connection,
        "WHERE state IN ('waiting', 'refused') ORDER BY number",
        [],
    )
}

/// What is to be sent next, thumbnails first, the smallest first. Those whose record the server does not
/// have yet come when it has.
pub(crate) fn to_send(connection: &Connection) -> Result<Vec<Attached>> {
    list(
        connection,
        "WHERE state = 'waiting' AND EXISTS (SELECT 1 FROM documents
           WHERE documents.document = attachments.document AND length(documents.acked_heads) > 0)
         ORDER BY rendition = 'original', bytes, number",
        [],
    )
}

/// Looks one up.
pub(crate) fn find(
    connection: &Connection,
    document: DocumentId,
    hash: ContentHash,
) -> Result<Option<Attached>> {
    let found = list(
        connection,
        "WHERE document = ?1 AND hash = ?2",
        params![document.as_bytes().as_slice(), hash.0.as_slice()],
    )?;
    Ok(found.into_iter().next())
}

/// Notes an attachment; one that is noted already stays as it is, except that what was only looked at is now
/// to be sent.
pub(crate) fn insert(connection: &Connection, one: &Attached, now_ms: i64) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO attachments (document, hash, rendition, media_type, bytes, state, added_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (document, hash) DO UPDATE SET state = 'waiting' WHERE state = 'fetched' AND ?6 = 'waiting'",
        )?
        .execute(params![
            one.document.as_bytes().as_slice(),
            one.hash.0.as_slice(),
            one.rendition.name(),
            one.media_type.name(),
            signed(one.bytes)?,
            one.state.name(),
            now_ms,
        ])?;
    Ok(())
}

/// Keeps the bytes of an attachment.
pub(crate) fn put_bytes(connection: &Connection, hash: ContentHash, bytes: &[u8]) -> Result<()> {
    for (part, bytes) in bytes.chunks(PART_BYTES).enumerate() {
        put_part(connection, hash, part, bytes)?;
    }
    Ok(())
}

/// Keeps one part.
pub(crate) fn put_part(
    connection: &Connection,
    hash: ContentHash,
    part: usize,
    bytes: &[u8],
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO attachment_parts (hash, part, bytes) VALUES (?1, ?2, ?3) ON CONFLICT (hash, part) DO NOTHING",
        )?
        .execute(params![hash.0.as_slice(), signed(part as u64)?, bytes])?;
    Ok(())
}

/// At most `count` bytes from `offset` on; fewer at the end, or where bytes are not here.
pub(crate) fn bytes_at(
    connection: &Connection,
    hash: ContentHash,
    offset: u64,
    count: usize,
) -> Result<Vec<u8>> {
    let size = PART_BYTES as u64;
    let mut found = Vec::with_capacity(count);
    let mut statement = connection.prepare_cached(
        "SELECT part, bytes FROM attachment_parts WHERE hash = ?1 AND part >= ?2 ORDER BY part",
    )?;
    let mut rows = statement.query(params![hash.0.as_slice(), signed(offset / size)?])?;
    let mut expected = offset / size;
    let mut skip = usize::try_from(offset % size).unwrap_or(0);
    while found.len() < count {
        let Some(row) = rows.next()? else { break };
        if unsigned(row.get(0)?)? != expected {
            break;
        }
        let part = row
            .get_ref(1)?
            .as_blob()
            .map_err(|_| Error::Unreadable("a part"))?;
        let part = part.get(skip..).unwrap_or_default();
        found.extend(part.iter().take(count - found.len()));
        (expected, skip) = (expected + 1, 0);
    }
    Ok(found)
}

/// How many bytes from the beginning are here without a gap.
pub(crate) fn held(connection: &Connection, hash: ContentHash) -> Result<u64> {
    let mut statement = connection.prepare_cached(
        "SELECT part, length(bytes) FROM attachment_parts WHERE hash = ?1 ORDER BY part",
    )?;
    let mut rows = statement.query([hash.0.as_slice()])?;
    let (mut expected, mut held) = (0, 0);
    while let Some(row) = rows.next()? {
        if unsigned(row.get(0)?)? != expected {
            break;
        }
        held += unsigned(row.get(1)?)?;
        expected += 1;
    }
    Ok(held)
}

/// Forgets the bytes.
pub(crate) fn drop_bytes(connection: &Connection, hash: ContentHash) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM attachment_parts WHERE hash = ?1")?
        .execute([hash.0.as_slice()])?;
    Ok(())
}

/// Notes where an upload is and how far it has come.
pub(crate) fn set_upload(
    connection: &Connection,
    one: &Attached,
    upload: Option<&str>,
    sent: u64,
) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE attachments SET upload = ?3, sent = ?4, reason = NULL, reason_en = NULL, reason_vi = NULL
              WHERE document = ?1 AND hash = ?2",
        )?
        .execute(params![
            one.document.as_bytes().as_slice(),
            one.hash.0.as_slice(),
            upload,
            signed(sent)?
        ])?;
    Ok(())
}

/// Notes that the server has it.
pub(crate) fn set_done(connection: &Connection, one: &Attached, now_ms: i64) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE attachments SET state = 'done', done_ms = ?3, sent = bytes, upload = NULL,
                    reason = NULL, reason_en = NULL, reason_vi = NULL
              WHERE document = ?1 AND hash = ?2",
        )?
        .execute(params![
            one.document.as_bytes().as_slice(),
            one.hash.0.as_slice(),
            now_ms
        ])?;
    Ok(())
}

/// Notes why it has to wait, or that it is refused for good.
pub(crate) fn set_reason(
    connection: &Connection,
    one: &Attached,
    refused: bool,
    reason: &str,
    (en, vi): (&str, Option<&str>),
) -> Result<()> {
    let state = if refused {
        AttachmentState::Refused
    } else {
        AttachmentState::Waiting
    };
    connection
        .prepare_cached(
            "UPDATE attachments SET state = ?3, reason = ?4, reason_en = ?5, reason_vi = ?6, upload = NULL, sent = 0
              WHERE document = ?1 AND hash = ?2",
        )?
        .execute(params![
            one.document.as_bytes().as_slice(),
            one.hash.0.as_slice(),
            state.name(),
            reason,
            en,
            vi
        ])?;
    Ok(())
}

/// Takes one off this device; false when there was none.
pub(crate) fn remove(
    connection: &Connection,
    document: DocumentId,
    hash: ContentHash,
) -> Result<bool> {
    let removed = connection
        .prepare_cached("DELETE FROM attachments WHERE document = ?1 AND hash = ?2")?
        .execute(params![document.as_bytes().as_slice(), hash.0.as_slice()])?;
    sweep(connection)?;
    Ok(removed > 0)
}

/// Another history of the server: it may lack what it had acknowledged, so everything whose bytes are here is
/// offered again. What it has, it says so at once.
pub(crate) fn offer_again(connection: &Connection) -> Result<()> {
    connection.execute(
        "UPDATE attachments SET state = 'waiting', upload = NULL, sent = 0
          WHERE state = 'done' AND EXISTS (SELECT 1 FROM attachment_parts WHERE attachment_parts.hash = attachments.hash)",
        [],
    )?;
    connection.execute(
        "UPDATE attachments SET upload = NULL, sent = 0 WHERE state = 'waiting'",
        [],
    )?;
    Ok(())
}

/// Forgets what belongs to records that have left this device, unless it is still to be sent or was refused,
/// and bytes that nothing names.
pub(crate) fn sweep(connection: &Connection) -> Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM attachments WHERE state IN ('done', 'fetched') AND NOT EXISTS
               (SELECT 1 FROM documents WHERE documents.document = attachments.document)",
        )?
        .execute([])?;
    connection
        .prepare_cached(
            "DELETE FROM attachment_parts WHERE NOT EXISTS
               (SELECT 1 FROM attachments WHERE attachments.hash = attachment_parts.hash)",
        )?
        .execute([])?;
    Ok(())
}

/// Frees the bytes of originals that the server has had since before this time; thumbnails stay.
pub(crate) fn free(connection: &Connection, done_before_ms: i64) -> Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM attachment_parts WHERE hash IN
               (SELECT hash FROM attachments WHERE state = 'done' AND rendition = 'original' AND done_ms < ?1)
             AND hash NOT IN (SELECT hash FROM attachments WHERE state IN ('waiting', 'refused'))",
        )?
        .execute([done_before_ms])?;
    Ok(())
}

/// What is not on the server yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct AttachmentStatus {
    /// Attachments that are to be sent.
    pub waiting: u64,
    /// Their bytes that the server does not have yet.
    pub waiting_bytes: u64,
    /// Attachments that the server will never take and that nobody has dismissed.
    pub refused: u64,
}

pub(crate) fn status(connection: &Connection) -> Result<AttachmentStatus> {
    let (waiting, bytes, refused): (i64, i64, i64) = connection
        .prepare_cached(
            "SELECT coalesce(sum(state = 'waiting'), 0),
                    coalesce(sum(CASE WHEN state = 'waiting' THEN bytes - sent ELSE 0 END), 0),
                    coalesce(sum(state = 'refused'), 0) FROM attachments WHERE state IN ('waiting', 'refused')",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(AttachmentStatus {
        waiting: unsigned(waiting)?,
        waiting_bytes: unsigned(bytes)?,
        refused: unsigned(refused)?,
    })
}
