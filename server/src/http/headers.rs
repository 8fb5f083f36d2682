//! Header fields of every answer that tell a browser what it must not do. A message for the core is nothing that a
//! browser shows, and its fields cost a phone more than what it says: it has those alone without which it could be
//! taken for something else.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use sokiem_record::wire;

use crate::app::App;

/// What every answer says.
const ALWAYS: (HeaderName, &str) = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");
/// What every answer says that a browser may show, unless it says something narrower itself.
const SHOWN: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];
/// Browsers that saw this address over TLS come back over TLS only, for a year.
const STRICT_TRANSPORT: &str = "max-age=31536000";

pub(crate) async fn dress(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let api = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let is_message = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|media_type| media_type == wire::MEDIA_TYPE);
    headers.insert(ALWAYS.0, HeaderValue::from_static(ALWAYS.1));
    for (name, value) in SHOWN.into_iter().filter(|_| !is_message) {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if api {
        headers
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
    }
    if app.config.secure_cookies {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static(STRICT_TRANSPORT),
        );
    }
    response
}
