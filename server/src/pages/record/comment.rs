//! Commenting on a criterion or on the whole inspection by form. Officers get it on their devices.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::field::anchor;
use crate::{
    accounts::access::by_form,
    app::Shared,
    http::{body::Json, problem::Problem},
    pages::{
        again::Failed,
        frame::{self, Frame, Visitor},
    },
    records::comment,
};

/// The form of a comment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommentForm {
    /// The criterion's code; empty for the whole record.
    #[serde(default)]
    item: String,
    text: String,
    csrf: String,
}

#[derive(Template)]
#[template(path = "record_comment.html")]
struct Page<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    id: Uuid,
    item: &'a str,
    text: &'a str,
    complaint: String,
}

/// Comment by form.
#[utoipa::path(post, path = "/records/{id}/comments", tag = "pages", params(("id" = Uuid, Path, description = "The inspection")),
    request_body(content = CommentForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Written: to the criterion on the record's page"), (status = 404, description = "not-found"),
        (status = 422, content_type = "text/html", description = "The form again, with what is wrong", body = String)))]
pub(crate) async fn add(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<CommentForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let body = comment::NewComment {
        item: form.item.clone(),
        text: form.text.clone(),
    };
    let failed = if form.text.trim().is_empty() {
        Failed::wrong(("Hãy nhập nội dung góp ý.", "Say something."))
    } else {
        let state = State(Arc::clone(&app));
        match comment::add(state, caller.clone(), Path(id), Json(body)).await {
            Ok(_) => {
                let place = match form.item.as_str() {
                    "" => "comments".to_owned(),
                    item => anchor(&format!("items/{item}")),
                };
                return Ok(Redirect::to(&format!("/records/{id}#{place}")).into_response());
            }
            Err(problem) => problem.into(),
        }
    };
    let (status, complaint) = failed.explained()?;
    let visitor = Visitor {
        caller,
        csrf: form.csrf,
    };
    let page = frame::page(&Page {
        frame: Frame::of(&visitor),
        csrf: &visitor.csrf,
        id,
        item: &form.item,
        text: &form.text,
        complaint,
    })?;
    Ok((status, page).into_response())
}
