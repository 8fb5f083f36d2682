//! The key under which secrets are sealed: a file of its own, made when the first secret is, beside the database
//! unless the configuration says where. No backup holds it, so that a stolen one opens nobody's second factor.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use sokiem_record::id::AccountId;

use crate::{app::App, error::Error, platform::Machine, secret};

/// What the file is called in the data folder.
pub(crate) const FILE_NAME: &str = "second-factor.key";
const NONCE_BYTES: usize = 24;

fn path(app: &App) -> PathBuf {
    let configured = app.config.second_factor.key_file.clone();
    configured.unwrap_or_else(|| app.config.data_dir.join(FILE_NAME))
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::KeyFile { path, source }
}

/// The key; `None` while there is no file.
pub(super) async fn key(app: &App) -> Result<Option<[u8; 32]>, Error> {
    let path = path(app);
    let reading = tokio::task::spawn_blocking(move || read(&path));
    reading.await.map_err(|_| Error::Panicked)?
}

/// The key, made if there is none.
pub(super) async fn key_or_new(app: &App) -> Result<[u8; 32], Error> {
    let (path, machine) = (path(app), app.machine.clone());
    let making = tokio::task::spawn_blocking(move || match read(&path)? {
        Some(key) => Ok(key),
        None => make(&path, &machine),
    });
    making.await.map_err(|_| Error::Panicked)?
}

fn read(path: &Path) -> Result<Option<[u8; 32]>, Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path)(error)),
    };
    let key = secret::unhex(text.trim()).and_then(|key| <[u8; 32]>::try_from(key).ok());
    key.map(Some)
        .ok_or(Error::Unreadable("the key of second factors"))
}

fn make(path: &Path, machine: &Machine) -> Result<[u8; 32], Error> {
    let key = machine.random::<32>()?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = match options.open(path) {
        Ok(file) => file,
        // Somebody else made it meanwhile.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return read(path)?.ok_or(Error::Unreadable("the key of second factors"));
        }
        Err(error) => return Err(failed(path)(error)),
    };
    let text = format!("{}\n", secret::hex(&key));
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed(path))?;
    Ok(key)
}

/// A secret under the key, for this account and no other.
pub(super) fn seal(
    key: &[u8; 32],
    nonce: &[u8; NONCE_BYTES],
    account: AccountId,
    secret: &[u8],
) -> Result<Vec<u8>, Error> {
    let payload = Payload {
        msg: secret,
        aad: account.as_bytes(),
    };
    let sealed = XChaCha20Poly1305::new(key.into())
        .encrypt(XNonce::from_slice(nonce), payload)
        .map_err(|_| Error::SecondFactor("sealing failed".to_owned()))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// The secret; `None` for one that was sealed under another key or for another account.
pub(super) fn open(key: &[u8; 32], account: AccountId, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
    let payload = Payload {
        msg: sealed,
        aad: account.as_bytes(),
    };
    XChaCha20Poly1305::new(key.into())
        .decrypt(XNonce::from_slice(nonce), payload)
        .ok()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::platform::SystemPlatform;

    #[test]
    fn what_is_sealed_for_one_account_opens_for_no_other_and_under_no_other_key() {
        let (one, two) = (AccountId(Uuid::from_u128(1)), AccountId(Uuid::from_u128(2)));
        let sealed = seal(&[7; 32], &[1; 24], one, b"a secret of 20 bytes").unwrap();
        assert!(!sealed.windows(8).any(|part| part == b"a secret"));
        assert_eq!(
            open(&[7; 32], one, &sealed).unwrap(),
            b"a secret of 20 bytes"
        );
        assert_eq!(open(&[7; 32], two, &sealed), None);
        assert_eq!(open(&[8; 32], one, &sealed), None);
        assert_eq!(open(&[7; 32], one, b"short"), None);
    }

    #[test]
    fn the_key_is_made_once_and_is_for_the_servers_eyes_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        let machine = Machine::new(SystemPlatform);
        assert_eq!(read(&path).unwrap(), None);
        let key = make(&path, &machine).unwrap();
        assert_eq!(read(&path).unwrap(), Some(key));
        assert_eq!(make(&path, &machine).unwrap(), key);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(&path, "no key").unwrap();
        assert!(read(&path).is_err());
    }
}
