//! What the server refused: for a supervisor to look at, to take over or to dismiss, so that nobody's
//! work is lost unseen.
//!
//! A refused change belongs to the area that its device named, to the area that its document lies in, and
//! to the areas of the officer whose device brought it. Who may write one of these may act on it.

pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod say;
pub(crate) mod settle;
mod take_over;

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};
use serde::Serialize;
use sokiem_record::{
    ChangeHash,
    id::{AccountId, AreaId, DeviceId, DocumentId, Kind},
    refusal::Refusal,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::Areas,
    error::Error,
    http::problem::Problem,
    store::id,
    sync::{scope, stored},
};

/// The reason of a change that was never sent and came as a file.
pub(crate) const UNSENT: &str = "unsent";

/// Which refused change: the device that brought it, the document that it is for, the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) device: DeviceId,
    pub(crate) document: DocumentId,
    pub(crate) hash: ChangeHash,
}

impl Key {
    /// `device.document.hash`.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or_else(Problem::not_found);
        let device = next()?.parse().map_err(|_| Problem::not_found())?;
        let document = next()?.parse().map_err(|_| Problem::not_found())?;
        let hash = next()?.parse().map_err(|_| Problem::not_found())?;
        if parts.next().is_some() {
            return Err(Problem::not_found());
        }
        Ok(Self {
            device,
            document,
            hash,
        })
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.device, self.document, self.hash)
    }
}

/// A change that was refused.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Refused {
    /// What to call it by.
    pub(crate) id: String,
    /// The device that brought it.
    pub(crate) device: Uuid,
    /// What the officer calls it.
    pub(crate) device_name: String,
    /// Whose device it is.
    pub(crate) account: Uuid,
    /// Their name.
    pub(crate) account_name: String,
    /// The document that it is for.
    pub(crate) document: Uuid,
    /// What that is called, where the server holds it.
    pub(crate) title: Option<String>,
    /// That document's kind, as the device says.
    pub(crate) kind: String,
    /// That document's area, as the device says.
    pub(crate) area: Uuid,
    /// That area's name, where the server knows it.
    pub(crate) area_name: Option<String>,
    /// The change, or SHA-256 of its bytes.
    pub(crate) hash: String,
    /// Why it was refused; `unsent` for what was never sent and came as a file.
    pub(crate) reason: String,
    /// The same, in words.
    pub(crate) text: &'static str,
    /// The same, in Vietnamese.
    pub(crate) text_vi: &'static str,
    /// How many bytes it has.
    pub(crate) bytes: u64,
    /// When it arrived, milliseconds since 1970-01-01 UTC.
    pub(crate) received_ms: i64,
    /// `open`, `taken-over` or `dismissed`.
    pub(crate) state: String,
    /// Why it was taken over or dismissed.
    pub(crate) settled_reason: Option<String>,
    /// When that was.
    pub(crate) settled_ms: Option<i64>,
}

const COLUMNS: &str = "quarantine.device, devices.name, accounts.id, accounts.name, quarantine.document, documents.title,
    quarantine.kind, quarantine.area, areas.name, quarantine.hash, quarantine.reason, length(quarantine.bytes), quarantine.received_ms,
    quarantine.state, quarantine.settled_reason, quarantine.settled_ms, documents.area";
const JOINED: &str = "quarantine JOIN devices ON devices.id = quarantine.device JOIN accounts ON accounts.id = devices.account
    LEFT JOIN documents ON documents.id = quarantine.document LEFT JOIN areas ON areas.id = quarantine.area";

/// A row with where its document lies.
pub(crate) struct Found {
    pub(crate) refused: Refused,
    pub(crate) key: Key,
    lies_in: Option<AreaId>,
}

fn read(row: &SqlRow<'_>) -> rusqlite::Result<Found> {
    let key = Key {
        device: id::id(row, 0)?,
        document: id::id(row, 4)?,
        hash: id::hash(row, 9)?,
    };
    let reason: String = row.get(10)?;
    let (text, text_vi) = words(&reason);
    let refused = Refused {
        id: key.to_string(),
        device: key.device.0,
        device_name: row.get(1)?,
        account: id::id::<AccountId>(row, 2)?.0,
        account_name: row.get(3)?,
        document: key.document.0,
        title: row.get(5)?,
        kind: row.get(6)?,
        area: id::id::<AreaId>(row, 7)?.0,
        area_name: row.get(8)?,
        hash: key.hash.to_string(),
        text,
        text_vi,
        reason,
        bytes: row.get(11)?,
        received_ms: row.get(12)?,
        state: row.get(13)?,
        settled_reason: row.get(14)?,
        settled_ms: row.get(15)?,
    };
    Ok(Found {
        refused,
        key,
        lies_in: id::optional_id(row, 16)?,
    })
}

/// A reason for the desk, in English and Vietnamese. What an officer is told is another text: here it is
/// the supervisor who has to do something.
fn words(reason: &str) -> (&'static str, &'static str) {
    if reason == UNSENT {
        return (
            "Never sent: it came from the phone as a file.",
            "Chưa từng được gửi: lấy từ tệp xuất của máy.",
        );
    }
    match Refusal::from_code(reason) {
        Some(refusal) => (refusal.english(), refusal.vietnamese()),
        None => ("", ""),
    }
}

impl Found {
    /// The areas that a refused change belongs to.
    fn areas(&self, sql: &Connection) -> Result<Vec<AreaId>, Error> {
        let mut areas = vec![AreaId(self.refused.area)];
        areas.extend(self.lies_in);
        let scope = scope::of_account(sql, AccountId(self.refused.account))?;
        areas.extend(
            scope
                .into_iter()
                .filter(|grant| grant.writable)
                .map(|grant| grant.area),
        );
        Ok(areas)
    }

    fn is_shown_to(&self, sql: &Connection, areas: &Areas) -> Result<bool, Error> {
        Ok(areas.all
            || self
                .areas(sql)?
                .into_iter()
                .any(|area| areas.writable(area)))
    }
}

/// How many refused changes wait for somebody with these areas.
pub(crate) fn open(sql: &Connection, areas: &Areas) -> Result<u64, Error> {
    if areas.all {
        let count = "SELECT count(*) FROM quarantine WHERE state = 'open'";
        return Ok(sql.prepare_cached(count)?.query_row([], |row| row.get(0))?);
    }
    let query = format!("SELECT {COLUMNS} FROM {JOINED} WHERE quarantine.state = 'open'");
    let mut statement = sql.prepare_cached(&query)?;
    let mut rows = statement.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += u64::from(read(row)?.is_shown_to(sql, areas)?);
    }
    Ok(count)
}

/// A refused change that the caller may see.
pub(crate) fn find(sql: &Connection, areas: &Areas, key: Key) -> Result<Found, Problem> {
    let query = format!(
        "SELECT {COLUMNS} FROM {JOINED} WHERE quarantine.device = ?1 AND quarantine.document = ?2 AND quarantine.hash = ?3"
    );
    let found = sql
        .prepare_cached(&query)
        .map_err(Error::from)?
        .query_row(
            params![
                key.device.as_bytes().as_slice(),
                key.document.as_bytes().as_slice(),
                key.hash.0.as_slice()
            ],
            read,
        )
        .optional()
        .map_err(Error::from)?;
    match found {
        Some(found) if found.is_shown_to(sql, areas)? => Ok(found),
        _ => Err(Problem::not_found()),
    }
}

/// The bytes of a refused change.
fn bytes(sql: &Connection, key: Key) -> Result<Vec<u8>, Error> {
    Ok(sql
        .prepare_cached(
            "SELECT bytes FROM quarantine WHERE device = ?1 AND document = ?2 AND hash = ?3",
        )?
        .query_row(
            params![
                key.device.as_bytes().as_slice(),
                key.document.as_bytes().as_slice(),
                key.hash.0.as_slice()
            ],
            |row| row.get(0),
        )?)
}

/// Refused changes with their bytes, each after what it builds on.
type Chain = Vec<(Key, Vec<u8>)>;

/// Most other refused changes that one may build on.
const MAX_CHAIN: usize = 500;

/// The open refused changes of the same document that a change builds on and that the document lacks, each after
/// what it builds on itself. `None` where something is nowhere to be found.
fn chain(
    sql: &Connection,
    row: Option<&stored::Row>,
    document: DocumentId,
    change: &[u8],
) -> Result<Option<Chain>, Error> {
    let mut chain = Chain::new();
    let mut wanted: Vec<ChangeHash> = deps(change);
    let mut steps = 0;
    while let Some(hash) = wanted.pop() {
        steps += 1;
        // Last named, last in: a change that is needed again has to come earlier.
        if let Some(at) = chain.iter().position(|(key, _)| key.hash == hash) {
            let again = chain.remove(at);
            wanted.extend(deps(&again.1));
            chain.push(again);
            if wanted.len() + steps > 20 * MAX_CHAIN {
                return Ok(None);
            }
            continue;
        }
        if row.is_some() && stored::has_change(sql, document, &hash)? {
            continue;
        }
        let found = sql
            .prepare_cached(
                "SELECT device, bytes FROM quarantine WHERE document = ?1 AND hash = ?2 AND state = 'open' LIMIT 1",
            )?
            .query_row(
                params![document.as_bytes().as_slice(), hash.0.as_slice()],
                |row| Ok((id::id(row, 0)?, row.get::<_, Vec<u8>>(1)?)),
            )
            .optional()?;
        let Some((device, bytes)) = found else {
            return Ok(None);
        };
        wanted.extend(deps(&bytes));
        chain.push((
            Key {
                device,
                document,
                hash,
            },
            bytes,
        ));
        if chain.len() > MAX_CHAIN || wanted.len() + steps > 20 * MAX_CHAIN {
            return Ok(None);
        }
    }
    chain.reverse();
    Ok(Some(chain))
}

fn deps(change: &[u8]) -> Vec<ChangeHash> {
    sokiem_record::chunk::ChangeHeader::parse(change)
        .map_or_else(|_| Vec::new(), |header| header.deps)
}

/// The kind that a device stated.
fn kind(refused: &Refused) -> Result<Kind, Error> {
    Kind::from_name(&refused.kind).ok_or(Error::Unreadable("kind"))
}
