//! One's own account: who one is here, the password, the sessions.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use sokiem_record::id::AreaId;
use utoipa::ToSchema;

use super::{
    admin::{account_page::Sure, role},
    frame::{self, Frame, Visitor},
};
use crate::{
    accounts::{
        access::{Role, by_form},
        own::{self, NewPassword, OwnSession},
        second_factor::endpoint::{self as second_factor, SecondFactor},
    },
    app::Shared,
    areas::area,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
};

/// What was just done, for a word about it.
#[derive(Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Just {
    /// `password`: it was changed; `second-factor-off`: it was taken away.
    #[serde(default)]
    done: String,
}

#[derive(Template)]
#[template(path = "own.html")]
struct Page<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    name: &'a str,
    role: Role,
    must_choose_password: bool,
    areas: Vec<String>,
    sessions: &'a [OwnSession],
    factor: &'a SecondFactor,
    done: &'a str,
}

/// One's own account as a page.
#[utoipa::path(get, path = "/account", tag = "pages", params(Just),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Parameters(just): Parameters<Just>,
) -> Result<Response, Problem> {
    let caller = || visitor.caller.clone();
    let Json(sessions) = own::sessions(State(app.clone()), caller()).await?;
    let Json(areas) = area::list(State(app.clone()), caller()).await?;
    let asking = caller();
    let mine = app.store.read(move |sql| asking.areas(sql)).await?;
    let areas = areas
        .into_iter()
        .filter(|area| mine.writable(AreaId(area.id)));
    let Json(factor) = second_factor::show(State(app), caller()).await?;
    frame::page(&Page {
        frame: Frame::of(&visitor),
        factor: &factor,
        csrf: &visitor.csrf,
        name: &visitor.caller.name,
        role: visitor.caller.role,
        must_choose_password: visitor.caller.must_choose_password && !visitor.caller.by_provider,
        areas: areas.map(|area| area.name).collect(),
        sessions: &sessions,
        done: &just.done,
    })
}

/// The form that changes the password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPasswordForm)]
pub(crate) struct PasswordForm {
    old: String,
    new: String,
    /// The new one once more.
    again: String,
    csrf: String,
}

/// Choose a password by form.
#[utoipa::path(post, path = "/account/password", tag = "pages",
    request_body(content = PasswordForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Changed"), (status = 403, description = "forbidden"), (status = 422, description = "invalid: the old one is wrong, or the new one too short")))]
pub(crate) async fn choose_password(
    State(app): Shared,
    headers: HeaderMap,
    Form(form): Form<PasswordForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    if form.new != form.again {
        return Err(Problem::invalid("The new password was typed in two ways")
            .vietnamese("Hai lần gõ mật khẩu mới không giống nhau."));
    }
    let body = NewPassword {
        old: form.old,
        new: form.new,
    };
    own::choose_password(State(app), caller, Json(body))
        .await
        .map_err(|problem| match problem.status() {
            // The session is good: it is the form that is wrong.
            StatusCode::UNAUTHORIZED => {
                Problem::invalid("The old password is wrong").vietnamese("Mật khẩu cũ không đúng.")
            }
            _ => problem,
        })?;
    Ok(Redirect::to("/account?done=password").into_response())
}

/// End one of one's own sessions by form.
#[utoipa::path(post, path = "/account/sessions/{id}/end", tag = "pages", params(("id" = String, Path, description = "The session")),
    request_body(content = Sure, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Ended"), (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn end_session(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<String>,
    Form(form): Form<Sure>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    own::end_session(State(app), caller, Path(id)).await?;
    Ok(Redirect::to("/account").into_response())
}
