//! One request at a time for each upload. A phone whose link broke comes back before the server has
//! noticed that the old connection is dead; so a newcomer asks whoever holds the upload to finish.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedMutexGuard, watch};
use uuid::Uuid;

/// The uploads that somebody holds or waits for.
#[derive(Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<Uuid, Arc<Turn>>>>);

struct Turn {
    lock: Arc<tokio::sync::Mutex<()>>,
    waiting: watch::Sender<usize>,
}

/// Holds an upload until it is dropped.
pub(super) struct Held {
    /// Taken out before the entry is looked at.
    guard: Option<OwnedMutexGuard<()>>,
    turn: Arc<Turn>,
    upload: Uuid,
    turns: Arc<Mutex<HashMap<Uuid, Arc<Turn>>>>,
}

/// Counts somebody who waits, also when they give up.
struct Waiting<'a>(&'a Turn);

impl<'a> Waiting<'a> {
    fn new(turn: &'a Turn) -> Self {
        turn.waiting.send_modify(|count| *count += 1);
        Self(turn)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0
            .waiting
            .send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl Turns {
    /// Waits for the upload; whoever holds it is told.
    pub(super) async fn take(&self, upload: Uuid) -> Held {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh = || {
                Arc::new(Turn {
                    lock: Arc::default(),
                    waiting: watch::Sender::new(0),
                })
            };
            Arc::clone(turns.entry(upload).or_insert_with(fresh))
        };
        let guard = {
            let _waiting = Waiting::new(&turn);
            Arc::clone(&turn.lock).lock_owned().await
        };
        Held {
            guard: Some(guard),
            turn,
            upload,
            turns: Arc::clone(&self.0),
        }
    }
}

impl Held {
    /// Completes when somebody else wants the upload.
    pub(super) async fn wanted(&self) {
        let mut waiting = self.turn.waiting.subscribe();
        if waiting.wait_for(|count| *count > 0).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.guard.take();
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's and this one: nobody else holds or waits.
        if turns
            .get(&self.upload)
            .is_some_and(|turn| Arc::strong_count(turn) <= 2)
        {
            turns.remove(&self.upload);
        }
    }
}
