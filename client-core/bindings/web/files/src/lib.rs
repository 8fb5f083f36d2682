//! SQLite's files in the browser's private file system (OPFS), and databases in them under the book's key.
//!
//! The worker of the officer's app keeps its book here, and the core's own tests run here: both open a database in the
//! same way.
#![cfg(target_family = "wasm")]

use rsqlite_vfs::{VfsFilesManager as _, transfer::DbTransfer as _};
use rusqlite::Connection;
use sokiem_client_core::keys::BookKey;
use sqlite_wasm_rs::WasmOsCallback;
pub use sqlite_wasm_vfs::sahpool::OpfsSAHError;
use sqlite_wasm_vfs::sahpool::{OpfsSAHPoolCfgBuilder, OpfsSAHPoolUtil, install};

/// The pool of SQLite's files, held by this worker.
pub struct Pool(OpfsSAHPoolUtil);

impl Pool {
    /// Takes the files of a folder below the root, and makes room for so many that are open or kept at the same time.
    ///
    /// # Errors
    /// What the browser says: somebody else holds them, there is no such file system, there is no room.
    pub async fn take(folder: &str, files: usize) -> Result<Self, OpfsSAHError> {
        let options = OpfsSAHPoolCfgBuilder::new()
            .directory(folder)
            .initial_capacity(files)
            .build();
        let pool = install::<WasmOsCallback>(&options, true).await?;
        pool.resume().await?;
        Ok(Self(pool))
    }

    /// Gives the files back, once nothing has them open; whether that was so.
    pub fn release(&self) -> bool {
        self.0.pause().is_ok()
    }

    /// Removes every file.
    ///
    /// # Errors
    /// When something has one open.
    pub fn clear(&self) -> Result<(), OpfsSAHError> {
        self.0.clear()
    }

    /// Removes a database with its log and its journal.
    ///
    /// # Errors
    /// When something has it open.
    pub fn remove(&self, name: &str) -> Result<(), OpfsSAHError> {
        for part in ["", "-wal", "-journal"] {
            self.0.remove(&format!("{name}{part}"))?;
        }
        Ok(())
    }

    /// What is in a database's file; nothing has it open.
    ///
    /// # Errors
    /// When something has it open, and what the browser says.
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, OpfsSAHError> {
        self.0.export_db(name)
    }

    /// Puts these bytes in the place of a database.
    ///
    /// # Errors
    /// When something has it open, and what the browser says.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), OpfsSAHError> {
        self.remove(name)?;
        self.0.import_db_unchecked(name, bytes)
    }

    /// A connection to a database under this key, of which nothing was asked yet. It is to be the only one.
    ///
    /// # Errors
    /// [`sokiem_client_core::Error::Database`].
    pub fn connect(&self, name: &str, key: &BookKey) -> sokiem_client_core::Result<Connection> {
        let connection = Connection::open(name)?;
        key.unlock(&connection)?;
        // Before anything is read: a write-ahead log without shared memory takes a connection that is alone.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        Ok(connection)
    }
}
