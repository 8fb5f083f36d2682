//! A second factor beside the password: a code that an authenticator app shows for half a minute (TOTP, RFC 6238),
//! or one of ten recovery codes.
//!
//! A code is taken once: the time step that it belongs to, and all before it, are used up. Wrong codes count as wrong
//! passwords do. The secret is sealed under a key that lies beside the database and in no backup ([`sealing`]).

pub(crate) mod endpoint;
pub(crate) mod pending;
mod sealing;
mod stored;

use totp_rs::{Builder, Totp};

pub(crate) use sealing::FILE_NAME as KEY_FILE_NAME;
pub(crate) use stored::{accept, is_on, remove};

use crate::{error::Error, http::problem::Problem};

/// What an authenticator app calls the server, with the login.
fn totp(secret: &[u8], server_name: &str, login: &str) -> Result<Totp, Error> {
    let issuer = server_name.replace(':', " ");
    Builder::new()
        .with_secret(secret.to_vec())
        .with_issuer(Some(issuer))
        .with_account_name(login)
        .build()
        .map_err(|error| Error::SecondFactor(error.to_string()))
}

/// What to say when a code was wrong.
pub(crate) fn wrong_code() -> Problem {
    Problem::new(crate::http::problem::Cause::CredentialInvalid)
        .detail("The code is wrong, or was used before")
        .vietnamese("Mã không đúng hoặc đã dùng rồi. Hãy chờ mã kế tiếp trên ứng dụng rồi thử lại.")
}
