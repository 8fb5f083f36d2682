//! Where two replicas of one area differ, document by document.

use std::collections::{HashMap, HashSet};

use axum::extract::State;
use rusqlite::Connection;
use sokiem_record::{
    ChangeHash,
    id::{AreaId, DocumentId},
    limits,
    wire::{DocumentHeads, Hash, PROTOCOL_VERSION, ReconcileRequest, ReconcileResponse},
};

use crate::{
    app::Shared,
    devices::credential::DeviceCaller,
    error::Error,
    http::{
        body::Cbor,
        problem::{Cause, Problem},
    },
    store::id,
    sync::{exchange::expect_epoch, scope, stored},
};

/// Compare heads, after a fingerprint that did not agree or a server that was restored.
#[utoipa::path(post, path = "/api/device/v1/reconcile", tag = "device",
    request_body(content = Vec<u8>, content_type = "application/cbor", description = "ReconcileRequest, see docs/sync-protocol.md"),
    responses(
        (status = 200, content_type = "application/cbor", description = "ReconcileResponse", body = Vec<u8>),
        (status = 400, description = "malformed-body, unsupported-version"),
        (status = 403, description = "forbidden: the area is not in scope; device-revoked"),
        (status = 409, description = "epoch-changed"),
        (status = 413, description = "body-too-large")),
    security(("device" = [])))]
pub(crate) async fn reconcile(
    State(app): Shared,
    caller: DeviceCaller,
    Cbor(request): Cbor<ReconcileRequest>,
) -> Result<Cbor<ReconcileResponse>, Problem> {
    expect_epoch(&app, request.epoch)?;
    if request.documents.len() > limits::MAX_RECONCILE_DOCUMENTS {
        return Err(Problem::new(Cause::BodyTooLarge).detail(format!(
            "{} documents, at most {} are compared at once",
            request.documents.len(),
            limits::MAX_RECONCILE_DOCUMENTS
        )));
    }
    if request
        .documents
        .iter()
        .any(|document| document.heads.len() > limits::MAX_DOCUMENT_ACTORS)
    {
        return Err(Problem::new(Cause::BodyTooLarge).detail(format!(
            "A document has at most {} heads",
            limits::MAX_DOCUMENT_ACTORS
        )));
    }
    app.metrics.reconciles.inc();
    tracing::warn!(area = %request.area, device = %caller.device, "a device reconciles");
    app.store
        .read(move |sql| {
            let scope = scope::of_account(sql, caller.account)?;
            if scope.iter().all(|grant| grant.area != request.area) {
                return Err(Problem::forbidden().detail("The area is not in this device's scope"));
            }
            Ok(Cbor(compare(sql, request.area, &request.documents)?))
        })
        .await
}

fn compare(
    sql: &Connection,
    area: AreaId,
    theirs: &[DocumentHeads],
) -> Result<ReconcileResponse, Error> {
    let mut here = heads_in(sql, area)?;
    let mut answer = ReconcileResponse {
        v: PROTOCOL_VERSION,
        unknown: Vec::new(),
        differ: Vec::new(),
        elsewhere: Vec::new(),
        pull: false,
    };
    for held in theirs {
        let heads: HashSet<ChangeHash> = held
            .heads
            .iter()
            .map(|hash| ChangeHash::from(*hash))
            .collect();
        if let Some(ours) = here.remove(&held.document) {
            if heads != ours.iter().copied().collect() {
                answer.pull |= lacks(sql, held.document, &heads, &ours)?;
                let heads = ours.into_iter().map(Hash::from).collect();
                answer.differ.push(DocumentHeads {
                    document: held.document,
                    heads,
                });
            }
        } else if stored::find(sql, held.document)?.is_some() {
            answer.elsewhere.push(held.document);
        } else {
            answer.unknown.push(held.document);
        }
    }
    answer.pull |= !here.is_empty();
    Ok(answer)
}

/// Whether the device lacks something: one of its heads is known here, and yet it is not all there
/// is. A device of whose heads none is known may simply be ahead; once it has pushed, the fingerprint tells.
fn lacks(
    sql: &Connection,
    document: DocumentId,
    theirs: &HashSet<ChangeHash>,
    ours: &[ChangeHash],
) -> Result<bool, Error> {
    if theirs.is_empty() {
        return Ok(true);
    }
    for head in theirs {
        if stored::has_change(sql, document, head)? {
            return Ok(ours.iter().any(|head| !theirs.contains(head)));
        }
    }
    Ok(false)
}

fn heads_in(sql: &Connection, area: AreaId) -> Result<HashMap<DocumentId, Vec<ChangeHash>>, Error> {
    let mut statement = sql.prepare_cached("SELECT id, heads FROM documents WHERE area = ?1")?;
    let rows = statement.query_map([area.as_bytes().as_slice()], |row| {
        Ok((id::id(row, 0)?, id::hashes(row, 1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
