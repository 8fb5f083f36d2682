//! Keys in files: for the terminal tool, and wherever there is no keystore.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{
    error::{Error, Result},
    keys::{BookKey, KeyStore, WrappedKey, from_hex, push_hex},
    platform::Random,
};

/// How a bare key file begins; the key follows in hexadecimal.
const BARE: &str = "sokiem book key 1\n";
/// No key file is longer.
const MOST_BYTES: u64 = 4096;

/// What a key file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nothing: there is no such file.
    Nothing,
    /// The key itself, guarded by the file's permissions alone.
    Bare,
    /// The key under a passphrase.
    UnderPassphrase,
}

impl Kept {
    /// What lies at this path.
    ///
    /// # Errors
    /// [`Error::KeyStore`] when it can't be read, [`Error::KeyFile`] when it is no key file.
    pub fn at(path: &Path) -> Result<Self> {
        match read(path)? {
            None => Ok(Self::Nothing),
            Some(text) if text.starts_with(BARE) => Ok(Self::Bare),
            Some(text) => {
                wrapped(&text)?;
                Ok(Self::UnderPassphrase)
            }
        }
    }
}

/// The key in a file that only its user can read. Whoever can read the user's files can read it.
#[derive(Debug)]
pub struct FileKeys(PathBuf);

impl FileKeys {
    /// The key in this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
}

impl KeyStore for FileKeys {
    fn load(&self) -> Result<Option<BookKey>> {
        let Some(text) = read(&self.0)? else {
            return Ok(None);
        };
        match text.strip_prefix(BARE) {
            Some(hex) => from_hex(hex.trim_end())
                .map(|bytes| Some(BookKey::from_bytes(bytes)))
                .ok_or(Error::KeyFile("the key file is damaged")),
            None => {
                wrapped(&text)?;
                Err(Error::WrongPassphrase)
            }
        }
    }

    fn store(&self, key: &BookKey) -> Result<()> {
        let mut text = Zeroizing::new(String::with_capacity(BARE.len() + 65));
        text.push_str(BARE);
        push_hex(&mut text, key.as_bytes());
        text.push('\n');
        replace(&self.0, text.as_bytes()).map_err(Error::KeyStore)
    }

    fn erase(&self) -> Result<()> {
        erase(&self.0).map_err(Error::KeyStore)
    }
}

/// The key in a file, under a passphrase.
pub struct PassphraseKeys {
    path: PathBuf,
    passphrase: Zeroizing<String>,
    random: Box<dyn Random>,
}

impl PassphraseKeys {
    /// The key in this file, under this passphrase.
    pub fn new(
        path: impl Into<PathBuf>,
        passphrase: Zeroizing<String>,
        random: impl Random + 'static,
    ) -> Self {
        Self {
            path: path.into(),
            passphrase,
            random: Box::new(random),
        }
    }
}

impl std::fmt::Debug for PassphraseKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PassphraseKeys")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl KeyStore for PassphraseKeys {
    fn load(&self) -> Result<Option<BookKey>> {
        match read(&self.path)? {
            None => Ok(None),
            // Put under a passphrase by the next `store`; until then it is what it is.
            Some(text) if text.starts_with(BARE) => FileKeys(self.path.clone()).load(),
            Some(text) => wrapped(&text)?.unwrap(&self.passphrase).map(Some),
        }
    }

    fn store(&self, key: &BookKey) -> Result<()> {
        let wrapped = WrappedKey::wrap(key, &self.passphrase, self.random.as_ref())?;
        let text = serde_json::to_vec_pretty(&wrapped)
            .map_err(|_| Error::KeyFile("the key can't be written"))?;
        replace(&self.path, &text).map_err(Error::KeyStore)
    }

    fn erase(&self) -> Result<()> {
        erase(&self.path).map_err(Error::KeyStore)
    }
}

fn wrapped(text: &str) -> Result<WrappedKey> {
    serde_json::from_str(text).map_err(|_| Error::KeyFile("the key file is damaged"))
}

fn read(path: &Path) -> Result<Option<Zeroizing<String>>> {
    match fs::metadata(path) {
        Ok(found) if found.len() > MOST_BYTES => Err(Error::KeyFile("the key file is too long")),
        Ok(_) => fs::read_to_string(path)
            .map(|text| Some(Zeroizing::new(text)))
            .map_err(Error::KeyStore),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::KeyStore(error)),
    }
}

/// Writes a file beside and puts it in the old one's place when it is on disk.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let beside = PathBuf::from(name);
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    crate::store::replacing::sync_folder(path)
}

/// Overwrites the file before its name goes. On flash memory the old bytes may outlive this.
fn erase(path: &Path) -> io::Result<()> {
    crate::store::replacing::shred(path)
}
