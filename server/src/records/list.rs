//! Lists of records: filters, search without accents, pages that neither skip nor repeat.

use axum::extract::State;
use rusqlite::{Connection, params_from_iter, types::Value};
use serde::{Deserialize, Serialize};
use sokiem_record::{
    fold::fold,
    id::{AreaId, DocumentId},
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::{Areas, Caller},
    app::Shared,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    secret,
    store::id,
};

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Sort {
    /// By name, first letter first.
    Title,
    /// By the record's day, newest first.
    #[default]
    Date,
    /// By when the server last received something, newest first.
    Updated,
}

/// What to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// `unit`, `inspection`, `review`, `campaign`, `assignment`, `criteria`, `area`.
    kind: Option<String>,
    /// Lies in this area or below it.
    area: Option<Uuid>,
    /// Belongs to this campaign.
    campaign: Option<Uuid>,
    /// Is about this record: an inspection's unit, a review's inspection.
    subject: Option<Uuid>,
    /// Stands there: `draft`, `finished` …
    state: Option<String>,
    /// The latest decision: `approved`, `returned`, `reopened`, or `none`.
    review: Option<String>,
    /// Whether people differ about it.
    has_conflicts: Option<bool>,
    /// Words, in any order, without regard to accents: `truong` finds `Trường`.
    q: Option<String>,
    /// `date` (default), `title` or `updated`.
    #[serde(default)]
    #[param(inline)]
    sort: Sort,
    /// `next` of the page before.
    after: Option<String>,
    /// How many; 100 where absent.
    limit: Option<u32>,
}

impl Filter {
    /// The kind that is listed; empty for all.
    pub(crate) fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or_default()
    }

    /// What is searched for.
    pub(crate) fn words(&self) -> &str {
        self.q.as_deref().unwrap_or_default()
    }

    /// The same filter as the beginning of a query, for the next page.
    pub(crate) fn query(&self) -> String {
        let sort = match self.sort {
            Sort::Title => "title",
            Sort::Date => "date",
            Sort::Updated => "updated",
        };
        let ids = [
            ("area", self.area),
            ("campaign", self.campaign),
            ("subject", self.subject),
        ];
        let texts = [
            ("kind", &self.kind),
            ("state", &self.state),
            ("review", &self.review),
            ("q", &self.q),
        ];
        let mut query = format!("sort={sort}&");
        for (name, id) in ids {
            query.extend(id.map(|id| format!("{name}={id}&")));
        }
        for (name, text) in texts {
            query.extend(
                text.as_deref()
                    .map(|text| format!("{name}={}&", percent(text))),
            );
        }
        query.extend(self.has_conflicts.map(|so| format!("has_conflicts={so}&")));
        query
    }
}

/// Text inside a query.
fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&secret::hex(&[byte]));
        }
        out
    })
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page {
    /// The rows.
    pub(crate) records: Vec<Listed>,
    /// Give as `after` for the next page; null at the end.
    pub(crate) next: Option<String>,
}

/// One row of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listed {
    /// The record.
    pub(crate) id: Uuid,
    /// What it is about.
    pub(crate) kind: String,
    /// Where it lies.
    area: Uuid,
    /// What it is called.
    title: String,
    /// What it is about: an inspection's unit.
    subject: Option<Uuid>,
    /// What that is called.
    subject_title: Option<String>,
    /// The campaign that it belongs to.
    campaign: Option<Uuid>,
    /// Where it stands.
    pub(crate) state: String,
    /// The latest decision about it.
    pub(crate) review: Option<String>,
    /// Its day.
    pub(crate) date: Option<String>,
    /// In how many fields people differ.
    pub(crate) conflicts: u32,
    /// When the server last received something of it.
    updated_ms: i64,
}

impl Listed {
    /// What to call it: its own title and that of what it is about, or its id.
    pub(crate) fn name(&self) -> String {
        let titles = [Some(self.title.as_str()), self.subject_title.as_deref()];
        let titles: Vec<&str> = titles
            .into_iter()
            .flatten()
            .filter(|title| !title.is_empty())
            .collect();
        if titles.is_empty() {
            self.id.to_string()
        } else {
            titles.join(" · ")
        }
    }
}

/// List records.
#[utoipa::path(get, path = "/api/v1/records", tag = "records", params(Filter),
    responses((status = 200, body = Page), (status = 400, description = "malformed-query"), (status = 422, description = "invalid: after")),
    security(("session" = [])))]
pub(crate) async fn list(
    State(app): Shared,
    caller: Caller,
    Parameters(filter): Parameters<Filter>,
) -> Result<Json<Page>, Problem> {
    let limit = filter.limit.unwrap_or(100).clamp(1, app.config.limits.page);
    app.store
        .read(move |sql| {
            let areas = caller.areas(sql)?;
            Ok(Json(page(sql, &areas, &filter, limit)?))
        })
        .await
}

/// A WHERE clause in the making.
#[derive(Default)]
struct Conditions {
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, sql: &str, value: impl Into<Value>) {
        self.sql.push(sql.to_owned());
        self.values.push(value.into());
    }
}

fn page(sql: &Connection, areas: &Areas, filter: &Filter, limit: u32) -> Result<Page, Problem> {
    let mut conditions = conditions(areas, filter);
    let (key, order, compare) = match filter.sort {
        Sort::Title => ("documents.title", "ASC", ">"),
        Sort::Date => ("coalesce(documents.date, '')", "DESC", "<"),
        Sort::Updated => ("printf('%020d', documents.updated_ms)", "DESC", "<"),
    };
    if let Some(after) = &filter.after {
        let (key_before, id_before) = position(after)?;
        conditions
            .sql
            .push(format!("({key}, documents.id) {compare} (?, ?)"));
        conditions.values.push(key_before.into());
        conditions.values.push(id_before.as_bytes().to_vec().into());
    }
    let filter = if conditions.sql.is_empty() {
        "1".to_owned()
    } else {
        conditions.sql.join(" AND ")
    };
    conditions.values.push(i64::from(limit + 1).into());
    let mut statement = sql.prepare_cached(&format!(
        "SELECT documents.id, documents.kind, documents.area, documents.title, documents.subject, subjects.title,
                documents.campaign, documents.state, reviews.state, documents.date, documents.conflicts,
                documents.updated_ms, {key}
           FROM documents
           LEFT JOIN documents AS subjects ON subjects.id = documents.subject
           LEFT JOIN documents AS reviews ON reviews.subject = documents.id AND reviews.kind = 'review'
          WHERE {filter} ORDER BY {key} {order}, documents.id {order} LIMIT ?"
    ))?;
    let mut rows = statement.query(params_from_iter(conditions.values))?;
    let mut page = Page {
        records: Vec::new(),
        next: None,
    };
    let mut last = None;
    while let Some(row) = rows.next()? {
        if page.records.len() == limit as usize {
            page.next = last;
            break;
        }
        let document: DocumentId = id::id(row, 0)?;
        let key: String = row.get(12)?;
        last = Some(secret::hex(format!("{key}\n{document}").as_bytes()));
        page.records.push(Listed {
            id: document.0,
            kind: row.get(1)?,
            area: id::id::<AreaId>(row, 2)?.0,
            title: row.get(3)?,
            subject: id::optional_id::<DocumentId>(row, 4)?.map(|id| id.0),
            subject_title: row.get(5)?,
            campaign: id::optional_id::<DocumentId>(row, 6)?.map(|id| id.0),
            state: row.get(7)?,
            review: row.get(8)?,
            date: row.get(9)?,
            conflicts: row.get(10)?,
            updated_ms: row.get(11)?,
        });
    }
    Ok(page)
}

fn conditions(areas: &Areas, filter: &Filter) -> Conditions {
    let mut conditions = Conditions::default();
    if !areas.all {
        let marks = vec!["?"; areas.some.len()].join(", ");
        conditions.sql.push(format!("documents.area IN ({marks})"));
        conditions.values.extend(
            areas
                .some
                .keys()
                .map(|area| Value::from(area.as_bytes().to_vec())),
        );
    }
    if let Some(kind) = &filter.kind {
        conditions.add("documents.kind = ?", kind.clone());
    }
    if let Some(area) = filter.area {
        conditions.add(
            "documents.area IN (WITH RECURSIVE below (id) AS
               (SELECT ? UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id) SELECT id FROM below)",
            area.as_bytes().to_vec(),
        );
    }
    if let Some(campaign) = filter.campaign {
        conditions.add("documents.campaign = ?", campaign.as_bytes().to_vec());
    }
    if let Some(subject) = filter.subject {
        conditions.add("documents.subject = ?", subject.as_bytes().to_vec());
    }
    if let Some(state) = &filter.state {
        conditions.add("documents.state = ?", state.clone());
    }
    match filter.review.as_deref() {
        Some("none") => conditions.sql.push("reviews.state IS NULL".to_owned()),
        Some(review) => conditions.add("reviews.state = ?", review.to_owned()),
        None => {}
    }
    match filter.has_conflicts {
        Some(true) => conditions.sql.push("documents.conflicts > 0".to_owned()),
        Some(false) => conditions.sql.push("documents.conflicts = 0".to_owned()),
        None => {}
    }
    for word in fold(filter.q.as_deref().unwrap_or_default()).split_whitespace() {
        // Folded words are letters and digits: nothing in them means anything to LIKE.
        conditions.add(
            "documents.search || ' ' || coalesce(subjects.search, '') LIKE ?",
            format!("%{word}%"),
        );
    }
    conditions
}

/// Where the page before ended.
fn position(after: &str) -> Result<(String, Uuid), Problem> {
    let wrong = || Problem::invalid("after: give `next` of the page before");
    let bytes = (0..after.len())
        .step_by(2)
        .map(|start| {
            after
                .get(start..start + 2)
                .and_then(|digits| u8::from_str_radix(digits, 16).ok())
        })
        .collect::<Option<Vec<u8>>>()
        .ok_or_else(wrong)?;
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    let (key, document) = text.rsplit_once('\n').ok_or_else(wrong)?;
    Ok((key.to_owned(), document.parse().map_err(|_| wrong())?))
}
