//! Where bytes lie: finished attachments in an object store by their hash, those under way in files.
//!
//! The local object store writes a file beside its place, syncs it, renames it and syncs the folder, so an
//! object is whole or not there.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use object_store::{
    GetOptions, GetRange, GetResult, ObjectStore, ObjectStoreExt, PutPayload,
    local::LocalFileSystem,
};
use sokiem_record::attachment::ContentHash;
use uuid::Uuid;

use crate::error::Error;

/// Folder of finished attachments inside the data folder: `attachments/ab/abcd…`.
pub(crate) const FOLDER: &str = "attachments";
/// Folder of uploads under way inside the data folder, one file each.
pub(crate) const UPLOADS: &str = "uploads";

/// The stores. Folders are made when the first attachment comes.
pub(crate) struct Objects {
    objects: PathBuf,
    store: OnceLock<Arc<dyn ObjectStore>>,
    uploads: PathBuf,
}

impl Objects {
    /// The stores below a data folder.
    pub(super) fn new(data: &Path) -> Self {
        Self {
            objects: data.join(FOLDER),
            store: OnceLock::new(),
            uploads: data.join(UPLOADS),
        }
    }

    fn store(&self) -> Result<Arc<dyn ObjectStore>, Error> {
        if let Some(store) = self.store.get() {
            return Ok(Arc::clone(store));
        }
        fs::create_dir_all(&self.objects).map_err(|source| Error::DataFolder {
            path: self.objects.clone(),
            source,
        })?;
        let store = LocalFileSystem::new_with_prefix(&self.objects)?.with_fsync(true);
        Ok(Arc::clone(self.store.get_or_init(|| Arc::new(store))))
    }

    /// Stores an attachment; on disk when this returns. The same bytes twice are the same as once.
    pub(super) async fn put(&self, hash: ContentHash, bytes: Vec<u8>) -> Result<(), Error> {
        self.store()?
            .put(&location(hash), PutPayload::from(bytes))
            .await?;
        Ok(())
    }

    /// Reads an attachment, or a part of it.
    pub(super) async fn get(
        &self,
        hash: ContentHash,
        range: Option<std::ops::Range<u64>>,
    ) -> Result<GetResult, Error> {
        let options = GetOptions {
            range: range.map(GetRange::Bounded),
            ..GetOptions::default()
        };
        Ok(self.store()?.get_opts(&location(hash), options).await?)
    }

    /// Removes an attachment; one that is gone already is no error.
    pub(super) async fn delete(&self, hash: ContentHash) -> Result<(), Error> {
        match self.store()?.delete(&location(hash)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The file of an upload.
    pub(super) fn file(&self, upload: Uuid) -> PathBuf {
        self.uploads.join(upload.to_string())
    }

    /// Names of all upload files.
    pub(super) fn files(&self) -> io::Result<Vec<Uuid>> {
        let mut found = Vec::new();
        let entries = match fs::read_dir(&self.uploads) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            entries => entries?,
        };
        for entry in entries {
            found.extend(
                entry?
                    .file_name()
                    .to_str()
                    .and_then(|name| Uuid::parse_str(name).ok()),
            );
        }
        Ok(found)
    }
}

/// Where an object lies: a folder for each first byte, so that no folder grows without bound.
fn location(hash: ContentHash) -> object_store::path::Path {
    let text = hash.to_string();
    object_store::path::Path::from(format!("{}/{text}", text.get(..2).unwrap_or_default()))
}

/// Writes bytes of an upload at an offset, and forgets whatever lay behind it; on disk when this returns.
pub(super) fn write_at(file: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let fresh = !file.exists();
    if fresh && let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut open = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(file)?;
    open.set_len(offset)?;
    open.seek(SeekFrom::Start(offset))?;
    open.write_all(bytes)?;
    open.sync_data()?;
    if fresh && let Some(folder) = file.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The first `length` bytes of an upload.
pub(super) fn read(file: &Path, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    File::open(file)?.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Removes an upload's file; one that is gone already is no error.
pub(super) fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
