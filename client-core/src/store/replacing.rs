//! Moving database files into each other's place, so that an interruption leaves one whole book.

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// What SQLite keeps beside a database, and the database itself, which goes last.
pub(crate) const PARTS: [&str; 4] = ["-wal", "-shm", "-journal", ""];

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Takes a database away with what lies beside it, if it is there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    PARTS
        .iter()
        .try_for_each(|part| remove_file(&with_suffix(path, part)))
}

/// Takes away what lies beside a database: what a file of another key must not be read with.
pub(crate) fn remove_journals(path: &Path) -> io::Result<()> {
    PARTS
        .iter()
        .filter(|part| !part.is_empty())
        .try_for_each(|part| remove_file(&with_suffix(path, part)))
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Renames a database with what lies beside it. The database goes last: while it is there, whatever was
/// interrupted begins anew.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    for part in PARTS {
        let file = with_suffix(from, part);
        if file.exists() {
            fs::rename(&file, with_suffix(to, part))?;
        }
    }
    sync_folder(to)
}

/// Makes sure that a new or renamed file is found under its name after a power cut.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        fs::File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Overwrites a file with zeros before its name goes. On flash memory the old bytes may outlive this.
pub(crate) fn shred(path: &Path) -> io::Result<()> {
    let mut file = match fs::OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let zeros = [0; 64 * 1024];
    let mut left = file.metadata()?.len();
    while left > 0 {
        let part = usize::try_from(left)
            .unwrap_or(zeros.len())
            .min(zeros.len());
        file.write_all(zeros.get(..part).unwrap_or(&zeros))?;
        left = left.saturating_sub(u64::try_from(part).unwrap_or(left));
    }
    file.sync_all()?;
    drop(file);
    remove_file(path)?;
    sync_folder(path)
}
