//! Assigning inspections: which unit, in which campaign, by whom, until when.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};
use sokiem_record::{
    document::Document,
    edit::Edit,
    genesis,
    id::{AccountId, AreaId, DocumentId, Kind},
    schema,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::Caller,
    app::Shared,
    audit::{self, Action, Entry},
    error::Error,
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    records::{
        change::{Made, reason},
        heads, record,
    },
    store::Writing,
    sync::{
        author::{self, Pen},
        scope, stored,
    },
};

/// An assignment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAssignment {
    /// The unit.
    pub(crate) unit: Uuid,
    /// The campaign.
    pub(crate) campaign: Uuid,
    /// Until when, `YYYY-MM-DD`.
    #[serde(default)]
    pub(crate) due: Option<String>,
    /// What to look at.
    #[serde(default)]
    pub(crate) note: Option<String>,
    /// By whom: accounts.
    #[serde(default)]
    pub(crate) officers: Vec<Uuid>,
}

/// Assign an inspection.
#[utoipa::path(post, path = "/api/v1/assignments", tag = "records", request_body = NewAssignment,
    responses((status = 201, body = Made), (status = 403, description = "forbidden"), (status = 409, description = "exists"),
        (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn create(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<NewAssignment>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let pen = caller.pen(&app);
    let id = app
        .store
        .write(move |writing| assign(writing, pen, &caller, body))
        .await?;
    Ok((StatusCode::CREATED, Json(Made { id: id.0 })))
}

/// Assigns one inspection. One that was cancelled is taken up again.
pub(crate) fn assign(
    writing: &Writing<'_>,
    pen: Pen,
    caller: &Caller,
    body: NewAssignment,
) -> Result<DocumentId, Problem> {
    let area = area_of(writing, DocumentId(body.unit), Kind::Unit, "unit")?;
    area_of(
        writing,
        DocumentId(body.campaign),
        Kind::Campaign,
        "campaign",
    )?;
    caller.areas(writing.sql)?.expect_writable(area)?;
    let id = genesis::assignment_id(DocumentId(body.unit), DocumentId(body.campaign));
    let fields = [
        ("unit", json!(body.unit)),
        ("campaign", json!(body.campaign)),
    ];
    let told = Told {
        due: body.due,
        note: body.note,
        officers: body.officers,
        cancelled: false,
    };
    told.expect_officers(writing.sql, area)?;
    if let Some(row) = stored::find(writing.sql, id)? {
        let document = stored::open(writing.sql, &row)?;
        if document.contents().summary.state != CANCELLED {
            return Err(
                Problem::new(Cause::Exists).detail("This unit is assigned in this campaign")
            );
        }
        let edits = told.edits(writing, Some(&document))?;
        author::edit(writing, pen, &row, None, &edits, None)?;
    } else {
        // The first change follows from the pair and is nobody's: the second one says who assigned.
        let edits = told.edits(writing, None)?;
        if !author::begin(writing, pen, area, id, Kind::Assignment, &fields, &edits)? {
            return Err(Problem::new(Cause::Exists));
        }
    }
    let entry = Entry::new(Action::Assigned).by(caller.account);
    let entry = entry.on("unit", body.unit).area(area);
    audit::note(writing, entry.detail("assignment", id.to_string()))?;
    Ok(id)
}

/// What an assignment is to say from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignmentChange {
    /// The heads that you saw; they have to be the present ones.
    pub(crate) heads: Vec<String>,
    /// Until when, `YYYY-MM-DD`; none where it is missing.
    #[serde(default)]
    pub(crate) due: Option<String>,
    /// What to look at.
    #[serde(default)]
    pub(crate) note: Option<String>,
    /// By whom: accounts.
    #[serde(default)]
    pub(crate) officers: Vec<Uuid>,
    /// Whether it is called off.
    #[serde(default)]
    pub(crate) cancelled: bool,
    /// Why.
    pub(crate) reason: String,
}

/// Change or cancel an assignment: it says exactly this from now on.
#[utoipa::path(put, path = "/api/v1/assignments/{id}", tag = "records", request_body = AssignmentChange,
    params(("id" = Uuid, Path, description = "The assignment")),
    responses((status = 204, description = "Changed"), (status = 403, description = "forbidden"), (status = 404, description = "not-found"),
        (status = 409, description = "stale, with the member `heads`"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn change(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<AssignmentChange>,
) -> Result<StatusCode, Problem> {
    let pen = caller.pen(&app);
    let reason = reason(body.reason)?;
    app.store
        .write(move |writing| {
            let (row, document) = record::open(writing.sql, &caller, DocumentId(id))?;
            if row.kind != Kind::Assignment {
                return Err(Problem::not_found());
            }
            caller.areas(writing.sql)?.expect_writable(row.area)?;
            heads::expect_current(&body.heads, &row.heads)?;
            let told = Told {
                due: body.due,
                note: body.note,
                officers: body.officers,
                cancelled: body.cancelled,
            };
            told.expect_new_officers(writing.sql, row.area, &document)?;
            let edits = told.edits(writing, Some(&document))?;
            author::edit(writing, pen, &row, None, &edits, Some(reason))?;
            let action = if told.cancelled {
                Action::AssignmentCancelled
            } else {
                Action::AssignmentChanged
            };
            let entry = Entry::new(action).by(caller.account);
            audit::note(writing, entry.on(row.kind.name(), row.id).area(row.area))?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

/// What state an assignment has that was called off.
pub(crate) const CANCELLED: &str = "cancelled";

/// What a person says about an assignment.
struct Told {
    due: Option<String>,
    note: Option<String>,
    officers: Vec<Uuid>,
    cancelled: bool,
}

impl Told {
    /// Refuses officers who would never hear of it: accounts that are closed or do not have the unit's area.
    fn expect_officers(&self, sql: &Connection, area: AreaId) -> Result<(), Problem> {
        let mut open = sql.prepare_cached("SELECT 1 FROM accounts WHERE id = ?1 AND active")?;
        let there = scope::accounts_over(sql, area)?;
        for officer in &self.officers {
            let account = AccountId(*officer);
            if !there.contains(&account) || !open.exists([account.as_bytes().as_slice()])? {
                return Err(Problem::invalid(
                    "officers: an account that does not have the area of the unit",
                )
                .vietnamese("Có cán bộ được chọn không phụ trách địa bàn của đơn vị này."));
            }
        }
        Ok(())
    }

    /// The same for those who are not officers of the assignment already.
    fn expect_new_officers(
        &self,
        sql: &Connection,
        area: AreaId,
        document: &Document,
    ) -> Result<(), Problem> {
        let already: Vec<Uuid> = officers(document).into_iter().map(|(_, one)| one).collect();
        let new = self.officers.iter().filter(|one| !already.contains(one));
        let new = Told {
            due: None,
            note: None,
            officers: new.copied().collect(),
            cancelled: false,
        };
        new.expect_officers(sql, area)
    }

    /// The steps that make an assignment say this.
    fn edits(
        &self,
        writing: &Writing<'_>,
        document: Option<&Document>,
    ) -> Result<Vec<Edit>, Problem> {
        let conflicts = document.map(Document::conflicts).unwrap_or_default();
        let mut edits = Vec::new();
        for (field, value) in [
            ("cancelled", Value::from(self.cancelled)),
            ("due", self.due.clone().into()),
            ("note", self.note.clone().into()),
        ] {
            let path: schema::Path = field.parse().map_err(|_| Problem::new(Cause::Internal))?;
            let differs = conflicts.iter().any(|conflict| conflict.path == path);
            if differs {
                edits.push(Edit::Settle { path, value });
            } else if document.is_some() || !value.is_null() {
                edits.push(Edit::Set { path, value });
            }
        }
        let before = document.map(officers).unwrap_or_default();
        for (key, account) in &before {
            if !self.officers.contains(account) {
                edits.push(Edit::Remove {
                    path: officer_at(key)?,
                });
            }
        }
        for account in &self.officers {
            if !before.iter().any(|(_, one)| one == account) {
                let path = officer_at(&writing.machine.new_id()?.to_string())?;
                edits.push(genesis::element(path, [("account", json!(account))]));
            }
        }
        Ok(edits)
    }
}

fn officer_at(key: &str) -> Result<schema::Path, Problem> {
    schema::Path::new(["officers", key]).map_err(|error| Problem::invalid(error.to_string()))
}

/// Who is to do an assignment: the key of each and the account.
pub(crate) fn officers(document: &Document) -> Vec<(String, Uuid)> {
    let fields = document.to_json();
    let officers = fields.get("officers").and_then(Value::as_object);
    let standing = officers
        .into_iter()
        .flatten()
        .filter(|(_, officer)| officer.get(schema::REMOVED).and_then(Value::as_bool) != Some(true));
    standing
        .filter_map(|(key, officer)| {
            let account = officer.get("account")?.as_str()?.parse().ok()?;
            Some((key.clone(), account))
        })
        .collect()
}

/// The kinds of unit that a campaign is about.
pub(crate) fn kinds(sql: &Connection, campaign: DocumentId) -> Result<Vec<&'static str>, Error> {
    let Some(row) = stored::find(sql, campaign)? else {
        return Ok(Vec::new());
    };
    let contents = stored::open(sql, &row)?.contents();
    let has_set = |kind: &&'static str| {
        let sets = contents.fields.get("sets").and_then(Value::as_object);
        sets.is_some_and(|sets| sets.contains_key(&format!("{kind}.criteria")))
    };
    Ok(schema::UNIT_KINDS.iter().copied().filter(has_set).collect())
}

fn area_of(
    writing: &Writing<'_>,
    id: DocumentId,
    kind: Kind,
    what: &str,
) -> Result<AreaId, Problem> {
    let row = stored::find(writing.sql, id)?.filter(|row| row.kind == kind);
    row.map(|row| row.area)
        .ok_or_else(|| Problem::invalid(format!("{what}: there is no such {what}")))
}
