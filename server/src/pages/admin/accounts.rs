//! The list of accounts, and making one.

use std::collections::HashMap;

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use sokiem_record::fold::fold;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Place, areas, role};
use crate::{
    accounts::{
        access::{Role, by_form},
        account::{self, Account, NewAccount},
    },
    app::Shared,
    areas::area,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    pages::frame::{self, Frame, Visitor},
};

/// Which accounts.
#[derive(Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Part of a name or login, accents or not.
    #[serde(default)]
    q: String,
    /// `officer`, `supervisor`, `administrator`, or empty.
    #[serde(default)]
    role: String,
    /// `closed` for closed accounts.
    #[serde(default)]
    state: String,
}

impl Wanted {
    fn holds(&self, account: &Account) -> bool {
        let words = fold(&self.q);
        let text = fold(&format!(
            "{} {} {}",
            account.name, account.login, account.title
        ));
        (self.state == "closed") != account.active
            && (self.role.is_empty() || account.role.name() == self.role)
            && words.split_whitespace().all(|word| text.contains(word))
    }
}

#[derive(Template)]
#[template(path = "admin/accounts.html")]
struct Page<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    wanted: &'a Wanted,
    accounts: Vec<&'a Account>,
    names: HashMap<Uuid, String>,
}

impl Page<'_> {
    fn areas(&self, account: &Account) -> String {
        let names = account
            .areas
            .iter()
            .map(|area| self.names.get(area).map_or("…", String::as_str));
        names.collect::<Vec<_>>().join(", ")
    }
}

/// Accounts as a page.
#[utoipa::path(get, path = "/admin/accounts", tag = "pages", params(Wanted),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn list(
    State(app): Shared,
    visitor: Visitor,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Problem> {
    let Json(accounts) = account::list(State(app.clone()), visitor.caller.clone()).await?;
    let Json(areas) = area::list(State(app), visitor.caller.clone()).await?;
    frame::page(&Page {
        frame: Frame::of(&visitor),
        place: Place::new(&visitor, "/admin/accounts"),
        accounts: accounts
            .iter()
            .filter(|account| wanted.holds(account))
            .collect(),
        names: areas.into_iter().map(|area| (area.id, area.name)).collect(),
        wanted: &wanted,
    })
}

#[derive(Template)]
#[template(path = "admin/account_new.html")]
struct NewPage<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    areas: Vec<areas::Branch>,
}

/// The form for a new account.
#[utoipa::path(get, path = "/admin/accounts/new", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn new(State(app): Shared, visitor: Visitor) -> Result<Response, Problem> {
    let areas = areas::own(app, &visitor).await?;
    frame::page(&NewPage {
        frame: Frame::of(&visitor),
        place: Place::new(&visitor, "/admin/accounts"),
        areas,
    })
}

/// The form for a new account, filled in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAccountForm)]
pub(crate) struct NewForm {
    login: String,
    name: String,
    title: String,
    role: Role,
    /// Empty for somebody who only uses devices.
    password: String,
    /// Empty for none.
    area: String,
    csrf: String,
}

/// Make an account by form.
#[utoipa::path(post, path = "/admin/accounts", tag = "pages",
    request_body(content = NewForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Made: to its page"), (status = 403, description = "forbidden"), (status = 409, description = "exists"), (status = 422, description = "invalid")))]
pub(crate) async fn create(
    State(app): Shared,
    headers: HeaderMap,
    Form(form): Form<NewForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let area = areas::chosen(&form.area)?;
    let body = NewAccount {
        login: form.login,
        name: form.name,
        title: form.title,
        role: form.role,
        password: Some(form.password).filter(|password| !password.is_empty()),
        areas: area.into_iter().collect(),
    };
    let (_, Json(made)) = account::create(State(app), caller, Json(body)).await?;
    Ok(Redirect::to(&format!("/admin/accounts/{}", made.id)).into_response())
}
