//! Passwords, as argon2id hashes. Computed away from the threads that serve requests, a few at a time.

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::SaltString,
};

use crate::{app::App, config::Limits, error::Error};

/// Shortest password, in characters.
const SHORTEST: usize = 8;
/// Longest password, in bytes.
const LONGEST: usize = 200;

/// Whether a password is of a length that is taken.
pub(crate) fn acceptable(password: &str) -> bool {
    password.chars().count() >= SHORTEST && password.len() <= LONGEST
}

fn argon2(limits: &Limits) -> Result<Argon2<'static>, Error> {
    let parameters = Params::new(limits.password_memory_kib, 2, 1, None)
        .map_err(|error| Error::PasswordHash(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
}

/// The hash of a new password, in PHC form.
pub(crate) fn hash(limits: &Limits, salt: &[u8; 16], password: &str) -> Result<String, Error> {
    let failed = |error: argon2::password_hash::Error| Error::PasswordHash(error.to_string());
    let salt = SaltString::encode_b64(salt).map_err(failed)?;
    Ok(argon2(limits)?
        .hash_password(password.as_bytes(), &salt)
        .map_err(failed)?
        .to_string())
}

/// The hash of a new password, on a blocking thread.
pub(crate) async fn hash_apart(app: &App, password: String) -> Result<String, Error> {
    let permit = app
        .password_checks
        .clone()
        .acquire_owned()
        .await
        .map_err(|_| Error::Closed)?;
    let limits = app.config.limits.clone();
    let salt = app.machine.random::<16>()?;
    let hashing = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        hash(&limits, &salt, &password)
    });
    hashing.await.map_err(|_| Error::Panicked)?
}

/// Whether a password is right. Takes as long for a name that does not exist (`stored` is `None`), so
/// that nobody learns which names exist.
pub(crate) async fn check_apart(
    app: &App,
    password: String,
    stored: Option<String>,
) -> Result<bool, Error> {
    let permit = app
        .password_checks
        .clone()
        .acquire_owned()
        .await
        .map_err(|_| Error::Closed)?;
    let limits = app.config.limits.clone();
    let checking = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let argon2 = argon2(&limits)?;
        let Some(stored) = stored else {
            let mut out = [0; 32];
            let _ =
                argon2.hash_password_into(password.as_bytes(), b"nobody has this name", &mut out);
            return Ok(false);
        };
        let parsed =
            PasswordHash::new(&stored).map_err(|error| Error::PasswordHash(error.to_string()))?;
        Ok(argon2.verify_password(password.as_bytes(), &parsed).is_ok())
    });
    checking.await.map_err(|_| Error::Panicked)?
}
