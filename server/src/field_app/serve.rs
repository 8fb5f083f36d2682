//! Answers of `/app/`.

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};

use super::{File, INDEX, encoding};
use crate::{
    app::{App, Shared},
    http::problem::Problem,
    pages,
};

/// What the app may do in a browser: run its own scripts and its WebAssembly, show its own pictures and those that it
/// has in hand, talk to this server, start its workers; take photos and know where it is, if the person allows it.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(self), geolocation=(self), microphone=(), payment=(), usb=(), serial=(), hid=(), midi=(), display-capture=()",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Kept, and asked about each time: an update is met by the next visit with a network.
const ASK: &str = "no-cache";

/// To the app.
#[utoipa::path(get, path = "/app", tag = "pages", responses((status = 303, description = "To `/app/`, below which the app's service worker reigns")))]
pub(crate) async fn redirect() -> Redirect {
    Redirect::to("/app/")
}

/// The officer's app.
#[utoipa::path(get, path = "/app/", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 304, description = "As the browser has it"),
        (status = 404, description = "This server serves no app; a page that says so", content_type = "text/html", body = String)))]
pub(crate) async fn index(State(app): Shared, headers: HeaderMap) -> Result<Response, Problem> {
    match file(&app, INDEX) {
        Some(file) => answer(file, &headers),
        None => pages::no_field_app::page(&app),
    }
}

/// A file of the officer's app.
#[utoipa::path(get, path = "/app/{file}", tag = "pages", params(("file" = String, Path, description = "Its name")),
    responses((status = 200, description = "The file", content_type = "text/javascript", body = String),
        (status = 304, description = "As the browser has it"), (status = 404, description = "not-found")))]
pub(crate) async fn top(
    State(app): Shared,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let file = file(&app, &name).ok_or_else(|| no_file(&app))?;
    answer(file, &headers)
}

/// A file in a folder of the officer's app.
#[utoipa::path(get, path = "/app/{folder}/{file}", tag = "pages",
    params(("folder" = String, Path, description = "`icons`"), ("file" = String, Path, description = "Its name")),
    responses((status = 200, description = "The file", content_type = "image/png", body = String),
        (status = 304, description = "As the browser has it"), (status = 404, description = "not-found")))]
pub(crate) async fn inner(
    State(app): Shared,
    Path((folder, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let file = file(&app, &format!("{folder}/{name}")).ok_or_else(|| no_file(&app))?;
    answer(file, &headers)
}

fn file<'a>(app: &'a App, path: &str) -> Option<&'a File> {
    app.field_app.as_ref()?.file(path)
}

fn no_file(app: &App) -> Problem {
    match app.field_app {
        Some(_) => Problem::not_found(),
        None => Problem::not_found()
            .detail("This server was started without the officer's app: field_app.dir is not set")
            .vietnamese("Máy chủ này được khởi động mà không kèm ứng dụng của cán bộ."),
    }
}

fn answer(file: &File, headers: &HeaderMap) -> Result<Response, Problem> {
    let (form, coding) = encoding::choose(file, headers);
    let mut response = if encoding::is_held(headers, &form.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Body::from(form.bytes.clone()).into_response();
        let said = response.headers_mut();
        said.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(file.media_type),
        );
        said.extend(
            coding.map(|coding| (header::CONTENT_ENCODING, HeaderValue::from_static(coding))),
        );
        response
    };
    let etag = HeaderValue::from_str(&form.etag).map_err(|_| Problem::not_found())?;
    let kept = if file.is_immutable { FOR_EVER } else { ASK };
    let said = response.headers_mut();
    said.insert(header::ETAG, etag);
    said.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    said.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    for (name, value) in HEADERS {
        said.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}
