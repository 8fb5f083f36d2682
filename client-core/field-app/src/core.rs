//! The worker that holds the book: what is asked of it, and what it says by itself.
//!
//! The worker does everything that is slow or has to be safe. It answers in the order that suits it; every question waits for its own
//! answer. What it says unasked goes into signals, and [`Core::revision`] rises, so that a page reads anew what it shows.

mod wire;

use js_sys::ArrayBuffer;
use leptos::prelude::*;
use serde::de::DeserializeOwned;
use sokiem_web_messages::{
    Ask, Failure, Notice, Request, ask,
    session::{Lock, Session, Standing, Status},
};

use crate::erased::{effect, spawn};
use wire::{Reply, Wire};

/// The worker, and how things stand. Copies are the same one.
#[derive(Clone, Copy)]
pub(crate) struct Core {
    wire: StoredValue<Option<Wire>, LocalStorage>,
    /// Whether the book is open. `None` until the worker has said so.
    pub(crate) session: RwSignal<Option<Session>>,
    /// How the synchronisation stands. `None` until the book is open.
    pub(crate) status: RwSignal<Option<Status>>,
    /// Whose device this is, and where it may write.
    pub(crate) standing: RwSignal<Option<Standing>>,
    /// Rises when records or the status read differently than before.
    pub(crate) revision: RwSignal<u32>,
    /// The worker has died, or could not begin.
    pub(crate) broken: RwSignal<Option<Failure>>,
}

impl Core {
    /// Starts the worker and asks how things stand.
    pub(crate) fn start() -> Self {
        let core = Self {
            wire: StoredValue::new_local(None),
            session: RwSignal::new(None),
            status: RwSignal::new(None),
            standing: RwSignal::new(None),
            revision: RwSignal::new(0),
            broken: RwSignal::new(None),
        };
        let wire = Wire::start(
            move |notice| core.hear(notice),
            move || core.broken.set(Some(wire::broken())),
        );
        if wire.is_none() {
            core.broken.set(Some(wire::broken()));
        }
        core.wire.set_value(wire);
        spawn(async move {
            match core.ask(ask::session()).await {
                Ok(session) => core.session.set(Some(session)),
                Err(failure) => core.broken.set(Some(failure)),
            }
        });
        // Whose device it is may change with every synchronisation: areas come and go.
        let open = Memo::new(move |_| core.is_open());
        effect(move || {
            core.revision.track();
            if open.get() {
                core.read_standing();
            }
        });
        core
    }

    /// Whether records can be read.
    pub(crate) fn is_open(self) -> bool {
        self.session
            .with(|session| session.as_ref().is_some_and(|one| one.lock == Lock::Open))
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask<A: DeserializeOwned>(self, ask: Ask<A>) -> Result<A, Failure> {
        let reply = self.call(ask.request, None).await?;
        read(&reply.json)
    }

    /// Asks with a file, or for one.
    pub(crate) async fn ask_with_bytes<A: DeserializeOwned>(
        self,
        ask: Ask<A>,
        bytes: Option<ArrayBuffer>,
    ) -> Result<(A, Option<ArrayBuffer>), Failure> {
        let reply = self.call(ask.request, bytes).await?;
        Ok((read(&reply.json)?, reply.bytes))
    }

    /// Tells the worker something that needs no answer.
    pub(crate) fn tell(self, ask: Ask<()>) {
        spawn(async move {
            // It hears of the network and the screen again and again; one message more or less is no loss.
            let _ = self.call(ask.request, None).await;
        });
    }

    /// Asks something whose answer says how things stand.
    pub(crate) async fn ask_session(self, ask: Ask<Session>) -> Result<Session, Failure> {
        let session = self.ask(ask).await?;
        self.session.set(Some(session.clone()));
        Ok(session)
    }

    async fn call(self, request: Request, bytes: Option<ArrayBuffer>) -> Result<Reply, Failure> {
        let request = serde_json::to_string(&request).map_err(|_| unreadable())?;
        let sent = self
            .wire
            .with_value(|wire| Some(wire.as_ref()?.post(&request, bytes.as_ref())));
        match sent {
            Some(answer) => wire::reply(&answer.await.unwrap_or_default()),
            None => Err(wire::broken()),
        }
    }

    fn read_standing(self) {
        spawn(async move {
            if let Ok(standing) = self.ask(ask::status()).await {
                self.status.set(Some(standing.status.clone()));
                if self
                    .standing
                    .with_untracked(|known| known.as_ref() != Some(&standing))
                {
                    self.standing.set(Some(standing));
                }
            }
        });
    }

    fn hear(self, notice: &str) {
        // A notice of a newer worker that this page does not know still says that something has changed.
        match serde_json::from_str(notice) {
            Ok(Notice::Changed { status }) => self.status.set(Some(status)),
            Ok(Notice::Session { session }) => self.session.set(Some(session)),
            Err(_) => {}
        }
        self.revision
            .update(|revision| *revision = revision.wrapping_add(1));
    }
}

fn read<A: DeserializeOwned>(json: &str) -> Result<A, Failure> {
    serde_json::from_str(json).map_err(|_| unreadable())
}

fn unreadable() -> Failure {
    Failure::new(
        "unreadable",
        "Trang và sổ không cùng phiên bản. Hãy tải lại trang; những gì đã lưu vẫn còn trong máy.",
        "The page and the book are of different versions. Reload the page; what was saved is still on this device.",
    )
}
