//! Running the rules.

use std::sync::Arc;

use rusqlite::params;
use sokiem_record::id::{AccountId, AreaId, DocumentId, Kind};

use super::{
    burial,
    plan::{Due, Ends, Report, plan},
};
use crate::{
    app::App,
    attachments::sweep,
    audit::{self, Action, Entry, chain},
    error::Error,
    store::{self, FILE_NAME, Writing},
};

/// Documents that are purged as one write, so that others get in between.
const SLICE: usize = 32;

/// What the rules would purge now.
pub(crate) async fn preview(app: &App) -> Result<Report, Error> {
    let ends = ends(app);
    app.store.read(move |sql| plan(sql, &ends)).await
}

fn ends(app: &App) -> Ends {
    Ends::of(
        &app.config.retention,
        app.machine.now_ms(),
        &app.machine.today(),
    )
}

/// Purges what is due. What came under a hold meanwhile stays.
pub(crate) async fn run(app: &Arc<App>, by: Option<AccountId>) -> Result<Report, Error> {
    let mut report = preview(app).await?;
    let planned = std::mem::take(&mut report.documents);
    let mut gone = Vec::with_capacity(planned.len());
    for slice in planned.chunks(SLICE) {
        let slice = slice.to_vec();
        gone.extend(
            app.store
                .write(move |writing| purge(writing, slice))
                .await?,
        );
    }
    report.held += (planned.len() - gone.len()) as u64;
    report.documents = gone;
    let (ends, kept) = (ends(app), report.clone());
    app.store
        .write(move |writing| finish(writing, &ends, by, &kept))
        .await?;
    sweep::sweep(app).await?;
    forget_pages(app).await;
    tracing::info!(
        documents = report.documents.len(),
        held = report.held,
        "retention was run"
    );
    Ok(report)
}

fn purge(writing: &Writing<'_>, slice: Vec<Due>) -> Result<Vec<Due>, Error> {
    let mut gone = Vec::new();
    for due in slice {
        let held = writing
            .sql
            .prepare_cached(
                "SELECT 1 FROM documents JOIN holds ON holds.document IN (documents.id, subject, campaign)
                  WHERE documents.id = ?1",
            )?
            .exists([due.id.as_bytes().as_slice()])?;
        let kind = Kind::from_name(&due.kind).ok_or(Error::Unreadable("kind"))?;
        if !held {
            burial::bury(
                writing,
                DocumentId(due.id),
                kind,
                AreaId(due.area),
                &due.rule,
            )?;
            gone.push(due);
        }
    }
    Ok(gone)
}

/// What is no document, and the report of the run.
fn finish(
    writing: &Writing<'_>,
    ends: &Ends,
    by: Option<AccountId>,
    report: &Report,
) -> Result<(), Error> {
    let sql = writing.sql;
    let now_ms = ends.now_ms;
    sql.execute("DELETE FROM sessions WHERE expires_ms <= ?1", [now_ms])?;
    sql.execute(
        "DELETE FROM codes WHERE used_ms IS NOT NULL OR expires_ms <= ?1",
        [now_ms],
    )?;
    if let Some(before_ms) = ends.quarantine_before_ms {
        sql.execute(
            "DELETE FROM quarantine WHERE received_ms < ?1 AND document NOT IN (SELECT document FROM holds)",
            [before_ms],
        )?;
    }
    if let Some(before_ms) = ends.devices_before_ms {
        sql.execute(
            "UPDATE devices SET name = '' WHERE revoked_ms < ?1",
            [before_ms],
        )?;
    }
    if let Some(before_ms) = ends.attachments_before_ms {
        burial::drop_loose_attachments(sql, before_ms)?;
    }
    let text = serde_json::to_string(report).map_err(|_| Error::Unreadable("report"))?;
    let id = writing.machine.new_id()?;
    sql.execute(
        "INSERT INTO purges (id, at_ms, account, report) VALUES (?1, ?2, ?3, ?4)",
        params![
            id.as_bytes().as_slice(),
            writing.now_ms,
            by.map(|account| account.as_bytes().to_vec()),
            text
        ],
    )?;
    let entry = by
        .into_iter()
        .fold(Entry::new(Action::RetentionRun), Entry::by);
    let entry = entry
        .on("purge", id)
        .detail("documents", report.documents.len())
        .detail("held", report.held)
        .detail("quarantine", report.quarantine);
    audit::note(writing, entry)?;
    if let Some(before_ms) = ends.audit_before_ms {
        let through: Option<i64> = sql.query_row(
            // Up to the first row that is young enough: the beginning of the log, without gaps.
            "SELECT coalesce((SELECT min(seq) FROM audit WHERE at_ms >= ?1), (SELECT max(seq) FROM audit)) - 1",
            [before_ms],
            |row| row.get(0),
        )?;
        if let Some(through) = through {
            chain::shorten(writing, through, Entry::new(Action::AuditShortened))?;
        }
    }
    Ok(())
}

/// The log beside the database still holds pages as they were before: it is taken in and emptied. Freed
/// pages in the database itself are overwritten as they are freed (`secure_delete`).
async fn forget_pages(app: &Arc<App>) {
    let app = Arc::clone(app);
    let done = tokio::task::spawn_blocking(move || {
        let path = app.config.data_dir.join(FILE_NAME);
        let sql = store::open_connection(&path, app.machine.vfs())?;
        sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            row.get::<_, i64>(0)
        })
    });
    match done.await {
        Ok(Ok(0)) => {}
        Ok(Ok(_)) => tracing::info!("the log beside the database is in use and is emptied later"),
        Ok(Err(error)) => tracing::warn!(%error, "the log beside the database was not emptied"),
        Err(_) => tracing::error!("emptying the log panicked"),
    }
}

/// Runs the rules if they are to run by themselves and it is time.
pub(crate) async fn scheduled(app: &Arc<App>) {
    let every_s = app.config.retention.every_s;
    if every_s == 0 {
        return;
    }
    let last = app.store.read(|sql| {
        Ok::<Option<i64>, Error>(
            sql.query_row("SELECT max(at_ms) FROM purges", [], |row| row.get(0))?,
        )
    });
    let done = match last.await {
        Ok(Some(last_ms))
            if app.machine.now_ms().abs_diff(last_ms) < every_s.saturating_mul(1000) =>
        {
            return;
        }
        Ok(_) => run(app, None).await.map(|_| ()),
        Err(error) => Err(error),
    };
    if let Err(error) = done {
        tracing::error!(%error, "the scheduled run of the retention rules failed");
    }
}
