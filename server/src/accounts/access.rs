//! Who calls, and what they may see and do.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, header, request::Parts},
};
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use sokiem_record::id::{AccountId, AreaId};
use utoipa::ToSchema;

use crate::{
    app::App,
    error::Error,
    http::problem::{Cause, Problem},
    secret,
    store::id,
    sync::{author::Pen, scope},
};

/// Name of the session cookie. With TLS it begins so that a browser takes it from this very host alone.
pub(crate) fn cookie_name(app: &App) -> &'static str {
    if app.config.secure_cookies {
        "__Host-sokiem_session"
    } else {
        "sokiem_session"
    }
}
/// Header that a request with the cookie has to carry unless it only reads.
pub(crate) const CSRF_HEADER: &str = "x-sokiem-csrf";

/// What an account may do.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Records in the field (cán bộ).
    Officer,
    /// Settles, decides, assigns (lãnh đạo).
    Supervisor,
    /// Manages accounts, areas and devices (quản trị).
    Administrator,
}

impl Role {
    /// The name in SQL and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Role::Officer => "officer",
            Role::Supervisor => "supervisor",
            Role::Administrator => "administrator",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Role> {
        [Role::Officer, Role::Supervisor, Role::Administrator]
            .into_iter()
            .find(|role| role.name() == name)
    }
}

/// Somebody who signed in.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) account: AccountId,
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The password was given by an administrator: nothing else can be done before choosing another one.
    pub(crate) must_choose_password: bool,
    /// Whether the account has a second factor.
    pub(crate) has_second_factor: bool,
    /// The session was begun at the identity provider.
    pub(crate) by_provider: bool,
    /// SHA-256 of the session's token.
    pub(crate) token_digest: [u8; 32],
}

impl Caller {
    /// Refuses callers below a role. The rule of the route (`policy`) has done so already.
    pub(crate) fn at_least(&self, role: Role) -> Result<(), Problem> {
        if self.role >= role {
            return Ok(());
        }
        Err(Problem::forbidden().detail(format!("This takes the role {} at least", role.name())))
    }

    /// What the caller may see, read in the same transaction as the rest.
    pub(crate) fn areas(&self, sql: &Connection) -> Result<Areas, Error> {
        if self.role == Role::Administrator {
            return Ok(Areas {
                all: true,
                some: HashMap::new(),
            });
        }
        let scope = scope::of_account(sql, self.account)?;
        let some = scope
            .into_iter()
            .map(|grant| (grant.area, grant.writable))
            .collect();
        Ok(Areas { all: false, some })
    }

    /// Whether an account and its devices are the caller's to administrate: everybody for an administrator;
    /// for a supervisor the officers all of whose areas are the supervisor's own.
    pub(crate) fn administrates(
        &self,
        sql: &Connection,
        account: AccountId,
    ) -> Result<bool, Error> {
        if self.role != Role::Supervisor {
            return Ok(self.role == Role::Administrator);
        }
        let role: Option<String> = sql
            .prepare_cached("SELECT role FROM accounts WHERE id = ?1")?
            .query_row([account.as_bytes().as_slice()], |row| row.get(0))
            .optional()?;
        let mine = self.areas(sql)?;
        let theirs = scope::of_account(sql, account)?;
        let mut writable = theirs.iter().filter(|grant| grant.writable).peekable();
        let within = writable.peek().is_some() && writable.all(|grant| mine.writable(grant.area));
        Ok(role.as_deref() == Some(Role::Officer.name()) && within)
    }

    /// Refuses an account that is not the caller's to administrate.
    pub(crate) fn expect_administrates(
        &self,
        sql: &Connection,
        account: AccountId,
    ) -> Result<(), Problem> {
        if self.administrates(sql, account)? {
            return Ok(());
        }
        Err(Problem::forbidden().detail("Supervisors administrate the officers of their own areas"))
    }

    /// The hand in which the server writes for the caller.
    pub(crate) fn pen(&self, app: &App) -> Pen {
        Pen {
            epoch: app.epoch,
            account: self.account,
        }
    }
}

/// The areas of a caller.
#[derive(Clone, Debug)]
pub(crate) struct Areas {
    pub(crate) all: bool,
    pub(crate) some: HashMap<AreaId, bool>,
}

impl Areas {
    /// Whether the caller may read what lies there.
    pub(crate) fn readable(&self, area: AreaId) -> bool {
        self.all || self.some.contains_key(&area)
    }

    /// Whether the caller may write there.
    pub(crate) fn writable(&self, area: AreaId) -> bool {
        self.all || self.some.get(&area).copied().unwrap_or(false)
    }

    /// Refuses an area that the caller may not write.
    pub(crate) fn expect_writable(&self, area: AreaId) -> Result<(), Problem> {
        if self.writable(area) {
            return Ok(());
        }
        Err(Problem::forbidden().detail("The area is not one of yours"))
    }
}

/// The token of a request: from the header, else from the cookie.
pub(crate) enum Token {
    Bearer(String),
    Cookie(String),
}

impl Token {
    pub(crate) fn of(app: &App, headers: &HeaderMap) -> Option<Self> {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let token = value.to_str().ok()?.strip_prefix("Bearer ")?;
            return Some(Token::Bearer(token.trim().to_owned()));
        }
        let cookies = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        cookies
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == cookie_name(app))
            .map(|(_, token)| Token::Cookie(token.to_owned()))
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Token::Bearer(text) | Token::Cookie(text) => text,
        }
    }
}

/// What the CSRF header has to say for a session.
pub(crate) fn csrf(token: &str) -> String {
    secret::hex(&secret::digest(format!("csrf {token}").as_bytes()))
        .chars()
        .take(32)
        .collect()
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    /// Who calls was found out, and whether they may, before the request came here ([`super::policy`]).
    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>().cloned();
        caller.ok_or_else(|| Problem::new(Cause::CredentialMissing))
    }
}

/// Where the proof is that a request with the cookie was made by our own pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Csrf {
    /// In [`CSRF_HEADER`], unless the request only reads.
    InHeader,
    /// The request only reads, or it is a form, which carries it ([`by_form`]).
    Elsewhere,
}

/// Whose session a request shows.
pub(crate) async fn of_request(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
    csrf: Csrf,
) -> Result<Caller, Problem> {
    let token = Token::of(app, headers).ok_or_else(|| Problem::new(Cause::CredentialMissing))?;
    if let Token::Cookie(text) = &token
        && csrf == Csrf::InHeader
        && !matches!(*method, Method::GET | Method::HEAD)
        && headers
            .get(CSRF_HEADER)
            .is_none_or(|sent| sent.as_bytes() != self::csrf(text).as_bytes())
    {
        return Err(Problem::forbidden().detail(format!(
            "A request with the session cookie needs the header {CSRF_HEADER}"
        )));
    }
    let digest = secret::digest(token.text().as_bytes());
    let now_ms = app.machine.now_ms();
    app.store.read(move |sql| caller(sql, digest, now_ms)).await
}

/// Who sends a form: the session of the cookie, if the form carries its CSRF text.
pub(crate) async fn by_form(app: &App, headers: &HeaderMap, sent: &str) -> Result<Caller, Problem> {
    let Some(Token::Cookie(token)) = Token::of(app, headers) else {
        return Err(Problem::new(Cause::CredentialMissing));
    };
    if csrf(&token) != sent {
        return Err(Problem::forbidden().detail("The form is not from this session"));
    }
    let digest = secret::digest(token.as_bytes());
    let now_ms = app.machine.now_ms();
    app.store.read(move |sql| caller(sql, digest, now_ms)).await
}

/// Whose session a token is, as long as it lasts.
pub(crate) fn caller(
    sql: &Connection,
    token_digest: [u8; 32],
    now_ms: i64,
) -> Result<Caller, Problem> {
    let row = sql
        .prepare_cached(
            "SELECT accounts.id, accounts.name, accounts.role, accounts.active, sessions.expires_ms,
                    password_until_ms IS NOT NULL,
                    EXISTS (SELECT 1 FROM second_factors WHERE account = accounts.id AND confirmed_ms IS NOT NULL),
                    by_provider
               FROM sessions JOIN accounts ON accounts.id = sessions.account WHERE token_digest = ?1",
        )?
        .query_row([token_digest.as_slice()], |row| {
            let role = Role::from_name(row.get_ref(2)?.as_str()?);
            Ok((id::id(row, 0)?, row.get(1)?, role, row.get::<_, bool>(3)?, row.get::<_, i64>(4)?, row.get(5)?, row.get(6)?, row.get(7)?))
        })
        .optional()?;
    let (
        account,
        name,
        role,
        active,
        expires_ms,
        must_choose_password,
        has_second_factor,
        by_provider,
    ) = row.ok_or_else(|| Problem::new(Cause::CredentialInvalid))?;
    if expires_ms <= now_ms {
        return Err(Problem::new(Cause::CredentialExpired));
    }
    if !active {
        return Err(Problem::forbidden().detail("The account is closed"));
    }
    let role = role.ok_or(Error::Unreadable("role"))?;
    Ok(Caller {
        account,
        name,
        role,
        must_choose_password,
        has_second_factor,
        by_provider,
        token_digest,
    })
}
