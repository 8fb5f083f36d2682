//! Lists of records: filters, search without accents, pages that neither skip nor repeat.

use axum::extract::State;
use rusqlite::{
    Connection, Row, params_from_iter,
    types::{Value, ValueRef},
};
use serde::{Deserialize, Serialize};
use sokiem_record::id::{AreaId, DocumentId, Kind};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::{Areas, Caller},
    app::Shared,
    error::Error,
    http::{
        body::{Json, Parameters, unless_empty},
        problem::Problem,
    },
    projection::{self, Need},
    secret,
    store::{
        id,
        narrowing::{Conditions, Narrowing},
    },
};

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sort {
    /// By name, first letter first.
    Title,
    /// By the record's day, newest first.
    #[default]
    Date,
    /// By when the server last received something, newest first.
    Updated,
}

/// What to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// `unit`, `inspection`, `review`, `campaign`, `assignment`, `criteria`, `area`.
    #[serde(default, deserialize_with = "unless_empty")]
    pub(crate) kind: Option<String>,
    /// Lies in this area or below it.
    #[serde(default, deserialize_with = "unless_empty")]
    pub(crate) area: Option<Uuid>,
    /// Belongs to this campaign.
    #[serde(default, deserialize_with = "unless_empty")]
    pub(crate) campaign: Option<Uuid>,
    /// Is about this record: an inspection's unit, a review's inspection.
    #[serde(default, deserialize_with = "unless_empty")]
    pub(crate) subject: Option<Uuid>,
    /// Stands there: `draft`, `finished` …
    #[serde(default, deserialize_with = "unless_empty")]
    pub(crate) state: Option<String>,
    /// The latest decision: `approved`, `returned`, `reopened`, or `none`.
    #[serde(default, deserialize_with = "unless_empty")]
    pub(crate) review: Option<String>,
    /// Whether people differ about it.
    #[serde(default, deserialize_with = "unless_empty")]
    pub(crate) has_conflicts: Option<bool>,
    /// Is about units of this kind: `agency`, `enterprise`, `school`.
    #[serde(default, deserialize_with = "unless_empty")]
    pub(crate) unit_kind: Option<String>,
    /// This account has written in it.
    #[serde(default, deserialize_with = "unless_empty")]
    pub(crate) officer: Option<Uuid>,
    /// What it needs a supervisor for.
    #[param(inline)]
    #[serde(default, deserialize_with = "unless_empty")]
    pub(crate) need: Option<Need>,
    /// Words by their beginning, in any order, without regard to accents: `truong` finds `Trường`.
    #[serde(default, deserialize_with = "unless_empty")]
    pub(crate) q: Option<String>,
    /// `date` (default), `title` or `updated`.
    #[serde(default)]
    #[param(inline)]
    pub(crate) sort: Sort,
    /// `next` of the page before.
    #[serde(default, deserialize_with = "unless_empty")]
    pub(crate) after: Option<String>,
    /// How many; 100 where absent.
    #[serde(default, deserialize_with = "unless_empty")]
    pub(crate) limit: Option<u32>,
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
            ("officer", self.officer),
        ];
        let texts = [
            ("kind", self.kind.as_deref()),
            ("state", self.state.as_deref()),
            ("review", self.review.as_deref()),
            ("unit_kind", self.unit_kind.as_deref()),
            ("need", self.need.map(Need::name)),
            ("q", self.q.as_deref()),
        ];
        let mut query = format!("sort={sort}&");
        for (name, id) in ids {
            query.extend(id.map(|id| format!("{name}={id}&")));
        }
        for (name, text) in texts {
            query.extend(text.map(|text| format!("{name}={}&", percent(text))));
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
#[schema(as = RecordsPage)]
pub(crate) struct Page {
    /// The rows.
    pub(crate) records: Vec<Listed>,
    /// Give as `after` for the next page; null at the end.
    pub(crate) next: Option<String>,
}

/// One row of a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedRecord)]
pub(crate) struct Listed {
    /// The record.
    pub(crate) id: Uuid,
    /// What it is about.
    pub(crate) kind: String,
    /// Where it lies.
    area: Uuid,
    /// What that is called.
    pub(crate) area_name: String,
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
    /// What it needs a supervisor for.
    pub(crate) needs: Vec<Need>,
    /// When the server last received something of it.
    pub(crate) updated_ms: i64,
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
    let today = app.machine.today();
    app.store
        .read(move |sql| {
            let areas = caller.areas(sql)?;
            Ok(Json(page(sql, &areas, &filter, &today, limit)?))
        })
        .await
}

/// By what a list is ordered: an expression of SQL, its direction, and how the next page compares.
struct Order {
    key: &'static str,
    direction: &'static str,
    compare: &'static str,
}

impl Sort {
    fn order(self) -> Order {
        let (key, direction, compare) = match self {
            Sort::Title => ("documents.title", "ASC", ">"),
            Sort::Date => ("coalesce(documents.date, '')", "DESC", "<"),
            Sort::Updated => ("documents.updated_ms", "DESC", "<"),
        };
        Order {
            key,
            direction,
            compare,
        }
    }
}

/// A page of a list for somebody with these areas.
///
/// The orders have an index for each kind, so a list of every kind is put together from one of each.
pub(crate) fn page(
    sql: &Connection,
    areas: &Areas,
    filter: &Filter,
    today: &str,
    limit: u32,
) -> Result<Page, Problem> {
    let after = filter
        .after
        .as_deref()
        .map(|after| position(after, filter.sort))
        .transpose()?;
    let kinds = match filter.kind.as_deref() {
        Some(kind) => vec![kind],
        None => Kind::ALL.map(Kind::name).to_vec(),
    };
    let of_any = conditions(sql, areas, filter, today)?;
    let mut found = Vec::new();
    for kind in kinds {
        let mut conditions = of_any.clone();
        conditions.add_leading("documents.kind", kind.to_owned());
        found.extend(of_kind(
            sql,
            conditions,
            filter.sort,
            after.as_ref(),
            today,
            limit + 1,
        )?);
    }
    found.sort_by(|(one, _), (other, _)| match filter.sort {
        Sort::Title => one.cmp(other),
        Sort::Date | Sort::Updated => other.cmp(one),
    });
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().filter(|_| more);
    Ok(Page {
        next: last.map(|(position, _)| position.written()),
        records: found.into_iter().map(|(_, listed)| listed).collect(),
    })
}

/// The first of a kind, in order, with where each stands in it.
fn of_kind(
    sql: &Connection,
    mut conditions: Conditions,
    sort: Sort,
    after: Option<&Position>,
    today: &str,
    limit: u32,
) -> Result<Vec<(Position, Listed)>, Problem> {
    let Order {
        key,
        direction,
        compare,
    } = sort.order();
    if let Some(after) = after {
        let last = [
            after.key.to_sql(),
            after.document.as_bytes().to_vec().into(),
        ];
        conditions.add(&format!("({key}, documents.id) {compare} (?, ?)"), last);
    }
    let mut statement = sql.prepare_cached(&format!(
        "SELECT documents.id, documents.kind, documents.area, areas.name, documents.title, documents.subject,
                subjects.title, documents.campaign, documents.state, decisions.decision, documents.date,
                documents.conflicts, documents.updated_ms, {key},
                (SELECT group_concat(need) FROM needs WHERE needs.document = documents.id AND deadline < ?)
           FROM documents
           JOIN areas ON areas.id = documents.area
           LEFT JOIN documents AS subjects ON subjects.id = documents.subject
           LEFT JOIN decisions ON decisions.inspection = documents.id
          WHERE {} ORDER BY {key} {direction}, documents.id {direction} LIMIT ?",
        conditions.sql()
    ))?;
    let mut values = vec![Value::from(today.to_owned())];
    values.extend_from_slice(conditions.values());
    values.push(limit.into());
    let rows = statement.query_map(params_from_iter(values), listed)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A row, and where it stands in the order.
fn listed(row: &Row<'_>) -> rusqlite::Result<(Position, Listed)> {
    let document: DocumentId = id::id(row, 0)?;
    let key = match row.get_ref(13)? {
        ValueRef::Integer(number) => Key::Number(number),
        text => Key::Text(text.as_str().unwrap_or_default().to_owned()),
    };
    let needs: Option<String> = row.get(14)?;
    let listed = Listed {
        id: document.0,
        kind: row.get(1)?,
        area: id::id::<AreaId>(row, 2)?.0,
        area_name: row.get(3)?,
        title: row.get(4)?,
        subject: id::optional_id::<DocumentId>(row, 5)?.map(|id| id.0),
        subject_title: row.get(6)?,
        campaign: id::optional_id::<DocumentId>(row, 7)?.map(|id| id.0),
        state: row.get(8)?,
        review: row.get(9)?,
        date: row.get(10)?,
        conflicts: row.get(11)?,
        updated_ms: row.get(12)?,
        needs: needs
            .unwrap_or_default()
            .split(',')
            .filter_map(Need::from_name)
            .collect(),
    };
    let document = document.0;
    Ok((Position { key, document }, listed))
}

/// The conditions of a filter, but for the kind.
fn conditions(
    sql: &Connection,
    areas: &Areas,
    filter: &Filter,
    today: &str,
) -> Result<Conditions, Error> {
    let mut narrowings = projection::has_words("documents.id", filter.words());
    if !areas.all {
        narrowings.push(within(areas));
    }
    narrowings.extend(filter.need.map(|need| projection::needs(need, today)));
    narrowings.extend(filter.officer.map(|officer| {
        let officer = vec![Value::from(officer.as_bytes().to_vec())];
        Narrowing {
            ids: "SELECT document FROM writers WHERE account = ?".to_owned(),
            of_ids: officer.clone(),
            test: "EXISTS (SELECT 1 FROM writers WHERE account = ? AND document = documents.id)"
                .to_owned(),
            of_test: officer,
        }
    }));
    let columns = [("campaign", filter.campaign), ("subject", filter.subject)];
    narrowings.extend(columns.into_iter().filter_map(|(column, id)| {
        let id = vec![Value::from(id?.as_bytes().to_vec())];
        Some(Narrowing {
            ids: format!("SELECT id FROM documents WHERE {column} = ?"),
            of_ids: id.clone(),
            test: format!("+documents.{column} = ?"),
            of_test: id,
        })
    }));
    let mut conditions = Conditions::of(sql, "documents.id", narrowings)?;
    if let Some(area) = filter.area {
        conditions.add(
            "+documents.area IN (WITH RECURSIVE below (id) AS
               (SELECT ? UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id) SELECT id FROM below)",
            [area.as_bytes().to_vec().into()],
        );
    }
    if let Some(state) = &filter.state {
        conditions.add("documents.state = ?", [state.clone().into()]);
    }
    match filter.review.as_deref() {
        Some("none") => conditions.add("decisions.decision IS NULL", []),
        Some(review) => conditions.add("decisions.decision = ?", [review.to_owned().into()]),
        None => {}
    }
    match filter.has_conflicts {
        Some(true) => conditions.add("documents.conflicts > 0", []),
        Some(false) => conditions.add("documents.conflicts = 0", []),
        None => {}
    }
    if let Some(kind) = &filter.unit_kind {
        conditions.add(
            "CASE documents.kind WHEN 'unit' THEN documents.state ELSE subjects.state END = ?",
            [kind.clone().into()],
        );
    }
    Ok(conditions)
}

/// That a record lies in one of these areas.
fn within(areas: &Areas) -> Narrowing {
    let marks = vec!["?"; areas.some.len()].join(", ");
    let areas: Vec<Value> = areas
        .some
        .keys()
        .map(|area| area.as_bytes().to_vec().into())
        .collect();
    Narrowing {
        ids: format!("SELECT id FROM documents WHERE area IN ({marks})"),
        of_ids: areas.clone(),
        test: format!("+documents.area IN ({marks})"),
        of_test: areas,
    }
}

/// Everything that a filter finds, in the order of the list.
pub(crate) fn ids(
    sql: &Connection,
    areas: &Areas,
    filter: &Filter,
    today: &str,
) -> Result<Vec<DocumentId>, Problem> {
    let mut conditions = conditions(sql, areas, filter, today)?;
    if let Some(kind) = &filter.kind {
        conditions.add_leading("documents.kind", kind.clone());
    }
    let Order { key, direction, .. } = filter.sort.order();
    let mut statement = sql.prepare_cached(&format!(
        "SELECT documents.id
           FROM documents
           LEFT JOIN documents AS subjects ON subjects.id = documents.subject
           LEFT JOIN decisions ON decisions.inspection = documents.id
          WHERE {} ORDER BY {key} {direction}, documents.id {direction}",
        conditions.sql()
    ))?;
    let rows = statement.query_map(params_from_iter(conditions.values()), |row| id::id(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Where a row stands in the order of a list; the id decides between equal keys.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    key: Key,
    document: Uuid,
}

/// What a list is ordered by.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(i64),
    Text(String),
}

impl Key {
    fn to_sql(&self) -> Value {
        match self {
            Key::Number(number) => (*number).into(),
            Key::Text(text) => text.clone().into(),
        }
    }
}

impl Position {
    /// As callers get and give it.
    fn written(&self) -> String {
        let Self { key, document } = self;
        let text = match key {
            Key::Number(number) => format!("{number}\n{document}"),
            Key::Text(text) => format!("{text}\n{document}"),
        };
        secret::hex(text.as_bytes())
    }
}

/// Where the page before ended.
fn position(after: &str, sort: Sort) -> Result<Position, Problem> {
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
    let key = match sort {
        Sort::Updated => Key::Number(key.parse().map_err(|_| wrong())?),
        Sort::Title | Sort::Date => Key::Text(key.to_owned()),
    };
    let document = document.parse().map_err(|_| wrong())?;
    Ok(Position { key, document })
}
