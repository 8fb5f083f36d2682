//! Backups: which there are, whether they were checked, and what is configured.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};

use super::{Place, account_page::Sure};
use crate::{
    accounts::access::by_form,
    app::Shared,
    backup::state::{self, Backups},
    http::{body::Json, problem::Problem},
    pages::frame::{self, Frame, Visitor},
};

#[derive(Template)]
#[template(path = "admin/backups.html")]
struct Page<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    backups: &'a Backups,
}

/// A size for people.
fn size(bytes: &u64) -> String {
    let tenths = |unit: u64| format!("{},{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        1_000_000..1_000_000_000 => format!("{} MB", tenths(1_000_000)),
        _ => format!("{} GB", tenths(1_000_000_000)),
    }
}

/// Backups as a page.
#[utoipa::path(get, path = "/admin/backups", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn list(State(app): Shared, visitor: Visitor) -> Result<Response, Problem> {
    let Json(backups) = state::list(State(app), visitor.caller.clone()).await?;
    frame::page(&Page {
        frame: Frame::of(&visitor),
        place: Place::new(&visitor, "/admin/backups"),
        backups: &backups,
    })
}

/// Check a backup by form.
#[utoipa::path(post, path = "/admin/backups/{name}/check", tag = "pages", params(("name" = String, Path, description = "The backup")),
    request_body(content = Sure, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "It is checked, or being checked"), (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn check(
    State(app): Shared,
    headers: HeaderMap,
    Path(name): Path<String>,
    Form(form): Form<Sure>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    state::check(State(app), caller, Path(name)).await?;
    Ok(Redirect::to("/admin/backups").into_response())
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_read_as_people_say_them() {
        let size = |bytes: u64| super::size(&bytes);
        assert_eq!(size(1), "1 kB");
        assert_eq!(size(1_250_000), "1,2 MB");
        assert_eq!(size(3_000_000_000), "3,0 GB");
    }
}
