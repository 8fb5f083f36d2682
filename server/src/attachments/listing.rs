//! What a record has attached, and whether it has arrived: a page can then say "ảnh chưa gửi tới".

use std::collections::HashMap;

use axum::extract::{Path, State};
use rusqlite::{Connection, params};
use serde::Serialize;
use sokiem_record::{
    ChangeHash,
    attachment::{ContentHash, Reference, Rendition},
    document::Document,
    id::DocumentId,
    schema::Path as FieldPath,
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::scope;
use crate::{
    accounts::access::Caller,
    app::{App, Shared},
    audit::reads::looked_at_record,
    error::Error,
    http::{body::Json, problem::Problem},
    records::record,
    sync::stored,
};

/// Whether an attachment is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Arrival {
    /// Its bytes are here.
    Arrived,
    /// A device is expected to send it.
    Awaited,
    /// It was named long ago and has not come.
    Missing,
}

/// An attachment that a record names.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Attachment {
    /// The element or field that names it.
    #[schema(value_type = String)]
    pub(crate) path: FieldPath,
    /// SHA-256 of its bytes: `GET /api/v1/attachments/{hash}`.
    pub(crate) hash: String,
    /// `original` or `thumbnail`.
    pub(crate) kind: String,
    /// Whether it is here.
    pub(crate) state: Arrival,
    /// Whether the element that names it was struck out.
    pub(crate) removed: bool,
    /// Its type by its content, once it is here.
    pub(crate) media_type: Option<String>,
    /// Its size in bytes, once it is here.
    pub(crate) bytes: Option<u64>,
    /// Width and height of a picture in pixels as stored, once it is here.
    pub(crate) size: Option<(u32, u32)>,
    /// How many of its bytes are here, while it is on its way.
    pub(crate) received_bytes: Option<u64>,
    /// When the server first heard of it, milliseconds since 1970-01-01 UTC.
    pub(crate) named_ms: Option<i64>,
}

/// List what a record has attached, and whether it has arrived.
#[utoipa::path(get, path = "/api/v1/records/{id}/attachments", tag = "attachments", params(("id" = Uuid, Path, description = "The record")),
    responses((status = 200, body = Vec<Attachment>), (status = 404, description = "not-found")), security(("session" = [])))]
pub(crate) async fn list(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<Attachment>>, Problem> {
    let late_ms = late_ms(&app);
    let account = caller.account;
    let (area, listed) = app
        .store
        .read(move |sql| {
            let (row, document) = record::open(sql, &caller, DocumentId(id))?;
            Ok::<_, Problem>((row.area, of(sql, &document, late_ms)?))
        })
        .await?;
    looked_at_record(&app, account, id, area, "attachments");
    Ok(Json(listed))
}

/// What was named before this time and is not here is missing.
pub(crate) fn late_ms(app: &App) -> i64 {
    let awaited_ms = i64::try_from(app.config.lifetimes.attachment_awaited_s)
        .unwrap_or(i64::MAX)
        .saturating_mul(1000);
    app.machine.now_ms().saturating_sub(awaited_ms)
}

/// What a document has attached.
pub(crate) fn of(
    sql: &Connection,
    document: &Document,
    late_ms: i64,
) -> Result<Vec<Attachment>, Error> {
    let received = stored::received_ms(sql, document.id())?;
    let references = document.references().into_iter();
    references
        .map(|reference| describe(sql, document, &received, reference, late_ms))
        .collect()
}

fn describe(
    sql: &Connection,
    document: &Document,
    received: &HashMap<ChangeHash, i64>,
    reference: Reference,
    late_ms: i64,
) -> Result<Attachment, Error> {
    let here = if scope::linked(sql, document.id(), reference.hash)? {
        scope::find(sql, reference.hash)?
    } else {
        None
    };
    let named_ms = document
        .provenance(&reference.path)
        .iter()
        .filter_map(|said| received.get(&said.provenance.hash).copied())
        .min();
    let state = match (&here, named_ms) {
        (Some(_), _) => Arrival::Arrived,
        (None, Some(named_ms)) if named_ms <= late_ms => Arrival::Missing,
        _ => Arrival::Awaited,
    };
    let received_bytes = match here {
        Some(_) => None,
        None => on_its_way(sql, document.id(), reference.hash)?,
    };
    Ok(Attachment {
        path: reference.path,
        hash: reference.hash.to_string(),
        kind: reference.rendition.name().to_owned(),
        state,
        removed: reference.removed,
        media_type: here.map(|stored| stored.media_type.name().to_owned()),
        bytes: here.map(|stored| stored.bytes),
        size: here.and_then(|stored| stored.size),
        received_bytes,
        named_ms,
    })
}

fn on_its_way(
    sql: &Connection,
    document: DocumentId,
    hash: ContentHash,
) -> Result<Option<u64>, Error> {
    Ok(sql
        .prepare_cached(
            "SELECT max(offset) FROM uploads WHERE document = ?1 AND hash = ?2 AND state = 'open'",
        )?
        .query_row(
            params![document.as_bytes().as_slice(), hash.0.as_slice()],
            |row| row.get(0),
        )?)
}

impl Attachment {
    /// Whether it is a small picture that a page may show.
    pub(crate) fn is_thumbnail(&self) -> bool {
        self.kind == Rendition::Thumbnail.name()
    }
}
