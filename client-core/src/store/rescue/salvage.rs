//! Reading rows out of a database of which some pages are damaged.

use std::collections::BTreeMap;

use rusqlite::{Connection, types::Value};
use sokiem_record::{
    chunk::ChangeHeader,
    document::{Document, Received},
    id::{ActorId, AreaId, DocumentId, Kind},
    refusal::Refusal,
};

use crate::{
    error::Result,
    store::{
        areas, documents, enrolment, outbox, projection, quarantine,
        rescue::{RescueReport, Source},
    },
};

/// Rows between two damaged places that are asked for one by one.
const MOST_PROBES: i64 = 100_000;
/// How often the database is opened again for one table: a row that can't be read costs a few
/// milliseconds where it is encrypted.
const MOST_MISSES: u32 = 1_000;

pub(super) type Cells = Vec<Value>;

/// The damaged database while it is read.
pub(super) struct Salvage<'a> {
    connection: Connection,
    again: Source<'a>,
}

impl<'a> Salvage<'a> {
    pub(super) fn new(connection: Connection, again: Source<'a>) -> Self {
        Self { connection, again }
    }

    /// Whether there is anything left to ask for: without its first page a database has no tables.
    fn has_tables(&self) -> bool {
        let count = self
            .connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0));
        count.is_ok_and(|count: i64| count > 0)
    }

    /// Whether the database is of a version that has this table, as far as can be read.
    pub(super) fn has_table(&mut self, name: &str) -> bool {
        let mut found = BTreeMap::new();
        let sql = format!("SELECT rowid, name FROM sqlite_schema WHERE name = '{name}'");
        self.read(&sql, &mut found).is_ok() && !found.is_empty()
    }

    /// Reads until the end or the first damaged place.
    pub(super) fn read(
        &mut self,
        sql: &str,
        found: &mut BTreeMap<i64, Cells>,
    ) -> rusqlite::Result<()> {
        let done = read(&self.connection, sql, found);
        if done.is_err()
            && let Ok(fresh) = (self.again)()
        {
            self.connection = fresh;
        }
        done
    }
}

/// Every row of a table that can be read, by its number.
pub(super) fn rows(
    source: &mut Salvage<'_>,
    table: &str,
    columns: &str,
    report: &mut RescueReport,
) -> BTreeMap<i64, Cells> {
    let mut found = BTreeMap::new();
    let key = if table == "enrolment" {
        "one"
    } else {
        "number"
    };
    let select = format!("SELECT {key}, {columns} FROM {table}");
    let up = source.read(&format!("{select} ORDER BY {key}"), &mut found);
    let Err(error) = up else { return found };
    report.lose(table, &error);
    if !source.has_tables() {
        return found;
    }
    let low = found.last_key_value().map_or(0, |(number, _)| *number);
    let _ = source.read(
        &format!("{select} WHERE {key} > {low} ORDER BY {key} DESC"),
        &mut found,
    );
    let high = found
        .range(low.saturating_add(1)..)
        .next()
        .map(|(number, _)| *number);
    let high = high.unwrap_or(low.saturating_add(MOST_PROBES));
    let mut misses = 0;
    for number in
        (low.saturating_add(1)..high).take(usize::try_from(MOST_PROBES).unwrap_or(usize::MAX))
    {
        let probe = source.read(&format!("{select} WHERE {key} = {number}"), &mut found);
        misses += u32::from(probe.is_err());
        if misses == MOST_MISSES {
            break;
        }
    }
    found
}

fn read(source: &Connection, sql: &str, found: &mut BTreeMap<i64, Cells>) -> rusqlite::Result<()> {
    let mut statement = source.prepare(sql)?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let cells: rusqlite::Result<Cells> = (1..columns).map(|column| row.get(column)).collect();
        found.insert(row.get(0)?, cells?);
    }
    Ok(())
}

pub(super) fn blob(cells: &Cells, column: usize) -> Option<&[u8]> {
    match cells.get(column) {
        Some(Value::Blob(bytes)) => Some(bytes),
        _ => None,
    }
}

pub(super) fn text(cells: &Cells, column: usize) -> Option<&str> {
    match cells.get(column) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

pub(super) fn integer(cells: &Cells, column: usize) -> Option<i64> {
    match cells.get(column) {
        Some(Value::Integer(value)) => Some(*value),
        _ => None,
    }
}

/// Carries over what can be read, in one transaction of the fresh database.
pub(super) fn carry_over(
    source: &mut Salvage<'_>,
    fresh: &Connection,
    now_ms: i64,
    report: &mut RescueReport,
) -> Result<()> {
    carry_enrolment(source, fresh, report)?;
    for cells in rows(source, "areas", "area, in_scope, writable", report).values() {
        let area = blob(cells, 0).and_then(AreaId::from_slice);
        if let (Some(area), Some(in_scope), Some(writable)) =
            (area, integer(cells, 1), integer(cells, 2))
        {
            areas::grant(fresh, area, in_scope != 0, writable != 0)?;
            areas::set_reconcile(fresh, area, in_scope != 0)?;
        }
    }
    let mut changes: BTreeMap<Vec<u8>, Vec<Cells>> = BTreeMap::new();
    for cells in rows(
        source,
        "changes",
        "document, bytes, state, saved_ms, received_ms",
        report,
    )
    .into_values()
    {
        if let Some(document) = blob(&cells, 0).map(<[u8]>::to_vec) {
            changes.entry(document).or_default().push(cells);
        }
    }
    let documents = rows(
        source,
        "documents",
        "document, kind, area, snapshot, snapshot_received, leaving",
        report,
    );
    for cells in documents.values() {
        let own = blob(cells, 0)
            .and_then(|id| changes.remove(id))
            .unwrap_or_default();
        carry_document(fresh, cells, &own, now_ms, report)?;
    }
    documents::doubt_all(fresh)?;
    for (document, orphans) in changes {
        carry_orphans(fresh, &document, &orphans, now_ms, report)?;
    }
    carry_quarantine(source, fresh, now_ms, report)?;
    super::attachments::carry(source, fresh, now_ms, report)
}

fn carry_enrolment(
    source: &mut Salvage<'_>,
    fresh: &Connection,
    report: &mut RescueReport,
) -> Result<()> {
    const COLUMNS: &str = "actor, server, seed, next_seed, expires_ms, renew_ms, epoch, device, account, \
                           account_name, account_title, server_name, server_key";
    let rows = rows(source, "enrolment", COLUMNS, report);
    let Some(cells) = rows.values().next() else {
        report.lose("enrolment", "this device has to be enrolled again");
        return Ok(());
    };
    let Some(actor) = blob(cells, 0).and_then(ActorId::from_slice) else {
        return Ok(());
    };
    enrolment::set_actor(fresh, actor)?;
    fresh.execute(
        "UPDATE enrolment SET (server, seed, next_seed, expires_ms, renew_ms, epoch, device, account, account_name,
             account_title, server_name, server_key) = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        rusqlite::params_from_iter(cells.iter().skip(1)),
    )?;
    report.enrolment = true;
    Ok(())
}

fn carry_document(
    fresh: &Connection,
    cells: &Cells,
    changes: &[Cells],
    now_ms: i64,
    report: &mut RescueReport,
) -> Result<()> {
    let id = blob(cells, 0).and_then(DocumentId::from_slice);
    let kind = text(cells, 1).and_then(Kind::from_name);
    let area = blob(cells, 2).and_then(AreaId::from_slice);
    let (Some(id), Some(kind), Some(area)) = (id, kind, area) else {
        report.lose("documents", "a row whose identity can't be read");
        return Ok(());
    };
    let none: [&[u8]; 0] = [];
    let bytes = blob(cells, 3);
    let loaded = Document::load(id, kind, bytes, none)
        .inspect_err(|error| report.lose(id, error))
        .ok();
    let snapshot = bytes
        .filter(|_| loaded.is_some())
        .map(|bytes| documents::Snapshot {
            bytes: bytes.to_vec(),
            received_ms: blob(cells, 4)
                .map(|times| {
                    times
                        .as_chunks::<8>()
                        .0
                        .iter()
                        .map(|ms| i64::from_be_bytes(*ms))
                        .collect()
                })
                .unwrap_or_default(),
        });
    let mut document = loaded.unwrap_or_else(|| Document::new(id, kind));
    // Rows lie in an order in which each follows what it builds on, and what is acknowledged never
    // builds on what is pending.
    let pending = |cells: &Cells| text(cells, 2) == Some("pending");
    let (mut kept, mut broken) = (Vec::new(), Vec::new());
    let mut acked_heads = document.heads();
    for wanted in [false, true] {
        for change in changes.iter().filter(|change| pending(change) == wanted) {
            let bytes = blob(change, 1).unwrap_or_default();
            match document.receive(bytes) {
                Ok(Received::Applied(header)) => kept.push((header, change)),
                Ok(Received::Had(_)) => {}
                Ok(Received::Missing(..)) => broken.push((change, Refusal::DoesNotApply)),
                Ok(Received::Refused(refusal)) => broken.push((change, refusal)),
                Err(_) => {
                    broken.push((change, Refusal::DoesNotApply));
                    let sound = kept.iter().map(|(_, change): &(ChangeHeader, &Cells)| {
                        blob(change, 1).unwrap_or_default()
                    });
                    document = Document::load(
                        id,
                        kind,
                        snapshot.as_ref().map(|s| s.bytes.as_slice()),
                        sound,
                    )?;
                }
            }
        }
        if !wanted {
            acked_heads = document.heads();
        }
    }
    let of = quarantine::Of {
        document: id,
        kind,
        area,
        title: "",
    };
    for (change, refusal) in broken {
        set_aside_change(fresh, &of, change, refusal, now_ms, report)?;
    }
    if document.heads().is_empty() {
        return Ok(());
    }
    let leaving = integer(cells, 5).is_some_and(|leaving| leaving != 0);
    let row = documents::Row {
        id,
        kind,
        area,
        acked_heads,
        heads: document.heads(),
        leaving,
    };
    documents::insert(fresh, &row, snapshot.as_ref())?;
    for (header, change) in &kept {
        let new = outbox::New {
            document: id,
            hash: header.hash,
            bytes: blob(change, 1).unwrap_or_default(),
            pending: pending(change),
            saved_ms: integer(change, 3).unwrap_or(now_ms),
            received_ms: integer(change, 4),
            reoffered: false,
        };
        outbox::insert(fresh, &new)?;
        report.changes += 1;
        report.pending += u64::from(new.pending);
    }
    projection::put(fresh, &document, area)?;
    report.documents += 1;
    Ok(())
}

/// Changes whose document can't be read. What was acknowledged comes back from the server.
fn carry_orphans(
    fresh: &Connection,
    document: &[u8],
    orphans: &[Cells],
    now_ms: i64,
    report: &mut RescueReport,
) -> Result<()> {
    let Some(id) = DocumentId::from_slice(document) else {
        return Ok(());
    };
    let of = quarantine::Of {
        document: id,
        kind: Kind::Inspection,
        area: AreaId(id.0),
        title: "",
    };
    for change in orphans
        .iter()
        .filter(|change| text(change, 2) == Some("pending"))
    {
        set_aside_change(fresh, &of, change, Refusal::DoesNotApply, now_ms, report)?;
    }
    report.lose(
        id,
        "its row can't be read; what the server acknowledged comes back from there",
    );
    Ok(())
}

fn set_aside_change(
    fresh: &Connection,
    of: &quarantine::Of<'_>,
    change: &Cells,
    refusal: Refusal,
    now_ms: i64,
    report: &mut RescueReport,
) -> Result<()> {
    let bytes = blob(change, 1).unwrap_or_default();
    let Ok(header) = ChangeHeader::parse(bytes) else {
        report.lose(of.document, "a change whose bytes are damaged");
        return Ok(());
    };
    report.lose(
        of.document,
        format!(
            "change {} no longer fits and went to quarantine",
            header.hash
        ),
    );
    quarantine::add(
        fresh,
        of,
        header.hash,
        bytes,
        (quarantine::Direction::Sent, refusal),
        now_ms,
    )
}

fn carry_quarantine(
    source: &mut Salvage<'_>,
    fresh: &Connection,
    now_ms: i64,
    report: &mut RescueReport,
) -> Result<()> {
    const COLUMNS: &str = "document, kind, area, title, hash, bytes, direction, refusal, noted_ms";
    for cells in rows(source, "quarantine", COLUMNS, report).values() {
        let id = blob(cells, 0).and_then(DocumentId::from_slice);
        let kind = text(cells, 1).and_then(Kind::from_name);
        let area = blob(cells, 2).and_then(AreaId::from_slice);
        let hash = blob(cells, 4).and_then(|hash| crate::store::heads::hash(hash).ok());
        let (Some(document), Some(kind), Some(area), Some(hash)) = (id, kind, area, hash) else {
            report.lose("quarantine", "a row whose identity can't be read");
            continue;
        };
        let of = quarantine::Of {
            document,
            kind,
            area,
            title: text(cells, 3).unwrap_or_default(),
        };
        let direction = match text(cells, 6) {
            Some("received") => quarantine::Direction::Received,
            _ => quarantine::Direction::Sent,
        };
        let refusal = text(cells, 7)
            .and_then(Refusal::from_code)
            .unwrap_or(Refusal::DoesNotApply);
        let noted_ms = integer(cells, 8).unwrap_or(now_ms);
        quarantine::add(
            fresh,
            &of,
            hash,
            blob(cells, 5).unwrap_or_default(),
            (direction, refusal),
            noted_ms,
        )?;
        report.refused += 1;
    }
    Ok(())
}
