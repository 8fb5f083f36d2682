//! Attachments going out: to people by their session, to devices by their credential.
//!
//! What strangers sent is never run by a browser: the type is the one that the content has, sniffing is off, and
//! the content security policy puts it into a sandbox of its own.

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sokiem_record::{attachment::ContentHash, media::MediaType};

use super::{
    range::{self, Asked},
    scope::{self, Stored},
};
use crate::{
    accounts::access::Caller,
    app::{App, Shared},
    audit::reads::looked_at_record,
    devices::credential::DeviceCaller,
    http::problem::{Cause, Problem},
};

/// Read an attachment of a record that you may read.
#[utoipa::path(get, path = "/api/v1/attachments/{hash}", tag = "attachments", params(("hash" = String, Path, description = "SHA-256 of its bytes")),
    responses((status = 200, description = "The bytes", content_type = "image/jpeg"), (status = 206, description = "The range that was asked for"),
        (status = 304, description = "Not changed"), (status = 404, description = "not-found"), (status = 416, description = "range-not-there")),
    security(("session" = [])))]
pub(crate) async fn for_people(
    State(app): Shared,
    caller: Caller,
    Path(hash): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let hash = parse(&hash)?;
    let account = caller.account;
    let (stored, document, area) = app
        .store
        .read(move |sql| {
            let areas = caller.areas(sql)?;
            scope::visible(sql, hash, &areas)?.ok_or_else(Problem::not_found)
        })
        .await?;
    looked_at_record(&app, account, document.0, area, "attachment");
    send(&app, stored, &headers).await
}

/// Read an attachment of a record in the device's scope.
#[utoipa::path(get, path = "/api/device/v1/attachments/{hash}", tag = "attachments", params(("hash" = String, Path, description = "SHA-256 of its bytes")),
    responses((status = 200, description = "The bytes", content_type = "image/jpeg"), (status = 206, description = "The range that was asked for"),
        (status = 304, description = "Not changed"), (status = 404, description = "not-found"), (status = 416, description = "range-not-there")),
    security(("device" = [])))]
pub(crate) async fn for_devices(
    State(app): Shared,
    caller: DeviceCaller,
    Path(hash): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let hash = parse(&hash)?;
    let (stored, ..) = app
        .store
        .read(move |sql| {
            let areas = scope::of_device(sql, caller.account)?;
            scope::visible(sql, hash, &areas)?.ok_or_else(Problem::not_found)
        })
        .await?;
    send(&app, stored, &headers).await
}

fn parse(hash: &str) -> Result<ContentHash, Problem> {
    hash.parse().map_err(|_| Problem::not_found())
}

fn says(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

async fn send(app: &App, stored: Stored, headers: &HeaderMap) -> Result<Response, Problem> {
    let tag = format!("\"{}\"", stored.hash);
    let same = says(headers, header::IF_NONE_MATCH)
        .is_some_and(|tags| tags == "*" || tags.split(',').any(|known| known.trim() == tag));
    if same {
        return Ok(dressed(
            StatusCode::NOT_MODIFIED.into_response(),
            stored,
            &tag,
        ));
    }
    // A range of another version of the bytes makes no sense; there is one version, named by its hash.
    let fitting = says(headers, header::IF_RANGE).is_none_or(|version| version.trim() == tag);
    let asked = range::read(
        says(headers, header::RANGE).filter(|_| fitting),
        stored.bytes,
    );
    let (status, part) = match asked {
        Asked::Whole => (StatusCode::OK, 0..stored.bytes),
        Asked::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Asked::NotThere => {
            let mut response = Problem::new(Cause::RangeNotThere).into_response();
            set(
                &mut response,
                header::CONTENT_RANGE,
                &format!("bytes */{}", stored.bytes),
            );
            return Ok(response);
        }
    };
    let object = app
        .attachments
        .objects
        .get(stored.hash, Some(part.clone()))
        .await?;
    let body = Body::from_stream(object.into_stream());
    let mut response = dressed((status, body).into_response(), stored, &tag);
    set(
        &mut response,
        header::CONTENT_LENGTH,
        &(part.end - part.start).to_string(),
    );
    set(
        &mut response,
        header::CONTENT_TYPE,
        stored.media_type.name(),
    );
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!(
            "bytes {}-{}/{}",
            part.start,
            part.end.saturating_sub(1),
            stored.bytes
        );
        set(&mut response, header::CONTENT_RANGE, &range);
    }
    Ok(response)
}

fn dressed(mut response: Response, stored: Stored, tag: &str) -> Response {
    let show = if stored.media_type == MediaType::Pdf {
        "attachment"
    } else {
        "inline"
    };
    let name: String = stored.hash.to_string().chars().take(12).collect();
    let file = format!(
        "{show}; filename=\"sokiem-{name}.{}\"",
        stored.media_type.extension()
    );
    for (name, value) in [
        (header::ETAG, tag),
        (header::ACCEPT_RANGES, "bytes"),
        // Kept by whoever got it, and asked about each time: access may end.
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::CONTENT_DISPOSITION, &file),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox; frame-ancestors 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        set(&mut response, name, value);
    }
    set(
        &mut response,
        header::HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    response
}

fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
