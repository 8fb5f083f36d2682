//! Tells listening devices that something is new. A poke carries no data: who hears it, pulls.

use sokiem_record::id::{AccountId, AreaId, DeviceId};
use tokio::sync::broadcast;

/// Pokes that a slow listener may miss before it is told to look at everything.
const BACKLOG: usize = 256;

/// What is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Poke {
    /// The area's log has grown.
    Area(AreaId),
    /// The account's areas have changed.
    Scope(AccountId),
    /// The device was revoked.
    Revoked(DeviceId),
    /// Something waits in the outbox of webhooks.
    Deliveries,
}

/// Where pokes go and come from.
#[derive(Clone)]
pub(crate) struct Pokes(broadcast::Sender<Poke>);

impl Pokes {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }

    pub(crate) fn send(&self, poke: Poke) {
        // Nobody listening is no failure.
        let _ = self.0.send(poke);
    }

    pub(crate) fn listen(&self) -> broadcast::Receiver<Poke> {
        self.0.subscribe()
    }
}
