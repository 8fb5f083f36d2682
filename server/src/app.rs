//! What every request handler shares.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use sokiem_record::{
    genesis,
    id::{AccountId, EpochId},
};
use tokio::sync::{Semaphore, watch};

use crate::{
    accounts::{attempts::Attempts, lockout::Lockouts, provider::Provider},
    attachments::Attachments,
    audit::reads::Reads,
    backup::state::Checking,
    config::Config,
    devices::replay::Replays,
    error::Error,
    field_app::FieldApp,
    platform::Machine,
    store::{Store, id},
    sync::poke::Pokes,
    telemetry::Metrics,
};

/// The server's shared state.
pub(crate) struct App {
    pub(crate) config: Config,
    /// Time and randomness.
    pub(crate) machine: Machine,
    pub(crate) store: Store,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) pokes: Pokes,
    pub(crate) epoch: EpochId,
    /// What goes into enrolment QR codes.
    pub(crate) public_url: String,
    pub(crate) attempts: Attempts,
    /// Who looked at what, on its way to the audit log.
    pub(crate) reads: Reads,
    pub(crate) attachments: Attachments,
    /// Who is shut out for failing too often.
    pub(crate) lockouts: Lockouts,
    /// What is remembered of the identity provider.
    pub(crate) provider: Provider,
    /// The officer's app, where this server has one.
    pub(crate) field_app: Option<FieldApp>,
    /// The backup that is being checked.
    pub(crate) checking: Checking,
    /// Signed requests that were seen.
    pub(crate) replays: Replays,
    pub(crate) password_checks: Arc<Semaphore>,
    pub(crate) event_streams: Arc<Semaphore>,
    /// Turns to read a file that a phone exported.
    pub(crate) imports: Arc<Semaphore>,
    /// Lots of documents that lie ready for the writer: see `sync::ingest`.
    pub(crate) lots: Arc<Semaphore>,
    /// Turns true when the server stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// How handlers get it.
pub(crate) type Shared = axum::extract::State<Arc<App>>;

/// The epoch of a database; a fresh one starts its first.
pub(crate) async fn epoch(store: &Store) -> Result<EpochId, Error> {
    store
        .write(|writing| {
            crate::signing::key(writing)?;
            match read_epoch(writing.sql)? {
                Some(epoch) => Ok(epoch),
                None => start_epoch(writing.sql, writing.machine),
            }
        })
        .await
}

/// The epoch that a database is in.
pub(crate) fn read_epoch(sql: &Connection) -> Result<Option<EpochId>, Error> {
    let bytes: Option<Vec<u8>> = sql
        .query_row("SELECT value FROM meta WHERE key = 'epoch'", [], |row| {
            row.get(0)
        })
        .optional()?;
    bytes
        .map(|bytes| EpochId::from_slice(&bytes).ok_or(Error::Unreadable("epoch")))
        .transpose()
}

/// Gives the database a new epoch.
pub(crate) fn start_epoch(sql: &Connection, machine: &Machine) -> Result<EpochId, Error> {
    let epoch = EpochId(machine.new_id()?);
    sql.execute(
        "INSERT INTO meta (key, value) VALUES ('epoch', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [epoch.as_bytes().as_slice()],
    )?;
    Ok(epoch)
}

/// What accounts wrote through this server after the backup comes back from devices: their actors of the
/// epoch that ends have to be known, also those that had not written yet when the backup was made.
fn know_own_actors(sql: &Connection, machine: &Machine) -> Result<(), Error> {
    let Some(epoch) = read_epoch(sql)? else {
        return Ok(());
    };
    let mut statement = sql.prepare("SELECT id FROM accounts")?;
    let accounts: Vec<AccountId> = statement
        .query_map([], |row| id::id(row, 0))?
        .collect::<Result<_, _>>()?;
    for account in accounts {
        let actor = genesis::server_actor(epoch, account);
        sql.execute(
            "INSERT INTO actors (actor, account, device, created_ms) VALUES (?1, ?2, NULL, ?3)
             ON CONFLICT (actor) DO NOTHING",
            params![
                actor.as_bytes().as_slice(),
                account.as_bytes().as_slice(),
                machine.now_ms()
            ],
        )?;
    }
    Ok(())
}

/// Starts a new epoch after a restore, with a time until which devices may bring back what others wrote.
pub(crate) fn restore_epoch(
    sql: &Connection,
    machine: &Machine,
    recovery_until_ms: i64,
) -> Result<EpochId, Error> {
    if let Some(before) = read_epoch(sql)? {
        sql.execute(
            "INSERT INTO former_epochs (epoch, ended_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![before.as_bytes().as_slice(), machine.now_ms()],
        )?;
    }
    know_own_actors(sql, machine)?;
    let epoch = start_epoch(sql, machine)?;
    sql.execute(
        "INSERT INTO meta (key, value) VALUES ('recovery_until_ms', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [recovery_until_ms.to_be_bytes().as_slice()],
    )?;
    Ok(epoch)
}

/// Until when devices may bring back what others wrote; 0 when there was no restore.
pub(crate) fn recovery_until_ms(sql: &Connection) -> Result<i64, Error> {
    let bytes: Option<Vec<u8>> = sql
        .query_row(
            "SELECT value FROM meta WHERE key = 'recovery_until_ms'",
            [],
            |row| row.get(0),
        )
        .optional()?;
    Ok(bytes
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, i64::from_be_bytes))
}
