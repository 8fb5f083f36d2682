//! A book's key under a passphrase: argon2id makes a key of the passphrase, and that encrypts the book's.
//!
//! A change of the passphrase wraps the same key again; the book itself is not touched.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    error::{Error, Result},
    keys::{BookKey, from_hex, push_hex},
    platform::Random,
};

/// The one version of the format.
const VERSION: u32 = 1;
/// What a new passphrase costs to try: more than OWASP's least (19 MiB, 2 passes), and about a third of
/// a second on a cheap phone.
const MEMORY_KIB: u32 = 46 * 1024;
const PASSES: u32 = 2;
/// What a stored one may ask for: a file from elsewhere must not take the device's memory or hours.
const MOST_MEMORY_KIB: u32 = 512 * 1024;
const MOST_PASSES: u32 = 16;

/// A book's key under a passphrase, with what is needed to try one. As text it is JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrappedKey {
    /// Version of this format.
    v: u32,
    /// How the passphrase becomes a key: `argon2id`.
    kdf: String,
    memory_kib: u32,
    passes: u32,
    /// Hexadecimal, 16 bytes.
    salt: String,
    /// Hexadecimal, 24 bytes.
    nonce: String,
    /// The book's key under XChaCha20-Poly1305, hexadecimal, 48 bytes.
    sealed: String,
}

impl WrappedKey {
    /// Puts a key under a passphrase.
    ///
    /// # Errors
    /// [`Error::Random`] when the platform has no randomness.
    pub fn wrap(key: &BookKey, passphrase: &str, random: &dyn Random) -> Result<Self> {
        let (mut salt, mut nonce) = ([0; 16], [0; 24]);
        random.fill(&mut salt)?;
        random.fill(&mut nonce)?;
        let mut wrapped = Self {
            v: VERSION,
            kdf: "argon2id".to_owned(),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            salt: hex(&salt),
            nonce: hex(&nonce),
            sealed: String::new(),
        };
        let header = wrapped.header();
        let payload = Payload {
            msg: key.as_bytes(),
            aad: header.as_bytes(),
        };
        let sealed = wrapped
            .cipher(passphrase, &salt)?
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::KeyFile("the key can't be wrapped"))?;
        wrapped.sealed = hex(&sealed);
        Ok(wrapped)
    }

    /// Takes the key out again.
    ///
    /// # Errors
    /// [`Error::WrongPassphrase`] when it is not this one or the file was altered, [`Error::KeyFile`] when
    /// it is of another version or asks for more than it may.
    pub fn unwrap(&self, passphrase: &str) -> Result<BookKey> {
        const DAMAGED: Error = Error::KeyFile("a field of the wrapped key is damaged");
        if self.v != VERSION || self.kdf != "argon2id" {
            return Err(Error::KeyFile("the wrapped key is of a newer version"));
        }
        let salt = from_hex::<16>(&self.salt).ok_or(DAMAGED)?;
        let nonce = from_hex::<24>(&self.nonce).ok_or(DAMAGED)?;
        let sealed = from_hex::<48>(&self.sealed).ok_or(DAMAGED)?;
        let header = self.header();
        let payload = Payload {
            msg: &sealed,
            aad: header.as_bytes(),
        };
        let opened = self
            .cipher(passphrase, &salt)?
            .decrypt(&XNonce::from(nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| Error::WrongPassphrase)?;
        let bytes: [u8; 32] = opened.as_slice().try_into().map_err(|_| DAMAGED)?;
        Ok(BookKey::from_bytes(bytes))
    }

    /// Everything but the sealed key: it is authenticated along.
    fn header(&self) -> String {
        format!(
            "sokiem wrapped key {} {} {} {} {}",
            self.v, self.kdf, self.memory_kib, self.passes, self.salt
        )
    }

    fn cipher(&self, passphrase: &str, salt: &[u8; 16]) -> Result<XChaCha20Poly1305> {
        const REFUSED: Error = Error::KeyFile("the wrapped key asks for more than it may");
        if self.memory_kib > MOST_MEMORY_KIB || self.passes > MOST_PASSES {
            return Err(REFUSED);
        }
        let params = Params::new(self.memory_kib, self.passes, 1, Some(32)).map_err(|_| REFUSED)?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), salt, key.as_mut_slice())
            .map_err(|_| REFUSED)?;
        Ok(XChaCha20Poly1305::new((&*key).into()))
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    push_hex(&mut text, bytes);
    text
}
