//! Which areas an account may see and write.
//!
//! A grant holds for an area and everything below it. The areas above are readable: they hold the
//! campaigns, the criteria sets and the names of those who decide.

use rusqlite::Connection;
use sokiem_record::{
    id::{AccountId, AreaId},
    wire::Grant,
};

use crate::{error::Error, store::id};

/// The areas of an account, those above its own first, so that a device has campaigns and criteria
/// before the records that name them.
pub(crate) fn of_account(sql: &Connection, account: AccountId) -> Result<Vec<Grant>, Error> {
    let mut statement = sql.prepare_cached(
        "WITH RECURSIVE
           below (id) AS (
             SELECT area FROM grants WHERE account = ?1
             UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id),
           above (id) AS (
             SELECT areas.parent FROM areas JOIN grants ON areas.id = grants.area
              WHERE grants.account = ?1 AND areas.parent IS NOT NULL
             UNION SELECT areas.parent FROM areas JOIN above ON areas.id = above.id
              WHERE areas.parent IS NOT NULL)
         SELECT id, 0 AS writable FROM above WHERE id NOT IN (SELECT id FROM below)
         UNION ALL SELECT id, 1 FROM below
         ORDER BY writable, id",
    )?;
    let rows = statement.query_map([account.as_bytes().as_slice()], |row| {
        Ok(Grant {
            area: id::id(row, 0)?,
            writable: row.get(1)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The accounts whose scope a change at this area can touch: those with a grant there or above.
pub(crate) fn accounts_over(sql: &Connection, area: AreaId) -> Result<Vec<AccountId>, Error> {
    let mut statement = sql.prepare_cached(
        "WITH RECURSIVE up (id) AS (
           SELECT ?1 UNION SELECT areas.parent FROM areas JOIN up ON areas.id = up.id WHERE areas.parent IS NOT NULL)
         SELECT DISTINCT account FROM grants WHERE area IN (SELECT id FROM up)",
    )?;
    let rows = statement.query_map([area.as_bytes().as_slice()], |row| id::id(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
