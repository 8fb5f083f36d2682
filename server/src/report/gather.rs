//! The facts of every unit and inspection of some areas, as their records say now.

use std::collections::HashMap;

use rusqlite::Connection;
use sokiem_record::{
    id::{AreaId, DocumentId, Kind},
    typed::{Inspection, Unit},
};

use super::facts::{InspectionFacts, UnitFacts};
use crate::{error::Error, store::id, sync::stored};

/// Hands over the units in these areas, one after the other in the order of their ids. Inspections count
/// wherever they lie.
pub(super) fn each(
    sql: &Connection,
    wanted: impl Fn(AreaId) -> bool,
    mut take: impl FnMut(&UnitFacts),
) -> Result<(), Error> {
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
        let planned = inspection
            .campaign
            .and_then(|campaign| campaigns.get(&campaign).copied());
        let facts = InspectionFacts::of(row.id.0, &inspection, planned);
        let differs = !document.conflicts().is_empty();
        inspections.entry(unit).or_default().push((facts, differs));
    }
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
        let unsettled = !document.conflicts().is_empty();
        let mut facts = UnitFacts::of(row.id.0, row.area, &unit, unsettled);
        for (inspection, differs) in inspections.remove(&row.id).unwrap_or_default() {
            facts.unsettled |= differs;
            facts.inspections.push(inspection);
        }
        take(&facts);
    }
    Ok(())
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
