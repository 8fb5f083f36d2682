//! How much may be brought: by one device in a day, for one document, by all together, and how many
//! uploads at the same time. Asked when an upload is made, which then holds its length reserved.

use rusqlite::{Connection, params};
use sokiem_record::id::{DeviceId, DocumentId};

use crate::{
    config::Limits,
    error::Error,
    http::problem::{Cause, Problem},
    store::Writing,
};

/// Refuses an upload of `length` bytes that would go beyond a quota.
pub(super) fn check(
    writing: &Writing<'_>,
    limits: &Limits,
    device: DeviceId,
    document: DocumentId,
    length: u64,
) -> Result<(), Problem> {
    let sql = writing.sql;
    let open: u32 = sql
        .prepare_cached("SELECT count(*) FROM uploads WHERE device = ?1 AND state = 'open'")?
        .query_row([device.as_bytes().as_slice()], |row| row.get(0))?;
    if open >= limits.uploads_per_device {
        return Err(Problem::new(Cause::TooManyRequests)
            .detail("This device has too many uploads under way; finish or end some")
            .member("quota", "uploads"));
    }
    let day = writing.machine.today();
    let today = received_on(sql, device, &day)?.saturating_add(sum(
        sql,
        "SELECT coalesce(sum(length - offset), 0) FROM uploads WHERE device = ?1 AND state = 'open'",
        device.as_bytes(),
    )?);
    within(
        "device-day",
        today,
        length,
        limits.attachment_device_day_bytes,
    )?;
    let attached = sum(
        sql,
        "SELECT coalesce(sum(attachments.bytes), 0) FROM attachment_links
           JOIN attachments ON attachments.hash = attachment_links.hash WHERE document = ?1",
        document.as_bytes(),
    )?;
    let coming = sum(
        sql,
        "SELECT coalesce(sum(length), 0) FROM uploads WHERE document = ?1 AND state = 'open'",
        document.as_bytes(),
    )?;
    let for_document = attached.saturating_add(coming);
    within(
        "document",
        for_document,
        length,
        limits.attachment_document_bytes,
    )?;
    let all: u64 = sql
        .prepare_cached(
            "SELECT (SELECT coalesce(sum(bytes), 0) FROM attachments)
                  + (SELECT coalesce(sum(length), 0) FROM uploads WHERE state = 'open')",
        )?
        .query_row([], |row| row.get(0))?;
    within("total", all, length, limits.attachment_total_bytes)
}

fn within(quota: &'static str, used: u64, length: u64, limit: u64) -> Result<(), Problem> {
    if used.saturating_add(length) <= limit {
        return Ok(());
    }
    Err(Problem::new(Cause::QuotaReached)
        .member("quota", quota)
        .member("limit_bytes", limit))
}

fn sum(sql: &Connection, query: &str, id: &[u8; 16]) -> Result<u64, Error> {
    Ok(sql
        .prepare_cached(query)?
        .query_row([id.as_slice()], |row| row.get(0))?)
}

fn received_on(sql: &Connection, device: DeviceId, day: &str) -> Result<u64, Error> {
    Ok(sql
        .prepare_cached(
            "SELECT coalesce(sum(bytes), 0) FROM upload_days WHERE device = ?1 AND day = ?2",
        )?
        .query_row(params![device.as_bytes().as_slice(), day], |row| row.get(0))?)
}

/// Counts bytes that came from a device today, good or not.
pub(super) fn count(writing: &Writing<'_>, device: DeviceId, bytes: u64) -> Result<(), Error> {
    writing
        .sql
        .prepare_cached(
            "INSERT INTO upload_days (device, day, bytes) VALUES (?1, ?2, ?3)
             ON CONFLICT (device, day) DO UPDATE SET bytes = bytes + excluded.bytes",
        )?
        .execute(params![
            device.as_bytes().as_slice(),
            writing.machine.today(),
            bytes
        ])?;
    Ok(())
}
