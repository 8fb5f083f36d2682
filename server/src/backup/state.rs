//! Which scheduled backups there are, whether they were checked, and checking one.

use std::{
    collections::HashMap,
    fs,
    path::Path as FilePath,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use rusqlite::{Connection, params};
use serde::Serialize;
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::{Manifest, Soundness, check::check as check_folder, schedule};
use crate::{
    accounts::access::{Caller, Role},
    app::{App, Shared},
    audit::{self, Action, Entry},
    error::Error,
    http::{body::Json, problem::Problem},
};

/// How long somebody who asks for a check waits for its end.
const PATIENCE: Duration = Duration::from_secs(10);

/// The backup that is being checked: one at a time, for a check reads every byte.
#[derive(Default)]
pub(crate) struct Checking(Mutex<Option<String>>);

impl Checking {
    fn now(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Takes the turn, unless somebody has it.
    fn begin(&self, name: &str) -> bool {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.is_some() {
            return false;
        }
        *now = Some(name.to_owned());
        true
    }

    fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Backups that the server makes by itself. Times are milliseconds since 1970-01-01 UTC.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Backups {
    /// The folder that they are made in; null where none is configured.
    pub(crate) folder: Option<String>,
    /// Seconds from one to the next.
    pub(crate) every_s: u64,
    /// How many are kept.
    pub(crate) keep: usize,
    /// Whether each is checked once it is made.
    pub(crate) checked_by_itself: bool,
    /// When the newest was made.
    pub(crate) last_ms: Option<i64>,
    /// When the next is due.
    pub(crate) next_ms: Option<i64>,
    /// The newest is older than it should be, by more than an hour; or there is none.
    pub(crate) overdue: bool,
    /// The one that is being checked now.
    pub(crate) checking: Option<String>,
    /// Those that there are, the newest first.
    pub(crate) backups: Vec<Listed>,
}

/// A backup.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedBackup)]
pub(crate) struct Listed {
    /// The name of its folder.
    pub(crate) name: String,
    /// When it was made; null where its manifest can't be read.
    pub(crate) made_ms: Option<i64>,
    /// How many bytes it has.
    pub(crate) bytes: u64,
    /// How many documents.
    pub(crate) documents: u64,
    /// How many attachments.
    pub(crate) attachments: u64,
    /// The newest row of its audit log: an anchor for checking the log.
    pub(crate) audit: String,
    /// What the last check of it found; null where there was none.
    pub(crate) check: Option<Found>,
}

/// What a check found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Found {
    /// When, milliseconds since 1970-01-01 UTC.
    pub(crate) checked_ms: i64,
    /// Whether it can be restored and is what was written.
    pub(crate) ok: bool,
    /// What is wrong.
    pub(crate) faults: Vec<String>,
    /// How many documents were recomputed.
    pub(crate) documents: u64,
    /// How many changes were read.
    pub(crate) changes: u64,
}

/// The backups that the server made by itself, and what their checks found.
#[utoipa::path(get, path = "/api/v1/backups", tag = "operation",
    responses((status = 200, body = Backups), (status = 403, description = "forbidden")),
    security(("session" = [])))]
pub(crate) async fn list(State(app): Shared, caller: Caller) -> Result<Json<Backups>, Problem> {
    caller.at_least(Role::Administrator)?;
    Ok(Json(backups(&app).await?))
}

/// Check a backup: read every byte and recompute what it says. What takes long goes on by itself.
#[utoipa::path(post, path = "/api/v1/backups/{name}/check", tag = "operation",
    params(("name" = String, Path, description = "`name` of the list")),
    responses((status = 200, description = "It was checked", body = Backups), (status = 202, description = "It is being checked, or another one is", body = Backups),
        (status = 403, description = "forbidden"), (status = 404, description = "not-found"), (status = 422, description = "invalid: none are configured")),
    security(("session" = [])))]
pub(crate) async fn check(
    State(app): Shared,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<Backups>), Problem> {
    caller.at_least(Role::Administrator)?;
    if app.config.backup.dir.is_none() {
        return Err(Problem::invalid("No backups are configured")
            .vietnamese("Chưa cấu hình sao lưu nên không có bản nào để kiểm tra."));
    }
    let known = backups(&app).await?;
    if !known.backups.iter().any(|backup| backup.name == name) {
        return Err(Problem::not_found());
    }
    let entry = Entry::new(Action::BackupChecked).by(caller.account);
    let done = start(&app, name, entry);
    let ended = match done {
        Some(done) => tokio::time::timeout(PATIENCE, done).await.is_ok(),
        None => false,
    };
    let status = if ended {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok((status, Json(backups(&app).await?)))
}

/// Checks a backup unless one is being checked; what to wait for if somebody wants to. The folder is read on a thread
/// of its own, which keeps nobody from stopping the server.
pub(super) fn start(app: &Arc<App>, name: String, entry: Entry) -> Option<oneshot::Receiver<()>> {
    let folder = app.config.backup.dir.clone()?;
    if !app.checking.begin(&name) {
        return None;
    }
    let (found, finding) = oneshot::channel();
    let path = folder.join(&name);
    let thread = std::thread::Builder::new().name("sokiem-check".to_owned());
    let begun = thread.spawn(move || {
        let _ = found.send(check_folder(&path));
    });
    if let Err(error) = begun {
        tracing::error!(%error, "no thread for checking a backup");
        app.checking.end();
        return None;
    }
    let (done, waiting) = oneshot::channel();
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let sound = finding.await.unwrap_or(Err(Error::Panicked));
        if let Err(error) = keep(&app, name, sound, entry).await {
            tracing::error!(%error, "what the check of a backup found was not kept");
        }
        app.checking.end();
        let _ = done.send(());
    });
    Some(waiting)
}

async fn keep(
    app: &App,
    name: String,
    sound: Result<Soundness, Error>,
    entry: Entry,
) -> Result<(), Error> {
    let (faults, documents, changes) = match sound {
        Ok(sound) => (sound.faults, sound.documents, sound.changes),
        Err(error) => (vec![error.to_string()], 0, 0),
    };
    if faults.is_empty() {
        tracing::info!(backup = name, documents, changes, "a backup was checked");
    } else {
        app.metrics.backup_failures.inc();
        tracing::error!(backup = name, ?faults, "a backup is not sound");
    }
    let text = serde_json::to_string(&faults).map_err(|_| Error::Unreadable("faults"))?;
    app.store
        .write(move |writing| {
            writing.sql.execute(
                "INSERT INTO backup_checks (name, checked_ms, ok, faults, documents, changes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (name) DO UPDATE SET checked_ms = ?2, ok = ?3, faults = ?4, documents = ?5, changes = ?6",
                params![name, writing.now_ms, faults.is_empty(), text, documents, changes],
            )?;
            let entry = entry.on("backup", &name).detail("ok", faults.is_empty());
            audit::note(writing, entry)
        })
        .await
}

async fn backups(app: &Arc<App>) -> Result<Backups, Error> {
    let configured = app.config.backup.clone();
    let mut found = match configured.dir.clone() {
        Some(folder) => tokio::task::spawn_blocking(move || listed(&folder))
            .await
            .map_err(|_| Error::Panicked)??,
        None => Vec::new(),
    };
    let checks = app.store.read(checks).await?;
    for backup in &mut found {
        backup.check = checks.get(&backup.name).cloned();
    }
    let last_ms = found.iter().filter_map(|backup| backup.made_ms).max();
    let every_ms = i64::try_from(configured.every_s)
        .unwrap_or(i64::MAX)
        .saturating_mul(1000);
    let next_ms = last_ms.map(|last_ms| last_ms.saturating_add(every_ms));
    let late_ms = next_ms.map(|next_ms| app.machine.now_ms().saturating_sub(next_ms));
    Ok(Backups {
        overdue: configured.dir.is_some() && late_ms.is_none_or(|late_ms| late_ms > 3_600_000),
        folder: configured.dir.map(|folder| folder.display().to_string()),
        every_s: configured.every_s,
        keep: configured.keep,
        checked_by_itself: configured.check,
        last_ms,
        next_ms,
        checking: app.checking.now(),
        backups: found,
    })
}

fn listed(folder: &FilePath) -> Result<Vec<Listed>, Error> {
    let mut found = Vec::new();
    for path in schedule::kept(folder)?.into_iter().rev() {
        let name = path.file_name().unwrap_or_default();
        let manifest = Manifest::read(&path).ok();
        let manifest_bytes = fs::metadata(path.join(super::MANIFEST)).map_or(0, |file| file.len());
        let manifest = manifest.as_ref();
        let files = manifest.into_iter().flat_map(|manifest| &manifest.files);
        found.push(Listed {
            name: name.to_string_lossy().into_owned(),
            made_ms: manifest.map(|manifest| manifest.made_ms),
            bytes: manifest_bytes + files.map(|file| file.bytes).sum::<u64>(),
            documents: manifest.map_or(0, |manifest| manifest.documents),
            attachments: manifest.map_or(0, |manifest| manifest.attachments),
            audit: manifest.map_or_else(String::new, |manifest| manifest.audit.clone()),
            check: None,
        });
    }
    Ok(found)
}

fn checks(sql: &Connection) -> Result<HashMap<String, Found>, Error> {
    let mut statement = sql.prepare_cached(
        "SELECT name, checked_ms, ok, faults, documents, changes FROM backup_checks",
    )?;
    let rows = statement.query_map([], |row| {
        let found = Found {
            checked_ms: row.get(1)?,
            ok: row.get(2)?,
            faults: serde_json::from_str(&row.get::<_, String>(3)?).unwrap_or_default(),
            documents: row.get(4)?,
            changes: row.get(5)?,
        };
        Ok((row.get(0)?, found))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Forgets the checks of backups that are gone.
pub(super) async fn forget_gone(app: &App, kept: Vec<String>) -> Result<(), Error> {
    app.store
        .write(move |writing| {
            let kept = serde_json::to_string(&kept).map_err(|_| Error::Unreadable("names"))?;
            writing.sql.execute(
                "DELETE FROM backup_checks WHERE name NOT IN (SELECT value FROM json_each(?1))",
                [kept],
            )?;
            Ok(())
        })
        .await
}
