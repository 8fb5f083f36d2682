//! What the database holds of second factors, and using one up.

use rusqlite::{Connection, OptionalExtension, params};
use sokiem_record::id::AccountId;

use super::{sealing, totp};
use crate::{error::Error, platform::Machine, secret, store::Writing};

/// How many recovery codes there are.
const CODES: usize = 10;
/// Four groups of four letters out of 30: 78 bits.
const GROUPS: usize = 4;

/// What was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// A code of the authenticator app.
    Code,
    /// A recovery code.
    RecoveryCode,
}

impl Accepted {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Accepted::Code => "code",
            Accepted::RecoveryCode => "recovery-code",
        }
    }
}

/// Whether an account has a second factor.
pub(crate) fn is_on(sql: &Connection, account: AccountId) -> Result<bool, Error> {
    Ok(sql
        .prepare_cached(
            "SELECT 1 FROM second_factors WHERE account = ?1 AND confirmed_ms IS NOT NULL",
        )?
        .exists([account.as_bytes().as_slice()])?)
}

struct Row {
    sealed: Vec<u8>,
    confirmed: bool,
    last_step: u64,
}

fn row(sql: &Connection, account: AccountId) -> Result<Option<Row>, Error> {
    Ok(sql
        .prepare_cached(
            "SELECT sealed, confirmed_ms IS NOT NULL, last_step FROM second_factors WHERE account = ?1",
        )?
        .query_row([account.as_bytes().as_slice()], |row| {
            Ok(Row {
                sealed: row.get(0)?,
                confirmed: row.get(1)?,
                last_step: row.get(2)?,
            })
        })
        .optional()?)
}

/// What people type between the digits or letters does not matter.
fn plain(typed: &str) -> String {
    let letters = typed.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_uppercase()).collect()
}

/// The time step of a code that is good now and was not used, `None` for any other.
fn fresh_step(
    secret: &[u8],
    last_step: u64,
    typed: &str,
    now_ms: i64,
) -> Result<Option<u64>, Error> {
    let now_s = u64::try_from(now_ms / 1000).unwrap_or(0);
    let step = totp(secret, "", "")?.check(typed, now_s);
    Ok(step.filter(|step| *step > last_step))
}

fn use_up(sql: &Connection, account: AccountId, step: u64) -> Result<(), Error> {
    sql.prepare_cached("UPDATE second_factors SET last_step = ?2 WHERE account = ?1")?
        .execute(params![account.as_bytes().as_slice(), step])?;
    Ok(())
}

/// Takes what somebody typed as their second factor, and uses it up. Without the key only recovery codes are good.
pub(crate) fn accept(
    writing: &Writing<'_>,
    key: Option<[u8; 32]>,
    account: AccountId,
    typed: &str,
) -> Result<Option<Accepted>, Error> {
    let Some(row) = row(writing.sql, account)?.filter(|row| row.confirmed) else {
        return Ok(None);
    };
    let typed = plain(typed);
    if typed.len() == 6 {
        let secret = key.and_then(|key| sealing::open(&key, account, &row.sealed));
        let Some(secret) = secret else {
            tracing::error!(%account, "a second factor can't be opened: its key is missing or another one");
            return Ok(None);
        };
        let Some(step) = fresh_step(&secret, row.last_step, &typed, writing.now_ms)? else {
            return Ok(None);
        };
        use_up(writing.sql, account, step)?;
        return Ok(Some(Accepted::Code));
    }
    let used = writing.sql.execute(
        "UPDATE recovery_codes SET used_ms = ?3 WHERE account = ?1 AND digest = ?2 AND used_ms IS NULL",
        params![
            account.as_bytes().as_slice(),
            secret::digest(typed.as_bytes()).as_slice(),
            writing.now_ms
        ],
    )?;
    Ok((used > 0).then_some(Accepted::RecoveryCode))
}

/// Puts down a secret that is to be confirmed. One that was confirmed stays.
pub(super) fn begin(
    writing: &Writing<'_>,
    account: AccountId,
    sealed: &[u8],
) -> Result<bool, Error> {
    let begun = writing.sql.execute(
        "INSERT INTO second_factors (account, sealed, begun_ms, confirmed_ms, last_step) VALUES (?1, ?2, ?3, NULL, 0)
         ON CONFLICT (account) DO UPDATE SET sealed = ?2, begun_ms = ?3 WHERE confirmed_ms IS NULL",
        params![account.as_bytes().as_slice(), sealed, writing.now_ms],
    )?;
    Ok(begun > 0)
}

/// The secret that waits to be confirmed.
pub(super) fn begun(
    sql: &Connection,
    key: &[u8; 32],
    account: AccountId,
) -> Result<Option<Vec<u8>>, Error> {
    let row = row(sql, account)?.filter(|row| !row.confirmed);
    Ok(row.and_then(|row| sealing::open(key, account, &row.sealed)))
}

/// Confirms what was begun, if the code is good: from here on it is asked for. The recovery codes.
pub(super) fn confirm(
    writing: &Writing<'_>,
    key: &[u8; 32],
    account: AccountId,
    typed: &str,
) -> Result<Option<Vec<String>>, Error> {
    let Some(secret) = begun(writing.sql, key, account)? else {
        return Ok(None);
    };
    let Some(step) = fresh_step(&secret, 0, &plain(typed), writing.now_ms)? else {
        return Ok(None);
    };
    use_up(writing.sql, account, step)?;
    writing.sql.execute(
        "UPDATE second_factors SET confirmed_ms = ?2 WHERE account = ?1",
        params![account.as_bytes().as_slice(), writing.now_ms],
    )?;
    new_recovery_codes(writing, account).map(Some)
}

/// Fresh recovery codes in the place of those before.
pub(super) fn new_recovery_codes(
    writing: &Writing<'_>,
    account: AccountId,
) -> Result<Vec<String>, Error> {
    forget_recovery_codes(writing.sql, account)?;
    let mut codes = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        let code = recovery_code(writing.machine)?;
        writing.sql.execute(
            "INSERT INTO recovery_codes (account, digest) VALUES (?1, ?2)",
            params![
                account.as_bytes().as_slice(),
                secret::digest(plain(&code).as_bytes()).as_slice()
            ],
        )?;
        codes.push(code);
    }
    Ok(codes)
}

fn recovery_code(machine: &Machine) -> Result<String, Error> {
    crate::devices::code::generate(machine, GROUPS)
}

fn forget_recovery_codes(sql: &Connection, account: AccountId) -> Result<(), Error> {
    sql.execute(
        "DELETE FROM recovery_codes WHERE account = ?1",
        [account.as_bytes().as_slice()],
    )?;
    Ok(())
}

/// Takes the second factor away; whether there was one that counted.
pub(crate) fn remove(writing: &Writing<'_>, account: AccountId) -> Result<bool, Error> {
    let was_on = is_on(writing.sql, account)?;
    forget_recovery_codes(writing.sql, account)?;
    writing.sql.execute(
        "DELETE FROM second_factors WHERE account = ?1",
        [account.as_bytes().as_slice()],
    )?;
    Ok(was_on)
}

/// Since when it is on, and how many recovery codes are left.
pub(super) fn state(sql: &Connection, account: AccountId) -> Result<(Option<i64>, u64), Error> {
    let since_ms: Option<Option<i64>> = sql
        .prepare_cached("SELECT confirmed_ms FROM second_factors WHERE account = ?1")?
        .query_row([account.as_bytes().as_slice()], |row| row.get(0))
        .optional()?;
    let left: u64 = sql
        .prepare_cached(
            "SELECT count(*) FROM recovery_codes WHERE account = ?1 AND used_ms IS NULL",
        )?
        .query_row([account.as_bytes().as_slice()], |row| row.get(0))?;
    Ok((since_ms.flatten(), left))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B.
    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_standard_a_step_early_or_late_and_never_twice() {
        // The last six digits of the standard's eight.
        for (at_s, code) in [
            (1_234_567_890, "005924"),
            (1_111_111_109, "081804"),
            (20_000_000_000, "353130"),
        ] {
            let step = |at_s: i64, last| fresh_step(SECRET, last, code, at_s * 1000).unwrap();
            let good = u64::try_from(at_s / 30).unwrap();
            assert_eq!(step(at_s, 0), Some(good));
            assert_eq!(
                (step(at_s - 30, 0), step(at_s + 30, 0)),
                (Some(good), Some(good))
            );
            assert_eq!((step(at_s + 61, 0), step(at_s - 61, 0)), (None, None));
            assert_eq!(step(at_s, good - 1), Some(good));
            assert_eq!((step(at_s, good), step(at_s, good + 1)), (None, None));
        }
        for wrong in ["", "08180", "+81804", "0818040", "０８１８０４"] {
            assert_eq!(
                fresh_step(SECRET, 0, wrong, 1_111_111_109_000).unwrap(),
                None,
                "{wrong}"
            );
        }
    }
}
