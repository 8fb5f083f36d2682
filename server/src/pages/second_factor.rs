//! Setting one's second factor up on pages: the QR code, the recovery codes, taking it away.

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    admin::codes::inline,
    confirm::Confirm,
    frame::{self, Frame, Visitor},
};
use crate::{
    accounts::{
        access::by_form,
        second_factor::endpoint::{self, Code, Password, RecoveryCodes, Setup},
    },
    app::Shared,
    http::{body::Json, problem::Problem},
};

/// A form with one's password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConfirmingForm)]
pub(crate) struct PasswordForm {
    password: String,
    csrf: String,
}

/// A wrong password in a form of a good session: the form is wrong, not the session.
fn of_form(problem: Problem) -> Problem {
    match problem.status() {
        StatusCode::UNAUTHORIZED => {
            Problem::invalid("The password is wrong").vietnamese("Mật khẩu không đúng.")
        }
        _ => problem,
    }
}

#[derive(Template)]
#[template(path = "second_factor.html")]
struct SetupPage<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    setup: &'a Setup,
    qr: &'a str,
    wrong: bool,
}

fn setup_page(visitor: &Visitor, setup: &Setup, wrong: bool) -> Result<Response, Problem> {
    frame::page(&SetupPage {
        frame: Frame::of(visitor),
        csrf: &visitor.csrf,
        qr: inline(&setup.qr_svg),
        setup,
        wrong,
    })
}

/// Begin to set up a second factor by form.
#[utoipa::path(post, path = "/account/second-factor", tag = "pages",
    request_body(content = PasswordForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, description = "forbidden"), (status = 409, description = "exists"), (status = 422, description = "invalid: the password is wrong")))]
pub(crate) async fn begin(
    State(app): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form<PasswordForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let password = form.password;
    let (_, Json(setup)) = endpoint::begin(State(app), caller, Json(Password { password }))
        .await
        .map_err(of_form)?;
    setup_page(&visitor, &setup, false)
}

/// A form with a code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecondFactorForm)]
pub(crate) struct CodeForm {
    code: String,
    csrf: String,
}

#[derive(Template)]
#[template(path = "recovery_codes.html")]
struct CodesPage<'a> {
    frame: Frame<'a>,
    codes: &'a RecoveryCodes,
    /// Whether the second factor has just been turned on.
    first: bool,
}

/// Confirm a second factor by form; the recovery codes are shown once.
#[utoipa::path(post, path = "/account/second-factor/confirm", tag = "pages",
    request_body(content = CodeForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, description = "forbidden"), (status = 422, description = "invalid: the code is wrong, or nothing was begun")))]
pub(crate) async fn confirm(
    State(app): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form<CodeForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let code = Json(Code { code: form.code });
    match endpoint::confirm(State(app.clone()), caller.clone(), code).await {
        Ok(Json(codes)) => frame::page(&CodesPage {
            frame: Frame::of(&visitor),
            codes: &codes,
            first: true,
        }),
        Err(problem) if problem.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            match endpoint::begun(&app, &caller).await {
                Ok(setup) => setup_page(&visitor, &setup, true),
                Err(_) => Err(problem),
            }
        }
        Err(problem) => Err(problem),
    }
}

/// Ask before one's second factor is taken away.
#[utoipa::path(get, path = "/account/second-factor/remove", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in")))]
pub(crate) async fn ask_remove(visitor: Visitor) -> Result<Response, Problem> {
    Confirm::new(
        &visitor,
        ("Tắt xác thực hai bước?", "Turn the second factor off?"),
        "/account/second-factor/remove",
    )
    .happens(
        "Từ lần sau chỉ cần mật khẩu là đăng nhập được.",
        "From then on the password alone is enough to sign in.",
    )
    .happens(
        "Các mã khôi phục còn lại hết hiệu lực.",
        "The recovery codes that are left are no longer good.",
    )
    .password("password", "Mật khẩu của bạn", "Your password")
    .button("Tắt", "Turn it off")
    .back("/account")
    .page()
}

/// Take one's second factor away by form.
#[utoipa::path(post, path = "/account/second-factor/remove", tag = "pages",
    request_body(content = PasswordForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Taken away"), (status = 403, description = "forbidden"), (status = 404, description = "not-found"), (status = 422, description = "invalid: the password is wrong")))]
pub(crate) async fn remove(
    State(app): Shared,
    headers: HeaderMap,
    Form(form): Form<PasswordForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let password = form.password;
    endpoint::remove(State(app), caller, Json(Password { password }))
        .await
        .map_err(of_form)?;
    Ok(Redirect::to("/account?done=second-factor-off").into_response())
}

/// Get new recovery codes by form; they are shown once.
#[utoipa::path(post, path = "/account/recovery-codes", tag = "pages",
    request_body(content = PasswordForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, description = "forbidden"), (status = 404, description = "not-found"), (status = 422, description = "invalid: the password is wrong")))]
pub(crate) async fn new_recovery_codes(
    State(app): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form<PasswordForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let password = form.password;
    let (_, Json(codes)) =
        endpoint::new_recovery_codes(State(app), caller, Json(Password { password }))
            .await
            .map_err(of_form)?;
    frame::page(&CodesPage {
        frame: Frame::of(&visitor),
        codes: &codes,
        first: false,
    })
}
