//! Decisions about an inspection: returned, approved, reopened. Each names the exact heads that it was
//! taken on; what arrives later never alters what was decided.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use rusqlite::Connection;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use sokiem_record::{
    attestation::DecisionStatement,
    document::Document,
    edit::Edit,
    genesis,
    id::{AccountId, DocumentId, Kind},
    schema,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::Caller,
    app::Shared,
    audit::{self, Action, Entry, reads},
    error::Error,
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    records::{heads, names, record},
    signing,
    store::Writing,
    sync::{author, stored},
    webhooks::outbox,
};

/// What is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// More work is needed.
    Returned,
    /// Good as it stands.
    Approved,
    /// No longer decided.
    Reopened,
}

/// A decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDecision {
    /// What is decided.
    pub(crate) decision: Verdict,
    /// The heads that you saw; they have to be the present ones.
    pub(crate) heads: Vec<String>,
    /// Why, about the whole.
    #[serde(default)]
    pub(crate) reason: String,
    /// Why, criterion by criterion.
    #[serde(default)]
    pub(crate) reasons: Vec<Reason>,
    /// `review.id` as you saw it, null where there was no decision: if somebody has decided since, nothing is done.
    /// Left out: decide whatever was decided before.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Uuid>)]
    pub(crate) previous: Option<Option<Uuid>>,
}

/// Tells null from what was left out.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<Uuid>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// Why, about one criterion.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    /// The criterion's code.
    pub(crate) item: String,
    /// Why.
    pub(crate) text: String,
}

/// The decision that was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Decided {
    /// The decision.
    id: Uuid,
    /// The document that holds all decisions about the inspection.
    review: Uuid,
    /// The heads that it was taken on.
    heads: Vec<String>,
}

/// Decide about an inspection.
#[utoipa::path(post, path = "/api/v1/records/{id}/decisions", tag = "records", request_body = NewDecision,
    params(("id" = Uuid, Path, description = "The inspection")),
    responses((status = 201, body = Decided), (status = 403, description = "forbidden"), (status = 404, description = "not-found"),
        (status = 409, description = "stale, with the member `heads`, or `previous` where somebody decided first"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn decide(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<NewDecision>,
) -> Result<(StatusCode, Json<Decided>), Problem> {
    if body.decision != Verdict::Approved
        && body.reason.trim().is_empty()
        && body.reasons.is_empty()
    {
        return Err(Problem::invalid("reason: say why"));
    }
    let pen = caller.pen(&app);
    let decided = app
        .store
        .write(move |writing| take(writing, &caller, pen, DocumentId(id), &body))
        .await?;
    Ok((StatusCode::CREATED, Json(decided)))
}

fn take(
    writing: &Writing<'_>,
    caller: &Caller,
    pen: author::Pen,
    inspection: DocumentId,
    body: &NewDecision,
) -> Result<Decided, Problem> {
    let (row, document) = record::open(writing.sql, caller, inspection)?;
    if row.kind != Kind::Inspection {
        return Err(Problem::not_found());
    }
    caller.areas(writing.sql)?.expect_writable(row.area)?;
    heads::expect_current(&body.heads, &row.heads)?;
    expect_criteria(&document, &body.reasons)?;
    expect_previous(writing.sql, inspection, body.previous)?;
    let review = genesis::review_id(inspection);
    let fields = [("inspection", Value::from(inspection.to_string()))];
    author::begin(writing, pen, row.area, review, Kind::Review, &fields, &[])?;
    let review_row = stored::find(writing.sql, review)?.ok_or_else(Problem::not_found)?;
    let id = writing.machine.new_id()?;
    let mut fields = vec![
        ("decision", json!(body.decision)),
        ("heads", heads::texts(&row.heads).join(" ").into()),
        ("account", caller.account.to_string().into()),
        ("decided_ms", writing.now_ms.into()),
    ];
    if !body.reason.trim().is_empty() {
        fields.push(("reason", body.reason.as_str().into()));
    }
    let mut edits: Vec<Edit> = vec![genesis::element(element("decisions", id)?, fields)];
    for reason in &body.reasons {
        let fields = [
            ("decision", json!(id)),
            ("item", reason.item.as_str().into()),
            ("text", reason.text.as_str().into()),
        ];
        edits.push(genesis::element(
            element("reasons", writing.machine.new_id()?)?,
            fields,
        ));
    }
    author::edit(writing, pen, &review_row, None, &edits, None)?;
    sign(writing, pen, review, id)?;
    let entry = Entry::new(Action::Decided)
        .by(caller.account)
        .on("inspection", inspection)
        .area(row.area)
        .detail("decision", json!(body.decision))
        .detail("id", id.to_string());
    audit::note(writing, entry)?;
    outbox::decided(writing, inspection, row.area, json!(body.decision))?;
    Ok(Decided {
        id,
        review: review.0,
        heads: heads::texts(&row.heads),
    })
}

/// Refuses reasons about criteria that the inspection does not have.
fn expect_criteria(inspection: &Document, reasons: &[Reason]) -> Result<(), Problem> {
    let fields = inspection.to_json();
    let items = fields.get("items").and_then(Value::as_object);
    let known = |reason: &Reason| items.is_some_and(|items| items.contains_key(&reason.item));
    if reasons.iter().all(known) {
        return Ok(());
    }
    Err(Problem::invalid(
        "reasons: there is no such criterion in this inspection",
    ))
}

/// Refuses to decide over a decision that the caller has not seen.
fn expect_previous(
    sql: &Connection,
    inspection: DocumentId,
    seen: Option<Option<Uuid>>,
) -> Result<(), Problem> {
    let Some(seen) = seen else { return Ok(()) };
    let latest = taken(sql, inspection)?.pop().map(|decision| decision.id);
    if latest == seen {
        return Ok(());
    }
    Err(Problem::new(Cause::Stale)
        .detail("Somebody has decided since you read it; look at the decision and decide again")
        .member("previous", json!(latest)))
}

/// A decision about an inspection, as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Taken {
    /// The decision.
    pub(crate) id: Uuid,
    /// `returned`, `approved` or `reopened`.
    pub(crate) decision: String,
    /// Who decided.
    pub(crate) account: Option<Uuid>,
    /// Their name.
    pub(crate) name: Option<String>,
    /// When, milliseconds since 1970-01-01 UTC.
    pub(crate) decided_ms: Option<i64>,
    /// Why, about the whole.
    pub(crate) reason: String,
    /// Why, criterion by criterion.
    pub(crate) reasons: Vec<Reason>,
    /// The heads that it was taken on.
    pub(crate) heads: Vec<String>,
}

/// List the decisions about an inspection, oldest first.
#[utoipa::path(get, path = "/api/v1/records/{id}/decisions", tag = "records", params(("id" = Uuid, Path, description = "The inspection")),
    responses((status = 200, body = Vec<Taken>), (status = 404, description = "not-found")), security(("session" = [])))]
pub(crate) async fn list(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<Taken>>, Problem> {
    let account = caller.account;
    let (area, decisions) = app
        .store
        .read(move |sql| {
            let row = record::find(sql, &caller, DocumentId(id))?;
            Ok::<_, Problem>((row.area, taken(sql, row.id)?))
        })
        .await?;
    reads::looked_at_record(&app, account, id, area, "decisions");
    Ok(Json(decisions))
}

/// The decisions about an inspection, oldest first.
pub(crate) fn taken(sql: &Connection, inspection: DocumentId) -> Result<Vec<Taken>, Error> {
    let review = genesis::review_id(inspection);
    let Some(row) = stored::find(sql, review)? else {
        return Ok(Vec::new());
    };
    let fields = stored::open(sql, &row)?.to_json();
    let elements = |name: &str| fields.get(name).and_then(Value::as_object);
    let text = |element: &Value, name: &str| {
        let text = element.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let mut decisions = Vec::new();
    for (key, decision) in elements("decisions").into_iter().flatten() {
        let Ok(id) = key.parse::<Uuid>() else {
            continue;
        };
        let account: Option<AccountId> = text(decision, "account").parse().ok();
        let reasons = elements("reasons").into_iter().flatten();
        let of_this = reasons.filter(|(_, reason)| text(reason, "decision") == *key);
        let reasons = of_this.map(|(_, reason)| Reason {
            item: text(reason, "item"),
            text: text(reason, "text"),
        });
        decisions.push(Taken {
            id,
            decision: text(decision, "decision"),
            account: account.map(|account| account.0),
            name: account
                .map(|account| names::person(sql, account))
                .transpose()?
                .flatten(),
            decided_ms: decision.get("decided_ms").and_then(Value::as_i64),
            reason: text(decision, "reason"),
            reasons: reasons.collect(),
            heads: text(decision, "heads")
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
        });
    }
    decisions.sort_by_key(|decision| (decision.decided_ms, decision.id.to_string()));
    Ok(decisions)
}

/// Signs the decision as it stands in the record.
fn sign(
    writing: &Writing<'_>,
    pen: author::Pen,
    review: DocumentId,
    id: Uuid,
) -> Result<(), Problem> {
    let row = stored::find(writing.sql, review)?.ok_or_else(Problem::not_found)?;
    let fields = stored::open(writing.sql, &row)?.to_json();
    let statement = DecisionStatement::of(review, &fields, id)
        .ok_or(Error::Unreadable("a decision that was just written"))?;
    let key = signing::key(writing)?;
    let edits = statement
        .edits(&key)
        .map_err(|error| Problem::invalid(error.to_string()))?;
    author::edit(writing, pen, &row, None, &edits, None)?;
    Ok(())
}

fn element(collection: &str, id: Uuid) -> Result<schema::Path, Problem> {
    schema::Path::new([collection, &id.to_string()])
        .map_err(|error| Problem::invalid(error.to_string()))
}
