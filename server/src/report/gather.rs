//! The facts of every unit and inspection of some areas, as their records say now: from the tables that follow
//! the documents (`projection`), so that none is opened. Units, years and inspections come in the same order and
//! are read side by side; only one unit is held at a time.

use std::{collections::HashMap, iter::Peekable};

use rusqlite::{Connection, Row};
use sokiem_record::id::{AreaId, DocumentId, Kind};

use super::facts::UnitFacts;
use crate::{error::Error, projection::report, store::id, sync::stored};

/// Hands over the units in these areas, one after the other in the order of their ids, with the years `from` to
/// `to`. Inspections count wherever they lie, those of a record that was joined into another for that one.
pub(super) fn each(
    sql: &Connection,
    (from, to): (i32, i32),
    wanted: impl Fn(AreaId) -> bool,
    mut take: impl FnMut(&UnitFacts),
) -> Result<(), Error> {
    let campaigns = campaign_years(sql)?;
    let mut units = sql.prepare_cached(report::UNITS)?;
    let mut years = sql.prepare_cached(report::YEARS)?;
    let mut inspections = sql.prepare_cached(report::INSPECTIONS)?;
    let mut joined = sql.prepare_cached(report::JOINED_INSPECTIONS)?;
    let mut years = Side::of(years.query_map([from, to], report::year)?, |year| year.0);
    let mut inspections = Side::of(inspections.query_map([], report::inspection)?, |one| one.0);
    let mut joined = Side::of(joined.query_map([], report::inspection)?, |one| one.0);
    let mut units = units.query([])?;
    while let Some(row) = units.next()? {
        if !wanted(area(row)?) {
            continue;
        }
        let mut facts = report::unit(row)?;
        let unit = DocumentId(facts.id);
        while let Some((_, year, recorded)) = years.next_of(unit)? {
            facts.years.insert(year, recorded);
        }
        loop {
            let own = inspections.next_of(unit)?;
            let next = if own.is_some() {
                own
            } else {
                joined.next_of(unit)?
            };
            let Some((_, campaign, mut inspection, differs)) = next else {
                break;
            };
            let planned = campaign.and_then(|campaign| campaigns.get(&campaign));
            inspection.year = planned.copied().or(inspection.year);
            facts.unsettled |= differs;
            facts.inspections.push(inspection);
        }
        take(&facts);
    }
    Ok(())
}

fn area(row: &Row<'_>) -> rusqlite::Result<AreaId> {
    id::id(row, 1)
}

/// Rows that are read beside the units, in the order of the units that they belong to.
struct Side<T, I: Iterator<Item = rusqlite::Result<T>>, F: Fn(&T) -> DocumentId> {
    rows: Peekable<I>,
    unit: F,
}

impl<T, I: Iterator<Item = rusqlite::Result<T>>, F: Fn(&T) -> DocumentId> Side<T, I, F> {
    fn of(rows: I, unit: F) -> Self {
        Self {
            rows: rows.peekable(),
            unit,
        }
    }

    /// The next row of a unit. Rows of units before it are passed over.
    fn next_of(&mut self, unit: DocumentId) -> Result<Option<T>, Error> {
        let of = &self.unit;
        let passed = |row: &rusqlite::Result<T>| row.as_ref().is_ok_and(|row| of(row) < unit);
        while self.rows.next_if(passed).is_some() {}
        let here = |row: &rusqlite::Result<T>| row.as_ref().map_or(true, |row| of(row) == unit);
        Ok(self.rows.next_if(here).transpose()?)
    }
}

/// The years of campaigns. There are few: their documents are opened.
fn campaign_years(sql: &Connection) -> Result<HashMap<DocumentId, i32>, Error> {
    let mut statement = sql.prepare_cached("SELECT id FROM documents WHERE kind = ?1")?;
    let ids = statement
        .query_map([Kind::Campaign.name()], |row| id::id::<DocumentId>(row, 0))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut years = HashMap::new();
    for id in ids {
        let Some(row) = stored::find(sql, id)? else {
            continue;
        };
        let year = stored::open(sql, &row)?.integer("year");
        let year = year.and_then(|year| i32::try_from(year).ok());
        years.extend(year.map(|year| (id, year)));
    }
    Ok(years)
}
