//! Whose installation this is.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use sokiem_record::{
    id::{AccountId, ActorId, DeviceId, EpochId},
    signing::{PublicKey, Signature, SigningKey},
};

use crate::{
    error::{Error, Result},
    sync::DeviceKey,
};

/// What the server said when it enrolled this device. The key is left out of anything that is serialised
/// or printed.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Enrolment {
    /// Where the server is.
    pub server: String,
    /// What the device shows itself with.
    #[serde(skip)]
    pub key: DeviceKey,
    /// When the key ends, in milliseconds since 1970-01-01 UTC.
    pub expires_ms: i64,
    /// From when on the device renews its key, by the server's clock.
    pub renew_ms: i64,
    /// This installation's id at the server.
    pub device: DeviceId,
    /// The officer.
    pub account: AccountId,
    /// The officer's name.
    pub account_name: String,
    /// The officer's title.
    pub account_title: String,
    /// What the server calls itself.
    pub server_name: String,
}

impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrolment")
            .field("server", &self.server)
            .field("device", &self.device)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// What enrolment asks the server for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// The one-time code that the administrator gave.
    pub code: String,
    /// What to call this device.
    pub device_name: String,
    /// This installation's actor, 32 hexadecimal digits.
    pub actor: String,
    /// The version of the program.
    pub app_version: String,
    /// The public half of the key that this installation made.
    pub key: PublicKey,
    /// Its signature over [`sokiem_record::proof::enrolment_message`].
    pub proof: Signature,
}

/// What the server answers to an enrolment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolResponse {
    /// This installation's id at the server.
    pub device: DeviceId,
    /// When the key ends, in milliseconds since 1970-01-01 UTC.
    pub expires_ms: i64,
    /// From when on the device is to renew it.
    pub renew_ms: i64,
    /// The server's history.
    pub epoch: EpochId,
    /// The officer.
    pub account: EnrolledAccount,
    /// What the server calls itself.
    pub server_name: String,
    /// What the server signs decisions with.
    pub server_key: PublicKey,
}

/// The officer in an [`EnrolResponse`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolledAccount {
    /// Which account.
    pub id: AccountId,
    /// The officer's name.
    pub name: String,
    /// The officer's title.
    #[serde(default)]
    pub title: String,
}

/// The actor drawn for this installation, if it was.
pub(crate) fn actor(connection: &Connection) -> Result<Option<ActorId>> {
    let mut statement = connection.prepare_cached("SELECT actor FROM enrolment")?;
    let mut rows = statement.query([])?;
    match rows.next()? {
        Some(row) => {
            let bytes: Vec<u8> = row.get(0)?;
            ActorId::from_slice(&bytes)
                .map(Some)
                .ok_or(Error::Unreadable("the actor"))
        }
        None => Ok(None),
    }
}

pub(crate) fn set_actor(connection: &Connection, actor: ActorId) -> Result<()> {
    connection.execute(
        "INSERT INTO enrolment (one, actor) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET actor = ?1",
        [actor.as_bytes().as_slice()],
    )?;
    Ok(())
}

/// What the server signs decisions with, as it said at enrolment.
pub(crate) fn server_key(connection: &Connection) -> Result<Option<PublicKey>> {
    let bytes: Option<Vec<u8>> =
        connection.query_row("SELECT server_key FROM enrolment", [], |row| row.get(0))?;
    Ok(bytes.as_deref().and_then(PublicKey::from_slice))
}

pub(crate) fn epoch(connection: &Connection) -> Result<Option<EpochId>> {
    // A rescue may have found no enrolment.
    let bytes: Option<Option<Vec<u8>>> = connection
        .query_row("SELECT epoch FROM enrolment", [], |row| row.get(0))
        .optional()?;
    Ok(bytes.flatten().as_deref().and_then(EpochId::from_slice))
}

pub(crate) fn set_epoch(connection: &Connection, epoch: EpochId) -> Result<()> {
    connection.execute(
        "UPDATE enrolment SET epoch = ?1",
        [epoch.as_bytes().as_slice()],
    )?;
    Ok(())
}

pub(crate) fn get(connection: &Connection) -> Result<Option<Enrolment>> {
    let sql = "SELECT server, seed, next_seed, expires_ms, renew_ms, device, account, account_name, account_title, server_name
               FROM enrolment WHERE seed IS NOT NULL AND device IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let (device, account): (Vec<u8>, Vec<u8>) = (row.get("device")?, row.get("account")?);
    let device = DeviceId::from_slice(&device).ok_or(Error::Unreadable("the device id"))?;
    let key = DeviceKey {
        device,
        key: SigningKey::from_seed(&row.get("seed")?),
        next: row
            .get::<_, Option<[u8; 32]>>("next_seed")?
            .map(|seed| SigningKey::from_seed(&seed)),
    };
    Ok(Some(Enrolment {
        server: row.get("server")?,
        key,
        expires_ms: row.get("expires_ms")?,
        renew_ms: row.get("renew_ms")?,
        device,
        account: AccountId::from_slice(&account).ok_or(Error::Unreadable("the account id"))?,
        account_name: row.get("account_name")?,
        account_title: row.get("account_title")?,
        server_name: row.get("server_name")?,
    }))
}

/// The key that the server is about to hear of. It is drawn once and kept until the server has answered, so
/// that an answer that was lost costs nothing.
pub(crate) fn next_key(connection: &Connection, fresh_seed: &[u8; 32]) -> Result<SigningKey> {
    connection.execute(
        "UPDATE enrolment SET next_seed = ?1 WHERE next_seed IS NULL",
        [fresh_seed.as_slice()],
    )?;
    let seed = connection.query_row("SELECT next_seed FROM enrolment", [], |row| row.get(0))?;
    Ok(SigningKey::from_seed(&seed))
}

/// The next key is of no use.
pub(crate) fn forget_next_key(connection: &Connection) -> Result<()> {
    connection.execute("UPDATE enrolment SET next_seed = NULL", [])?;
    Ok(())
}

/// The server knows the next key now.
pub(crate) fn key_is_known(connection: &Connection, expires_ms: i64, renew_ms: i64) -> Result<()> {
    connection.execute(
        "UPDATE enrolment SET seed = coalesce(next_seed, seed), next_seed = NULL, expires_ms = ?1, renew_ms = ?2",
        [expires_ms, renew_ms],
    )?;
    Ok(())
}

pub(crate) fn set(connection: &Connection, server: &str, response: &EnrolResponse) -> Result<()> {
    key_is_known(connection, response.expires_ms, response.renew_ms)?;
    connection.execute(
        "UPDATE enrolment SET server = ?1, device = ?2, account = ?3,
             account_name = ?4, account_title = ?5, server_name = ?6, server_key = ?7",
        params![
            server,
            response.device.as_bytes().as_slice(),
            response.account.id.as_bytes().as_slice(),
            response.account.name,
            response.account.title,
            response.server_name,
            response.server_key.as_bytes().as_slice(),
        ],
    )?;
    Ok(())
}
