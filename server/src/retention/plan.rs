//! What is due: read from the lists, without touching anything.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use sokiem_record::id::{AreaId, DocumentId, Kind};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{config::Retention, error::Error, store::id};

/// A document whose time is over.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Due {
    /// The document.
    pub(crate) id: Uuid,
    /// Its kind.
    pub(crate) kind: String,
    /// Its area.
    pub(crate) area: Uuid,
    /// The rule that says so: a key of the configuration.
    pub(crate) rule: String,
}

/// So many documents of a kind, in an area, by a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Count {
    /// The rule.
    pub(crate) rule: String,
    /// The kind.
    pub(crate) kind: String,
    /// The area.
    pub(crate) area: Uuid,
    /// How many.
    pub(crate) documents: u64,
}

/// What is purged, or would be.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = RetentionReport)]
pub(crate) struct Report {
    /// Documents by rule, kind and area.
    pub(crate) counts: Vec<Count>,
    /// Which documents.
    pub(crate) documents: Vec<Due>,
    /// Documents that a rule names and that are kept because of a hold.
    pub(crate) held: u64,
    /// Sessions that have ended.
    pub(crate) sessions: u64,
    /// Enrolment codes that were used or have ended.
    pub(crate) codes: u64,
    /// Refused changes in quarantine.
    pub(crate) quarantine: u64,
    /// Revoked devices whose names go.
    pub(crate) devices: u64,
    /// Rows at the beginning of the audit log.
    pub(crate) audit: u64,
    /// Attachments that no document refers to.
    pub(crate) attachments: u64,
}

/// The ends of the periods, at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Ends {
    /// Inspections and assignments of years before this one.
    inspections_before: Option<String>,
    /// Units that were closed before this day.
    closed_before: Option<String>,
    pub(crate) quarantine_before_ms: Option<i64>,
    pub(crate) devices_before_ms: Option<i64>,
    pub(crate) audit_before_ms: Option<i64>,
    pub(crate) attachments_before_ms: Option<i64>,
    pub(crate) now_ms: i64,
}

const DAY_MS: i64 = 24 * 3600 * 1000;

impl Ends {
    pub(crate) fn of(rules: &Retention, now_ms: i64, today: &str) -> Self {
        let today: Date = today.parse().unwrap_or_default();
        let years_ago = |years: u32| {
            let years = i16::try_from(years).unwrap_or(i16::MAX);
            today
                .with()
                .year(today.year().saturating_sub(years).max(1))
                .build()
                .ok()
        };
        let before = |days: u32| now_ms.saturating_sub(i64::from(days).saturating_mul(DAY_MS));
        Self {
            inspections_before: rules
                .inspections_years
                .and_then(years_ago)
                .map(|day| format!("{:04}", day.year())),
            closed_before: rules
                .closed_units_years
                .and_then(years_ago)
                .map(|day| day.to_string()),
            quarantine_before_ms: rules.quarantine_days.map(before),
            devices_before_ms: rules.revoked_devices_days.map(before),
            audit_before_ms: rules.audit_days.map(before),
            attachments_before_ms: rules.loose_attachments_days.map(before),
            now_ms,
        }
    }
}

/// Inspections and assignments belong to their campaign's year; those without a campaign to the year of their
/// own day, or of their last change.
const BY_YEAR: &str = "SELECT d.id, d.kind, d.area,
        EXISTS (SELECT 1 FROM holds WHERE document IN (d.id, d.subject, d.campaign))
   FROM documents AS d LEFT JOIN documents AS c ON c.id = d.campaign AND c.kind = 'campaign'
  WHERE d.kind IN ('inspection', 'assignment')
    AND substr(coalesce(c.date, d.date, strftime('%Y-%m-%d', d.updated_ms / 1000, 'unixepoch')), 1, 4) < ?1
  ORDER BY d.kind DESC, d.id";

/// Closed units about which nothing is left. Their inspections go first, by their own rule.
const CLOSED: &str = "SELECT u.id, u.kind, u.area, EXISTS (SELECT 1 FROM holds WHERE document = u.id)
   FROM documents AS u
  WHERE u.kind = 'unit' AND u.state <> 'joined' AND u.date < ?1
    AND NOT EXISTS (SELECT 1 FROM documents AS d WHERE d.subject = u.id AND d.kind IN ('inspection', 'assignment'))
  ORDER BY u.id";

/// What the rules would purge.
pub(crate) fn plan(sql: &Connection, ends: &Ends) -> Result<Report, Error> {
    let mut report = Report::default();
    let rules = [
        ("inspections_years", BY_YEAR, &ends.inspections_before),
        ("closed_units_years", CLOSED, &ends.closed_before),
    ];
    for (rule, query, end) in rules {
        let Some(end) = end else { continue };
        let mut statement = sql.prepare_cached(query)?;
        let mut rows = statement.query([end])?;
        while let Some(row) = rows.next()? {
            if row.get(3)? {
                report.held += 1;
                continue;
            }
            let due = Due {
                id: id::id::<DocumentId>(row, 0)?.0,
                kind: id::kind(row, 1)?.name().to_owned(),
                area: id::id::<AreaId>(row, 2)?.0,
                rule: rule.to_owned(),
            };
            if due.kind == Kind::Inspection.name() {
                report.documents.extend(review_of(sql, &due)?);
            }
            report.documents.push(due);
        }
    }
    let mut counts: BTreeMap<(&str, &str, Uuid), u64> = BTreeMap::new();
    for due in &report.documents {
        *counts.entry((&due.rule, &due.kind, due.area)).or_default() += 1;
    }
    report.counts = counts
        .into_iter()
        .map(|((rule, kind, area), documents)| Count {
            rule: rule.to_owned(),
            kind: kind.to_owned(),
            area,
            documents,
        })
        .collect();
    count_others(sql, ends, &mut report)?;
    Ok(report)
}

/// An inspection's review goes with it.
fn review_of(sql: &Connection, inspection: &Due) -> Result<Option<Due>, Error> {
    let review = sokiem_record::genesis::review_id(DocumentId(inspection.id));
    let found = crate::sync::stored::find(sql, review)?;
    Ok(found.map(|row| Due {
        id: review.0,
        kind: row.kind.name().to_owned(),
        area: row.area.0,
        rule: inspection.rule.clone(),
    }))
}

fn count_others(sql: &Connection, ends: &Ends, report: &mut Report) -> Result<(), Error> {
    let count = |query: &str, end: Option<i64>| -> Result<u64, Error> {
        match end {
            Some(end) => Ok(sql.query_row(query, params![end], |row| row.get(0))?),
            None => Ok(0),
        }
    };
    report.sessions = count(
        "SELECT count(*) FROM sessions WHERE expires_ms <= ?1",
        Some(ends.now_ms),
    )?;
    report.codes = count(
        "SELECT count(*) FROM codes WHERE used_ms IS NOT NULL OR expires_ms <= ?1",
        Some(ends.now_ms),
    )?;
    report.quarantine = count(
        "SELECT count(*) FROM quarantine WHERE received_ms < ?1
           AND document NOT IN (SELECT document FROM holds)",
        ends.quarantine_before_ms,
    )?;
    report.devices = count(
        "SELECT count(*) FROM devices WHERE revoked_ms < ?1 AND name <> ''",
        ends.devices_before_ms,
    )?;
    report.audit = count(
        "SELECT count(*) FROM audit WHERE at_ms < ?1",
        ends.audit_before_ms,
    )?;
    report.attachments = count(
        "SELECT count(*) FROM attachments WHERE received_ms < ?1
           AND hash NOT IN (SELECT hash FROM attachment_links)",
        ends.attachments_before_ms,
    )?;
    Ok(())
}
