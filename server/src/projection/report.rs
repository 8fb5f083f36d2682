//! What the report counts, of each unit and each inspection.

use rusqlite::{Connection, Row, params};
use sokiem_record::{
    id::{AreaId, DocumentId, Kind},
    summary::Contents,
    typed::{self, Inspection, Recognition, Unit, UnitKind},
};

use crate::{
    error::Error,
    report::facts::{Class, InspectionFacts, UnitFacts, YearFacts},
    store::id,
};

/// The tables that hold it.
pub(super) const TABLES: [(&str, &str); 3] = [
    ("report_units", "document"),
    ("report_years", "unit"),
    ("report_inspections", "document"),
];

/// Follows a unit or an inspection that was stored.
pub(super) fn keep(
    sql: &Connection,
    id: DocumentId,
    kind: Kind,
    contents: &Contents,
) -> Result<(), Error> {
    let (fields, conflicts) = (&contents.fields, contents.summary.conflicts);
    match kind {
        Kind::Unit => {
            let unit = typed::of_fields(fields).map_err(|_| Error::Unreadable("a unit"))?;
            keep_unit(sql, id, &unit, conflicts)
        }
        Kind::Inspection => {
            let inspection = typed::of_fields(fields);
            let inspection = inspection.map_err(|_| Error::Unreadable("an inspection"))?;
            keep_inspection(sql, id, &inspection, conflicts)
        }
        _ => Ok(()),
    }
}

fn keep_unit(sql: &Connection, id: DocumentId, unit: &Unit, conflicts: u32) -> Result<(), Error> {
    let key = id.as_bytes().as_slice();
    // Where it lies is said by the list of documents: units move.
    let nowhere = AreaId(uuid::Uuid::nil());
    let facts = UnitFacts::of(id.0, nowhere, unit, conflicts > 0);
    sql.prepare_cached(
        "INSERT INTO report_units VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (document) DO UPDATE SET kind = ?2, closed = ?3, in_scope = ?4,
           protection_force = ?5, synthetic = ?6, conflicts = ?7, joined_into = ?8",
    )?
    .execute(params![
        key,
        facts.kind.map(UnitKind::name),
        facts.closed,
        facts.in_scope,
        facts.protection_force,
        facts.synthetic,
        conflicts,
        unit.joined_into.map(|id| id.as_bytes().to_vec()),
    ])?;
    sql.prepare_cached("DELETE FROM report_years WHERE unit = ?1")?
        .execute([key])?;
    let mut insert = sql.prepare_cached(
        "INSERT INTO report_years VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?;
    for (year, facts) in &facts.years {
        insert.execute(params![
            key,
            year,
            facts.in_scope,
            facts.eligible,
            facts.protection_force,
            facts.protection_plan,
            facts.model,
            facts.registered,
            facts.submitted,
            facts.recognition.map(recognition),
            facts.class.as_ref().map(|class| &class.label),
            facts.class.as_ref().and_then(|class| class.scheme.as_ref()),
            facts.window.0,
            facts.window.1,
            facts.commended_collective,
            facts.commended_individuals,
        ])?;
    }
    Ok(())
}

fn keep_inspection(
    sql: &Connection,
    id: DocumentId,
    inspection: &Inspection,
    conflicts: u32,
) -> Result<(), Error> {
    let key = id.as_bytes().as_slice();
    sql.prepare_cached("DELETE FROM report_inspections WHERE document = ?1")?
        .execute([key])?;
    let Some(unit) = inspection.unit else {
        return Ok(());
    };
    let facts = InspectionFacts::of(id.0, inspection, None);
    sql.prepare_cached(
        "INSERT INTO report_inspections VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        unit.as_bytes().as_slice(),
        key,
        inspection.campaign.map(|id| id.as_bytes().to_vec()),
        facts.year,
        facts.finished,
        facts.window.0,
        facts.window.1,
        facts.incidents,
        facts.findings_opened,
        facts.findings_closed,
        facts.open_deadlines.join(" "),
        conflicts,
    ])?;
    Ok(())
}

fn recognition(recognition: Recognition) -> &'static str {
    match recognition {
        Recognition::Recognised => "recognised",
        Recognition::NotRecognised => "not_recognised",
        Recognition::Ineligible => "ineligible",
    }
}

fn recognition_of(word: &str) -> Option<Recognition> {
    [
        Recognition::Recognised,
        Recognition::NotRecognised,
        Recognition::Ineligible,
    ]
    .into_iter()
    .find(|one| recognition(*one) == word)
}

/// A unit of the report without its years and inspections. The columns of [`UNITS`].
pub(crate) fn unit(row: &Row<'_>) -> rusqlite::Result<UnitFacts> {
    let kind: Option<String> = row.get(2)?;
    Ok(UnitFacts {
        id: id::id::<DocumentId>(row, 0)?.0,
        area: id::id(row, 1)?,
        kind: UnitKind::ALL
            .into_iter()
            .find(|one| Some(one.name()) == kind.as_deref()),
        joined: row.get(3)?,
        closed: row.get(4)?,
        in_scope: row.get(5)?,
        protection_force: row.get(6)?,
        synthetic: row.get(7)?,
        unsettled: row.get::<_, u32>(8)? > 0,
        years: Default::default(),
        inspections: Vec::new(),
    })
}

/// Every unit in the order of ids.
pub(crate) const UNITS: &str =
    "SELECT document, area, report_units.kind, joined_into IS NOT NULL, closed, in_scope, protection_force, synthetic, report_units.conflicts
       FROM report_units CROSS JOIN documents ON documents.id = document ORDER BY document";

/// The years of every unit from one to another, in the order of units.
pub(crate) const YEARS: &str =
    "SELECT unit, year, in_scope, eligible, protection_force, protection_plan, model, registered, submitted,
            recognition, class, scheme, window_start, window_end, commended_collective, commended_individuals
       FROM report_years WHERE year BETWEEN ?1 AND ?2 ORDER BY unit, year";

/// Every inspection, in the order of units.
pub(crate) const INSPECTIONS: &str =
    "SELECT unit, document, campaign, visited, finished, window_start, window_end, incidents, findings_opened,
            findings_closed, open_deadlines, conflicts
       FROM report_inspections ORDER BY unit, document";

/// Every inspection of a record that was joined into another one, with that one as its unit.
pub(crate) const JOINED_INSPECTIONS: &str =
    "SELECT joined_into, report_inspections.document, campaign, visited, finished, window_start, window_end, incidents,
            findings_opened, findings_closed, open_deadlines, report_inspections.conflicts
       FROM report_units JOIN report_inspections ON unit = report_units.document
      WHERE joined_into IS NOT NULL ORDER BY joined_into, report_inspections.document";

/// A year with its unit. The columns of [`YEARS`].
pub(crate) fn year(row: &Row<'_>) -> rusqlite::Result<(DocumentId, i32, YearFacts)> {
    let word: Option<String> = row.get(9)?;
    let label: Option<String> = row.get(10)?;
    let scheme: Option<String> = row.get(11)?;
    let facts = YearFacts {
        in_scope: row.get(2)?,
        eligible: row.get(3)?,
        protection_force: row.get(4)?,
        protection_plan: row.get(5)?,
        model: row.get(6)?,
        registered: row.get(7)?,
        submitted: row.get(8)?,
        recognition: word.as_deref().and_then(recognition_of),
        class: label.map(|label| Class { label, scheme }),
        window: (row.get(12)?, row.get(13)?),
        commended_collective: row.get(14)?,
        commended_individuals: row.get(15)?,
    };
    Ok((id::id(row, 0)?, row.get(1)?, facts))
}

/// An inspection, with its unit, its campaign, and whether people differ about it. Its year is that of the
/// visit. The columns of [`INSPECTIONS`].
pub(crate) fn inspection(
    row: &Row<'_>,
) -> rusqlite::Result<(DocumentId, Option<DocumentId>, InspectionFacts, bool)> {
    let deadlines = row.get_ref(10)?.as_str()?;
    let facts = InspectionFacts {
        id: id::id::<DocumentId>(row, 1)?.0,
        year: row.get(3)?,
        finished: row.get(4)?,
        window: (row.get(5)?, row.get(6)?),
        incidents: row.get(7)?,
        findings_opened: row.get(8)?,
        findings_closed: row.get(9)?,
        open_deadlines: deadlines.split_whitespace().map(str::to_owned).collect(),
    };
    let differs = row.get::<_, u32>(11)? > 0;
    Ok((id::id(row, 0)?, id::optional_id(row, 2)?, facts, differs))
}
