//! What devices say about themselves with an exchange, for the people who look after them.

use rusqlite::{Connection, OptionalExtension, params};
use sokiem_record::{id::DeviceId, wire::DeviceReport};

use crate::{app::App, error::Error};

/// Longest version that is kept, in characters.
const VERSION_CHARS: usize = 100;
/// What is the same as before is written again at most once in this time.
const AGAIN_MS: i64 = 60_000;
/// A clock counts as the same within this.
const SAME_CLOCK_MS: i64 = 5_000;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    app_version: String,
    clock_ahead_ms: i64,
    waiting: u64,
    attachments: u64,
    reported_ms: i64,
}

impl Kept {
    fn of(report: &DeviceReport, now_ms: i64) -> Self {
        Self {
            app_version: report.app_version.chars().take(VERSION_CHARS).collect(),
            clock_ahead_ms: report.clock_ms.saturating_sub(now_ms),
            waiting: report.waiting.min(i64::MAX.unsigned_abs()),
            attachments: report.attachments.min(i64::MAX.unsigned_abs()),
            reported_ms: now_ms,
        }
    }

    fn says_more_than(&self, before: &Self) -> bool {
        let clock_moved_ms = self.clock_ahead_ms.abs_diff(before.clock_ahead_ms);
        self.reported_ms.saturating_sub(before.reported_ms) >= AGAIN_MS
            || clock_moved_ms > SAME_CLOCK_MS.unsigned_abs()
            || (&self.app_version, self.waiting, self.attachments)
                != (&before.app_version, before.waiting, before.attachments)
    }
}

/// Keeps a report if it says something new. A device's records don't wait for it: what fails is logged.
pub(crate) async fn keep(app: &App, device: DeviceId, report: DeviceReport, now_ms: i64) {
    let new = Kept::of(&report, now_ms);
    if let Err(error) = write(app, device, new).await {
        tracing::debug!(%error, "a device's report was not kept");
    }
}

async fn write(app: &App, device: DeviceId, new: Kept) -> Result<(), Error> {
    let before = app.store.read(move |sql| read(sql, device)).await?;
    if before.is_some_and(|before| !new.says_more_than(&before)) {
        return Ok(());
    }
    app.store
        .write(move |writing| {
            writing.sql.execute(
                "UPDATE devices SET app_version = CASE WHEN ?2 = '' THEN app_version ELSE ?2 END,
                        clock_ahead_ms = ?3, waiting = ?4, waiting_attachments = ?5, reported_ms = ?6 WHERE id = ?1",
                params![
                    device.as_bytes().as_slice(),
                    new.app_version,
                    new.clock_ahead_ms,
                    new.waiting,
                    new.attachments,
                    new.reported_ms
                ],
            )?;
            Ok(())
        })
        .await
}

fn read(sql: &Connection, device: DeviceId) -> Result<Option<Kept>, Error> {
    let kept = sql
        .prepare_cached(
            "SELECT app_version, clock_ahead_ms, waiting, waiting_attachments, reported_ms
               FROM devices WHERE id = ?1 AND reported_ms IS NOT NULL",
        )?
        .query_row([device.as_bytes().as_slice()], |row| {
            Ok(Kept {
                app_version: row.get(0)?,
                clock_ahead_ms: row.get(1)?,
                waiting: row.get(2)?,
                attachments: row.get(3)?,
                reported_ms: row.get(4)?,
            })
        })
        .optional()?;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(clock_ms: i64, waiting: u64, now_ms: i64) -> Kept {
        let report = DeviceReport {
            app_version: "x".repeat(200),
            clock_ms,
            waiting,
            attachments: 0,
        };
        Kept::of(&report, now_ms)
    }

    #[test]
    fn only_what_says_something_new_is_written_before_a_minute_is_over() {
        let before = kept(1_000, 3, 2_000);
        assert_eq!(
            (before.clock_ahead_ms, before.app_version.len()),
            (-1_000, 100)
        );
        assert!(!kept(3_000, 3, 4_000).says_more_than(&before));
        assert!(!kept(4_000, 3, 4_000).says_more_than(&before));
        assert!(kept(20_000, 3, 4_000).says_more_than(&before));
        assert!(kept(3_000, 4, 4_000).says_more_than(&before));
        assert!(kept(61_000, 3, 62_000).says_more_than(&before));
        assert_eq!(kept(i64::MIN, u64::MAX, 1).clock_ahead_ms, i64::MIN);
    }
}
