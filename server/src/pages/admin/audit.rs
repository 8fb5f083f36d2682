//! The audit log: who did what, filtered and page by page, and whether it is as it was written.

use askama::Template;
use axum::{Form, extract::State, http::HeaderMap, response::Response};
use jiff::{
    civil::Date,
    tz::{TimeZone, offset},
};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Place;
use crate::{
    accounts::{
        access::by_form,
        account::{self, Account},
    },
    app::Shared,
    audit::{
        Action,
        chain::Checked,
        endpoint::{self, Against, Filter, Noted},
    },
    http::{
        body::{Json, Parameters},
        problem::Problem,
        query::percent,
    },
    pages::frame::{self, Frame, Visitor},
};

/// Rows on a page.
const ROWS: u32 = 100;

/// Which rows, as a form asks for them: everything may be empty.
#[derive(Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// What was done.
    action: String,
    /// By this account.
    account: String,
    /// To this thing.
    object: String,
    /// `done` or `refused`.
    outcome: String,
    /// From this day on, `YYYY-MM-DD`.
    from: String,
    /// To this day, `YYYY-MM-DD`.
    to: String,
    /// The next page.
    before: Option<i64>,
}

fn optional(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// When a day begins by the clocks of Việt Nam.
fn day_ms(text: &str) -> Result<Option<i64>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || {
        Problem::invalid("a day: YYYY-MM-DD").vietnamese("Ngày không đọc được. Hãy chọn lại ngày.")
    };
    let day: Date = text.parse().map_err(|_| wrong())?;
    let begins = day
        .to_zoned(TimeZone::fixed(offset(7)))
        .map_err(|_| wrong())?;
    Ok(Some(begins.timestamp().as_millisecond()))
}

impl Wanted {
    fn filter(&self) -> Result<Filter, Problem> {
        let account: Option<Uuid> = optional(&self.account)
            .map(|id| id.parse())
            .transpose()
            .map_err(|_| Problem::invalid("account: an id"))?;
        let day_after_ms = day_ms(&self.to)?.map(|ms| ms.saturating_add(24 * 3600 * 1000));
        Ok(Filter {
            action: optional(&self.action),
            account,
            object: optional(&self.object),
            outcome: optional(&self.outcome),
            from_ms: day_ms(&self.from)?,
            to_ms: day_after_ms,
            before: self.before,
            limit: Some(ROWS),
            ..Filter::default()
        })
    }
}

impl Wanted {
    /// The query of the next page.
    fn query(&self, before: i64) -> String {
        let texts = [
            ("action", &self.action),
            ("account", &self.account),
            ("object", &self.object),
            ("outcome", &self.outcome),
            ("from", &self.from),
            ("to", &self.to),
        ];
        let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
        let pairs: String = texts
            .map(|(name, text)| format!("{name}={}&", percent(text)))
            .collect();
        format!("{pairs}before={before}")
    }
}

#[derive(Template)]
#[template(path = "admin/audit.html")]
struct Page<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    wanted: &'a Wanted,
    rows: &'a [Noted],
    /// The query of the next page.
    next: Option<String>,
    accounts: &'a [Account],
    actions: Vec<(&'static str, &'static str)>,
}

/// What more a row says, one fact after another.
fn facts(row: &Noted) -> Vec<(String, String)> {
    let facts = row.detail.as_object().into_iter().flatten();
    facts
        .map(|(name, value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), value)
        })
        .collect()
}

/// The audit log as a page.
#[utoipa::path(get, path = "/admin/audit", tag = "pages", params(Wanted),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn list(
    State(app): Shared,
    visitor: Visitor,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Problem> {
    let filter = Parameters(wanted.filter()?);
    let Json(page) = endpoint::list(State(app.clone()), visitor.caller.clone(), filter).await?;
    let Json(accounts) = account::list(State(app), visitor.caller.clone()).await?;
    let mut actions: Vec<_> = Action::all()
        .map(|action| (action.word(), action.vietnamese()))
        .collect();
    actions.sort_by_key(|(_, vi)| sokiem_record::fold::fold(vi));
    frame::page(&Page {
        frame: Frame::of(&visitor),
        place: Place::new(&visitor, "/admin/audit"),
        wanted: &wanted,
        rows: &page.rows,
        next: page.next.map(|before| wanted.query(before)),
        accounts: &accounts,
        actions,
    })
}

#[derive(Template)]
#[template(path = "admin/audit_checked.html")]
struct CheckedPage<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    checked: &'a Checked,
    against: Option<String>,
}

/// The form that asks for a check.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckForm {
    /// `NUMBER:HASH`, or empty.
    anchor: String,
    csrf: String,
}

/// Check the audit log's chain by form.
#[utoipa::path(post, path = "/admin/audit/check", tag = "pages",
    request_body(content = CheckForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, description = "forbidden"), (status = 422, description = "invalid")))]
pub(crate) async fn check(
    State(app): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form<CheckForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let against = optional(&form.anchor);
    let anchor = against.clone();
    let Json(checked) =
        endpoint::verify(State(app), caller, Parameters(Against { anchor })).await?;
    frame::page(&CheckedPage {
        frame: Frame::of(&visitor),
        place: Place::new(&visitor, "/admin/audit"),
        checked: &checked,
        against,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_one_of_viet_nam_and_lasts_to_its_end() {
        let wanted = Wanted {
            from: "2019-08-05".to_owned(),
            to: "2019-08-05".to_owned(),
            ..Wanted::default()
        };
        let filter = wanted.filter().unwrap();
        assert_eq!(filter.from_ms, Some(1_564_938_000_000));
        assert_eq!(filter.to_ms, Some(1_564_938_000_000 + 86_400_000));
        let wrong = Wanted {
            from: "05/08/2019".to_owned(),
            ..Wanted::default()
        };
        assert!(wrong.filter().is_err());
    }
}
