//! The chain: each row's hash is SHA-256 over the hash before it and the row's columns, so that a row
//! that was changed, removed, put in or moved breaks it. What a chain alone can't show is a cut-off end;
//! for that an [`Anchor`] is kept elsewhere: in every backup's manifest and, hourly, in the log.

use std::{fmt, str::FromStr};

use rusqlite::{Connection, OptionalExtension, Row, params, types::ValueRef};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{Action, Entry};
use crate::{error::Error, secret, store::Writing};

/// What begins the bytes of every row's hash.
const DOMAIN: &[u8] = b"sokiem audit v1\n";

/// A place in the log: a row and its hash. Row 0 with a hash of zeros is before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The row.
    pub seq: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, secret::hex(&self.hash))
    }
}

impl FromStr for Anchor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::BadConfig("an anchor is NUMBER:64 hexadecimal digits".to_owned());
        let (seq, digits) = text.trim().split_once(':').ok_or_else(wrong)?;
        let hash = secret::unhex(digits).ok_or_else(wrong)?;
        Ok(Self {
            seq: seq.parse().map_err(|_| wrong())?,
            hash: hash.try_into().map_err(|_| wrong())?,
        })
    }
}

/// Appends a row, in the transaction of what it records.
pub(crate) fn note(writing: &Writing<'_>, entry: Entry) -> Result<(), Error> {
    append(writing.sql, writing.now_ms, entry)?;
    Ok(())
}

/// Appends a row; the place that it took.
pub(crate) fn append(sql: &Connection, at_ms: i64, entry: Entry) -> Result<Anchor, Error> {
    let before = head(sql)?;
    let seq = before.seq + 1;
    let detail = serde_json::Value::Object(entry.detail).to_string();
    let account = entry.account.map(|id| id.as_bytes().to_vec());
    let device = entry.device.map(|id| id.as_bytes().to_vec());
    let area = entry.area.map(|id| id.as_bytes().to_vec());
    let hash = Hasher::after(&before.hash)
        .integer(seq)
        .integer(at_ms)
        .optional(account.as_deref())
        .optional(device.as_deref())
        .bytes(entry.action.word().as_bytes())
        .bytes(entry.object_kind.as_bytes())
        .bytes(entry.object.as_bytes())
        .optional(area.as_deref())
        .bytes(entry.outcome.as_bytes())
        .bytes(detail.as_bytes())
        .finish();
    sql.prepare_cached(
        "INSERT INTO audit (seq, at_ms, account, device, action, object_kind, object, area, outcome, detail, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        seq,
        at_ms,
        account,
        device,
        entry.action.word(),
        entry.object_kind,
        entry.object,
        area,
        entry.outcome,
        detail,
        hash.as_slice(),
    ])?;
    Ok(Anchor { seq, hash })
}

/// The newest row.
pub(crate) fn head(sql: &Connection) -> Result<Anchor, Error> {
    let newest = sql
        .prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?
        .query_row([], anchor)
        .optional()?;
    match newest {
        Some(newest) => Ok(newest),
        None => start(sql),
    }
}

/// The row before the first that is still there.
pub(crate) fn start(sql: &Connection) -> Result<Anchor, Error> {
    Ok(sql
        .prepare_cached("SELECT through, hash FROM audit_start WHERE one = 1")?
        .query_row([], anchor)?)
}

fn anchor(row: &Row<'_>) -> rusqlite::Result<Anchor> {
    let hash: Vec<u8> = row.get(1)?;
    let hash = hash.try_into().map_err(|_| rusqlite::Error::InvalidQuery)?;
    Ok(Anchor {
        seq: row.get(0)?,
        hash,
    })
}

/// Takes the rows through `through` off the log's beginning, and says so in a row of its own.
pub(crate) fn shorten(writing: &Writing<'_>, through: i64, entry: Entry) -> Result<u64, Error> {
    let sql = writing.sql;
    let hash: Option<Vec<u8>> = sql
        .query_row("SELECT hash FROM audit WHERE seq = ?1", [through], |row| {
            row.get(0)
        })
        .optional()?;
    let Some(hash) = hash else { return Ok(0) };
    note(
        writing,
        entry
            .on("audit", through)
            .detail("hash", secret::hex(&hash)),
    )?;
    sql.execute(
        "UPDATE audit_start SET through = ?1, hash = ?2 WHERE one = 1",
        params![through, hash],
    )?;
    Ok(u64::try_from(sql.execute("DELETE FROM audit WHERE seq <= ?1", [through])?).unwrap_or(0))
}

/// What a check of the whole log found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Checked {
    /// Whether everything is as it was written.
    pub ok: bool,
    /// How many rows are there.
    pub rows: u64,
    /// The first row that is not as it was written, or is missing.
    pub broken_at: Option<i64>,
    /// What is wrong there.
    pub fault: Option<String>,
    /// The newest good row: keep it elsewhere, and give it as anchor to a later check.
    pub head: String,
}

/// Recomputes the chain. `anchor` is a place that was kept elsewhere; the log has to hold it still.
pub(crate) fn verify(sql: &Connection, anchor: Option<Anchor>) -> Result<Checked, Error> {
    let Ok(start) = start(sql) else {
        return Ok(broken(1, 0, "the log's beginning is missing", None));
    };
    let mut last = start;
    let mut rows = 0;
    // The beginning is believed only if a row of the log says that it was moved there.
    let mut vouched = start.seq == 0 && start.hash == [0; 32];
    let mut anchored = anchor.is_none_or(|anchor| anchor == start || anchor.seq < start.seq);
    let mut statement = sql.prepare(
        "SELECT seq, at_ms, account, device, action, object_kind, object, area, outcome, detail, hash
           FROM audit NOT INDEXED ORDER BY seq",
    )?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let seq: i64 = row.get(0)?;
        let expected = last.seq + 1;
        if seq != expected {
            return Ok(broken(expected, rows, "the row is missing", Some(last)));
        }
        let hash = recomputed(row, &last.hash)?;
        if row.get_ref(10)? != ValueRef::Blob(&hash) {
            let fault = "the row is not what was written";
            return Ok(broken(seq, rows, fault, Some(last)));
        }
        last = Anchor { seq, hash };
        rows += 1;
        vouched |= states_start(row, start)?;
        if let Some(anchor) = anchor.filter(|anchor| anchor.seq == seq) {
            if anchor != last {
                return Ok(broken(seq, rows, "the row is not the anchored one", None));
            }
            anchored = true;
        }
    }
    if !vouched {
        let fault = "rows before it were taken off without saying so";
        return Ok(broken(start.seq + 1, rows, fault, None));
    }
    if !anchored {
        let fault = "the log ends before the anchor: its end was cut off";
        return Ok(broken(last.seq + 1, rows, fault, Some(last)));
    }
    Ok(Checked {
        ok: true,
        rows,
        broken_at: None,
        fault: None,
        head: last.to_string(),
    })
}

fn broken(at: i64, rows: u64, fault: &str, good: Option<Anchor>) -> Checked {
    Checked {
        ok: false,
        rows,
        broken_at: Some(at),
        fault: Some(fault.to_owned()),
        head: good.map(|good| good.to_string()).unwrap_or_default(),
    }
}

fn recomputed(row: &Row<'_>, before: &[u8; 32]) -> rusqlite::Result<[u8; 32]> {
    let mut hasher = Hasher::after(before)
        .integer(row.get(0)?)
        .integer(row.get(1)?);
    for column in 2..10 {
        // Text that is no text any more has a hash too: another one.
        hasher = match (column, row.get_ref(column)?) {
            (2 | 3 | 7, ValueRef::Blob(bytes)) => hasher.optional(Some(bytes)),
            (2 | 3 | 7, _) => hasher.optional(None),
            (_, ValueRef::Text(bytes)) => hasher.bytes(bytes),
            _ => hasher,
        };
    }
    Ok(hasher.finish())
}

/// Whether this row says that the log was shortened to where it begins.
fn states_start(row: &Row<'_>, start: Anchor) -> rusqlite::Result<bool> {
    let text = |column| {
        row.get_ref(column)
            .map(|value| value.as_str().unwrap_or_default().to_owned())
    };
    if text(4)? != Action::AuditShortened.word() || text(6)? != start.seq.to_string() {
        return Ok(false);
    }
    let detail: serde_json::Value = serde_json::from_str(&text(9)?).unwrap_or_default();
    let hash = detail.get("hash").and_then(serde_json::Value::as_str);
    Ok(hash == Some(secret::hex(&start.hash).as_str()))
}

/// The bytes of a row: every column with its length, so that nothing can move between columns.
struct Hasher(Sha256);

impl Hasher {
    fn after(before: &[u8; 32]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(DOMAIN);
        hasher.update(before);
        Self(hasher)
    }

    fn integer(mut self, value: i64) -> Self {
        self.0.update(value.to_be_bytes());
        self
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }

    fn optional(mut self, bytes: Option<&[u8]>) -> Self {
        self.0.update([u8::from(bytes.is_some())]);
        match bytes {
            Some(bytes) => self.bytes(bytes),
            None => self,
        }
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use sokiem_record::id::{AccountId, AreaId};
    use uuid::Uuid;

    use super::*;

    fn log(rows: u128) -> Connection {
        let sql = Connection::open_in_memory().unwrap();
        sql.execute_batch(include_str!("../store/migrations/0002_audit.sql"))
            .unwrap();
        for n in 1..=rows {
            append(&sql, 1_000, entry(n)).unwrap();
        }
        sql
    }

    fn entry(n: u128) -> Entry {
        Entry::new(Action::GrantGiven)
            .by(AccountId(Uuid::from_u128(n)))
            .on("account", n)
            .area(AreaId(Uuid::from_u128(n)))
            .detail("n", n.to_string())
    }

    /// What somebody does who has the file: the triggers are no hindrance.
    fn tamper(sql: &Connection, statements: &str) {
        sql.execute_batch(
            "DROP TRIGGER IF EXISTS audit_is_not_changed; DROP TRIGGER IF EXISTS audit_is_not_deleted;
             DROP TRIGGER IF EXISTS audit_is_not_replaced; DROP TRIGGER IF EXISTS audit_start_moves_on;",
        )
        .unwrap();
        sql.execute_batch(statements).unwrap();
    }

    fn broken_at(sql: &Connection) -> Option<i64> {
        let checked = verify(sql, None).unwrap();
        assert_eq!(checked.ok, checked.broken_at.is_none());
        checked.broken_at
    }

    #[test]
    fn an_untouched_log_is_good_and_its_triggers_refuse_changes() {
        let sql = log(20);
        assert_eq!(broken_at(&sql), None);
        for statement in [
            "UPDATE audit SET outcome = 'refused' WHERE seq = 3",
            "DELETE FROM audit WHERE seq = 3",
            "DELETE FROM audit",
            "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 3",
            "DELETE FROM audit_start",
            "UPDATE audit_start SET through = 0",
        ] {
            assert!(sql.execute(statement, []).is_err(), "{statement}");
        }
        assert_eq!(verify(&sql, None).unwrap().rows, 20);
    }

    #[test]
    fn any_flipped_bit_of_any_column_of_any_row_is_found_at_its_row() {
        let sql = log(4);
        tamper(&sql, "");
        let mut flips = 0;
        for seq in 1..=4_i64 {
            for column in [
                "account",
                "action",
                "object_kind",
                "object",
                "area",
                "outcome",
                "detail",
                "hash",
            ] {
                let text = !matches!(column, "account" | "area" | "hash");
                let read = format!("SELECT CAST({column} AS BLOB) FROM audit WHERE seq = {seq}");
                let written: Vec<u8> = sql.query_row(&read, [], |row| row.get(0)).unwrap();
                let write = format!(
                    "UPDATE audit SET {column} = {} WHERE seq = {seq}",
                    if text { "CAST(?1 AS TEXT)" } else { "?1" }
                );
                for byte in 0..written.len() {
                    for bit in [0, 6] {
                        let mut other = written.clone();
                        other[byte] ^= 1 << bit;
                        sql.execute(&write, [&other]).unwrap();
                        assert_eq!(broken_at(&sql), Some(seq), "{column} byte {byte}");
                        flips += 1;
                    }
                }
                sql.execute(&write, [&written]).unwrap();
            }
            for change in [
                "at_ms = at_ms + 1",
                "account = NULL",
                "device = x'00000000000000000000000000000001'",
                "device = x''",
                "area = NULL",
                "object = object || account",
            ] {
                sql.execute_batch(&format!(
                    "SAVEPOINT s; UPDATE audit SET {change} WHERE seq = {seq}"
                ))
                .unwrap();
                assert_eq!(broken_at(&sql), Some(seq), "{change}");
                sql.execute_batch("ROLLBACK TO s; RELEASE s").unwrap();
            }
        }
        assert!(flips > 500, "{flips}");
        assert_eq!(broken_at(&sql), None);
    }

    #[test]
    fn removed_inserted_and_reordered_rows_are_found() {
        let sql = log(9);
        tamper(&sql, "DELETE FROM audit WHERE seq = 4");
        assert_eq!(broken_at(&sql), Some(4));
        let sql = log(9);
        tamper(
            &sql,
            "DELETE FROM audit WHERE seq = 4; UPDATE audit SET seq = seq - 1 WHERE seq > 4",
        );
        assert_eq!(broken_at(&sql), Some(4));
        let sql = log(9);
        tamper(
            &sql,
            "UPDATE audit SET seq = 99 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5;
             UPDATE audit SET seq = 5 WHERE seq = 99",
        );
        assert_eq!(broken_at(&sql), Some(4));
        let sql = log(9);
        tamper(&sql, "DELETE FROM audit WHERE seq = 1");
        assert_eq!(broken_at(&sql), Some(1));
    }

    #[test]
    fn a_cut_off_end_is_found_with_an_anchor_and_so_is_a_rewritten_log() {
        let sql = log(9);
        let anchor = head(&sql).unwrap();
        append(&sql, 2_000, entry(10)).unwrap();
        assert!(verify(&sql, Some(anchor)).unwrap().ok);
        assert_eq!(anchor.to_string().parse::<Anchor>().unwrap(), anchor);
        tamper(&sql, "DELETE FROM audit WHERE seq > 7");
        assert!(verify(&sql, None).unwrap().ok, "the chain alone can't know");
        assert_eq!(verify(&sql, Some(anchor)).unwrap().broken_at, Some(8));
        // Rows written over the cut make a good chain again, and another one.
        for n in 20..30 {
            append(&sql, 3_000, entry(n)).unwrap();
        }
        assert!(verify(&sql, None).unwrap().ok);
        assert_eq!(verify(&sql, Some(anchor)).unwrap().broken_at, Some(9));
    }

    #[test]
    fn a_beginning_that_was_taken_off_counts_only_where_the_log_says_so() {
        let sql = log(9);
        let hash: Vec<u8> = sql
            .query_row("SELECT hash FROM audit WHERE seq = 5", [], |row| row.get(0))
            .unwrap();
        tamper(&sql, "DELETE FROM audit WHERE seq <= 5");
        sql.execute("UPDATE audit_start SET through = 5, hash = ?1", [&hash])
            .unwrap();
        assert_eq!(broken_at(&sql), Some(6));
        let said = Entry::new(Action::AuditShortened).on("audit", 5);
        append(&sql, 5_000, said.detail("hash", secret::hex(&hash))).unwrap();
        assert_eq!(broken_at(&sql), None);
    }
}
