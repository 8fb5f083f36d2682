//! A device's next key: made and on disk before the server hears of it, in use when the server has answered.
//!
//! Between the two the server may know either; the transport's signer tries both.

use rusqlite::OptionalExtension;
use serde::{Deserialize, Serialize};
use sokiem_record::{
    proof,
    signing::{PublicKey, Signature, SigningKey},
};

use crate::{
    book::Book,
    error::{Error, Result},
    store::enrolment,
};

/// A key that the server is about to hear of.
#[derive(Clone, Debug)]
pub struct NextKey {
    /// The key; the transport may need it to ask again.
    pub key: SigningKey,
    /// What to send.
    pub body: Vec<u8>,
}

#[derive(Serialize)]
struct Announced {
    key: PublicKey,
    proof: Signature,
}

#[derive(Deserialize)]
struct KeyTaken {
    expires_ms: i64,
    renew_ms: i64,
}

/// Whether the key is to be renewed, by the server's clock: half of its life is over, or a renewal was begun.
pub(super) fn is_due(book: &Book, server_time_ms: i64) -> Result<bool> {
    let due = book.read(|connection| {
        let sql = "SELECT next_seed IS NOT NULL OR renew_ms <= ?1 FROM enrolment WHERE seed IS NOT NULL AND device IS NOT NULL";
        Ok(connection.query_row(sql, [server_time_ms], |row| row.get(0)).optional()?)
    })?;
    Ok(due.unwrap_or(false))
}

/// What to send.
pub(super) fn request(book: &Book) -> Result<NextKey> {
    let device = book.enrolment()?.ok_or(Error::NotEnrolled)?.device;
    let key = book.next_key()?;
    let public = key.public_key();
    let next = Announced {
        key: public,
        proof: key.sign(&proof::renewal_message(device, &public)),
    };
    let body = serde_json::to_vec(&next).map_err(|_| Error::Unreadable("the next key"))?;
    Ok(NextKey { key, body })
}

/// The server knows the next key.
pub(super) fn renewed(book: &Book, answer: &[u8]) -> Result<()> {
    let taken: KeyTaken =
        serde_json::from_slice(answer).map_err(|_| Error::Contradiction("no lifetime of a key"))?;
    book.transact(|tx, _| enrolment::key_is_known(tx, taken.expires_ms, taken.renew_ms))
}
