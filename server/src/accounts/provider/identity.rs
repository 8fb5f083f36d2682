//! Which account belongs to whom at the provider.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use sokiem_record::id::AccountId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Who;
use crate::{
    accounts::access::Caller,
    app::Shared,
    audit::{self, Action, Entry},
    error::Error,
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    store::{Writing, id},
};

/// Longest e-mail address or login, in characters.
const CLAIM_CHARS: usize = 200;

/// By what somebody is known at the identity provider.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Identity {
    /// The e-mail address or login there, as an administrator said.
    pub(crate) claim: String,
    /// When they first signed in there; null before. From then on the provider's own id of them counts.
    pub(crate) linked_ms: Option<i64>,
}

/// By what somebody is known there.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewIdentity {
    /// The e-mail address or login, whichever the configuration links by.
    pub(crate) claim: String,
}

/// How claims are compared.
fn plain(claim: &str) -> String {
    claim.trim().to_lowercase()
}

/// By what an account is known at the provider.
pub(crate) fn of(sql: &Connection, account: AccountId) -> Result<Option<Identity>, Error> {
    Ok(sql
        .prepare_cached("SELECT claim, linked_ms FROM identities WHERE account = ?1")?
        .query_row([account.as_bytes().as_slice()], |row| {
            Ok(Identity {
                claim: row.get(0)?,
                linked_ms: row.get(1)?,
            })
        })
        .optional()?)
}

/// Ends what was begun at the provider in the name of an account.
fn end_sessions(writing: &Writing<'_>, account: Uuid) -> Result<(), Error> {
    for begun in ["sessions", "pending_sign_ins"] {
        writing.sql.execute(
            &format!("DELETE FROM {begun} WHERE account = ?1 AND by_provider = 1"),
            [account.as_bytes().as_slice()],
        )?;
    }
    Ok(())
}

/// Say by what somebody is known at the identity provider. A link that there was is undone, and sessions that were begun
/// with it end: the next sign-in with this address makes a new one.
#[utoipa::path(put, path = "/api/v1/accounts/{account}/identity", tag = "accounts", request_body = NewIdentity,
    params(("account" = Uuid, Path, description = "The account")),
    responses((status = 204, description = "Noted"), (status = 403, description = "forbidden"), (status = 404, description = "not-found"),
        (status = 409, description = "exists: another account has it"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn put(
    State(app): Shared,
    caller: Caller,
    Path(account): Path<Uuid>,
    Json(body): Json<NewIdentity>,
) -> Result<StatusCode, Problem> {
    let claim = plain(&body.claim);
    if claim.is_empty() || claim.chars().count() > CLAIM_CHARS {
        return Err(
            Problem::invalid(format!("claim: 1 to {CLAIM_CHARS} characters")).vietnamese(
                "Cần địa chỉ thư hoặc tên đăng nhập ở nhà cung cấp, dài không quá 200 ký tự.",
            ),
        );
    }
    app.store
        .write(move |writing| {
            let id = account.as_bytes().as_slice();
            if !writing.sql.prepare_cached("SELECT 1 FROM accounts WHERE id = ?1")?.exists([id])? {
                return Err(Problem::not_found());
            }
            let taken = writing
                .sql
                .prepare_cached("SELECT 1 FROM identities WHERE claim = ?1 AND account <> ?2")?
                .exists(params![claim, id])?;
            if taken {
                return Err(Problem::new(Cause::Exists)
                    .detail("Another account has it")
                    .vietnamese("Một tài khoản khác đã dùng địa chỉ này."));
            }
            writing.sql.execute(
                "INSERT INTO identities (account, claim) VALUES (?1, ?2)
                 ON CONFLICT (account) DO UPDATE SET claim = ?2, issuer = NULL, subject = NULL, linked_ms = NULL",
                params![id, claim],
            )?;
            end_sessions(writing, account)?;
            let entry = Entry::new(Action::IdentitySet).by(caller.account);
            audit::note(writing, entry.on("account", account))?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

/// Undo that an account belongs to somebody at the identity provider. Sessions that they began there end.
#[utoipa::path(delete, path = "/api/v1/accounts/{account}/identity", tag = "accounts",
    params(("account" = Uuid, Path, description = "The account")),
    responses((status = 204, description = "Undone"), (status = 403, description = "forbidden"), (status = 422, description = "invalid: there is none")),
    security(("session" = [])))]
pub(crate) async fn delete(
    State(app): Shared,
    caller: Caller,
    Path(account): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    app.store
        .write(move |writing| {
            let id = account.as_bytes().as_slice();
            let gone = writing
                .sql
                .execute("DELETE FROM identities WHERE account = ?1", [id])?;
            if gone == 0 {
                return Err(Problem::invalid("The account belongs to nobody there")
                    .vietnamese("Tài khoản này chưa được gán cho ai ở nhà cung cấp danh tính."));
            }
            end_sessions(writing, account)?;
            let entry = Entry::new(Action::IdentityRemoved).by(caller.account);
            audit::note(writing, entry.on("account", account))?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

/// The account of somebody whom the provider vouches for; the first time, the one that an administrator named.
pub(crate) fn account(writing: &Writing<'_>, who: &Who) -> Result<Option<AccountId>, Error> {
    let known: Option<AccountId> = writing
        .sql
        .query_row(
            "SELECT account FROM identities JOIN accounts ON accounts.id = account
              WHERE issuer = ?1 AND subject = ?2 AND active = 1",
            params![who.issuer, who.subject],
            |row| id::id(row, 0),
        )
        .optional()?;
    let Some(claim) = who.claim.as_deref().map(plain).filter(|_| known.is_none()) else {
        return Ok(known);
    };
    let named: Option<AccountId> = writing
        .sql
        .query_row(
            "SELECT account FROM identities JOIN accounts ON accounts.id = account
              WHERE claim = ?1 AND subject IS NULL AND active = 1
                AND NOT EXISTS (SELECT 1 FROM identities WHERE issuer = ?2 AND subject = ?3)",
            params![claim, who.issuer, who.subject],
            |row| id::id(row, 0),
        )
        .optional()?;
    if let Some(account) = named {
        writing.sql.execute(
            "UPDATE identities SET issuer = ?2, subject = ?3, linked_ms = ?4 WHERE account = ?1",
            params![
                account.as_bytes().as_slice(),
                who.issuer,
                who.subject,
                writing.now_ms
            ],
        )?;
        let entry = Entry::new(Action::IdentityLinked).by(account);
        audit::note(writing, entry.on("account", account))?;
    }
    Ok(named)
}
