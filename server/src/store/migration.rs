//! The schema, as steps that are applied once each and never edited after a release.

use rusqlite::Connection;

use crate::error::Error;

/// Step `n` brings a database from `user_version` n to n + 1.
pub(super) const STEPS: &[&str] = &[
    include_str!("migrations/0001_start.sql"),
    include_str!("migrations/0002_audit.sql"),
    include_str!("migrations/0003_attachments.sql"),
    include_str!("migrations/0004_quarantine.sql"),
    include_str!("migrations/0005_retention.sql"),
];

/// Brings a database to the newest schema.
pub(super) fn upgrade(connection: &mut Connection) -> Result<(), Error> {
    upgrade_to(connection, STEPS.len())
}

fn upgrade_to(connection: &mut Connection, version: usize) -> Result<(), Error> {
    let found: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > STEPS.len() {
        return Err(Error::NewerDatabase {
            found,
            known: STEPS.len(),
        });
    }
    for (index, step) in STEPS.iter().enumerate().take(version).skip(found) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", index + 1)?;
        transaction.commit()?;
        tracing::info!(version = index + 1, "database upgraded");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(connection: &Connection) -> Vec<(String, Option<String>)> {
        let mut statement = connection
            .prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")
            .unwrap();
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn an_upgraded_schema_equals_a_fresh_one() {
        let mut fresh = Connection::open_in_memory().unwrap();
        upgrade(&mut fresh).unwrap();
        for start in 0..=STEPS.len() {
            let mut old = Connection::open_in_memory().unwrap();
            upgrade_to(&mut old, start).unwrap();
            upgrade(&mut old).unwrap();
            assert_eq!(schema(&old), schema(&fresh), "from version {start}");
        }
    }

    #[test]
    fn a_newer_database_is_left_alone() {
        let mut newer = Connection::open_in_memory().unwrap();
        newer
            .pragma_update(None, "user_version", STEPS.len() + 1)
            .unwrap();
        assert!(matches!(
            upgrade(&mut newer),
            Err(Error::NewerDatabase { .. })
        ));
    }
}
