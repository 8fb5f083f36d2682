//! The database: one SQLite file, one writer thread, a few readers.
//!
//! A write is answered after the COMMIT that holds it and not before: an acknowledgement means that
//! it is on disk. SQL never runs on the threads that serve requests.

pub(crate) mod id;
mod log;
mod migration;
pub(crate) mod narrowing;
mod reader;
mod writer;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::mpsc;

pub(crate) use writer::Writing;

use crate::{
    config::Limits, error::Error, platform::Machine, sync::poke::Pokes, telemetry::Metrics,
};

/// Name of the database file in the data folder.
pub const FILE_NAME: &str = "sokiem.sqlite3";

/// A handle on the database.
pub(crate) struct Store {
    writer: Mutex<Option<mpsc::Sender<writer::Job>>>,
    worker: Mutex<Option<writer::Worker>>,
    readers: reader::Readers,
    metrics: Arc<Metrics>,
}

impl Store {
    /// Opens the database in `folder`, making or upgrading it, and starts the writer.
    pub(crate) fn open(
        folder: &Path,
        limits: &Limits,
        machine: &Machine,
        metrics: Arc<Metrics>,
        pokes: Pokes,
    ) -> Result<Self, Error> {
        std::fs::create_dir_all(folder).map_err(|source| Error::DataFolder {
            path: folder.to_owned(),
            source,
        })?;
        let path = folder.join(FILE_NAME);
        let failed = |source| Error::Open {
            path: path.clone(),
            source,
        };
        let mut connection = open_connection(&path, machine.vfs()).map_err(failed)?;
        log::fold(&connection);
        migration::upgrade(&mut connection)?;
        let mut readers = Vec::new();
        for _ in 0..limits.readers {
            let reader = open_connection(&path, machine.vfs()).map_err(failed)?;
            reader
                .pragma_update(None, "query_only", true)
                .and_then(|()| reader.pragma_update(None, "cache_size", READER_CACHE))
                .map_err(failed)?;
            readers.push(reader);
        }
        let (sender, receiver) = mpsc::channel(limits.write_queue);
        let worker = writer::start(
            connection,
            receiver,
            machine.clone(),
            limits,
            Arc::clone(&metrics),
            pokes,
        )
        .map_err(|source| Error::DataFolder {
            path: folder.to_owned(),
            source,
        })?;
        Ok(Self {
            writer: Mutex::new(Some(sender)),
            worker: Mutex::new(Some(worker)),
            readers: reader::Readers::new(readers, machine.threads()),
            metrics,
        })
    }

    /// Runs `work` on the writer thread and returns what it returned, once it is committed. An error
    /// from `work` undoes what it wrote and nothing else.
    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Writing<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (job, answer) = writer::job(work);
        self.metrics.write_queue.inc();
        let sender = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        sender
            .ok_or(Error::Closed)?
            .send(job)
            .await
            .map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Runs `work` on a reader, in one read transaction.
    pub(crate) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.readers.read(work).await
    }

    /// Commits what is queued, stops the writer and closes the connections that nobody reads with. Blocks until
    /// that is done; a writer without a thread stops when its runtime next lets it run.
    pub(crate) fn close(&self) {
        self.writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let worker = self
            .worker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer::Worker::Thread(thread)) = worker
            && thread.join().is_err()
        {
            tracing::error!("the writer thread panicked");
        }
        self.readers.close();
    }
}

/// How long a connection waits for another one that writes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What a connection keeps of the file, in KiB, as SQLite wants it: below zero.
const CACHE: i64 = -16_000;
/// The same for each of those that only read. What they lack lies in the operating system's cache, once for all of them.
const READER_CACHE: i64 = -4_000;

/// The version of the schema that this build makes.
pub(crate) fn newest_schema() -> usize {
    migration::STEPS.len()
}

/// Opens one connection, set up as every connection of the server is.
pub(crate) fn open_connection(path: &Path, vfs: Option<&str>) -> rusqlite::Result<Connection> {
    let connection = match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, OpenFlags::default(), vfs)?,
        None => Connection::open(path)?,
    };
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What a purge frees is overwritten, not only forgotten.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "cache_size", CACHE)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}
