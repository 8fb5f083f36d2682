//! Making and listing accounts.

use axum::{extract::State, http::StatusCode};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use sokiem_record::id::{AccountId, AreaId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::{
        access::{Caller, Role},
        grant, password,
        provider::identity::{self, Identity},
        second_factor,
    },
    app::Shared,
    audit::{self, Action, Entry},
    error::Error,
    http::{body::Json, problem::Problem},
    store::{Writing, id},
};

/// A person to be given an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccount {
    /// The name to sign in with; lower case letters, digits, `.`, `-`, `_`.
    pub(crate) login: String,
    /// The person's name.
    pub(crate) name: String,
    /// Rank or function.
    #[serde(default)]
    pub(crate) title: String,
    /// What they may do.
    pub(crate) role: Role,
    /// Without one the person can only use enrolled devices.
    #[serde(default)]
    pub(crate) password: Option<String>,
    /// Their areas. Each holds with everything below it.
    #[serde(default)]
    pub(crate) areas: Vec<Uuid>,
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Account {
    /// Its id.
    pub(crate) id: Uuid,
    /// The name to sign in with.
    pub(crate) login: String,
    /// The person's name.
    pub(crate) name: String,
    /// Rank or function.
    pub(crate) title: String,
    /// What they may do.
    pub(crate) role: Role,
    /// Whether it may be used.
    pub(crate) active: bool,
    /// Their areas.
    pub(crate) areas: Vec<Uuid>,
    /// Whether there is a password to sign in with; without one only devices can be used.
    pub(crate) has_password: bool,
    /// Whether a second factor is asked for when they sign in.
    pub(crate) second_factor: bool,
    /// By what they are known at the identity provider.
    pub(crate) identity: Option<Identity>,
    /// Whether who asks may change it.
    pub(crate) administrated: bool,
}

/// Make an account: a supervisor for officers of their own areas.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "accounts", request_body = NewAccount,
    responses(
        (status = 201, body = Account),
        (status = 403, description = "forbidden"),
        (status = 409, description = "exists"),
        (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn create(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<NewAccount>,
) -> Result<(StatusCode, Json<Account>), Problem> {
    let login = body.login.trim().to_lowercase();
    check(&login, &body.name, &body.title)?;
    let hash = match body.password {
        Some(password) if password::acceptable(&password) => {
            Some(password::hash_apart(&app, password).await?)
        }
        Some(_) => {
            return Err(Problem::invalid(
                "A password has 8 characters at least and 200 bytes at most",
            )
            .vietnamese("Mật khẩu cần ít nhất 8 ký tự."));
        }
        None => None,
    };
    let pen = caller.pen(&app);
    let account = app
        .store
        .write(move |writing| {
            expect_may_make(writing.sql, &caller, body.role, &body.areas)?;
            let account = insert(
                writing,
                &login,
                &body.name,
                &body.title,
                body.role,
                hash.as_deref(),
            )?;
            for area in &body.areas {
                grant::give(writing, pen, account, AreaId(*area))?;
            }
            let areas: Vec<String> = body.areas.iter().map(Uuid::to_string).collect();
            let entry = Entry::new(Action::AccountMade).by(pen.account);
            let entry = entry.on("account", account).detail("areas", areas);
            audit::note(writing, entry.detail("role", body.role.name()))?;
            let (id, areas) = (account.0, body.areas);
            Ok::<_, Problem>(Account {
                id,
                login,
                name: body.name,
                title: body.title,
                role: body.role,
                active: true,
                areas,
                has_password: hash.is_some(),
                second_factor: false,
                identity: None,
                administrated: true,
            })
        })
        .await?;
    Ok((StatusCode::CREATED, Json(account)))
}

/// A supervisor makes accounts for officers of their own areas.
fn expect_may_make(
    sql: &rusqlite::Connection,
    caller: &Caller,
    role: Role,
    areas: &[Uuid],
) -> Result<(), Problem> {
    if caller.role == Role::Administrator {
        return Ok(());
    }
    let mine = caller.areas(sql)?;
    if role == Role::Officer && !areas.is_empty() {
        return areas
            .iter()
            .try_for_each(|area| mine.expect_writable(AreaId(*area)));
    }
    Err(Problem::forbidden()
        .detail("Supervisors make accounts for officers of their own areas")
        .vietnamese("Lãnh đạo chỉ tạo tài khoản cán bộ trong địa bàn của mình: hãy chọn vai trò cán bộ và một địa bàn của bạn."))
}

fn check(login: &str, name: &str, title: &str) -> Result<(), Problem> {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    if !(1..=60).contains(&login.len()) || !login.bytes().all(allowed) {
        return Err(
            Problem::invalid("login: 1 to 60 of a-z, 0-9, '.', '-' and '_'").vietnamese(
                "Tên đăng nhập chỉ gồm chữ thường không dấu a-z, chữ số và các dấu . - _, dài 1 đến 60 ký tự.",
            ),
        );
    }
    expect_named(name, title)
}

/// Refuses a person without a name.
pub(crate) fn expect_named(name: &str, title: &str) -> Result<(), Problem> {
    if name.trim().is_empty() || name.chars().count() > 200 || title.chars().count() > 200 {
        return Err(Problem::invalid(
            "name and title: at most 200 characters, and a name is needed",
        )
        .vietnamese("Cần họ tên; họ tên và chức vụ dài không quá 200 ký tự."));
    }
    Ok(())
}

/// Stores an account.
pub(crate) fn insert(
    writing: &Writing<'_>,
    login: &str,
    name: &str,
    title: &str,
    role: Role,
    password_hash: Option<&str>,
) -> Result<AccountId, Error> {
    let account = AccountId(writing.machine.new_id()?);
    let inserted = writing.sql.execute(
        "INSERT INTO accounts (id, login, name, title, role, password_hash, active, created_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7) ON CONFLICT (login) DO NOTHING",
        params![
            account.as_bytes().as_slice(),
            login,
            name,
            title,
            role.name(),
            password_hash,
            writing.now_ms
        ],
    )?;
    if inserted == 0 {
        return Err(Error::AccountExists(login.to_owned()));
    }
    Ok(account)
}

/// List accounts: all of them for an administrator; for a supervisor those that share an area with theirs.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts",
    responses((status = 200, body = Vec<Account>), (status = 403, description = "forbidden")),
    security(("session" = [])))]
pub(crate) async fn list(
    State(app): Shared,
    caller: Caller,
) -> Result<Json<Vec<Account>>, Problem> {
    app.store
        .read(move |sql| {
            let mine = caller.areas(sql)?;
            let mut grants =
                sql.prepare_cached("SELECT area FROM grants WHERE account = ?1 ORDER BY area")?;
            let mut statement = sql.prepare_cached(
                "SELECT id, login, name, title, role, active, password_hash IS NOT NULL FROM accounts ORDER BY login",
            )?;
            let mut rows = statement.query([])?;
            let mut accounts = Vec::new();
            while let Some(row) = rows.next()? {
                let account: AccountId = id::id(row, 0)?;
                let areas = grants
                    .query_map([account.as_bytes().as_slice()], |row| {
                        id::id::<AreaId>(row, 0)
                    })?
                    .map(|area| area.map(|area| area.0))
                    .collect::<Result<_, _>>()?;
                let shares = |areas: &[Uuid]| areas.iter().any(|area| mine.readable(AreaId(*area)));
                let areas: Vec<Uuid> = areas;
                if !mine.all && account != caller.account && !shares(&areas) {
                    continue;
                }
                accounts.push(Account {
                    id: account.0,
                    login: row.get(1)?,
                    name: row.get(2)?,
                    title: row.get(3)?,
                    role: Role::from_name(row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?)
                        .ok_or(Error::Unreadable("role"))?,
                    active: row.get(5)?,
                    areas,
                    has_password: row.get(6)?,
                    second_factor: second_factor::is_on(sql, account)?,
                    identity: identity::of(sql, account)?,
                    administrated: caller.administrates(sql, account)?,
                });
            }
            Ok(Json(accounts))
        })
        .await
}
