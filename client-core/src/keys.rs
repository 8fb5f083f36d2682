//! The key that the book is encrypted with, and where the host keeps it.
//!
//! The book's database is encrypted with SQLCipher under one key of 32 random bytes. The core draws the
//! key and never writes it beside the book by itself: it hands it to a [`KeyStore`] of the host. A
//! phone's keystore is the host's to connect; here are the stores that need nothing but files.
//!
//! ```
//! use sokiem_client_core::{keys::{BookKey, KeyStore, MemoryKeys}, platform::SystemRandom};
//!
//! let keys = MemoryKeys::default();
//! assert!(keys.load()?.is_none());
//! keys.store(&BookKey::draw(&SystemRandom)?)?;
//! assert!(keys.load()?.is_some());
//! # Ok::<(), sokiem_client_core::Error>(())
//! ```

#[cfg(not(target_family = "wasm"))]
mod file;
mod wrapped;

use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    error::{Error, Result},
    platform::Random,
};

#[cfg(not(target_family = "wasm"))]
pub use file::{FileKeys, Kept, PassphraseKeys};
pub use wrapped::WrappedKey;

/// The key of a book: 32 random bytes. Wiped from memory when dropped; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct BookKey([u8; 32]);

impl BookKey {
    /// A new key.
    ///
    /// # Errors
    /// [`Error::Random`] when the platform has no randomness.
    pub fn draw(random: &dyn Random) -> Result<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(bytes.as_mut_slice())?;
        Ok(Self(*bytes))
    }

    /// The key of these bytes, as a host's keystore returns them.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a host's keystore to keep.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Makes a fresh connection read and write under this key. For hosts that open the database by
    /// themselves; it has to come before anything else is asked of the connection.
    ///
    /// # Errors
    /// [`Error::NoCipher`] when SQLite was built without encryption: the book would lie there in the clear.
    pub fn unlock(&self, connection: &Connection) -> Result<()> {
        let version =
            connection.query_row("PRAGMA cipher_version", [], |row| row.get::<_, String>(0));
        if version.is_ok_and(|version| !version.is_empty()) {
            // SQLCipher would tell standard error of every page that does not verify.
            connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
            let literal = self.literal();
            let sql = Zeroizing::new(format!("PRAGMA key = \"{}\"", literal.as_str()));
            connection.execute_batch(&sql)?;
            // What SQLite sorts stays in memory, and so out of files that nobody encrypts.
            connection.execute_batch("PRAGMA temp_store = MEMORY")?;
            Ok(())
        } else {
            Err(Error::NoCipher)
        }
    }

    /// What stands in the first 16 bytes of a book under this key. SQLCipher would draw them; following
    /// from the key they tell whose book a damaged file is, and a file whose first bytes are lost still opens.
    pub(crate) fn salt(&self) -> [u8; 16] {
        let mut hasher = Sha256::new();
        hasher.update(b"sokiem book salt");
        hasher.update(self.0);
        let digest = hasher.finalize();
        let mut salt = [0; 16];
        for (to, from) in salt.iter_mut().zip(digest.iter()) {
            *to = *from;
        }
        salt
    }

    /// Key and salt as SQLCipher reads them without deriving anything: `x'…'`.
    pub(crate) fn literal(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(99));
        text.push_str("x'");
        push_hex(&mut text, &self.0);
        push_hex(&mut text, &self.salt());
        text.push('\'');
        text
    }
}

impl Drop for BookKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for BookKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BookKey").finish_non_exhaustive()
    }
}

/// Where a host keeps the key of its book: its keystore, a file that only its user can read, a file
/// under a passphrase.
pub trait KeyStore: Send + Sync {
    /// The key; `None` when none was ever stored or it was erased.
    ///
    /// # Errors
    /// [`Error::KeyStore`] when it can't be reached, [`Error::WrongPassphrase`] when it does not open.
    fn load(&self) -> Result<Option<BookKey>>;

    /// Keeps this key instead of any other. When it returns, the key is safe: what is encrypted under it
    /// would be lost without it. When it fails, the key that was there before is still there.
    ///
    /// # Errors
    /// [`Error::KeyStore`] when it can't be written.
    fn store(&self, key: &BookKey) -> Result<()>;

    /// Forgets the key. Whatever is encrypted under it can never be read again.
    ///
    /// # Errors
    /// [`Error::KeyStore`] when it can't be erased.
    fn erase(&self) -> Result<()>;
}

/// A key store that is gone with its process: for tests and examples.
#[derive(Debug, Default)]
pub struct MemoryKeys(Mutex<Option<BookKey>>);

impl KeyStore for MemoryKeys {
    fn load(&self) -> Result<Option<BookKey>> {
        Ok(self.slot().clone())
    }

    fn store(&self, key: &BookKey) -> Result<()> {
        *self.slot() = Some(key.clone());
        Ok(())
    }

    fn erase(&self) -> Result<()> {
        *self.slot() = None;
        Ok(())
    }
}

impl MemoryKeys {
    fn slot(&self) -> std::sync::MutexGuard<'_, Option<BookKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(DIGITS.get(usize::from(nibble)));
        }
    }
}

pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_printed_and_its_salt_says_nothing_of_it() {
        let key = BookKey::from_bytes([0xab; 32]);
        assert_eq!(format!("{key:?}"), "BookKey { .. }");
        assert_eq!(key.literal().len(), 99);
        assert!(key.literal().starts_with("x'abab"));
        assert_ne!(key.salt(), BookKey::from_bytes([0xac; 32]).salt());
        assert!(!format!("{:?}", MemoryKeys(Mutex::new(Some(key)))).contains("171"));
    }

    #[test]
    fn hexadecimal_is_read_back() {
        let mut text = String::new();
        push_hex(&mut text, &[0, 1, 0xfe, 0xff]);
        assert_eq!(text, "0001feff");
        assert_eq!(from_hex::<4>(&text), Some([0, 1, 0xfe, 0xff]));
        assert_eq!(from_hex::<4>("0001fef"), None);
        assert_eq!(from_hex::<4>("0001fegg"), None);
    }
}
