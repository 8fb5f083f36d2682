//! A unit's years: what happened, where it stands, what is missing, and what the regime says about the unit.
//! They are written as any other fields of the unit are.

use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::{Map, Value};
use sokiem_record::{
    document::Document,
    id::{DocumentId, Kind},
    labels,
    regime::{self, Verdict},
    schema::{self, Node},
    typed::Unit,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::Caller,
    app::Shared,
    audit::reads,
    error::Error,
    http::{body::Json, problem::Problem},
    records::record,
};

/// A year of a unit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnitYear)]
pub(crate) struct Year {
    /// The year, or a school year's first.
    pub(crate) year: String,
    /// What is recorded, by the names of the schema without `years/YYYY.`.
    #[schema(value_type = Object)]
    pub(crate) fields: Map<String, Value>,
    /// How far it has come: `none`, `registered`, `self_assessed`, `submitted`, `appraised`, `decided`.
    pub(crate) stage: &'static str,
    /// What a decision that is recorded lacks: its number, day or signer.
    pub(crate) missing: Vec<&'static str>,
    /// What the regime of the year says about the unit. A hint: `eligible` is what people decided.
    pub(crate) regime: Option<Regime>,
}

/// What a regime says about a unit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Regime {
    /// The regime that the record names, else the one in force on the last day of the year.
    pub(crate) name: String,
    /// Whether the record names it.
    pub(crate) recorded: bool,
    /// `left_out`, `covered`, or `not_known`.
    pub(crate) verdict: &'static str,
    /// Why, in Vietnamese.
    pub(crate) text_vi: String,
    /// Why, in English.
    pub(crate) text: String,
    /// Where that was read.
    pub(crate) source: String,
}

/// List a unit's years, the latest first.
#[utoipa::path(get, path = "/api/v1/records/{id}/years", tag = "records", params(("id" = Uuid, Path, description = "The unit")),
    responses((status = 200, body = Vec<Year>), (status = 404, description = "not-found")), security(("session" = [])))]
pub(crate) async fn list(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<Year>>, Problem> {
    let account = caller.account;
    let (area, years) = app
        .store
        .read(move |sql| {
            let (row, document) = record::open(sql, &caller, DocumentId(id))?;
            if row.kind != Kind::Unit {
                return Err(Problem::not_found());
            }
            let years = recorded(&document).into_iter().rev();
            let years: Result<Vec<Year>, Error> = years.map(|year| of(&document, &year)).collect();
            Ok((row.area, years?))
        })
        .await?;
    reads::looked_at_record(&app, account, id, area, "years");
    Ok(Json(years))
}

/// The years that a unit says anything about, ascending.
fn recorded(unit: &Document) -> std::collections::BTreeSet<String> {
    let fields = unit.to_json();
    let years = fields.get("years").and_then(Value::as_object);
    let set = years
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null());
    set.filter_map(|(key, _)| key.split_once('.'))
        .map(|(year, _)| year.to_owned())
        .collect()
}

/// Every field of a unit's year, in the order of the schema.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    schema::fields(Kind::Unit)
        .iter()
        .filter_map(|(name, node)| match node {
            Node::Flat(_, fields) if *name == "years" => Some(*fields),
            _ => None,
        })
        .flatten()
        .map(|(name, _)| *name)
}

/// A year of a unit.
pub(crate) fn of(document: &Document, year: &str) -> Result<Year, Error> {
    let unit: Option<Unit> = document.read().map_err(|_| Error::Unreadable("a unit"))?;
    let json = document.to_json();
    let years = json.get("years").and_then(Value::as_object);
    let fields: Map<String, Value> = years
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| {
            let (of, name) = key.split_once('.')?;
            (of == year && !value.is_null()).then(|| (name.to_owned(), value.clone()))
        })
        .collect();
    Ok(Year {
        year: year.to_owned(),
        stage: stage(&fields),
        missing: missing(&fields),
        regime: unit.and_then(|unit| says(&unit, year, fields.get("regime"))),
        fields,
    })
}

fn stage(fields: &Map<String, Value>) -> &'static str {
    [
        ("recognition", "decided"),
        ("appraised_on", "appraised"),
        ("submitted_on", "submitted"),
        ("self_assessed_on", "self_assessed"),
        ("registered_on", "registered"),
    ]
    .into_iter()
    .find(|(field, _)| fields.contains_key(*field))
    .map_or("none", |(_, stage)| stage)
}

fn missing(fields: &Map<String, Value>) -> Vec<&'static str> {
    let decided = matches!(
        fields.get("recognition").and_then(Value::as_str),
        Some("recognised" | "not_recognised")
    );
    ["recognition_number", "recognition_on", "recognition_signer"]
        .into_iter()
        .filter(|field| decided && !fields.contains_key(*field))
        .collect()
}

fn says(unit: &Unit, year: &str, named: Option<&Value>) -> Option<Regime> {
    let named = named
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty());
    let last_day = format!("{year}-12-31");
    let regimes = regime::shipped().ok()?;
    let regime = regimes.into_iter().find(|regime| match named {
        Some(name) => regime.name == name,
        None => regime.in_force(&last_day),
    })?;
    let field = |field: &str| labels::name(field).unwrap_or_default();
    let (verdict, text_vi, text) = match regime.verdict(unit) {
        Verdict::LeftOut(why) => {
            let (vi, en) = field(why);
            (
                "left_out",
                format!("Không thuộc diện xét theo quy định này, vì: {vi}."),
                format!("This regime leaves the unit out, because of: {en}."),
            )
        }
        Verdict::Covered => (
            "covered",
            "Không thấy lý do nào để loại khỏi diện xét.".to_owned(),
            "Nothing that is recorded leaves the unit out.".to_owned(),
        ),
        Verdict::NotKnown(Some(lacking)) => {
            let (vi, en) = field(lacking);
            (
                "not_known",
                format!("Chưa rõ, vì chưa ghi: {vi}."),
                format!("Not known, because this is not recorded: {en}."),
            )
        }
        Verdict::NotKnown(None) => (
            "not_known",
            "Chưa đọc được quy định về đơn vị không thuộc diện.".to_owned(),
            "Which units this regime leaves out was not read.".to_owned(),
        ),
    };
    Some(Regime {
        recorded: named.is_some(),
        name: regime.name,
        verdict,
        text_vi,
        text,
        source: regime.citation.source,
    })
}
