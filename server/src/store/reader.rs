//! A small pool of connections that only read.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;

pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    threads: bool,
}

/// Gives the connection back, whatever happens to the work; closes it when the pool is closed.
struct Lease {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    permit: OwnedSemaphorePermit,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = self.connection.take()
            && !self.permit.semaphore().is_closed()
        {
            idle.push(connection);
        }
    }
}

impl Readers {
    /// Without `threads` a read runs where it is asked for: in simulations, which have one thread.
    pub(super) fn new(connections: Vec<Connection>, threads: bool) -> Self {
        Self {
            threads,
            permits: Arc::new(Semaphore::new(connections.len())),
            idle: Arc::new(Mutex::new(connections)),
        }
    }

    /// Closes the connections. Reads that are under way keep theirs until they end; later ones are refused.
    pub(super) fn close(&self) {
        self.permits.close();
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    pub(super) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| Error::Closed)?;
        let idle = Arc::clone(&self.idle);
        let reading = move || {
            let connection = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let lease = Lease {
                connection,
                idle,
                permit,
            };
            let connection = lease.connection.as_ref().ok_or(Error::Closed)?;
            // Rolled back when dropped: a reader has nothing to commit.
            let snapshot = connection.unchecked_transaction().map_err(Error::from)?;
            work(&snapshot)
        };
        if !self.threads {
            return reading();
        }
        tokio::task::spawn_blocking(reading)
            .await
            .map_err(|_| Error::Panicked)?
    }
}
