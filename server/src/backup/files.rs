//! Files and folders, with what it takes that they are on disk.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{error::Error, secret};

/// How an I/O error of a backup is told: what was done, and where.
pub(super) fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Backup {
        doing,
        path,
        source,
    }
}

/// Makes a folder and those above it.
pub(super) fn make_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(failed("making", path))
}

/// Sees to it that a file or the list of a folder is on disk.
pub(super) fn sync(path: &Path) -> Result<(), Error> {
    let file = File::open(path).map_err(failed("opening", path))?;
    file.sync_all().map_err(failed("syncing", path))
}

/// Writes a small file; on disk when this returns.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = File::create(path).map_err(failed("writing", path))?;
    file.write_all(bytes).map_err(failed("writing", path))?;
    file.sync_all().map_err(failed("syncing", path))
}

/// Copies a file, on disk when this returns: how many bytes, and their SHA-256.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(u64, [u8; 32]), Error> {
    let mut source = File::open(from).map_err(failed("reading", from))?;
    let mut target = File::create(to).map_err(failed("writing", to))?;
    let (mut hasher, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        let read = source.read(&mut buffer).map_err(failed("reading", from))?;
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else {
            break;
        };
        hasher.update(part);
        bytes += part.len() as u64;
        target.write_all(part).map_err(failed("writing", to))?;
    }
    target.sync_all().map_err(failed("syncing", to))?;
    Ok((bytes, hasher.finalize().into()))
}

/// Copies a file with its permissions; on disk when this returns.
pub(super) fn copy_private(from: &Path, to: &Path) -> Result<(), Error> {
    fs::copy(from, to).map_err(failed("writing", to))?;
    sync(to)
}

/// How many bytes a file has, and their SHA-256.
pub(super) fn digest(path: &Path) -> Result<(u64, [u8; 32]), Error> {
    let mut source = File::open(path).map_err(failed("reading", path))?;
    let (mut hasher, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        let read = source.read(&mut buffer).map_err(failed("reading", path))?;
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else {
            return Ok((bytes, hasher.finalize().into()));
        };
        hasher.update(part);
        bytes += part.len() as u64;
    }
}

/// Every file below a folder, relative to it, in the order of their names.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let (mut found, mut left) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(inner) = left.pop() {
        let path = folder.join(&inner);
        for entry in fs::read_dir(&path).map_err(failed("listing", &path))? {
            let entry = entry.map_err(failed("listing", &path))?;
            let name = inner.join(entry.file_name());
            let kind = entry.file_type().map_err(failed("listing", &path))?;
            if kind.is_dir() {
                left.push(name);
            } else {
                found.push(name);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether there is nothing at this path, or an empty folder.
pub(super) fn is_vacant(path: &Path) -> Result<bool, Error> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(failed("listing", path)(error)),
    }
}

/// The same place under another name: `.name.word` beside it.
pub(super) fn beside(path: &Path, word: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{word}"))
}

/// Gives a whole folder its name, durably. A vacant folder of that name makes room.
pub(super) fn put_in_place(from: &Path, to: &Path) -> Result<(), Error> {
    if to.exists() {
        fs::remove_dir(to).map_err(failed("making room at", to))?;
    }
    fs::rename(from, to).map_err(failed("renaming to", to))?;
    match to.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => sync(parent),
        None => sync(Path::new(".")),
    }
}

/// Where an attachment lies below the folder of attachments.
pub(super) fn object(hash: &[u8]) -> PathBuf {
    let name = secret::hex(hash);
    Path::new(name.get(..2).unwrap_or_default()).join(&name)
}
