//! What a page shows, read from the worker and read again when something has changed.

use std::{cell::Cell, cell::RefCell, rc::Rc};

use leptos::prelude::*;
use serde::de::DeserializeOwned;
use sokiem_web_messages::{Ask, Failure};

use crate::{
    app::App,
    erased::{effect, spawn},
    shell::failed,
};

/// What was read last, and why the latest attempt failed.
pub(crate) struct Loaded<A: Send + Sync + 'static> {
    /// What was read; stays while it is read again.
    pub(crate) value: RwSignal<Option<A>>,
    /// Why it could not be read.
    pub(crate) failure: RwSignal<Option<Failure>>,
}

impl<A: Send + Sync + 'static> Clone for Loaded<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A: Send + Sync + 'static> Copy for Loaded<A> {}

/// Asks now, whenever the book has changed, and whenever a signal has that `make` reads. One question at a time:
/// while one is on its way, only the newest of those that come waits.
pub(crate) fn load<A>(app: App, make: impl Fn() -> Ask<A> + 'static) -> Loaded<A>
where
    A: DeserializeOwned + PartialEq + Send + Sync + 'static,
{
    let loaded = Loaded {
        value: RwSignal::new(None),
        failure: RwSignal::new(None),
    };
    let asking = Rc::new(Cell::new(false));
    let next = Rc::new(RefCell::new(None));
    effect(move || {
        app.core.revision.track();
        next.replace(Some(make()));
        if asking.replace(true) {
            return;
        }
        let (asking, next) = (Rc::clone(&asking), Rc::clone(&next));
        spawn(async move {
            loop {
                let ask = next.take();
                let Some(ask) = ask else { break };
                loaded.take(app.core.ask(ask).await);
            }
            asking.set(false);
        });
    });
    loaded
}

impl<A: PartialEq + Send + Sync + 'static> Loaded<A> {
    fn take(self, answer: Result<A, Failure>) {
        match answer {
            Ok(answer) => {
                self.failure.try_set(None);
                // A list that reads the same is not drawn anew.
                let same = self
                    .value
                    .try_with_untracked(|known| known.as_ref() == Some(&answer));
                if same == Some(false) {
                    self.value.try_set(Some(answer));
                }
            }
            Err(failure) => {
                self.failure.try_set(Some(failure));
            }
        }
    }

    /// The page: what was read, drawn; what went wrong; or that it is being read.
    pub(crate) fn show(self, draw: impl Fn(&A) -> AnyView + Send + 'static) -> AnyView {
        crate::erased::part(move || {
            let failure = self.failure.with(|failure| failure.as_ref().map(failed));
            self.value.with(|value| match (value, failure) {
                (Some(value), failure) => view! { {failure} {draw(value)} }.into_any(),
                (None, Some(failure)) => failure,
                (None, None) => crate::shell::waiting(),
            })
        })
    }
}
