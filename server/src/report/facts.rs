//! What the report is computed from: every unit and inspection of some areas, as their records say now.

use std::collections::HashMap;

use rusqlite::Connection;
use sokiem_record::{
    id::{AreaId, DocumentId, Kind},
    typed::{Inspection, Unit},
};

use super::compute::{InspectionFacts, UnitFacts};
use crate::{error::Error, store::id, sync::stored};

/// Gathers the facts of the units in these areas. Inspections count wherever they lie.
pub(super) fn gather(
    sql: &Connection,
    wanted: impl Fn(AreaId) -> bool,
) -> Result<Vec<UnitFacts>, Error> {
    let campaigns = campaign_years(sql)?;
    let mut inspections: HashMap<DocumentId, Vec<(InspectionFacts, bool)>> = HashMap::new();
    for row in documents(sql, Kind::Inspection)? {
        let document = stored::open(sql, &row)?;
        let read = document
            .read::<Inspection>()
            .map_err(|_| Error::Unreadable("an inspection"))?;
        let Some((unit, inspection)) =
            read.and_then(|inspection| Some((inspection.unit?, inspection)))
        else {
            continue;
        };
        let visited = inspection
            .inspected_on
            .as_deref()
            .and_then(|day| day.get(..4)?.parse().ok());
        let planned = inspection
            .campaign
            .and_then(|campaign| campaigns.get(&campaign).copied());
        let facts = InspectionFacts {
            id: row.id.0,
            year: planned.or(visited),
            inspection,
        };
        inspections
            .entry(unit)
            .or_default()
            .push((facts, !document.conflicts().is_empty()));
    }
    let mut units = Vec::new();
    for row in documents(sql, Kind::Unit)? {
        if !wanted(row.area) {
            continue;
        }
        let document = stored::open(sql, &row)?;
        let Some(unit) = document
            .read::<Unit>()
            .map_err(|_| Error::Unreadable("a unit"))?
        else {
            continue;
        };
        let mut unsettled = !document.conflicts().is_empty();
        let mut own = Vec::new();
        for (facts, differs) in inspections.remove(&row.id).unwrap_or_default() {
            unsettled |= differs;
            own.push(facts);
        }
        units.push(UnitFacts {
            id: row.id.0,
            area: row.area,
            unit,
            inspections: own,
            unsettled,
        });
    }
    Ok(units)
}

fn campaign_years(sql: &Connection) -> Result<HashMap<DocumentId, i32>, Error> {
    let mut years = HashMap::new();
    for row in documents(sql, Kind::Campaign)? {
        let year = stored::open(sql, &row)?
            .integer("year")
            .and_then(|year| i32::try_from(year).ok());
        years.extend(year.map(|year| (row.id, year)));
    }
    Ok(years)
}

/// The rows of a kind, in the order of their ids: the report reads the same every time.
fn documents(sql: &Connection, kind: Kind) -> Result<Vec<stored::Row>, Error> {
    let mut statement =
        sql.prepare_cached("SELECT id FROM documents WHERE kind = ?1 ORDER BY id")?;
    let ids = statement
        .query_map([kind.name()], |row| id::id::<DocumentId>(row, 0))?
        .collect::<Result<Vec<_>, _>>()?;
    ids.into_iter()
        .filter_map(|id| stored::find(sql, id).transpose())
        .collect()
}
