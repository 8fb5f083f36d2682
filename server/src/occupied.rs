//! One server at a time for one data folder.

use std::{
    fs::{File, TryLockError},
    path::Path,
};

use crate::error::Error;

/// Name of the file that a server holds locked while it runs. The operating system lets go of it when the
/// process ends, however it ends.
const FILE: &str = "server.lock";

/// The data folder is ours until this is dropped.
#[derive(Debug)]
pub(crate) struct Occupied {
    _file: File,
}

impl Occupied {
    /// Takes the folder, if no server has it.
    pub(crate) fn take(folder: &Path) -> Result<Self, Error> {
        let failed = |source| Error::DataFolder {
            path: folder.to_owned(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let file = File::create(folder.join(FILE)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::DataFolderInUse(folder.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}
