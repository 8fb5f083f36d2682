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
    include_str!("migrations/0006_device_keys.sql"),
    include_str!("migrations/0007_accounts.sql"),
    include_str!("migrations/0008_administration.sql"),
    include_str!("migrations/0009_second_factor.sql"),
    include_str!("migrations/0010_projection.sql"),
    include_str!("migrations/0011_report.sql"),
    include_str!("migrations/0012_planning.sql"),
    include_str!("migrations/0013_areas.sql"),
    include_str!("migrations/0014_joining.sql"),
    include_str!("migrations/0015_identity_provider.sql"),
    include_str!("migrations/0016_webhooks.sql"),
    include_str!("migrations/0017_needs.sql"),
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
    // A step that makes a table anew drops the old one, which others refer to: references are checked
    // as a whole before the step counts.
    connection.pragma_update(None, "foreign_keys", false)?;
    for (index, step) in STEPS.iter().enumerate().take(version).skip(found) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        if transaction
            .prepare("PRAGMA foreign_key_check")?
            .exists([])?
        {
            return Err(Error::Unreadable("a reference to a row that is not there"));
        }
        transaction.pragma_update(None, "user_version", index + 1)?;
        transaction.commit()?;
        tracing::info!(version = index + 1, "database upgraded");
    }
    connection.pragma_update(None, "foreign_keys", true)?;
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
    fn a_device_of_before_is_kept_with_what_refers_to_it() {
        let mut old = Connection::open_in_memory().unwrap();
        upgrade_to(&mut old, 5).unwrap();
        old.execute_batch(
            "INSERT INTO accounts VALUES (x'01', 'lan', 'Lan', '', 'officer', NULL, 1, 5);
             INSERT INTO devices VALUES (x'02', x'01', 'M\u{e1}y', '1', x'aa', 9, 5, 6, NULL);
             INSERT INTO actors VALUES (x'03', x'01', x'02', 5);",
        )
        .unwrap();
        upgrade(&mut old).unwrap();
        let kept: (Vec<u8>, Option<Vec<u8>>, i64) = old
            .query_row(
                "SELECT devices.id, public_key, expires_ms FROM actors JOIN devices ON devices.id = actors.device",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .unwrap();
        assert_eq!(kept, (vec![2], None, 9));
        let orphan = old.execute("INSERT INTO actors VALUES (x'04', x'01', x'99', 5)", []);
        assert!(orphan.is_err(), "references are checked again");
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
