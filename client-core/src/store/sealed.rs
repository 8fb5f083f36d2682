//! Opening an encrypted file: telling a wrong key, damage, and a book from before encryption apart.
//!
//! To SQLCipher all three look alike: the first page does not decrypt. Each page carries a code over its
//! content that only the right key computes, so one page that verifies proves the key.

use std::{fs, io::Read, path::Path};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::{
    error::{Error, Result},
    keys::BookKey,
    store::{
        open::{self, OpenError},
        replacing, rescue,
        rescue::RescueReport,
    },
};

/// The size of an encrypted page, in bytes: SQLCipher's own.
const PAGE: u64 = 4096;
/// How an unencrypted database begins.
const PLAIN: &[u8; 16] = b"SQLite format 3\0";
/// What a copy under another key is called until it takes the book's place.
pub(crate) const REKEYING: &str = ".rekeying";
/// What the encrypted copy of a plain book is called until it is complete, and from then on.
const SEALING: &str = ".sealing";
const SEALED: &str = ".sealed";
/// What a plain book is called once its encrypted copy is complete.
const PLAIN_AWAY: &str = ".plain";

/// What a file that does not open is.
#[derive(Debug, PartialEq, Eq)]
enum Fit {
    /// Written under this key, and damaged.
    Damaged,
    /// A database that is not encrypted.
    Plain,
    /// Nothing in it speaks for this key.
    Unknown,
}

/// Opens the book in a file, and does what has to be done for it: finishes what was interrupted,
/// encrypts a book from before encryption, rescues a damaged one.
pub(crate) fn open(
    path: &Path,
    key: &BookKey,
    now_ms: i64,
) -> Result<(Connection, Option<RescueReport>)> {
    rescue::finish(path).map_err(Error::Files)?;
    finish_sealing(path).map_err(Error::Files)?;
    let reason = match attempt(None, path, key) {
        Ok(connection) => {
            // A change of key that got no further than its copy: this key still is the key.
            replacing::remove(&replacing::with_suffix(path, REKEYING)).map_err(Error::Files)?;
            return Ok((connection, None));
        }
        Err(OpenError::Failed(error)) => return Err(error),
        Err(OpenError::Damaged(reason)) => reason,
    };
    match fit(path, key)? {
        Fit::Damaged => {
            let source = || connect(None, path, key);
            rescued(path, key, &source, reason, now_ms)
        }
        Fit::Plain => match seal(path, key) {
            Ok(()) => Ok((attempt(None, path, key)?, None)),
            Err(OpenError::Failed(error)) => Err(error),
            Err(OpenError::Damaged(reason)) => {
                let source = || Ok(Connection::open(path)?);
                let (connection, report) = rescued(path, key, &source, reason, now_ms)?;
                if let Some(report) = &report {
                    seal_aside(&report.set_aside, key)?;
                }
                Ok((connection, report))
            }
        },
        Fit::Unknown => {
            finish_rekeying(path, key)?;
            Ok((attempt(None, path, key)?, None))
        }
    }
}

/// Opens the book in a file of another file system, a simulated one. A damaged book is left as it is.
pub(crate) fn open_on(vfs: &str, path: &Path, key: &BookKey) -> Result<Connection> {
    match attempt(Some(vfs), path, key) {
        Ok(connection) => Ok(connection),
        Err(OpenError::Failed(error)) => Err(error),
        Err(OpenError::Damaged(reason)) => {
            let unsound = unsound_pages(&connect(Some(vfs), path, key)?)?;
            let last = unsound.last().copied().unwrap_or(0);
            // A sound page between unsound ones; how long the file is can't be asked here.
            if u64::try_from(unsound.len()).is_ok_and(|count| count < last) || last == 0 {
                Err(Error::Damaged(reason))
            } else {
                Err(Error::WrongKey(path.to_owned()))
            }
        }
    }
}

/// A connection under this key, of which nothing was asked yet.
pub(crate) fn connect(vfs: Option<&str>, path: &Path, key: &BookKey) -> Result<Connection> {
    let connection = match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, OpenFlags::default(), vfs)?,
        None => Connection::open(path)?,
    };
    key.unlock(&connection)?;
    Ok(connection)
}

/// Opens and prepares. A file that turns out not to fit is closed as it was. What looks like damage is
/// looked at once more: a page that could not be read may be readable the next time, and a sound book
/// must not be set aside, nor its key be called wrong, for that.
pub(crate) fn attempt(
    vfs: Option<&str>,
    path: &Path,
    key: &BookKey,
) -> Result<Connection, OpenError> {
    match attempt_once(vfs, path, key) {
        Err(OpenError::Damaged(_)) => attempt_once(vfs, path, key),
        other => other,
    }
}

fn attempt_once(vfs: Option<&str>, path: &Path, key: &BookKey) -> Result<Connection, OpenError> {
    let mut connection = connect(vfs, path, key)?;
    let log = fs::metadata(replacing::with_suffix(path, "-wal")).is_ok_and(|log| log.len() > 0);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, log)?;
    open::prepare(&mut connection)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(connection)
}

fn rescued(
    path: &Path,
    key: &BookKey,
    source: rescue::Source<'_>,
    reason: String,
    now_ms: i64,
) -> Result<(Connection, Option<RescueReport>)> {
    let report = rescue::rescue(path, key, source, reason, now_ms)?;
    Ok((attempt(None, path, key)?, Some(report)))
}

/// The numbers of the pages whose content does not verify under the connection's key, ascending.
fn unsound_pages(connection: &Connection) -> Result<Vec<u64>> {
    let mut statement = connection.prepare("PRAGMA cipher_integrity_check")?;
    let mut rows = statement.query([])?;
    let mut pages = Vec::new();
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        // "HMAC verification failed for page 7", "page 7 has an invalid size of …"
        let number = text
            .split(|sign: char| !sign.is_ascii_digit())
            .find_map(|digits| digits.parse().ok());
        pages.extend(number.filter(|number| pages.last() != Some(number)));
    }
    Ok(pages)
}

fn fit(path: &Path, key: &BookKey) -> Result<Fit> {
    let mut head = Vec::new();
    let file = fs::File::open(path).map_err(Error::Files)?;
    let length = file.metadata().map_err(Error::Files)?.len();
    file.take(16).read_to_end(&mut head).map_err(Error::Files)?;
    if head == PLAIN {
        return Ok(Fit::Plain);
    }
    let unsound = unsound_pages(&connect(None, path, key)?)?;
    let whole = length / PAGE;
    let sound = (1..=whole).any(|page| unsound.binary_search(&page).is_err());
    if head == key.salt() || sound || is_blank(path).map_err(Error::Files)? {
        Ok(Fit::Damaged)
    } else {
        Ok(Fit::Unknown)
    }
}

/// Whether there is nothing but zeros: what file systems leave after a power cut, and no book of any key.
fn is_blank(path: &Path) -> std::io::Result<bool> {
    let mut file = fs::File::open(path)?;
    let mut part = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut part)?;
        let Some(read) = part.get(..read).filter(|read| !read.is_empty()) else {
            return Ok(true);
        };
        if read.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
    }
}

/// Whether there is an unencrypted database at this path: a book from before encryption.
pub(crate) fn is_plain(path: &Path) -> bool {
    let mut head = Vec::new();
    fs::File::open(path).is_ok_and(|file| file.take(16).read_to_end(&mut head).is_ok())
        && head == PLAIN
}

/// Copies everything into a new file under `key`. The copy is on disk when this returns.
pub(crate) fn copy_under(from: &Connection, to: &Path, key: &BookKey) -> Result<()> {
    replacing::remove(to).map_err(Error::Files)?;
    let name = to
        .to_str()
        .ok_or(Error::Unreadable("a file name that is no text"))?;
    from.execute(
        "ATTACH DATABASE ?1 AS copy KEY ?2",
        [name, key.literal().as_str()],
    )?;
    let version: i64 = from.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    from.query_row("SELECT sqlcipher_export('copy')", [], |_| Ok(()))?;
    from.pragma_update(Some("copy"), "user_version", version)?;
    from.execute("DETACH DATABASE copy", [])?;
    replacing::sync_folder(to).map_err(Error::Files)
}

/// Encrypts a book from before encryption. The plain file goes only when the encrypted one is in place.
fn seal(path: &Path, key: &BookKey) -> Result<(), OpenError> {
    let sealing = replacing::with_suffix(path, SEALING);
    {
        let plain = Connection::open(path)?;
        plain.busy_timeout(open::OPEN_WAIT)?;
        open::refuse_newer(&plain)?;
        plain.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        plain.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
        open::check(&plain)?;
        copy_under(&plain, &sealing, key)?;
        plain.close().map_err(|(_, error)| error)?;
    }
    let files = |error| OpenError::Failed(Error::Files(error));
    fs::rename(&sealing, replacing::with_suffix(path, SEALED)).map_err(files)?;
    replacing::rename(path, &replacing::with_suffix(path, PLAIN_AWAY)).map_err(files)?;
    finish_sealing(path).map_err(files)
}

/// Finishes an encryption that was interrupted after its copy was complete.
fn finish_sealing(path: &Path) -> std::io::Result<()> {
    let sealed = replacing::with_suffix(path, SEALED);
    if sealed.exists() && !path.exists() {
        fs::rename(&sealed, path)?;
        replacing::sync_folder(path)?;
    }
    if path.exists() && !sealed.exists() {
        let away = replacing::with_suffix(path, PLAIN_AWAY);
        for part in replacing::PARTS {
            replacing::shred(&replacing::with_suffix(&away, part))?;
        }
    }
    Ok(())
}

/// Puts the bytes of a plain file that was set aside into an encrypted one in its place.
fn seal_aside(aside: &Path, key: &BookKey) -> Result<()> {
    let sealing = replacing::with_suffix(aside, SEALING);
    replacing::remove(&sealing).map_err(Error::Files)?;
    let mut keeper = connect(None, &sealing, key)?;
    let tx = keeper.transaction()?;
    tx.execute_batch(
        "CREATE TABLE set_aside (number INTEGER PRIMARY KEY, file TEXT NOT NULL, bytes BLOB NOT NULL) STRICT",
    )?;
    for part in replacing::PARTS {
        let Ok(mut file) = fs::File::open(replacing::with_suffix(aside, part)) else {
            continue;
        };
        loop {
            let mut bytes = Vec::new();
            let taken = (&mut file)
                .take(1 << 20)
                .read_to_end(&mut bytes)
                .map_err(Error::Files)?;
            if taken == 0 {
                break;
            }
            tx.execute(
                "INSERT INTO set_aside (file, bytes) VALUES (?1, ?2)",
                rusqlite::params![format!("book{part}"), bytes],
            )?;
        }
    }
    tx.commit()?;
    keeper.close().map_err(|(_, error)| error)?;
    for part in replacing::PARTS {
        replacing::shred(&replacing::with_suffix(aside, part)).map_err(Error::Files)?;
    }
    fs::rename(&sealing, aside).map_err(Error::Files)?;
    replacing::sync_folder(aside).map_err(Error::Files)
}

/// Finishes a change of key that was interrupted after the new key was stored.
fn finish_rekeying(path: &Path, key: &BookKey) -> Result<()> {
    let copy = replacing::with_suffix(path, REKEYING);
    if !copy.exists() {
        return Err(Error::WrongKey(path.to_owned()));
    }
    match attempt(None, &copy, key) {
        Ok(connection) => connection.close().map_err(|(_, error)| error)?,
        Err(OpenError::Damaged(_)) => return Err(Error::WrongKey(path.to_owned())),
        Err(OpenError::Failed(error)) => return Err(error),
    }
    move_in(path)
}

/// Puts the copy under the new key in the book's place. Nothing has either open.
pub(crate) fn move_in(path: &Path) -> Result<()> {
    let moved = || {
        replacing::remove_journals(path)?;
        fs::rename(replacing::with_suffix(path, REKEYING), path)?;
        replacing::sync_folder(path)
    };
    moved().map_err(Error::Files)
}
