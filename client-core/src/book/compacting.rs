//! Keeping histories small on the disk, when nobody waits.

use crate::{
    book::Book,
    error::Result,
    store::documents::{self, MAX_LOOSE_CHANGES},
};

impl Book {
    /// Folds what the server has acknowledged of at most `most` documents into one snapshot each, those with the most
    /// changes beside their snapshot first; how many there were. A new snapshot is loaded again and its heads compared
    /// before the changes go that it replaces, in one transaction. What is pending stays as it is.
    ///
    /// Call it when nothing else is to be done, as [`crate::sync::run`] does after a synchronisation.
    ///
    /// # Errors
    /// [`crate::Error::Database`] when it can't be read or written; then nothing has changed.
    pub fn compact(&self, most: u32) -> Result<usize> {
        let due = self.read(|connection| documents::with_loose_changes(connection, most))?;
        if due.is_empty() {
            return Ok(0);
        }
        self.transact(|tx, _| {
            let mut folded = 0;
            for id in due {
                let Some(row) = documents::find(tx, id)? else {
                    continue;
                };
                if documents::loose_changes(tx, id)? > MAX_LOOSE_CHANGES {
                    documents::compact(tx, &row)?;
                    folded += 1;
                }
            }
            Ok(folded)
        })
    }
}
