//! Whose installation this is.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use sokiem_record::id::{AccountId, ActorId, DeviceId, EpochId};

use crate::error::{Error, Result};

/// What the server said when it enrolled this device. The credential is left out of anything that is
/// serialised or printed.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Enrolment {
    /// Where the server is.
    pub server: String,
    /// The bearer credential.
    #[serde(skip)]
    pub credential: String,
    /// When the credential ends, in milliseconds since 1970-01-01 UTC.
    pub expires_ms: i64,
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
}

/// What the server answers to an enrolment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolResponse {
    /// This installation's id at the server.
    pub device: DeviceId,
    /// The bearer credential, shown this once.
    pub credential: String,
    /// When it ends, in milliseconds since 1970-01-01 UTC.
    pub expires_ms: i64,
    /// The server's history.
    pub epoch: EpochId,
    /// The officer.
    pub account: EnrolledAccount,
    /// What the server calls itself.
    pub server_name: String,
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
    let sql = "SELECT server, credential, expires_ms, device, account, account_name, account_title, server_name
               FROM enrolment WHERE credential IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let (device, account): (Vec<u8>, Vec<u8>) = (row.get("device")?, row.get("account")?);
    Ok(Some(Enrolment {
        server: row.get("server")?,
        credential: row.get("credential")?,
        expires_ms: row.get("expires_ms")?,
        device: DeviceId::from_slice(&device).ok_or(Error::Unreadable("the device id"))?,
        account: AccountId::from_slice(&account).ok_or(Error::Unreadable("the account id"))?,
        account_name: row.get("account_name")?,
        account_title: row.get("account_title")?,
        server_name: row.get("server_name")?,
    }))
}

pub(crate) fn set(connection: &Connection, server: &str, response: &EnrolResponse) -> Result<()> {
    connection.execute(
        "UPDATE enrolment SET server = ?1, credential = ?2, expires_ms = ?3, device = ?4, account = ?5,
             account_name = ?6, account_title = ?7, server_name = ?8",
        params![
            server,
            response.credential,
            response.expires_ms,
            response.device.as_bytes().as_slice(),
            response.account.id.as_bytes().as_slice(),
            response.account.name,
            response.account.title,
            response.server_name,
        ],
    )?;
    Ok(())
}
