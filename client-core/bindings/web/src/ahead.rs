//! The book's files, taken while something else is waited for.
//!
//! The browser gives them out one after the other, which costs a tenth of what an officer waits for between the PIN and a list. They are
//! given back when the PIN was wrong.

use futures_channel::oneshot;
use wasm_bindgen_futures::spawn_local;

use crate::{
    storage::Pool,
    tabs::{self, Held},
};

/// The lock of the book, and its files where they were taken already.
pub(crate) struct Taken {
    /// Nobody else has the book while this is held.
    pub(crate) lock: Held,
    /// The files.
    pub(crate) pool: Option<Pool>,
}

impl Taken {
    /// The lock alone.
    pub(crate) fn lock(lock: Held) -> Self {
        Self { lock, pool: None }
    }

    /// Gives back the files, then the lock.
    pub(crate) fn give_back(self) {
        if let Some(pool) = self.pool {
            pool.release();
        }
    }
}

/// Files that are on their way. Whoever begins says in the end whether they are wanted.
pub(crate) struct Ahead(oneshot::Receiver<Option<Taken>>);

impl Ahead {
    /// Begins to take the lock, if nobody has it, and the files.
    pub(crate) fn begin() -> Self {
        let (sender, receiver) = oneshot::channel();
        spawn_local(async move {
            let taken = match tabs::lock(tabs::BOOK, true).await {
                // Why they can't be had is said when they are asked for again.
                Some(lock) => Some(Taken {
                    lock,
                    pool: Pool::take().await.ok(),
                }),
                None => None,
            };
            // Nobody waits any more where the worker ends, and everything with it.
            let _ = sender.send(taken);
        });
        Self(receiver)
    }

    /// What was taken; nothing where another tab has the book.
    pub(crate) async fn taken(self) -> Option<Taken> {
        self.0.await.ok().flatten()
    }

    /// Gives back what was taken; complete when somebody else can have it.
    pub(crate) async fn give_back(self) {
        if let Some(taken) = self.taken().await {
            taken.give_back();
        }
    }
}
