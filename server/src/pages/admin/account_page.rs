//! One account: what it is, its areas and devices, and what can be done with it.

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

use super::{Place, areas, devices::state, role};
use crate::{
    accounts::{
        access::{Caller, Role, by_form},
        account::{self, Account},
        changing::{self, AccountChange, GivenPassword},
        grant,
        provider::identity::{self, NewIdentity},
        second_factor::endpoint as second_factor,
    },
    app::Shared,
    areas::area,
    devices::device::{self, Device},
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    pages::{
        confirm::Confirm,
        frame::{self, Frame, Visitor},
    },
};

/// A form that carries nothing but its session's CSRF text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sure {
    pub(crate) csrf: String,
}

/// The account, if it is the caller's to administrate.
pub(super) async fn find(app: Shared, caller: &Caller, id: Uuid) -> Result<Account, Problem> {
    let Json(accounts) = account::list(app, caller.clone()).await?;
    let found = accounts.into_iter().find(|account| account.id == id);
    found
        .filter(|account| account.administrated)
        .ok_or_else(Problem::not_found)
}

#[derive(Template)]
#[template(path = "admin/account.html")]
struct Page<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    account: &'a Account,
    /// Its areas: id and name.
    held: Vec<(Uuid, String)>,
    /// Areas that it may be given.
    others: Vec<areas::Branch>,
    devices: Vec<&'a Device>,
    /// Whether it is the visitor's own.
    own: bool,
    /// The identity provider, where one is configured.
    provider: Option<String>,
}

/// An account as a page.
#[utoipa::path(get, path = "/admin/accounts/{account}", tag = "pages", params(("account" = Uuid, Path, description = "The account")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let caller = &visitor.caller;
    let account = find(State(app.clone()), caller, id).await?;
    let Json(all) = area::list(State(app.clone()), caller.clone()).await?;
    let Json(devices) = device::list(State(app.clone()), caller.clone()).await?;
    let provider = app.config.oidc.as_ref().map(|oidc| oidc.name.clone());
    let others = areas::own(app, &visitor).await?;
    let name = |id: &Uuid| {
        let area = all.iter().find(|area| area.id == *id);
        (*id, area.map_or("…".to_owned(), |area| area.name.clone()))
    };
    frame::page(&Page {
        frame: Frame::of(&visitor),
        place: Place::new(&visitor, "/admin/accounts"),
        held: account.areas.iter().map(name).collect(),
        others: others
            .into_iter()
            .filter(|branch| !account.areas.contains(&branch.area.id))
            .collect(),
        devices: devices
            .iter()
            .filter(|device| device.account == id)
            .collect(),
        own: caller.account.0 == id,
        provider,
        account: &account,
    })
}

/// The form that changes an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountChangeForm)]
pub(crate) struct ChangeForm {
    name: String,
    title: String,
    /// Only administrators send it.
    #[serde(default)]
    #[schema(value_type = Role, required = false)]
    role: Option<Role>,
    csrf: String,
}

/// Change name, title and role by form.
#[utoipa::path(post, path = "/admin/accounts/{account}", tag = "pages", params(("account" = Uuid, Path, description = "The account")),
    request_body(content = ChangeForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Changed"), (status = 403, description = "forbidden"), (status = 422, description = "invalid")))]
pub(crate) async fn change(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<ChangeForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let body = AccountChange {
        name: Some(form.name),
        title: Some(form.title),
        role: form.role,
        active: None,
    };
    changing::change(State(app), caller, Path(id), Json(body)).await?;
    Ok(to_page(id))
}

fn to_page(id: Uuid) -> Response {
    Redirect::to(&format!("/admin/accounts/{id}")).into_response()
}

fn who(account: &Account) -> String {
    format!("{} ({})", account.name, account.login)
}

/// Ask before an account is closed.
#[utoipa::path(get, path = "/admin/accounts/{account}/close", tag = "pages", params(("account" = Uuid, Path, description = "The account")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found")))]
pub(crate) async fn ask_close(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let account = find(State(app), &visitor.caller, id).await?;
    Confirm::new(
        &visitor,
        ("Đóng tài khoản?", "Close the account?"),
        format!("/admin/accounts/{id}/close"),
    )
    .about(who(&account))
    .happens(
        "Mọi phiên đăng nhập của người này kết thúc ngay.",
        "All sessions of this person end at once.",
    )
    .happens(
        "Mọi thiết bị của người này bị thu hồi: dữ liệu chưa gửi chỉ còn trên máy.",
        "All their devices are revoked: what was not sent stays on the device only.",
    )
    .happens(
        "Hồ sơ đã ghi vẫn giữ nguyên, vẫn mang tên người ghi.",
        "What they recorded stays, under their name.",
    )
    .happens(
        "Có thể mở lại tài khoản, nhưng thiết bị phải ghi danh lại.",
        "The account can be opened again; devices have to be enrolled anew.",
    )
    .button("Đóng tài khoản", "Close the account")
    .back(format!("/admin/accounts/{id}"))
    .page()
}

/// Close an account by form.
#[utoipa::path(post, path = "/admin/accounts/{account}/close", tag = "pages", params(("account" = Uuid, Path, description = "The account")),
    request_body(content = Sure, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Closed"), (status = 403, description = "forbidden"), (status = 422, description = "invalid")))]
pub(crate) async fn close(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Sure>,
) -> Result<Response, Problem> {
    set_active(app, headers, id, &form, false).await
}

/// Open a closed account by form.
#[utoipa::path(post, path = "/admin/accounts/{account}/open", tag = "pages", params(("account" = Uuid, Path, description = "The account")),
    request_body(content = Sure, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Open again"), (status = 403, description = "forbidden")))]
pub(crate) async fn open(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Sure>,
) -> Result<Response, Problem> {
    set_active(app, headers, id, &form, true).await
}

async fn set_active(
    app: std::sync::Arc<crate::app::App>,
    headers: HeaderMap,
    id: Uuid,
    form: &Sure,
    active: bool,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let body = AccountChange {
        name: None,
        title: None,
        role: None,
        active: Some(active),
    };
    changing::change(State(app), caller, Path(id), Json(body)).await?;
    Ok(to_page(id))
}

/// Ask before somebody gets a new password.
#[utoipa::path(get, path = "/admin/accounts/{account}/password", tag = "pages", params(("account" = Uuid, Path, description = "The account")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found")))]
pub(crate) async fn ask_password(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let account = find(State(app), &visitor.caller, id).await?;
    Confirm::new(
        &visitor,
        ("Cấp mật khẩu mới?", "Give a new password?"),
        format!("/admin/accounts/{id}/password"),
    )
    .about(who(&account))
    .happens(
        "Mật khẩu hiện nay hết hiệu lực và mọi phiên đăng nhập kết thúc ngay.",
        "The present password is no longer good, and all sessions end at once.",
    )
    .happens(
        "Mật khẩu mới hiện ra một lần duy nhất trên trang sau. Hãy đọc cho đúng người.",
        "The new one is shown once, on the next page. Tell it to the right person.",
    )
    .happens(
        "Người nhận phải đổi mật khẩu trong một ngày, trước khi làm việc khác.",
        "They have to choose their own within a day, before anything else.",
    )
    .button("Cấp mật khẩu", "Give a password")
    .back(format!("/admin/accounts/{id}"))
    .page()
}

#[derive(Template)]
#[template(path = "admin/password_given.html")]
struct Given<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    account: &'a Account,
    given: &'a GivenPassword,
}

/// Give a password by form; it is shown once.
#[utoipa::path(post, path = "/admin/accounts/{account}/password", tag = "pages", params(("account" = Uuid, Path, description = "The account")),
    request_body(content = Sure, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, description = "forbidden")))]
pub(crate) async fn give_password(
    State(app): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Sure>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let account = find(State(app.clone()), &caller, id).await?;
    let (_, Json(given)) = changing::give_password(State(app), caller, Path(id)).await?;
    frame::page(&Given {
        frame: Frame::of(&visitor),
        place: Place::new(&visitor, "/admin/accounts"),
        account: &account,
        given: &given,
    })
}

/// The form that gives an area.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AreaForm {
    area: Uuid,
    csrf: String,
}

/// Give an area by form.
#[utoipa::path(post, path = "/admin/accounts/{account}/areas", tag = "pages", params(("account" = Uuid, Path, description = "The account")),
    request_body(content = AreaForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Given"), (status = 403, description = "forbidden"), (status = 422, description = "invalid")))]
pub(crate) async fn give_area(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<AreaForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    grant::put(State(app), caller, Path((id, form.area))).await?;
    Ok(to_page(id))
}

/// Ask before an area is taken from somebody.
#[utoipa::path(get, path = "/admin/accounts/{account}/areas/{area}/take", tag = "pages",
    params(("account" = Uuid, Path, description = "The account"), ("area" = Uuid, Path, description = "The area")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found")))]
pub(crate) async fn ask_take_area(
    State(app): Shared,
    visitor: Visitor,
    Path((id, area)): Path<(Uuid, Uuid)>,
) -> Result<Response, Problem> {
    let account = find(State(app.clone()), &visitor.caller, id).await?;
    let Json(all) = area::list(State(app), visitor.caller.clone()).await?;
    let name = all.into_iter().find(|one| one.id == area);
    let name = name.ok_or_else(Problem::not_found)?.name;
    Confirm::new(
        &visitor,
        ("Thu hồi địa bàn?", "Take the area?"),
        format!("/admin/accounts/{id}/areas/{area}/take"),
    )
    .about(format!("{} · {name}", who(&account)))
    .happens(
        "Người này không còn đọc và ghi hồ sơ của địa bàn, kể cả các địa bàn bên dưới.",
        "They no longer read or write what lies in the area and below it.",
    )
    .happens(
        "Thiết bị gửi nốt phần chưa gửi, rồi gỡ bản sao hồ sơ của địa bàn.",
        "Their devices send what waits, then remove their copies of it.",
    )
    .happens(
        "Hồ sơ đã ghi vẫn giữ nguyên trên máy chủ.",
        "What they recorded stays on the server.",
    )
    .button("Thu hồi", "Take the area")
    .back(format!("/admin/accounts/{id}"))
    .page()
}

/// Take an area by form.
#[utoipa::path(post, path = "/admin/accounts/{account}/areas/{area}/take", tag = "pages",
    params(("account" = Uuid, Path, description = "The account"), ("area" = Uuid, Path, description = "The area")),
    request_body(content = Sure, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Taken"), (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn take_area(
    State(app): Shared,
    headers: HeaderMap,
    Path((id, area)): Path<(Uuid, Uuid)>,
    Form(form): Form<Sure>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    grant::delete(State(app), caller, Path((id, area))).await?;
    Ok(to_page(id))
}

/// Ask before somebody's second factor is taken away.
#[utoipa::path(get, path = "/admin/accounts/{account}/second-factor", tag = "pages", params(("account" = Uuid, Path, description = "The account")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found")))]
pub(crate) async fn ask_remove_factor(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let account = find(State(app), &visitor.caller, id).await?;
    Confirm::new(
        &visitor,
        (
            "Tắt xác thực hai bước của người này?",
            "Take this person's second factor away?",
        ),
        format!("/admin/accounts/{id}/second-factor"),
    )
    .about(who(&account))
    .happens(
        "Chỉ làm khi chắc rằng chính người này đã mất điện thoại và mã khôi phục.",
        "Do it only when you are sure that it is they who have lost phone and recovery codes.",
    )
    .happens(
        "Từ lần sau chỉ cần mật khẩu là đăng nhập được, cho đến khi người này bật lại.",
        "From then on the password alone is enough, until they set it up again.",
    )
    .happens(
        "Việc này được ghi vào nhật ký.",
        "The audit log says that you did this.",
    )
    .button("Tắt", "Take it away")
    .back(format!("/admin/accounts/{id}"))
    .page()
}

/// Take somebody's second factor away by form.
#[utoipa::path(post, path = "/admin/accounts/{account}/second-factor", tag = "pages", params(("account" = Uuid, Path, description = "The account")),
    request_body(content = Sure, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Taken away"), (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn remove_factor(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Sure>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    second_factor::remove_of(State(app), caller, Path(id)).await?;
    Ok(to_page(id))
}

/// The form that says by what somebody is known at the identity provider; empty undoes it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentityForm {
    claim: String,
    csrf: String,
}

/// Say by what somebody is known at the identity provider, by form.
#[utoipa::path(post, path = "/admin/accounts/{account}/identity", tag = "pages", params(("account" = Uuid, Path, description = "The account")),
    request_body(content = IdentityForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Noted, or undone"), (status = 403, description = "forbidden"), (status = 409, description = "exists"), (status = 422, description = "invalid")))]
pub(crate) async fn set_identity(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<IdentityForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    match form.claim.trim() {
        "" => match identity::delete(State(app), caller, Path(id)).await {
            // There was none, and there is none.
            Err(problem) if problem.cause() == Cause::Invalid => {}
            done => {
                done?;
            }
        },
        claim => {
            let claim = claim.to_owned();
            identity::put(State(app), caller, Path(id), Json(NewIdentity { claim })).await?;
        }
    }
    Ok(to_page(id))
}
