//! A file as an answer.

use axum::{
    body::Body,
    http::{HeaderName, header},
};

/// Media type of workbooks.
pub(crate) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// Media type of CSV files.
pub(crate) const CSV: &str = "text/csv; charset=utf-8";

/// A file that is saved, not shown. The name is the server's own: ASCII letters, digits, hyphens, a dot.
pub(crate) fn answer(
    name: &str,
    media_type: &'static str,
    body: impl Into<Body>,
) -> ([(HeaderName, String); 4], Body) {
    let headers = [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, body.into())
}
