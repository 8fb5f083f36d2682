//! Operations that are done once, however often a host asks.
//!
//! In a browser several tabs share the book of one, which may save and be closed before it answers. The tab that
//! asked then asks the next leader, and must not get a second finding, photo or unit. So it draws an id for what
//! the officer did, and the book writes down, in the very transaction of the save, what that save came to.
//!
//! An operation may make several saves. Each is on disk when it returns, as ever, and each is remembered by its
//! number within the operation: asked again, the operation goes through the saves that were made, which answer
//! and write nothing, and makes the rest.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use rusqlite::Connection;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    book::Book,
    error::{Error, Result},
    store::operations,
};

/// The operation that a handle works for.
#[derive(Clone)]
pub(super) struct Operation {
    id: Uuid,
    /// How many saves it began.
    steps: Arc<AtomicU32>,
}

impl Operation {
    /// The number of the next save.
    pub(super) fn next(&self) -> Step {
        Step {
            operation: self.id,
            number: self.steps.fetch_add(1, Ordering::Relaxed),
        }
    }
}

/// One save of an operation.
#[derive(Clone, Copy)]
pub(super) struct Step {
    operation: Uuid,
    number: u32,
}

impl Step {
    /// What it came to, if it was made before.
    pub(super) fn answer<T: DeserializeOwned>(self, connection: &Connection) -> Result<Option<T>> {
        let answer = operations::answer(connection, self.operation, self.number)?;
        let read = |answer: String| {
            serde_json::from_str(&answer).map_err(|_| Error::Unreadable("an operation's answer"))
        };
        answer.map(read).transpose()
    }

    /// Writes down what it came to.
    pub(super) fn remember(self, connection: &Connection, answer: &impl Serialize) -> Result<()> {
        let answer = serde_json::to_string(answer)
            .map_err(|_| Error::Unreadable("an operation's answer"))?;
        operations::remember(connection, self.operation, self.number, &answer)
    }
}

impl Book {
    /// Does what the officer asked for once. Called again with the same id, and the same work, it answers what it
    /// answered, writes nothing that was written, and does what was left. What failed wrote nothing, and is done anew.
    ///
    /// The id is drawn for one tap of the officer. `work` has to make its saves through the handle that it is
    /// given, in the same order each time. The last 500 saves are remembered.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use sokiem_client_core::{Book, platform::{SystemClock, SystemRandom}};
    /// # use sokiem_record::{edit::Edit, id::DocumentId};
    /// # use uuid::Uuid;
    /// # fn of(book: &Book, unit: DocumentId, tap: Uuid) -> sokiem_client_core::Result<()> {
    /// let staff = [Edit::Set { path: "staff".parse().unwrap(), value: 40.into() }];
    /// let saved = book.once(tap, |book| book.edit(unit, None, &staff, None))?;
    /// assert_eq!(book.once(tap, |book| book.edit(unit, None, &staff, None))?, saved);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of `work`; [`Error::Unreadable`] when the id was used for other work.
    pub fn once<T>(&self, operation: Uuid, work: impl FnOnce(&Book) -> Result<T>) -> Result<T> {
        work(&Book {
            shared: Arc::clone(&self.shared),
            operation: Some(Operation {
                id: operation,
                steps: Arc::default(),
            }),
        })
    }
}
