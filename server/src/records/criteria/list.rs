//! The published criteria sets: which there are, what is in one, and how two differ.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sokiem_record::{
    criteria::{CriteriaSet, Difference, Item, Verification, compare},
    id::{AccountId, AreaId, DocumentId, Kind},
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::{Areas, Caller},
    app::Shared,
    error::Error,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    records::names,
    store::id,
    sync::stored,
};

/// A published set, without its items.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Listed {
    /// Its document.
    pub(crate) id: Uuid,
    /// `CODE@version`.
    pub(crate) reference: String,
    /// Its code.
    pub(crate) code: String,
    /// Its version.
    pub(crate) version: u32,
    /// Its title in Vietnamese.
    pub(crate) title_vi: String,
    /// Its title in English.
    pub(crate) title_en: String,
    /// The regime that it comes from.
    pub(crate) regime: String,
    /// `recognition`, `classification` or `inspection`.
    pub(crate) purpose: String,
    /// The kinds of unit that it is for.
    pub(crate) unit_kinds: Vec<String>,
    /// First day on which it is in force.
    pub(crate) valid_from: String,
    /// Last day on which it is in force; null where that is open.
    pub(crate) valid_to: Option<String>,
    /// Whether every criterion of its source is in it.
    pub(crate) complete: bool,
    /// How many items it has.
    pub(crate) items: usize,
    /// How sure we are of them: how many items by `read`, `partial`, `press`, `unsure`, `own`.
    pub(crate) verification: BTreeMap<&'static str, usize>,
    /// The area under which it holds.
    pub(crate) area: Uuid,
    /// What that area is called.
    pub(crate) area_name: String,
    /// When it was published.
    pub(crate) published_ms: Option<i64>,
    /// Who published it.
    pub(crate) published_by: Option<String>,
}

/// A published set with everything in it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct One {
    /// What it is.
    pub(crate) listed: Listed,
    /// The set, as criteria files have it.
    #[schema(value_type = Object)]
    pub(crate) set: CriteriaSet,
}

/// The word for how sure we are.
pub(crate) fn verification(item: &Item) -> &'static str {
    match item.citation.verification {
        Verification::Read => "read",
        Verification::Partial => "partial",
        Verification::Press => "press",
        Verification::Unsure => "unsure",
        Verification::Own => "own",
    }
}

/// The words of a value that is written as one or several.
fn words(value: &impl Serialize) -> Vec<String> {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => vec![word],
        Ok(Value::Array(words)) => words
            .iter()
            .filter_map(|word| word.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

/// Opens a published set that the caller may read.
fn open(sql: &Connection, mine: &Areas, set: DocumentId) -> Result<Option<One>, Error> {
    let row = stored::find(sql, set)?;
    let Some(row) = row.filter(|row| row.kind == Kind::Criteria && mine.readable(row.area)) else {
        return Ok(None);
    };
    let text = stored::open(sql, &row)?.line("set");
    let Some(set) = text.and_then(|text| serde_json::from_str::<CriteriaSet>(&text).ok()) else {
        return Ok(None);
    };
    let published: Option<(Option<Vec<u8>>, i64)> = sql
        .prepare_cached("SELECT account, received_ms FROM changes WHERE document = ?1 ORDER BY position LIMIT 1")?
        .query_row([row.id.as_bytes().as_slice()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let account = published
        .as_ref()
        .and_then(|(account, _)| AccountId::from_slice(account.as_deref()?));
    let mut verified = BTreeMap::new();
    for item in &set.items {
        *verified.entry(verification(item)).or_default() += 1;
    }
    let listed = Listed {
        id: row.id.0,
        reference: set.reference(),
        code: set.code.clone(),
        version: set.version,
        title_vi: set.title_vi.clone(),
        title_en: set.title_en.clone(),
        regime: set.regime.clone(),
        purpose: words(&set.purpose).concat(),
        unit_kinds: words(&set.unit_kinds),
        valid_from: set.valid_from.clone(),
        valid_to: set.valid_to.clone(),
        complete: set.complete,
        items: set.items.len(),
        verification: verified,
        area: row.area.0,
        area_name: area_name(sql, row.area)?,
        published_ms: published.map(|(_, received_ms)| received_ms),
        published_by: match account {
            Some(account) => names::person(sql, account)?,
            None => None,
        },
    };
    Ok(Some(One { listed, set }))
}

fn area_name(sql: &Connection, area: AreaId) -> Result<String, Error> {
    let name = sql
        .prepare_cached("SELECT name FROM areas WHERE id = ?1")?
        .query_row([area.as_bytes().as_slice()], |row| row.get(0))
        .optional()?;
    Ok(name.unwrap_or_default())
}

/// Every published set that the areas show, by code, the latest version first.
pub(crate) fn all(sql: &Connection, mine: &Areas) -> Result<Vec<One>, Error> {
    let mut statement = sql.prepare_cached("SELECT id FROM documents WHERE kind = 'criteria'")?;
    let ids: Vec<DocumentId> = statement
        .query_map([], |row| id::id(row, 0))?
        .collect::<Result<_, _>>()?;
    let mut sets = Vec::new();
    for id in ids {
        sets.extend(open(sql, mine, id)?);
    }
    sets.sort_by(|one, other| {
        let key = |set: &One| {
            (
                set.listed.code.clone(),
                std::cmp::Reverse(set.listed.version),
            )
        };
        key(one).cmp(&key(other))
    });
    Ok(sets)
}

/// List the published criteria sets that you may see, with their validity and provenance.
#[utoipa::path(get, path = "/api/v1/criteria-sets", tag = "records", responses((status = 200, body = Vec<Listed>)),
    security(("session" = [])))]
pub(crate) async fn list(State(app): Shared, caller: Caller) -> Result<Json<Vec<Listed>>, Problem> {
    app.store
        .read(move |sql| {
            let sets = all(sql, &caller.areas(sql)?)?;
            Ok(Json(sets.into_iter().map(|one| one.listed).collect()))
        })
        .await
}

/// Read a published criteria set.
#[utoipa::path(get, path = "/api/v1/criteria-sets/{id}", tag = "records", params(("id" = Uuid, Path, description = "Its document")),
    responses((status = 200, body = One), (status = 404, description = "not-found")), security(("session" = [])))]
pub(crate) async fn get(
    State(app): Shared,
    caller: Caller,
    Path(set): Path<Uuid>,
) -> Result<Json<One>, Problem> {
    app.store
        .read(move |sql| {
            let set = open(sql, &caller.areas(sql)?, DocumentId(set))?;
            set.map(Json).ok_or_else(Problem::not_found)
        })
        .await
}

/// Which two sets are compared.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Two {
    /// The document of the earlier one.
    pub(crate) before: Uuid,
    /// The document of the later one.
    pub(crate) after: Uuid,
}

/// How two sets differ.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Compared {
    /// The earlier one.
    pub(crate) before: Listed,
    /// The later one.
    pub(crate) after: Listed,
    /// `set`: fields of the set itself; `added`, `removed`: items; `changed`: items with the fields that differ, each as
    /// pieces that stand in `both`, `before` or `after`; `reordered`.
    #[schema(value_type = Object)]
    pub(crate) difference: Difference,
}

/// Compare two published criteria sets, word by word.
#[utoipa::path(get, path = "/api/v1/criteria-sets/compare", tag = "records", params(Two),
    responses((status = 200, body = Compared), (status = 400, description = "malformed-query"), (status = 404, description = "not-found")), security(("session" = [])))]
pub(crate) async fn compare_two(
    State(app): Shared,
    caller: Caller,
    Parameters(two): Parameters<Two>,
) -> Result<Json<Compared>, Problem> {
    app.store
        .read(move |sql| {
            let mine = caller.areas(sql)?;
            let open = |set| open(sql, &mine, DocumentId(set))?.ok_or_else(Problem::not_found);
            let (before, after) = (open(two.before)?, open(two.after)?);
            Ok(Json(Compared {
                difference: compare(&before.set, &after.set),
                before: before.listed,
                after: after.listed,
            }))
        })
        .await
}
