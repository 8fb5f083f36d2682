//! What is left over goes: expired uploads, tokens and counts, files without a row, attachments whose last
//! document was removed. At start, and now and then when an upload is made; no timer of its own.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
};

use rusqlite::Connection;
use sokiem_record::attachment::ContentHash;
use uuid::Uuid;

use super::{receiving::remove_file, row, upload};
use crate::{app::App, error::Error};

/// Uploads are swept at most once in this time.
const EVERY_MS: i64 = 10 * 60_000;

/// Finishes and clears what the last run left. In the background: nobody waits for it.
pub(crate) fn start(app: &Arc<App>) {
    let app = Arc::clone(app);
    tokio::spawn(async move {
        if let Err(error) = clear_up(&app).await {
            tracing::warn!(%error, "uploads of the last run were not cleared up");
        }
    });
}

async fn clear_up(app: &App) -> Result<(), Error> {
    for whole in app.store.read(row::whole).await? {
        upload::finish_quietly(app, whole).await?;
    }
    sweep(app).await?;
    // A file is made after its row, so one without a row is left over.
    let folder = Arc::new(app.attachments.objects.files().map_err(Error::UploadFile)?);
    let rows: HashSet<Uuid> = app.store.read(known).await?;
    for file in folder.iter().filter(|file| !rows.contains(file)) {
        remove_file(app, *file).await?;
    }
    Ok(())
}

fn known(sql: &Connection) -> Result<HashSet<Uuid>, Error> {
    let mut statement = sql.prepare_cached("SELECT id FROM uploads WHERE state = 'open'")?;
    let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
    let rows: Vec<Vec<u8>> = rows.collect::<Result<_, _>>()?;
    Ok(rows
        .iter()
        .filter_map(|bytes| Uuid::from_slice(bytes).ok())
        .collect())
}

/// Sweeps, unless that was a moment ago.
pub(super) async fn now_and_then(app: &App) -> Result<(), Error> {
    let now_ms = app.machine.now_ms();
    let last = app.attachments.swept_ms.load(Ordering::Acquire);
    // A clock that went back sweeps too.
    if now_ms >= last && now_ms.saturating_sub(last) < EVERY_MS {
        return Ok(());
    }
    sweep(app).await
}

/// Removes what has expired.
pub(crate) async fn sweep(app: &App) -> Result<(), Error> {
    app.attachments
        .swept_ms
        .store(app.machine.now_ms(), Ordering::Release);
    let expired: Vec<Uuid> = app
        .store
        .write(|writing| {
            let mut statement = writing
                .sql
                .prepare_cached("DELETE FROM uploads WHERE expires_ms <= ?1 RETURNING id")?;
            let rows = statement.query_map([writing.now_ms], |row| row.get::<_, Vec<u8>>(0))?;
            let expired: Vec<Vec<u8>> = rows.collect::<Result<_, _>>()?;
            writing.sql.execute(
                "DELETE FROM upload_tokens WHERE expires_ms <= ?1",
                [writing.now_ms],
            )?;
            writing.sql.execute(
                "DELETE FROM upload_days WHERE day < ?1",
                [writing.machine.today()],
            )?;
            Ok::<_, Error>(
                expired
                    .iter()
                    .filter_map(|bytes| Uuid::from_slice(bytes).ok())
                    .collect(),
            )
        })
        .await?;
    for upload in expired {
        remove_file(app, upload).await?;
    }
    remove_objects(app).await
}

/// Removes attachments that no document has any more.
async fn remove_objects(app: &App) -> Result<(), Error> {
    // Nothing arrives meanwhile, so what has no row now gets none before its object is gone.
    let _one = app
        .attachments
        .finishing
        .acquire()
        .await
        .map_err(|_| Error::Closed)?;
    let due: Vec<ContentHash> = app
        .store
        .read(|sql| {
            let mut statement = sql.prepare_cached(
                "SELECT hash FROM attachment_removals WHERE hash NOT IN (SELECT hash FROM attachments)",
            )?;
            let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
            let due: Vec<Vec<u8>> = rows.collect::<Result<_, _>>()?;
            Ok::<_, Error>(due.iter().filter_map(|bytes| ContentHash::from_slice(bytes)).collect())
        })
        .await?;
    for hash in due {
        app.attachments.objects.delete(hash).await?;
        app.store
            .write(move |writing| {
                writing.sql.execute(
                    "DELETE FROM attachment_removals WHERE hash = ?1",
                    [hash.0.as_slice()],
                )?;
                Ok::<_, Error>(())
            })
            .await?;
    }
    Ok(())
}
