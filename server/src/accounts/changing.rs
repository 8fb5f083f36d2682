//! Changing an account: name, title, role, a password for somebody who forgot theirs, closing it.

use axum::extract::{Path, State};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use sokiem_record::id::{AccountId, DeviceId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::{
        access::{Caller, Role},
        account::expect_named,
        grant, password,
    },
    app::Shared,
    audit::{self, Action, Entry},
    http::{body::Json, problem::Problem},
    platform, secret,
    store::{Writing, id},
    sync::poke::Poke,
};

/// What to change; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountChange {
    /// The person's name.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// Rank or function.
    #[serde(default)]
    pub(crate) title: Option<String>,
    /// What they may do. Only administrators change it.
    #[serde(default)]
    pub(crate) role: Option<Role>,
    /// `false` closes the account: its sessions end and its devices are revoked, at once.
    #[serde(default)]
    pub(crate) active: Option<bool>,
}

/// An account as it is now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChangedAccount)]
pub(crate) struct Changed {
    /// Its id.
    id: Uuid,
    /// The person's name.
    name: String,
    /// Rank or function.
    title: String,
    /// What they may do.
    role: Role,
    /// Whether it may be used.
    active: bool,
}

/// Change an account: any for an administrator, those of their officers for a supervisor.
#[utoipa::path(patch, path = "/api/v1/accounts/{account}", tag = "accounts", request_body = AccountChange,
    params(("account" = Uuid, Path, description = "The account")),
    responses((status = 200, body = Changed), (status = 403, description = "forbidden"), (status = 404, description = "not-found"),
        (status = 422, description = "invalid: a name, or nobody would administrate any more")),
    security(("session" = [])))]
pub(crate) async fn change(
    State(app): Shared,
    caller: Caller,
    Path(account): Path<Uuid>,
    Json(body): Json<AccountChange>,
) -> Result<Json<Changed>, Problem> {
    let (account, pen) = (AccountId(account), caller.pen(&app));
    app.store
        .write(move |writing| {
            let before = find(writing.sql, account)?;
            caller.expect_administrates(writing.sql, account)?;
            if body.role.is_some_and(|role| role != before.role)
                && caller.role != Role::Administrator
            {
                return Err(Problem::forbidden().detail("Administrators change roles"));
            }
            let after = Changed {
                id: account.0,
                name: body.name.unwrap_or_else(|| before.name.clone()),
                title: body.title.unwrap_or_else(|| before.title.clone()),
                role: body.role.unwrap_or(before.role),
                active: body.active.unwrap_or(before.active),
            };
            expect_named(&after.name, &after.title)?;
            writing.sql.execute(
                "UPDATE accounts SET name = ?2, title = ?3, role = ?4, active = ?5 WHERE id = ?1",
                params![
                    account.as_bytes().as_slice(),
                    after.name,
                    after.title,
                    after.role.name(),
                    after.active
                ],
            )?;
            expect_an_administrator(writing.sql)?;
            let entry = Entry::new(Action::AccountChanged)
                .by(caller.account)
                .on("account", account);
            audit::note(writing, entry.detail("role", after.role.name()))?;
            if before.active && !after.active {
                close(writing, &caller, account)?;
            }
            grant::refresh(writing, pen, account, after.active)?;
            Ok(Json(after))
        })
        .await
}

fn find(sql: &Connection, account: AccountId) -> Result<Changed, Problem> {
    sql.prepare_cached("SELECT name, title, role, active FROM accounts WHERE id = ?1")?
        .query_row([account.as_bytes().as_slice()], |row| {
            Ok(Changed {
                id: account.0,
                name: row.get(0)?,
                title: row.get(1)?,
                role: Role::from_name(row.get_ref(2)?.as_str()?).unwrap_or(Role::Officer),
                active: row.get(3)?,
            })
        })
        .optional()?
        .ok_or_else(Problem::not_found)
}

/// Somebody has to be able to undo it.
fn expect_an_administrator(sql: &Connection) -> Result<(), Problem> {
    let left = sql
        .prepare_cached("SELECT 1 FROM accounts WHERE role = 'administrator' AND active = 1 AND password_hash IS NOT NULL")?
        .exists([])?;
    if left {
        return Ok(());
    }
    Err(
        Problem::invalid("There would be no administrator left").vietnamese(
            "Như vậy sẽ không còn ai quản trị. Hãy giao vai trò quản trị cho người khác trước.",
        ),
    )
}

fn close(writing: &Writing<'_>, caller: &Caller, account: AccountId) -> Result<(), Problem> {
    let id = account.as_bytes().as_slice();
    writing
        .sql
        .execute("DELETE FROM sessions WHERE account = ?1", [id])?;
    writing.sql.execute(
        "UPDATE codes SET used_ms = ?2 WHERE account = ?1 AND used_ms IS NULL",
        params![id, writing.now_ms],
    )?;
    let devices: Vec<DeviceId> = writing
        .sql
        .prepare_cached("SELECT id FROM devices WHERE account = ?1 AND revoked_ms IS NULL")?
        .query_map([id], |row| id::id(row, 0))?
        .collect::<Result<_, _>>()?;
    for device in devices {
        writing.sql.execute(
            "UPDATE devices SET revoked_ms = ?2 WHERE id = ?1",
            params![device.as_bytes().as_slice(), writing.now_ms],
        )?;
        writing.poke(Poke::Revoked(device));
    }
    audit::note(
        writing,
        Entry::new(Action::AccountClosed)
            .by(caller.account)
            .on("account", account),
    )?;
    Ok(())
}

/// A password that was made for somebody, shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GivenPassword {
    /// The password. Nothing but choosing another one can be done with it.
    pub(crate) password: String,
    /// Until when it is good, milliseconds since 1970-01-01 UTC.
    pub(crate) until_ms: i64,
}

/// Give somebody a password who forgot theirs. All their sessions end; with it they can only choose their own.
#[utoipa::path(post, path = "/api/v1/accounts/{account}/password", tag = "accounts",
    params(("account" = Uuid, Path, description = "The account")),
    responses((status = 201, body = GivenPassword), (status = 403, description = "forbidden"), (status = 404, description = "not-found")),
    security(("session" = [])))]
pub(crate) async fn give_password(
    State(app): Shared,
    caller: Caller,
    Path(account): Path<Uuid>,
) -> Result<(axum::http::StatusCode, Json<GivenPassword>), Problem> {
    let account = AccountId(account);
    let given = secret::hex(&app.machine.random::<10>()?);
    let hash = password::hash_apart(&app, given.clone()).await?;
    let lifetime_s = app.config.lifetimes.code_s;
    let until_ms = app
        .store
        .write(move |writing| {
            find(writing.sql, account)?;
            let until_ms = platform::after_s(writing.now_ms, lifetime_s);
            let id = account.as_bytes().as_slice();
            writing.sql.execute(
                "UPDATE accounts SET password_hash = ?2, password_until_ms = ?3 WHERE id = ?1",
                params![id, hash, until_ms],
            )?;
            writing
                .sql
                .execute("DELETE FROM sessions WHERE account = ?1", [id])?;
            audit::note(
                writing,
                Entry::new(Action::PasswordReset)
                    .by(caller.account)
                    .on("account", account),
            )?;
            Ok::<_, Problem>(until_ms)
        })
        .await?;
    Ok((
        axum::http::StatusCode::CREATED,
        Json(GivenPassword {
            password: given,
            until_ms,
        }),
    ))
}
