//! The file of a phone that gets no network any more: a form for it, and what came of it.
//!
//! There is no preview: an import writes nothing into any record, and the same file again changes nothing.

use askama::Template;
use axum::{
    extract::{Multipart, State},
    http::HeaderMap,
    response::Response,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::kind;
use crate::{
    accounts::access::by_form,
    app::Shared,
    http::problem::Problem,
    pages::{
        frame::{self, Frame, Visitor},
        shown::Shown,
        upload,
    },
    records::quarantine::import::{self, Imported, MOST_BYTES, too_large},
};

#[derive(Template)]
#[template(path = "quarantine_import.html")]
struct Page<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    most_mib: usize,
    /// What came of the file that was just sent.
    done: Option<Done>,
}

struct Done {
    file_name: String,
    imported: Imported,
}

/// The form.
#[utoipa::path(get, path = "/quarantine/import", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn show(visitor: Visitor) -> Result<Response, Problem> {
    page(&visitor, None)
}

fn page(visitor: &Visitor, done: Option<Done>) -> Result<Response, Problem> {
    frame::page(&Page {
        frame: Frame::of(visitor),
        csrf: &visitor.csrf,
        most_mib: MOST_BYTES / 1024 / 1024,
        done,
    })
}

/// The form with a file.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "the shape of a multipart form, for the API's description"
)]
#[schema(as = ChosenExport)]
pub(crate) struct Chosen {
    csrf: String,
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Take in the file of a phone by form.
#[utoipa::path(post, path = "/quarantine/import", tag = "pages",
    request_body(content = Chosen, content_type = "multipart/form-data"),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, description = "forbidden"),
        (status = 413, description = "body-too-large"), (status = 422, description = "invalid")))]
pub(crate) async fn import(
    State(app): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    form: Multipart,
) -> Result<Response, Problem> {
    let turn = import::turn(&app).await?;
    let sent = upload::read(form, &["csrf"], MOST_BYTES, too_large).await?;
    let caller = by_form(&app, &headers, sent.field("csrf")).await?;
    let file = sent.file.ok_or_else(|| {
        Problem::invalid("file: choose a file")
            .vietnamese("Hãy chọn tệp do máy của cán bộ xuất ra.")
    })?;
    let imported = import::take_in(&app, caller, file).await?;
    drop(turn);
    let done = Done {
        file_name: sent.file_name,
        imported,
    };
    page(&visitor, Some(done))
}
