//! A record that is being edited.
//!
//! Every answer saves itself. An edit names the state that the page showed when the officer decided (`base`): what arrived since and
//! was not seen is not overridden but stands beside it. The base is therefore that of what was *read and shown*; one's own saves since
//! then the book adds by itself. What is read while a save is on its way may be older than the save, and is thrown away: the end of
//! every save has the record read again.

pub(crate) mod conflict;
pub(crate) mod elements;
pub(crate) mod field;
pub(crate) mod input;
mod place;
mod raw;
pub(crate) mod show;

use std::{cell::Cell, collections::BTreeMap, rc::Rc};

use leptos::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use sokiem_record::{
    edit::Edit,
    id::{DocumentId, Kind},
    schema::Path,
};
use sokiem_web_messages::{
    Ask, Failure,
    answer::{Record, Saved},
    ask,
};

use crate::{
    app::App,
    browser::fresh_operation,
    erased::{effect, spawn},
};

/// The record. Copies are the same one.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    /// The app.
    pub(crate) app: App,
    /// Which record.
    pub(crate) document: DocumentId,
    /// Its kind.
    pub(crate) kind: Kind,
    /// What was read last.
    pub(crate) record: RwSignal<Option<Record>>,
    /// Whether this device may write it. A record that is read again with the same answer draws nothing anew.
    writable: Memo<bool>,
    /// How many saves are on their way.
    running: RwSignal<u32>,
    /// How many have ended.
    ended: RwSignal<u32>,
    /// When the last one did well.
    pub(crate) saved_ms: RwSignal<Option<f64>>,
}

impl Form {
    /// A record that is yet to be read.
    pub(crate) fn new(app: App, document: DocumentId, kind: Kind) -> Self {
        let record = RwSignal::new(None::<Record>);
        Self {
            app,
            document,
            kind,
            record,
            writable: Memo::new(move |_| {
                record.with(|record| record.as_ref().is_some_and(|one| one.writable))
            }),
            running: RwSignal::new(0),
            ended: RwSignal::new(0),
            saved_ms: RwSignal::new(None),
        }
    }

    /// Whether this device may write it. Not before it was read.
    pub(crate) fn writable(self) -> bool {
        self.writable.get()
    }

    /// The state that is shown.
    pub(crate) fn heads(self) -> Option<Vec<String>> {
        self.record
            .with_untracked(|record| record.as_ref().map(|one| one.heads.clone()))
    }

    /// Looks at a field, or at everything inside a collection.
    pub(crate) fn look<T>(self, path: &str, see: impl FnOnce(&Json) -> T) -> T {
        self.record.with(|record| {
            see(record
                .as_ref()
                .and_then(|record| inside(&record.fields, path))
                .unwrap_or(&Json::Null))
        })
    }

    /// A field's text; empty when there is none.
    pub(crate) fn text(self, path: &str) -> String {
        self.look(path, raw::of_json)
    }

    /// Whether a save is on its way.
    pub(crate) fn is_saving(self) -> bool {
        self.running.get() > 0
    }

    /// Reads the record now and whenever it may have changed, and hands what was read to `take`, unless it is older
    /// than a save.
    pub(crate) fn read<A: DeserializeOwned + 'static>(
        self,
        make: impl Fn() -> Ask<A> + 'static,
        take: impl Fn(A) + 'static,
    ) -> RwSignal<Option<Failure>> {
        let failure = RwSignal::new(None);
        let (asking, again) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
        let (make, take) = (Rc::new(make), Rc::new(take));
        effect(move || {
            self.app.core.revision.track();
            self.ended.track();
            again.set(true);
            if asking.replace(true) {
                return;
            }
            let (asking, again) = (Rc::clone(&asking), Rc::clone(&again));
            let (make, take) = (Rc::clone(&make), Rc::clone(&take));
            spawn(async move {
                while again.replace(false) && self.running.try_get_untracked() == Some(0) {
                    let before = self.ended.try_get_untracked();
                    let answer = self.app.core.ask(make()).await;
                    let now = self.ended.try_get_untracked();
                    if self.running.try_get_untracked() != Some(0) || now != before {
                        continue;
                    }
                    match answer {
                        Ok(answer) => {
                            failure.try_set(None);
                            take(answer);
                        }
                        Err(why) => {
                            failure.try_set(Some(why));
                        }
                    }
                }
                asking.set(false);
            });
        });
        failure
    }

    /// Does something that writes the record, and has it read again.
    pub(crate) async fn run<A: DeserializeOwned>(self, ask: Ask<A>) -> Result<A, Failure> {
        self.begin();
        let done = self.app.core.ask(ask).await;
        self.end(done.is_ok());
        done
    }

    /// A save is on its way.
    pub(crate) fn begin(self) {
        self.running.try_update(|running| *running += 1);
    }

    /// It came to an end.
    pub(crate) fn end(self, well: bool) {
        if well {
            self.saved_ms.try_set(Some(crate::browser::now_ms()));
        }
        self.running
            .try_update(|running| *running = running.saturating_sub(1));
        self.ended
            .try_update(|ended| *ended = ended.wrapping_add(1));
    }

    /// Writes these steps, on the state that is shown.
    pub(crate) async fn write(
        self,
        base: Option<Vec<String>>,
        edits: Vec<Edit>,
        reason: Option<String>,
    ) -> Result<Saved, Failure> {
        self.run(ask::edit(
            fresh_operation(),
            self.document,
            base,
            edits,
            reason,
        ))
        .await
    }

    /// Writes these steps and tells `failure` how it went.
    pub(crate) fn write_now(self, edits: Vec<Edit>, failure: RwSignal<Option<Failure>>) {
        let base = self.heads();
        spawn(async move {
            failure.try_set(self.write(base, edits, None).await.err());
        });
    }
}

/// The value at a path of a record's fields.
pub(crate) fn inside<'a>(fields: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('/')
        .try_fold(fields, |value, key| value.get(key))
}

/// The step that sets a single-valued field.
pub(crate) fn set(path: &str, value: Json) -> Option<Edit> {
    let path: Path = path.parse().ok()?;
    Some(Edit::Set { path, value })
}

/// The step that adds an element.
pub(crate) fn add(path: &str, fields: BTreeMap<String, Json>) -> Option<Edit> {
    let path: Path = path.parse().ok()?;
    Some(Edit::Add { path, fields })
}
