//! Backups that the server makes by itself while it runs.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{MANIFEST, Manifest, files, make, state};
use crate::{
    app::App,
    audit::{Action, Entry},
    error::Error,
    platform::Machine,
};

/// What scheduled backups are called: this and the time, so that names sort by time.
const PREFIX: &str = "sokiem-";

/// Makes a backup if one is due, and takes away the oldest beyond those that are kept.
pub(crate) async fn run(app: &Arc<App>) {
    let Some(folder) = app.config.backup.dir.clone() else {
        return;
    };
    let (shared, due_after_ms) = (
        Arc::clone(app),
        app.config.backup.every_s.saturating_mul(1000),
    );
    let done = tokio::task::spawn_blocking(move || {
        let newest = kept(&folder)?.pop();
        let newest_ms = newest
            .as_ref()
            .and_then(|path| Some(Manifest::read(path).ok()?.made_ms));
        if let Some(newest_ms) = newest_ms {
            shared.metrics.backup_last_success.set(newest_ms / 1000);
        }
        let age_ms = newest_ms.map(|made_ms| shared.machine.now_ms().abs_diff(made_ms));
        if age_ms.is_some_and(|age_ms| age_ms < due_after_ms) {
            return Ok(None);
        }
        let to = folder.join(name(&shared.machine));
        let manifest = make::make(&shared.config, &shared.machine, &to, newest.as_deref())?;
        shared
            .metrics
            .backup_last_success
            .set(manifest.made_ms / 1000);
        tracing::info!(documents = manifest.documents, audit = %manifest.audit, "backed up");
        let mut all = kept(&folder)?;
        let surplus = all.len().saturating_sub(shared.config.backup.keep.max(1));
        for old in all.drain(..surplus) {
            fs::remove_dir_all(&old).map_err(files::failed("removing", &old))?;
        }
        let names = all.iter().filter_map(|path| path.file_name());
        let names: Vec<String> = names
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        Ok::<_, Error>(Some(names))
    });
    let kept = match done.await.unwrap_or(Err(Error::Panicked)) {
        Ok(kept) => kept.unwrap_or_default(),
        Err(error) => {
            app.metrics.backup_failures.inc();
            tracing::error!(%error, "the scheduled backup failed");
            return;
        }
    };
    if let Some(newest) = kept.last().filter(|_| app.config.backup.check) {
        state::start(app, newest.clone(), Entry::new(Action::BackupChecked));
        if let Err(error) = state::forget_gone(app, kept).await {
            tracing::warn!(%error, "checks of old backups were not forgotten");
        }
    }
}

fn name(machine: &Machine) -> String {
    let time = jiff::Timestamp::from_millisecond(machine.now_ms()).unwrap_or_default();
    format!("{PREFIX}{}", time.strftime("%Y%m%dT%H%M%S.%3fZ"))
}

/// The scheduled backups in a folder, oldest first. Nothing else there is touched.
pub(super) fn kept(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    files::make_folder(folder)?;
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(files::failed("listing", folder))? {
        let path = entry.map_err(files::failed("listing", folder))?.path();
        let ours = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        if ours && path.join(MANIFEST).is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
