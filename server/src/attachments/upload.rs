//! Uploads by tus 1.0: make one, ask how far it is, send bytes, end it. Any tus client works; what it has to
//! say in `Upload-Metadata` is in `docs/attachments.md`.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use sokiem_record::limits;
use uuid::Uuid;

use super::{
    completion, quota, receiving,
    row::{self, Upload},
    scope, sweep,
    token::Uploader,
    tus::{self, Checksum, Metadata},
};
use crate::{
    app::{App, Shared},
    error::Error,
    http::problem::{Cause, Problem},
    platform,
    store::Writing,
    sync::stored,
};

/// What this server can do of tus.
#[utoipa::path(options, path = "/api/attachments/v1/uploads", tag = "attachments",
    responses((status = 204, description = "Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm")))]
pub(crate) async fn discover() -> Response {
    tus::discovery()
}

/// Begin an upload (tus creation, creation-with-upload).
#[utoipa::path(post, path = "/api/attachments/v1/uploads", tag = "attachments",
    request_body(content = String, content_type = "application/offset+octet-stream", description = "The first bytes, or nothing"),
    responses((status = 201, description = "Location, Upload-Offset, Upload-Expires; Sokiem-Attachment when nothing is left to send"),
        (status = 404, description = "not-found: the document is not here yet, or not yours to write"),
        (status = 412, description = "tus-version"), (status = 413, description = "attachment-too-large"),
        (status = 422, description = "invalid, type-not-allowed, wrong-content-hash, picture-too-large"),
        (status = 429, description = "too-many-requests: uploads under way"), (status = 507, description = "quota-reached")),
    security(("upload" = [])))]
pub(crate) async fn create(
    State(app): Shared,
    uploader: Result<Uploader, Problem>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    tus::answer(create_(app, uploader, &headers, body).await)
}

async fn create_(
    app: Arc<App>,
    uploader: Result<Uploader, Problem>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    tus::expect_version(headers)?;
    let uploader = uploader?;
    let length = tus::number(headers, &tus::LENGTH)?;
    if length > limits::MAX_ATTACHMENT_BYTES {
        return Err(Problem::new(Cause::AttachmentTooLarge)
            .member("limit_bytes", limits::MAX_ATTACHMENT_BYTES));
    }
    if length == 0 {
        return Err(Problem::invalid("Upload-Length: at least 1"));
    }
    let metadata = Metadata::read(headers)?;
    let checksum = Checksum::of(headers)?;
    let known = headers.contains_key(tus::ACCEPT_KNOWN);
    sweep::now_and_then(&app).await?;
    let shared = Arc::clone(&app);
    let mut upload = app
        .store
        .write(move |writing| begin(writing, &shared, uploader, metadata, length, known))
        .await?;
    if tus::has_bytes(headers) && upload.state == row::State::Open {
        let turn = app.attachments.turns.take(upload.id).await;
        upload = receiving::receive(&app, turn, upload, checksum, body).await?;
    }
    let mut response = tus::standing(StatusCode::CREATED, &upload);
    let place = format!("/api/attachments/v1/uploads/{}", upload.id);
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

fn begin(
    writing: &Writing<'_>,
    app: &App,
    uploader: Uploader,
    metadata: Metadata,
    length: u64,
    known: bool,
) -> Result<Upload, Problem> {
    let areas = scope::of_device(writing.sql, uploader.account)?;
    stored::find(writing.sql, metadata.document)?
        .filter(|row| areas.writable(row.area))
        .ok_or_else(Problem::not_found)?;
    let mut upload = Upload {
        id: writing.machine.new_id()?,
        device: uploader.device,
        document: metadata.document,
        hash: metadata.hash,
        media_type: metadata.media_type,
        rendition: metadata.rendition,
        length,
        offset: 0,
        metadata: metadata.text,
        state: row::State::Open,
        expires_ms: platform::after_s(writing.now_ms, app.config.lifetimes.upload_s),
    };
    // Only who may read it already is told that it is here. Everybody else brings the bytes, and so proves
    // that they have them.
    let here = scope::visible(writing.sql, upload.hash, &areas)?;
    if known && here.is_some_and(|(stored, ..)| stored.bytes == length) {
        upload.offset = length;
        upload.state = row::State::Done;
        scope::link(
            writing,
            upload.document,
            upload.hash,
            upload.rendition,
            upload.device,
        )?;
    } else {
        quota::check(
            writing,
            &app.config.limits,
            upload.device,
            upload.document,
            length,
        )?;
    }
    row::insert(writing, &upload)?;
    Ok(upload)
}

/// How far an upload is (tus core).
#[utoipa::path(head, path = "/api/attachments/v1/uploads/{id}", tag = "attachments", params(("id" = Uuid, Path, description = "The upload")),
    responses((status = 200, description = "Upload-Offset, Upload-Length, Upload-Metadata, Upload-Expires; Sokiem-Attachment when it is stored"),
        (status = 404, description = "not-found"), (status = 410, description = "upload-gone")),
    security(("upload" = [])))]
pub(crate) async fn head(
    State(app): Shared,
    uploader: Result<Uploader, Problem>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Response {
    tus::answer(head_(app, uploader, id, &headers).await)
}

async fn head_(
    app: Arc<App>,
    uploader: Result<Uploader, Problem>,
    id: Uuid,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    tus::expect_version(headers)?;
    let uploader = uploader?;
    find(&app, uploader, id).await?;
    // Bytes that an older connection still brings are counted before the answer.
    let _turn = app.attachments.turns.take(id).await;
    let mut upload = find(&app, uploader, id).await?;
    if upload.state == row::State::Open && upload.offset == upload.length {
        upload = completion::finish(&app, upload).await?;
    }
    let mut response = tus::standing(StatusCode::OK, &upload);
    let headers = response.headers_mut();
    headers.insert(tus::LENGTH, HeaderValue::from(upload.length));
    if let Ok(metadata) = HeaderValue::from_str(&upload.metadata) {
        headers.insert(tus::METADATA, metadata);
    }
    Ok(response)
}

/// The caller's upload, unless it is gone.
async fn find(app: &App, uploader: Uploader, id: Uuid) -> Result<Upload, Problem> {
    let now_ms = app.machine.now_ms();
    app.store
        .read(move |sql| {
            let upload = row::find(sql, id)?
                .filter(|upload| upload.device == uploader.device)
                .ok_or_else(Problem::not_found)?;
            match upload.state {
                row::State::Refused(cause) => {
                    Err(Problem::new(Cause::UploadGone).member("refused", cause.slug()))
                }
                row::State::Open if upload.expires_ms <= now_ms => {
                    Err(Problem::new(Cause::UploadGone))
                }
                _ => Ok(upload),
            }
        })
        .await
}

/// Send bytes (tus core, checksum).
#[utoipa::path(patch, path = "/api/attachments/v1/uploads/{id}", tag = "attachments", params(("id" = Uuid, Path, description = "The upload")),
    request_body(content = String, content_type = "application/offset+octet-stream"),
    responses((status = 204, description = "Upload-Offset, Upload-Expires; Sokiem-Attachment when it is stored"),
        (status = 404, description = "not-found"), (status = 409, description = "offset-mismatch"), (status = 410, description = "upload-gone"),
        (status = 413, description = "attachment-too-large"), (status = 415, description = "unsupported-media-type"),
        (status = 422, description = "wrong-content-hash, type-not-allowed, picture-too-large: the upload is gone"),
        (status = 423, description = "upload-taken-over"), (status = 460, description = "checksum-mismatch")),
    security(("upload" = [])))]
pub(crate) async fn patch(
    State(app): Shared,
    uploader: Result<Uploader, Problem>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    tus::answer(patch_(app, uploader, id, &headers, body).await)
}

async fn patch_(
    app: Arc<App>,
    uploader: Result<Uploader, Problem>,
    id: Uuid,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    tus::expect_version(headers)?;
    let uploader = uploader?;
    if !tus::has_bytes(headers) {
        return Err(Problem::new(Cause::UnsupportedMediaType)
            .detail(format!("The content type must be {}", tus::OFFSET_TYPE)));
    }
    let offset = tus::number(headers, &tus::OFFSET)?;
    let checksum = Checksum::of(headers)?;
    find(&app, uploader, id).await?;
    let turn = app.attachments.turns.take(id).await;
    let upload = find(&app, uploader, id).await?;
    if upload.offset != offset || upload.state == row::State::Done {
        return Err(Problem::new(Cause::OffsetMismatch).member("offset", upload.offset));
    }
    let upload = receiving::receive(&app, turn, upload, checksum, body).await?;
    Ok(tus::standing(StatusCode::NO_CONTENT, &upload))
}

/// End an upload and forget its bytes (tus termination). What is stored already stays.
#[utoipa::path(delete, path = "/api/attachments/v1/uploads/{id}", tag = "attachments", params(("id" = Uuid, Path, description = "The upload")),
    responses((status = 204, description = "Ended"), (status = 404, description = "not-found")),
    security(("upload" = [])))]
pub(crate) async fn terminate(
    State(app): Shared,
    uploader: Result<Uploader, Problem>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Response {
    tus::answer(terminate_(app, uploader, id, &headers).await)
}

async fn terminate_(
    app: Arc<App>,
    uploader: Result<Uploader, Problem>,
    id: Uuid,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    tus::expect_version(headers)?;
    let uploader = uploader?;
    find(&app, uploader, id).await?;
    let _turn = app.attachments.turns.take(id).await;
    app.store
        .write(move |writing| row::delete(writing, id).map_err(Problem::from))
        .await?;
    receiving::remove_file(&app, id).await?;
    Ok(Response::builder()
        .status(StatusCode::NO_CONTENT)
        .body(Body::empty())
        .unwrap_or_default())
}

/// Any of the above from where only GET and POST pass: `X-HTTP-Method-Override` names the method.
#[utoipa::path(post, path = "/api/attachments/v1/uploads/{id}", tag = "attachments", params(("id" = Uuid, Path, description = "The upload")),
    responses((status = 200, description = "As the method that the header names"), (status = 400, description = "malformed-query")),
    security(("upload" = [])))]
pub(crate) async fn overridden(
    State(app): Shared,
    uploader: Result<Uploader, Problem>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let method = headers
        .get(tus::METHOD)
        .and_then(|value| value.to_str().ok());
    tus::answer(match method {
        Some("HEAD") => head_(app, uploader, id, &headers).await,
        Some("PATCH") => patch_(app, uploader, id, &headers, body).await,
        Some("DELETE") => terminate_(app, uploader, id, &headers).await,
        _ => match uploader {
            Ok(_) => Err(Problem::new(Cause::MalformedQuery)
                .detail("X-HTTP-Method-Override: HEAD, PATCH or DELETE")),
            Err(problem) => Err(problem),
        },
    })
}

impl From<completion::Refused> for Problem {
    fn from(refused: completion::Refused) -> Self {
        Problem::new(refused.cause).detail(refused.detail)
    }
}

/// An upload as the sweep finishes it: nobody waits for the answer.
pub(super) async fn finish_quietly(app: &App, upload: Upload) -> Result<(), Error> {
    let _turn = app.attachments.turns.take(upload.id).await;
    let id = upload.id;
    let still = app.store.read(move |sql| row::find(sql, id)).await?;
    match still {
        Some(upload) if upload.state == row::State::Open && upload.offset == upload.length => {
            completion::finish_or_refuse(app, upload).await.map(|_| ())
        }
        _ => Ok(()),
    }
}
