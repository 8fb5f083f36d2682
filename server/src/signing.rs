//! The server's own key. Decisions are signed with it, and devices keep its public half from enrolment on.
//!
//! It is made when the database is first opened and lies in it: a backup holds it, and a restored server
//! goes on signing with it. Who has the database can sign.

use axum::extract::State;
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use sokiem_record::signing::{PublicKey, SigningKey};
use utoipa::ToSchema;

use crate::{
    app::Shared,
    error::Error,
    http::{body::Json, problem::Problem},
    store::Writing,
};

/// The key, made if there is none yet.
pub(crate) fn key(writing: &Writing<'_>) -> Result<SigningKey, Error> {
    if let Some(key) = read(writing.sql)? {
        return Ok(key);
    }
    let key = SigningKey::from_seed(&writing.machine.random::<32>()?);
    writing.sql.execute(
        "INSERT INTO meta (key, value) VALUES ('signing_seed', ?1)",
        [key.to_seed().as_slice()],
    )?;
    Ok(key)
}

/// The public half, of a server that has begun.
pub(crate) fn public_key(sql: &Connection) -> Result<PublicKey, Error> {
    read(sql)?
        .map(|key| key.public_key())
        .ok_or(Error::Unreadable("the server's key"))
}

fn read(sql: &Connection) -> Result<Option<SigningKey>, Error> {
    let seed: Option<Vec<u8>> = sql
        .prepare_cached("SELECT value FROM meta WHERE key = 'signing_seed'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    seed.map(|seed| {
        <[u8; 32]>::try_from(seed.as_slice())
            .map(|seed| SigningKey::from_seed(&seed))
            .map_err(|_| Error::Unreadable("the server's key"))
    })
    .transpose()
}

/// What the server signs decisions with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServerKey {
    /// Ed25519, 64 hexadecimal digits.
    key: String,
}

/// The public half of the key that decisions are signed with.
#[utoipa::path(get, path = "/api/v1/server-key", tag = "records", responses((status = 200, body = ServerKey)))]
pub(crate) async fn show(State(app): Shared) -> Result<Json<ServerKey>, Problem> {
    let key = app.store.read(public_key).await?;
    Ok(Json(ServerKey {
        key: key.to_string(),
    }))
}
