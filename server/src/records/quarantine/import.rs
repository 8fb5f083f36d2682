//! What a phone exported as a file: for one that never gets a network again, or that was revoked.
//!
//! Everything that a file brings goes to quarantine, whoever wrote it: a file has no device that signs it, so a supervisor
//! looks first. Taking over puts the changes themselves into the record, with their authors. A file may be imported
//! again, and half of it after an interruption: what is kept or stored is known by its hash.

mod file;
mod keep;

use std::sync::Arc;

use axum::extract::{Request, State};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use file::Exported;
pub(crate) use keep::ImportedDocument;

use crate::{
    accounts::access::{Caller, Role},
    app::{App, Shared},
    audit::{self, Action, Entry},
    error::Error,
    http::{
        body::{self, Json},
        problem::{Cause, Problem},
    },
};

/// Largest file, in bytes. A change is written with two digits a byte, and a phone of 5,000 records has some tens of
/// millions of them.
pub(crate) const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Files that are read at the same time; each may take its size in memory, and half as much again.
pub(crate) const AT_ONCE: usize = 2;
/// Changes that are kept in one write, so that others get their turn.
const SLICE: usize = 256;

/// A file that is larger than any that is read.
pub(crate) fn too_large() -> Problem {
    let most_mib = MOST_BYTES / 1024 / 1024;
    Problem::new(Cause::BodyTooLarge)
        .detail(format!(
            "The file is larger than {most_mib} MiB. Export only what was not sent, on the phone, instead of everything"
        ))
        .vietnamese(format!(
            "Tệp lớn hơn {most_mib} MiB. Trên máy của cán bộ, hãy chỉ xuất phần chưa gửi thay vì xuất tất cả."
        ))
}

/// What came of an import.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Imported {
    /// Changes that are in quarantine now and were not before.
    pub(crate) added: u32,
    /// Changes that were in quarantine or in their record before.
    pub(crate) known: u32,
    /// Changes that the file calls pending and does not hold.
    pub(crate) lacking: u32,
    /// The same for each document, in the order of the file.
    pub(crate) documents: Vec<ImportedDocument>,
}

/// Take in a file that a phone exported: what it had not sent, or everything on it. Its changes go to quarantine, to be
/// looked at one by one.
#[utoipa::path(post, path = "/api/v1/quarantine/import", tag = "records", request_body = Exported,
    responses((status = 200, body = Imported), (status = 403, description = "forbidden"),
        (status = 413, description = "body-too-large"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn import(
    State(app): Shared,
    caller: Caller,
    request: Request,
) -> Result<Json<Imported>, Problem> {
    caller.at_least(Role::Supervisor)?;
    body::expect_media_type(request.headers(), "application/json")?;
    let turn = turn(&app).await?;
    let file = body::read(request.into_body(), MOST_BYTES).await;
    let file = file.map_err(|problem| match problem.cause() {
        Cause::BodyTooLarge => too_large(),
        _ => problem,
    })?;
    let imported = take_in(&app, caller, file.to_vec()).await;
    drop(turn);
    imported.map(Json)
}

/// Waits until a file may be read.
pub(crate) async fn turn(app: &App) -> Result<tokio::sync::OwnedSemaphorePermit, Problem> {
    let turns = Arc::clone(&app.imports);
    turns
        .acquire_owned()
        .await
        .map_err(|_| Problem::new(Cause::Unavailable))
}

/// Takes in a file.
pub(crate) async fn take_in(
    app: &Arc<App>,
    caller: Caller,
    file: Vec<u8>,
) -> Result<Imported, Problem> {
    let reading = tokio::task::spawn_blocking(move || file::read(&file));
    let contents = reading.await.map_err(|_| Error::Panicked)??;
    let quota = app.config.limits.quarantine_bytes;
    let mut outcomes = keep::Outcomes::default();
    let mut left = contents.changes;
    while !left.is_empty() {
        let rest = left.split_off(left.len().min(SLICE));
        let slice = std::mem::replace(&mut left, rest);
        outcomes = app
            .store
            .write(move |writing| {
                outcomes.keep(writing, contents.device, quota, &slice)?;
                Ok::<_, Error>(outcomes)
            })
            .await?;
    }
    let lacking = u32::try_from(contents.lacking).unwrap_or(u32::MAX);
    app.store
        .write(move |writing| {
            let (added, known) = (outcomes.added, outcomes.known);
            let mut entry = Entry::new(Action::QuarantineImported).by(caller.account);
            if let Some(device) = outcomes.device {
                entry = entry.with_device(device);
            }
            audit::note(writing, entry.detail("added", added))?;
            let areas = caller.areas(writing.sql)?;
            Ok(Imported {
                added,
                known,
                lacking,
                documents: outcomes.told(writing.sql, &areas)?,
            })
        })
        .await
}
