//! Devices: what they last said, which are silent, and sending one away.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use sokiem_record::fold::fold;
use uuid::Uuid;

use super::{Place, account_page::Sure};
use crate::{
    accounts::access::{Caller, by_form},
    app::Shared,
    devices::{
        device::{self, Device},
        wipe,
    },
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    pages::{
        confirm::Confirm,
        frame::{self, Frame, Visitor},
    },
};

/// A clock that is further off than this is worth a word.
const SKEW_MS: u64 = 2 * 60 * 1000;

/// Which devices.
#[derive(Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Part of the officer's or the device's name, accents or not.
    #[serde(default)]
    q: String,
    /// `silent`, `waiting` (something is not sent), `revoked`, or empty for those in use.
    #[serde(default)]
    state: String,
}

impl Wanted {
    fn holds(&self, device: &Device) -> bool {
        let words = fold(&self.q);
        let text = fold(&format!("{} {}", device.account_name, device.name));
        let revoked = device.revoked_ms.is_some();
        let fits = match self.state.as_str() {
            "silent" => device.silent,
            "waiting" => !revoked && unsent(device) > 0,
            "revoked" => revoked,
            _ => !revoked,
        };
        fits && words.split_whitespace().all(|word| text.contains(word))
    }
}

fn unsent(device: &Device) -> u64 {
    device
        .waiting
        .unwrap_or(0)
        .saturating_add(device.waiting_attachments.unwrap_or(0))
}

/// In what state a device is.
pub(super) fn state(device: &Device) -> (&'static str, &'static str) {
    match (device.revoked_ms, device.wipe_ms, device.wiped_ms) {
        (_, _, Some(_)) => ("đã xoá dữ liệu", "erased"),
        (Some(_), Some(_), None) => (
            "đã thu hồi trước khi xoá",
            "revoked before it erased itself",
        ),
        (Some(_), ..) => ("đã thu hồi", "revoked"),
        (None, Some(_), None) => ("chờ xoá dữ liệu", "is to be erased"),
        (None, None, None) if device.silent => ("im lặng đã lâu", "silent"),
        (None, None, None) => ("đang dùng", "in use"),
    }
}

/// How far a device's clock is off, for people; empty when nobody has to care.
fn skew(device: &Device) -> Option<(String, &'static str, &'static str)> {
    let ahead_ms = device.clock_ahead_ms?;
    if ahead_ms.unsigned_abs() < SKEW_MS {
        return None;
    }
    let minutes = ahead_ms.unsigned_abs() / 60_000;
    let length = match minutes {
        0..120 => format!("{minutes} phút"),
        120..2_880 => format!("{} giờ", minutes / 60),
        _ => format!("{} ngày", minutes / 1_440),
    };
    Some(match ahead_ms {
        1.. => (length, "nhanh", "fast"),
        _ => (length, "chậm", "slow"),
    })
}

#[derive(Template)]
#[template(path = "admin/devices.html")]
struct ListPage<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    wanted: &'a Wanted,
    devices: Vec<&'a Device>,
}

/// Devices as a page.
#[utoipa::path(get, path = "/admin/devices", tag = "pages", params(Wanted),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn list(
    State(app): Shared,
    visitor: Visitor,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Problem> {
    let Json(mut devices) = device::list(State(app), visitor.caller.clone()).await?;
    // Those that were heard of longest ago first: they are why somebody looks.
    devices.sort_by_key(|device| device.last_seen_ms);
    frame::page(&ListPage {
        frame: Frame::of(&visitor),
        place: Place::new(&visitor, "/admin/devices"),
        devices: devices
            .iter()
            .filter(|device| wanted.holds(device))
            .collect(),
        wanted: &wanted,
    })
}

async fn find(app: Shared, caller: &Caller, id: Uuid) -> Result<Device, Problem> {
    let Json(devices) = device::list(app, caller.clone()).await?;
    let found = devices.into_iter().find(|device| device.id == id);
    found.ok_or_else(Problem::not_found)
}

#[derive(Template)]
#[template(path = "admin/device.html")]
struct OnePage<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    device: &'a Device,
}

/// A device as a page.
#[utoipa::path(get, path = "/admin/devices/{id}", tag = "pages", params(("id" = Uuid, Path, description = "The device")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let device = find(State(app), &visitor.caller, id).await?;
    frame::page(&OnePage {
        frame: Frame::of(&visitor),
        place: Place::new(&visitor, "/admin/devices"),
        device: &device,
    })
}

fn what(device: &Device) -> String {
    let name = match device.name.as_str() {
        "" => "(không tên)",
        name => name,
    };
    format!("{name} · {}", device.account_name)
}

/// Ask before a device is revoked.
#[utoipa::path(get, path = "/admin/devices/{id}/revoke", tag = "pages", params(("id" = Uuid, Path, description = "The device")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found")))]
pub(crate) async fn ask_revoke(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let device = find(State(app), &visitor.caller, id).await?;
    Confirm::new(
        &visitor,
        ("Thu hồi thiết bị?", "Revoke the device?"),
        format!("/admin/devices/{id}/revoke"),
    )
    .about(what(&device))
    .happens(
        "Từ yêu cầu kế tiếp máy này không gửi và không nhận được gì nữa. Không hoàn tác được.",
        "From its next request on it neither sends nor receives. This is not undone.",
    )
    .happens(
        "Phần chưa gửi nằm lại trên máy; có thể xuất ra tệp và nhập tại đây.",
        "What it had not sent stays on it; that can be exported to a file and imported here.",
    )
    .happens(
        "Máy không nghe được yêu cầu xoá dữ liệu nữa. Nếu muốn xoá, hãy chọn xoá dữ liệu trước.",
        "It can't be told to erase itself any more. To erase it, ask for that first.",
    )
    .happens(
        "Dùng lại máy thì phải ghi danh bằng mã mới.",
        "To use it again it has to be enrolled with a new code.",
    )
    .button("Thu hồi", "Revoke")
    .back(format!("/admin/devices/{id}"))
    .page()
}

/// Revoke a device by form.
#[utoipa::path(post, path = "/admin/devices/{id}/revoke", tag = "pages", params(("id" = Uuid, Path, description = "The device")),
    request_body(content = Sure, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Revoked"), (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn revoke(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Sure>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    device::revoke(State(app), caller, Path(id)).await?;
    Ok(Redirect::to(&format!("/admin/devices/{id}")).into_response())
}

/// Ask before a device is asked to erase itself.
#[utoipa::path(get, path = "/admin/devices/{id}/wipe", tag = "pages", params(("id" = Uuid, Path, description = "The device")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found")))]
pub(crate) async fn ask_wipe(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let device = find(State(app), &visitor.caller, id).await?;
    Confirm::new(&visitor, ("Xoá dữ liệu trên thiết bị?", "Erase what the device holds?"), format!("/admin/devices/{id}/wipe"))
        .about(what(&device))
        .happens("Lần tới có mạng, máy gửi nốt phần gửi được, báo lại, rồi xoá hồ sơ, ảnh và khoá của nó. Không hoàn tác được.", "When it next has a network it sends what it can, says so, then erases records, photos and keys. This is not undone.")
        .happens("Máy không bao giờ có mạng lại thì không xoá được gì.", "A device that never has a network again erases nothing.")
        .happens("Hồ sơ đã gửi vẫn còn nguyên trên máy chủ.", "What it had sent stays on the server.")
        .button("Xoá dữ liệu", "Erase it")
        .back(format!("/admin/devices/{id}"))
        .page()
}

/// Ask a device to erase itself, by form.
#[utoipa::path(post, path = "/admin/devices/{id}/wipe", tag = "pages", params(("id" = Uuid, Path, description = "The device")),
    request_body(content = Sure, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "It will be told"), (status = 403, description = "forbidden"), (status = 409, description = "It is revoked")))]
pub(crate) async fn wipe(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Sure>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    wipe::ask(State(app), caller, Path(id)).await?;
    Ok(Redirect::to(&format!("/admin/devices/{id}")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(clock_ahead_ms: Option<i64>) -> Device {
        Device {
            id: Uuid::nil(),
            account: Uuid::nil(),
            account_name: "Nguyễn Văn Lân".to_owned(),
            name: "Máy 3".to_owned(),
            app_version: String::new(),
            enrolled_ms: 0,
            last_seen_ms: 0,
            key_since_ms: 0,
            expires_ms: 0,
            revoked_ms: None,
            wipe_ms: None,
            wiped_ms: None,
            quarantined: 0,
            reported_ms: None,
            clock_ahead_ms,
            waiting: Some(2),
            waiting_attachments: None,
            silent: false,
        }
    }

    #[test]
    fn a_clock_that_is_far_off_is_told_in_words() {
        assert_eq!(skew(&device(None)), None);
        assert_eq!(skew(&device(Some(-60_000))), None);
        let told = |ahead_ms| skew(&device(Some(ahead_ms))).unwrap();
        assert_eq!(told(180_000), ("3 phút".to_owned(), "nhanh", "fast"));
        assert_eq!(told(-7_200_000), ("2 giờ".to_owned(), "chậm", "slow"));
        assert_eq!(told(i64::MIN).1, "chậm");
    }

    #[test]
    fn devices_are_found_without_accents_and_by_state() {
        let wanted = |q: &str, state: &str| {
            let (q, state) = (q.to_owned(), state.to_owned());
            Wanted { q, state }.holds(&device(None))
        };
        assert!(wanted("lan may", "") && wanted("", "waiting"));
        assert!(!wanted("minh", "") && !wanted("", "silent") && !wanted("", "revoked"));
    }
}
