//! Enrolling a device: a code for an officer, shown once, as text and as QR code.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use uuid::Uuid;

use super::{
    Place,
    account_page::{self, Sure},
};
use crate::{
    accounts::{access::by_form, account::Account},
    app::Shared,
    devices::code::{self, Code, NewCode},
    http::{body::Json, problem::Problem},
    pages::frame::{self, Frame, Visitor},
};

#[derive(Template)]
#[template(path = "admin/code.html")]
struct Page<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    account: &'a Account,
    code: &'a Code,
    qr: &'a str,
    has_field_app: bool,
}

/// Make an enrolment code by form; it is shown once.
#[utoipa::path(post, path = "/admin/accounts/{account}/code", tag = "pages", params(("account" = Uuid, Path, description = "The account")),
    request_body(content = Sure, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, description = "forbidden")))]
pub(crate) async fn create(
    State(app): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Sure>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let account = account_page::find(State(app.clone()), &caller, id).await?;
    let has_field_app = app.field_app.is_some();
    let (_, Json(code)) = code::create(State(app), caller, Json(NewCode { account: id })).await?;
    frame::page(&Page {
        frame: Frame::of(&visitor),
        place: Place::new(&visitor, "/admin/accounts"),
        account: &account,
        qr: inline(&code.qr_svg),
        code: &code,
        has_field_app,
    })
}

/// A drawing as it stands inside of a page: without the declaration that a file begins with.
pub(crate) fn inline(svg: &str) -> &str {
    svg.find("<svg")
        .and_then(|start| svg.get(start..))
        .unwrap_or_default()
}
