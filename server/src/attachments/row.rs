//! The rows of uploads.

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};
use sokiem_record::{
    attachment::{ContentHash, Rendition},
    id::{DeviceId, DocumentId},
    media::MediaType,
};
use uuid::Uuid;

use crate::{
    error::Error,
    http::problem::Cause,
    store::{Writing, id},
};

/// Where an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Bytes are missing, or nobody has looked at the whole yet.
    Open,
    /// The attachment is stored.
    Done,
    /// The whole was not what was announced or is not allowed; the bytes are gone.
    Refused(Cause),
}

/// The reasons for which a whole upload is refused, as they lie in SQL.
pub(super) const REFUSALS: [Cause; 3] = [
    Cause::WrongContentHash,
    Cause::TypeNotAllowed,
    Cause::PictureTooLarge,
];

/// An upload.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) id: Uuid,
    pub(super) device: DeviceId,
    pub(super) document: DocumentId,
    pub(super) hash: ContentHash,
    /// What the client says that it is.
    pub(super) media_type: Option<MediaType>,
    pub(super) rendition: Rendition,
    pub(super) length: u64,
    /// How many bytes are on disk.
    pub(super) offset: u64,
    /// The header as the client sent it.
    pub(super) metadata: String,
    pub(super) state: State,
    pub(super) expires_ms: i64,
}

const COLUMNS: &str = "id, device, document, hash, media_type, rendition, length, offset, metadata, state, expires_ms";

fn read(row: &SqlRow<'_>) -> rusqlite::Result<Option<Upload>> {
    let state = match row.get_ref(9)?.as_str()? {
        "open" => State::Open,
        "done" => State::Done,
        slug => match REFUSALS.into_iter().find(|cause| cause.slug() == slug) {
            Some(cause) => State::Refused(cause),
            None => return Ok(None),
        },
    };
    let id: Vec<u8> = row.get(0)?;
    let (Ok(id), Some(hash), Some(rendition)) = (
        Uuid::from_slice(&id),
        ContentHash::from_slice(row.get_ref(3)?.as_blob()?),
        Rendition::from_name(row.get_ref(5)?.as_str()?),
    ) else {
        return Ok(None);
    };
    Ok(Some(Upload {
        id,
        device: id::id(row, 1)?,
        document: id::id(row, 2)?,
        hash,
        media_type: row
            .get_ref(4)?
            .as_str_or_null()?
            .and_then(MediaType::from_name),
        rendition,
        length: row.get(6)?,
        offset: row.get(7)?,
        metadata: row.get(8)?,
        state,
        expires_ms: row.get(10)?,
    }))
}

/// Looks an upload up.
pub(super) fn find(sql: &Connection, upload: Uuid) -> Result<Option<Upload>, Error> {
    let found = sql
        .prepare_cached(&format!("SELECT {COLUMNS} FROM uploads WHERE id = ?1"))?
        .query_row([upload.as_bytes().as_slice()], read)
        .optional()?;
    match found {
        Some(None) => Err(Error::Unreadable("upload")),
        Some(found) => Ok(found),
        None => Ok(None),
    }
}

/// Uploads whose bytes are all there and that nobody has finished.
pub(super) fn whole(sql: &Connection) -> Result<Vec<Upload>, Error> {
    let mut statement = sql.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM uploads WHERE state = 'open' AND offset = length"
    ))?;
    let rows = statement.query_map([], read)?;
    let found: Vec<Option<Upload>> = rows.collect::<Result<_, _>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// Notes a new upload.
pub(super) fn insert(writing: &Writing<'_>, upload: &Upload) -> Result<(), Error> {
    let state = match upload.state {
        State::Open => "open",
        State::Done => "done",
        State::Refused(cause) => cause.slug(),
    };
    writing
        .sql
        .prepare_cached(&format!(
            "INSERT INTO uploads ({COLUMNS}, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        ))?
        .execute(params![
            upload.id.as_bytes().as_slice(),
            upload.device.as_bytes().as_slice(),
            upload.document.as_bytes().as_slice(),
            upload.hash.0.as_slice(),
            upload.media_type.map(MediaType::name),
            upload.rendition.name(),
            upload.length,
            upload.offset,
            upload.metadata,
            state,
            upload.expires_ms,
            writing.now_ms,
        ])?;
    Ok(())
}

/// Notes how far an upload has come, or how far it was taken back.
pub(super) fn set_offset(
    writing: &Writing<'_>,
    upload: Uuid,
    offset: u64,
    expires_ms: i64,
) -> Result<(), Error> {
    writing
        .sql
        .prepare_cached("UPDATE uploads SET offset = ?2, expires_ms = ?3 WHERE id = ?1")?
        .execute(params![upload.as_bytes().as_slice(), offset, expires_ms])?;
    Ok(())
}

/// Notes the end of an upload.
pub(super) fn set_state(writing: &Writing<'_>, upload: Uuid, state: State) -> Result<(), Error> {
    let state = match state {
        State::Open => "open",
        State::Done => "done",
        State::Refused(cause) => cause.slug(),
    };
    writing
        .sql
        .prepare_cached("UPDATE uploads SET state = ?2 WHERE id = ?1")?
        .execute(params![upload.as_bytes().as_slice(), state])?;
    Ok(())
}

/// Forgets an upload.
pub(super) fn delete(writing: &Writing<'_>, upload: Uuid) -> Result<(), Error> {
    writing
        .sql
        .prepare_cached("DELETE FROM uploads WHERE id = ?1")?
        .execute([upload.as_bytes().as_slice()])?;
    Ok(())
}
