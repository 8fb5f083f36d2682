//! Who an actor is.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use sokiem_record::{
    genesis,
    id::{AccountId, ActorId, DeviceId, DocumentId},
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{error::Error, store::id};

/// Who wrote something.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Writer {
    /// The account.
    pub(crate) account: Option<Uuid>,
    /// The person's name.
    pub(crate) name: Option<String>,
    /// The device; absent for what was written at the desk.
    pub(crate) device: Option<Uuid>,
    /// What the officer calls it.
    pub(crate) device_name: Option<String>,
    /// True for the first change of a planned inspection, which nobody in particular wrote.
    pub(crate) planned: bool,
}

/// What a person is called.
pub(crate) fn person(sql: &Connection, account: AccountId) -> Result<Option<String>, Error> {
    Ok(sql
        .prepare_cached("SELECT name FROM accounts WHERE id = ?1")?
        .query_row([account.as_bytes().as_slice()], |row| row.get(0))
        .optional()?)
}

/// The writers of a document's changes.
pub(crate) struct Names {
    known: HashMap<ActorId, Writer>,
    planned: ActorId,
}

impl Names {
    pub(crate) fn of(sql: &Connection, document: DocumentId) -> Result<Self, Error> {
        let mut statement = sql.prepare_cached(
            "SELECT actors.actor, accounts.id, accounts.name, devices.id, devices.name
               FROM (SELECT DISTINCT actor FROM changes WHERE document = ?1) AS written
               JOIN actors ON actors.actor = written.actor
               JOIN accounts ON accounts.id = actors.account
               LEFT JOIN devices ON devices.id = actors.device",
        )?;
        let rows = statement.query_map([document.as_bytes().as_slice()], |row| {
            let writer = Writer {
                account: Some(id::id::<AccountId>(row, 1)?.0),
                name: row.get(2)?,
                device: id::optional_id::<DeviceId>(row, 3)?.map(|device| device.0),
                device_name: row.get(4)?,
                planned: false,
            };
            Ok((id::id(row, 0)?, writer))
        })?;
        let known = rows.collect::<Result<_, _>>()?;
        Ok(Self {
            known,
            planned: genesis::genesis_actor(document),
        })
    }

    /// Who an actor is; all unknown where nobody was enrolled with it.
    pub(crate) fn writer(&self, actor: ActorId) -> Writer {
        self.known.get(&actor).cloned().unwrap_or(Writer {
            account: None,
            name: None,
            device: None,
            device_name: None,
            planned: actor == self.planned,
        })
    }
}
