//! Units by their words: what planning offers for assigning, and joining as the same unit.

use rusqlite::{Connection, params_from_iter};
use sokiem_record::id::{AreaId, DocumentId, Kind};

use crate::{
    error::Error,
    projection,
    store::{id, narrowing::Conditions},
};

/// A unit as a search finds it.
pub(crate) struct Unit {
    /// Its record.
    pub(crate) id: DocumentId,
    /// What it is called.
    pub(crate) name: String,
    /// Where it lies.
    pub(crate) area: AreaId,
    /// What that area is called.
    pub(crate) area_name: String,
    /// The kind of unit; `joined` where it was joined into another one.
    pub(crate) kind: String,
}

/// Gives `look` the units that have words beginning with those asked for, with or without accents, in the order of
/// their names, until it answers `false`. Without words: every unit.
pub(crate) fn each(
    sql: &Connection,
    asked: &str,
    mut look: impl FnMut(Unit) -> Result<bool, Error>,
) -> Result<(), Error> {
    let words = projection::has_words("unit.id", asked);
    let mut conditions = Conditions::of(sql, "unit.id", words)?;
    conditions.add_leading("unit.kind", Kind::Unit.name().to_owned());
    let mut statement = sql.prepare_cached(&format!(
        "SELECT unit.id, unit.title, unit.area, areas.name, unit.state
           FROM documents AS unit JOIN areas ON areas.id = unit.area
          WHERE {} ORDER BY unit.title, unit.id",
        conditions.sql()
    ))?;
    let mut rows = statement.query(params_from_iter(conditions.values()))?;
    while let Some(row) = rows.next()? {
        let unit = Unit {
            id: id::id(row, 0)?,
            name: row.get(1)?,
            area: id::id(row, 2)?,
            area_name: row.get(3)?,
            kind: row.get(4)?,
        };
        if !look(unit)? {
            break;
        }
    }
    Ok(())
}
