//! Who signed which state of a record, what changed since, and whether any byte of its history is not what
//! was signed.

use axum::extract::{Path, State};
use rusqlite::Connection;
use serde::Serialize;
use sokiem_record::{
    ChangeHash,
    document::Document,
    genesis,
    history::HistoryEntry,
    id::{AreaId, DocumentId, Kind},
    verification::{self, History, Keys, Standing, Verification, VerifiedSignature, read_history},
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::Caller,
    app::Shared,
    audit::reads,
    error::Error,
    http::{body::Json, problem::Problem},
    records::{
        heads,
        record::{self, Entry},
        said::Said,
    },
    signing,
    store::id,
    sync::stored::{self, Row},
};

/// What a record's signatures and decisions are worth.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Verified {
    /// Whether nothing speaks against the record.
    pub(crate) sound: bool,
    /// `{"state": "whole", "changes": …}` or `{"state": "broken", "reason": …}`.
    #[schema(value_type = Object)]
    pub(crate) history: History,
    /// The devices' signatures.
    pub(crate) signatures: Vec<Signed>,
    /// What was decided about it.
    pub(crate) decisions: Vec<Decided>,
}

impl Verified {
    /// Whether the stored bytes are what was written.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.history, History::Whole { .. })
    }
}

/// A signature of a device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Signed {
    /// Its id in the record.
    id: String,
    /// `valid`, `after_revocation`, `unknown_key`, `other_person`, `altered`, `unknown_heads`, `incomplete`.
    #[schema(value_type = String)]
    pub(crate) standing: Standing,
    /// Whose it says that it is.
    account: Option<Uuid>,
    /// The name that it gives.
    pub(crate) name: String,
    /// The device that it names.
    device: Option<Uuid>,
    /// The public key that it was made with.
    key: Option<String>,
    /// When, by the device's clock.
    pub(crate) signed_ms: Option<i64>,
    /// When the server received it.
    received_ms: Option<i64>,
    /// The state that was signed.
    heads: Vec<String>,
    /// Every change that this state does not hold; null where the state is not known.
    pub(crate) since: Option<Vec<Entry>>,
}

/// A decision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VerifiedDecision)]
pub(crate) struct Decided {
    /// Its id in the review.
    pub(crate) id: String,
    /// As for signatures, and `unsigned`.
    #[schema(value_type = String)]
    pub(crate) standing: Standing,
    /// `returned`, `approved` or `reopened`.
    pub(crate) decision: String,
    /// Who decided.
    pub(crate) account: Option<Uuid>,
    /// When.
    pub(crate) decided_ms: Option<i64>,
    /// The state that was decided on.
    pub(crate) heads: Vec<String>,
    /// Every change that this state does not hold; null where the state is not known.
    pub(crate) since: Option<Vec<Entry>>,
}

impl Signed {
    /// Whether it is worth what it claims.
    pub(crate) fn is_valid(&self) -> bool {
        self.standing == Standing::Valid
    }
}

impl Decided {
    /// Whether something speaks against it.
    pub(crate) fn is_doubtful(&self) -> bool {
        !matches!(self.standing, Standing::Valid | Standing::Unsigned)
    }
}

/// Verify a record: every change is hashed again, every signature checked.
#[utoipa::path(get, path = "/api/v1/records/{id}/verify", tag = "records", params(("id" = Uuid, Path, description = "The record")),
    responses((status = 200, body = Verified), (status = 404, description = "not-found")), security(("session" = [])))]
pub(crate) async fn verify(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<Verified>, Problem> {
    let account = caller.account;
    let (area, verified) = app
        .store
        .read(move |sql| {
            let row = record::find(sql, &caller, DocumentId(id))?;
            Ok::<_, Problem>((row.area, named(sql, &row)?))
        })
        .await?;
    reads::looked_at_record(&app, account, id, area, "verification");
    Ok(Json(verified))
}

pub(crate) fn named(sql: &Connection, row: &Row) -> Result<Verified, Error> {
    let verified = verification_of(sql, row)?;
    let said = Said::of(sql, row.id)?;
    let entries = |since: Option<Vec<HistoryEntry>>| -> Option<Vec<Entry>> {
        since.map(|since| since.into_iter().map(|entry| said.entry(entry)).collect())
    };
    Ok(Verified {
        sound: verified.is_sound(),
        history: verified.history,
        signatures: verified
            .signatures
            .into_iter()
            .map(|one| Signed {
                id: one.id,
                standing: one.standing,
                account: one.account.map(|account| account.0),
                name: one.name,
                device: one.device.map(|device| device.0),
                key: one.key.map(|key| key.to_string()),
                signed_ms: one.signed_ms,
                received_ms: one.received_ms,
                heads: heads::texts(&one.heads),
                since: entries(one.since),
            })
            .collect(),
        decisions: verified
            .decisions
            .into_iter()
            .map(|one| Decided {
                id: one.id,
                standing: one.standing,
                decision: one.decision,
                account: one.account.map(|account| account.0),
                decided_ms: one.decided_ms,
                heads: heads::texts(&one.heads),
                since: entries(one.since),
            })
            .collect(),
    })
}

/// What was decided about a record.
pub(crate) fn decisions_of(sql: &Connection, row: &Row) -> Result<Vec<Decided>, Error> {
    Ok(named(sql, row)?.decisions)
}

/// The devices' signatures in one version of a record.
pub(crate) fn signatures_of(
    sql: &Connection,
    row: &Row,
    version: &Document,
) -> Result<Vec<VerifiedSignature>, Error> {
    let received = stored::received_ms(sql, row.id)?;
    let received = |hash: &ChangeHash| received.get(hash).copied();
    let mut keys = Keys::default();
    learn(sql, &mut keys, |area| area == row.area)?;
    let mut signatures = verification::signatures(version, &keys, received);
    // Somebody from another area: rare, and the other rosters are many.
    if signatures
        .iter()
        .any(|one| one.standing == Standing::UnknownKey)
    {
        learn(sql, &mut keys, |area| area != row.area)?;
        signatures = verification::signatures(version, &keys, received);
    }
    Ok(signatures)
}

fn verification_of(sql: &Connection, row: &Row) -> Result<Verification, Error> {
    let mut verified = Verification {
        document: row.id,
        history: History::Whole { changes: 0 },
        signatures: Vec::new(),
        decisions: Vec::new(),
    };
    let content = match whole(sql, row)? {
        Ok(content) => content,
        Err(reason) => {
            tracing::error!(document = %row.id, %reason, "a stored history is not what was written");
            verified.history = History::Broken { reason };
            return Ok(verified);
        }
    };
    verified.history = History::Whole {
        changes: content.change_count(),
    };
    let received = stored::received_ms(sql, row.id)?;
    let signatures =
        |keys: &Keys| verification::signatures(&content, keys, |hash| received.get(hash).copied());
    let mut keys = Keys::default();
    learn(sql, &mut keys, |area| area == row.area)?;
    verified.signatures = signatures(&keys);
    // Somebody from another area: rare, and the other rosters are many.
    if verified
        .signatures
        .iter()
        .any(|one| one.standing == Standing::UnknownKey)
    {
        learn(sql, &mut keys, |area| area != row.area)?;
        verified.signatures = signatures(&keys);
    }
    let server = [signing::public_key(sql)?];
    verified.decisions = match row.kind {
        Kind::Inspection => match open(sql, genesis::review_id(row.id))? {
            Some(review) => verification::decisions(&review, Some(&content), &server),
            None => Vec::new(),
        },
        Kind::Review => {
            let about = content.document_id("inspection");
            let inspection = about.map(|id| open(sql, id)).transpose()?.flatten();
            verification::decisions(&content, inspection.as_ref(), &server)
        }
        _ => Vec::new(),
    };
    Ok(verified)
}

/// The document, if its changes are what was written, and its snapshot says the same.
fn whole(sql: &Connection, row: &Row) -> Result<Result<Document, String>, Error> {
    let changes = stored::hashed_changes(sql, row.id, 0)?;
    let content = match read_history(row.id, row.kind, None, &changes, &row.heads) {
        Ok(content) => content,
        Err(reason) => return Ok(Err(reason)),
    };
    if let Some((position, snapshot)) = stored::raw_snapshot(sql, row.id)? {
        let rest = stored::hashed_changes(sql, row.id, position)?;
        if let Err(reason) = read_history(row.id, row.kind, Some(&snapshot), &rest, &row.heads) {
            return Ok(Err(format!("the snapshot: {reason}")));
        }
    }
    Ok(Ok(content))
}

fn learn(sql: &Connection, keys: &mut Keys, wanted: impl Fn(AreaId) -> bool) -> Result<(), Error> {
    let mut statement = sql.prepare_cached("SELECT id FROM areas")?;
    let areas: Vec<AreaId> = statement
        .query_map([], |row| id::id(row, 0))?
        .collect::<Result<_, _>>()?;
    for area in areas.into_iter().filter(|area| wanted(*area)) {
        if let Some(roster) = open(sql, genesis::area_document_id(area))? {
            keys.learn(&roster);
        }
    }
    Ok(())
}

/// Another document, if it is there and can be read.
fn open(sql: &Connection, id: DocumentId) -> Result<Option<Document>, Error> {
    let row = stored::find(sql, id)?;
    Ok(row.and_then(|row| stored::open(sql, &row).ok()))
}
