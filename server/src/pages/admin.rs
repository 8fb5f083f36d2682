//! Administration: people, devices, areas, and for administrators the server itself.

use askama::Template;
use axum::{extract::State, response::Response};

use super::frame::{self, Frame, Visitor};
use crate::{
    accounts::{access::Role, account},
    app::Shared,
    backup::state,
    devices::device,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    records::quarantine::list as refused,
    recovery::endpoint as recovery,
    webhooks::endpoint as webhooks_api,
};

pub(crate) mod account_page;
pub(crate) mod accounts;
pub(crate) mod area_page;
pub(crate) mod areas;
pub(crate) mod audit;
pub(crate) mod backups;
pub(crate) mod codes;
pub(crate) mod criteria;
pub(crate) mod devices;
pub(crate) mod recoveries;
pub(crate) mod retention;
pub(crate) mod webhooks;

/// A page below `/admin`, with which of them it is.
pub(crate) struct Place<'a> {
    tab: &'static str,
    role: Role,
    csrf: &'a str,
}

impl<'a> Place<'a> {
    pub(crate) fn new(visitor: &'a Visitor, tab: &'static str) -> Self {
        Self {
            tab,
            role: visitor.caller.role,
            csrf: &visitor.csrf,
        }
    }

    /// Whether the visitor administrates everything.
    pub(crate) fn all(&self) -> bool {
        self.role == Role::Administrator
    }

    /// The pages below `/admin` that the visitor may see: path, and name in both languages.
    fn tabs(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        let of_all = [
            ("/admin", "Tổng quan", "Overview"),
            ("/admin/accounts", "Tài khoản", "Accounts"),
            ("/admin/devices", "Thiết bị", "Devices"),
            ("/admin/areas", "Địa bàn", "Areas"),
            ("/admin/criteria", "Bộ tiêu chí", "Criteria"),
        ];
        let of_administrators = [
            ("/admin/audit", "Nhật ký", "Audit log"),
            ("/admin/backups", "Sao lưu", "Backups"),
            ("/admin/retention", "Lưu trữ", "Retention"),
            ("/admin/recovery", "Khôi phục", "Recovery"),
            ("/admin/webhooks", "Webhook", "Webhooks"),
        ];
        let more = of_administrators.into_iter().filter(|_| self.all());
        of_all.into_iter().chain(more).collect()
    }
}

/// What a role is called.
pub(crate) fn role(role: &Role) -> (&'static str, &'static str) {
    match role {
        Role::Officer => ("Cán bộ", "Officer"),
        Role::Supervisor => ("Lãnh đạo", "Supervisor"),
        Role::Administrator => ("Quản trị", "Administrator"),
    }
}

#[derive(Template)]
#[template(path = "admin/overview.html")]
struct Overview<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    accounts: usize,
    closed: usize,
    devices: usize,
    silent: usize,
    waiting: u64,
    refused: usize,
    /// Whether there are more refused changes than were counted.
    refused_more: bool,
    backup: Option<state::Backups>,
    recovery: Option<usize>,
    /// Webhooks that the server stopped or that do not get through.
    unheard: usize,
}

/// What there is to look after.
#[utoipa::path(get, path = "/admin", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn overview(State(app): Shared, visitor: Visitor) -> Result<Response, Problem> {
    let caller = || visitor.caller.clone();
    let Json(accounts) = account::list(State(app.clone()), caller()).await?;
    let Json(devices) = device::list(State(app.clone()), caller()).await?;
    let open = Parameters(refused::Filter::default());
    let Json(refused) = refused::list(State(app.clone()), caller(), open).await?;
    let place = Place::new(&visitor, "/admin");
    let (backup, recovery, unheard) = if place.all() {
        let Json(backups) = state::list(State(app.clone()), caller()).await?;
        let Json(recovery) = recovery::list(State(app.clone()), caller()).await?;
        let Json(webhooks) = webhooks_api::list(State(app), caller()).await?;
        let unheard = webhooks.iter().filter(|webhook| webhook.unheard()).count();
        (Some(backups), Some(recovery.changes), unheard)
    } else {
        (None, None, 0)
    };
    let in_use = || devices.iter().filter(|device| device.revoked_ms.is_none());
    frame::page(&Overview {
        frame: Frame::of(&visitor),
        place,
        closed: accounts.iter().filter(|account| !account.active).count(),
        accounts: accounts.iter().filter(|account| account.active).count(),
        devices: in_use().count(),
        silent: in_use().filter(|device| device.silent).count(),
        waiting: in_use().filter_map(|device| device.waiting).sum(),
        refused: refused.refused.len(),
        refused_more: refused.next.is_some(),
        backup,
        recovery,
        unheard,
    })
}
