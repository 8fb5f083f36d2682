//! What pages load beside their text: one stylesheet, built into the server.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

/// Where the stylesheet is. The number goes up with every release that changes it, because browsers keep it.
pub(crate) const STYLE_PATH: &str = concat!("/assets/style.css?v=", env!("CARGO_PKG_VERSION"));

/// The stylesheet.
#[utoipa::path(get, path = "/assets/style.css", tag = "pages",
    responses((status = 200, content_type = "text/css", body = String)))]
pub(crate) async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, include_str!("../../assets/style.css")).into_response()
}
