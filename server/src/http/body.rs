//! Request bodies: read within the limits, then decoded strictly.

use std::{error::Error as _, fmt::Display, str::FromStr, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::{LengthLimitError, Limited};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};
use sokiem_record::{
    limits,
    wire::{self, DecodeError, Versioned},
};

use tokio_stream::StreamExt as _;

use crate::{
    app::App,
    http::problem::{Cause, Problem},
    records::quarantine::import,
};

/// A CBOR message of the sync protocol.
pub(crate) struct Cbor<T>(pub(crate) T);

/// A JSON body whose type refuses unknown fields.
pub(crate) struct Json<T>(pub(crate) T);

/// Query parameters; what can't be read is a problem document.
pub(crate) struct Parameters<T>(pub(crate) T);

/// Reads a query parameter whose empty text means that nothing was chosen, as forms send it.
pub(crate) fn unless_empty<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    text.filter(|text| !text.is_empty())
        .map(|text| text.parse().map_err(D::Error::custom))
        .transpose()
}

/// The media type of a body, without its parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> &str {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map_or("", str::trim)
}

pub(crate) fn expect_media_type(
    headers: &HeaderMap,
    expected: &'static str,
) -> Result<(), Problem> {
    if media_type(headers).eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(Problem::new(Cause::UnsupportedMediaType)
        .detail(format!("The content type must be {expected}")))
}

/// A whole body, within a limit.
pub(crate) async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    to_bytes(body, limit).await.map_err(|error| {
        let mut cause = error.source();
        while let Some(inner) = cause {
            if inner.is::<LengthLimitError>() {
                return Problem::new(Cause::BodyTooLarge).detail(format!(
                    "The body is larger than {limit} bytes, or larger than {} as sent",
                    limits::MAX_BODY_BYTES
                ));
            }
            cause = inner.source();
        }
        Problem::new(Cause::MalformedBody)
            .detail("The body was cut off or is not encoded as its headers say")
    })
}

impl<T: DeserializeOwned + Versioned> FromRequest<Arc<App>> for Cbor<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, Problem> {
        expect_media_type(request.headers(), wire::MEDIA_TYPE)?;
        let bytes = read(request.into_body(), limits::MAX_DECOMPRESSED_BYTES).await?;
        match wire::decode(&bytes) {
            Ok(message) => Ok(Self(message)),
            Err(DecodeError::Version(version)) => Err(Problem::new(Cause::UnsupportedVersion)
                .detail(format!(
                    "This server speaks version {}",
                    wire::PROTOCOL_VERSION
                ))
                .member("version", version)),
            Err(error) => {
                Err(Problem::new(Cause::MalformedBody).detail(shortened(&error.to_string())))
            }
        }
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        expect_media_type(request.headers(), "application/json")?;
        let bytes = read(request.into_body(), app.config.limits.json_bytes).await?;
        // A derived type would also take its fields one after the other, without their names.
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            return Err(Problem::new(Cause::MalformedBody).detail("The body must be an object"));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            Problem::new(Cause::MalformedBody).detail(shortened(&error.to_string()))
        })
    }
}

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        Query::<T>::from_request_parts(parts, app)
            .await
            .map(|Query(value)| Self(value))
            .map_err(|error| {
                Problem::new(Cause::MalformedQuery).detail(shortened(&error.body_text()))
            })
    }
}

impl<T: Serialize> IntoResponse for Cbor<T> {
    fn into_response(self) -> Response {
        (
            [(header::CONTENT_TYPE, wire::MEDIA_TYPE)],
            wire::encode(&self.0),
        )
            .into_response()
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Limits bodies as they are sent. A body that announces too much is read and thrown away, up to as
/// much again, so that its sender gets to read the answer instead of a broken connection.
pub(crate) async fn limit(request: Request, next: Next) -> Response {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if is_upload(&request) {
        // Counted by its handler, which knows how many bytes there are to be.
        return next.run(request).await;
    }
    let most = most(&request);
    if announced.is_none_or(|announced| announced <= most) {
        let limited = |body| Body::new(Limited::new(body, most));
        return next.run(request.map(limited)).await;
    }
    let mut body = request.into_body().into_data_stream();
    let mut thrown_away = 0;
    while thrown_away < 2 * limits::MAX_BODY_BYTES {
        match body.next().await {
            Some(Ok(bytes)) => thrown_away += bytes.len(),
            _ => break,
        }
    }
    Problem::new(Cause::BodyTooLarge)
        .detail(format!("The body is larger than {most} bytes"))
        .into_response()
}

/// Most bytes of a body as it is sent.
fn most(request: &Request) -> usize {
    match request.uri().path() {
        // Whole phones come here as a file. What is too large is told by the handler, on a page that a person can read.
        "/quarantine/import" | "/api/v1/quarantine/import" => 2 * import::MOST_BYTES,
        _ => limits::MAX_BODY_BYTES,
    }
}

/// Whether the request is one of the upload protocol: large, slow, and taken in while it comes.
fn is_upload(request: &Request) -> bool {
    request
        .uri()
        .path()
        .starts_with("/api/attachments/v1/uploads")
}

/// Ends a request that takes too long. Uploads end by their own clock: when no byte comes.
pub(crate) async fn patience(limit: Duration, request: Request, next: Next) -> Response {
    if is_upload(&request) {
        return next.run(request).await;
    }
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(Cause::TimedOut).into_response(),
    }
}

/// Decoders may quote what they met; enough of it to find the mistake, and no more.
fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}
