//! Decisions about an inspection: returned, approved, reopened. Each names the exact heads that it was
//! taken on; what arrives later never alters what was decided.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sokiem_record::{
    attestation::DecisionStatement,
    edit::Edit,
    genesis,
    id::{DocumentId, Kind},
    schema,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::Caller,
    app::Shared,
    audit::{self, Action, Entry},
    error::Error,
    http::{body::Json, problem::Problem},
    records::{heads, record},
    signing,
    store::Writing,
    sync::{author, stored},
};

/// What is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Verdict {
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
    decision: Verdict,
    /// The heads that you saw; they have to be the present ones.
    heads: Vec<String>,
    /// Why, about the whole.
    #[serde(default)]
    reason: String,
    /// Why, criterion by criterion.
    #[serde(default)]
    reasons: Vec<Reason>,
}

/// Why, about one criterion.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reason {
    /// The criterion's code.
    item: String,
    /// Why.
    text: String,
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
        (status = 409, description = "stale, with the member `heads`"), (status = 422, description = "invalid")),
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
    let (row, _) = record::open(writing.sql, caller, inspection)?;
    if row.kind != Kind::Inspection {
        return Err(Problem::not_found());
    }
    caller.areas(writing.sql)?.expect_writable(row.area)?;
    heads::expect_current(&body.heads, &row.heads)?;
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
    Ok(Decided {
        id,
        review: review.0,
        heads: heads::texts(&row.heads),
    })
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
