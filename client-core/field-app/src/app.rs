//! What every page gets.

use leptos::prelude::*;
use sokiem_record::id::DocumentId;
use sokiem_web_messages::{Failure, ask, request::UnitQuery};

use crate::{browser::position::Fix, core::Core, form::field::Field, route::Route, words};

/// Something that was typed and could not be saved. It outlives the page that it was typed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    /// In which record.
    pub(crate) document: DocumentId,
    /// In which field.
    pub(crate) path: String,
    /// What was typed.
    pub(crate) text: String,
    /// The state that the officer saw when they typed it.
    pub(crate) base: Option<Vec<String>>,
    /// Why it could not be saved.
    pub(crate) failure: Failure,
}

/// The app. Copies are the same one.
#[derive(Clone, Copy)]
pub(crate) struct App {
    /// The worker.
    pub(crate) core: Core,
    /// Which page is shown.
    pub(crate) route: RwSignal<Route>,
    /// Whether the next heading takes the focus: after every step from page to page, not at the beginning.
    pub(crate) moved: StoredValue<bool>,
    /// Rises when the language turns.
    pub(crate) language: RwSignal<u32>,
    /// What could not be saved.
    pub(crate) drafts: RwSignal<Vec<Draft>>,
    /// The field that somebody types in and that is not saved yet.
    pub(crate) typing: StoredValue<Option<Field>>,
    /// Where the device was, the last time that it was asked.
    pub(crate) fix: RwSignal<Option<Fix>>,
    /// What was searched for among the units; kept while one looks at one of them.
    pub(crate) query: RwSignal<UnitQuery>,
    /// Whether a newer version of the app waits.
    pub(crate) update: RwSignal<bool>,
}

impl App {
    /// Starts the worker and listens to the browser.
    pub(crate) fn new() -> Self {
        let app = Self {
            core: Core::start(),
            route: RwSignal::new(Route::now()),
            moved: StoredValue::new(false),
            language: RwSignal::new(0),
            drafts: RwSignal::new(Vec::new()),
            typing: StoredValue::new(None),
            fix: RwSignal::new(None),
            query: RwSignal::new(UnitQuery::default()),
            update: RwSignal::new(update_waits()),
        };
        on("hashchange", move || {
            app.save_typed();
            app.moved.set_value(true);
            app.route.set(Route::now());
        });
        on("sokiem-update", move || app.update.set(true));
        // The service worker woke the page, because there is a network again.
        on("sokiem-sync", move || app.core.tell(ask::sync()));
        let before_leaving = window_event_listener_untyped("beforeunload", move |event| {
            app.save_typed();
            if app.drafts.with_untracked(|drafts| !drafts.is_empty()) {
                // The browser asks whether to leave.
                event.prevent_default();
            }
        });
        std::mem::forget(before_leaving);
        app
    }

    /// Turns the language.
    pub(crate) fn speak(self, english: bool) {
        words::set_english(english);
        self.language.update(|turns| *turns = turns.wrapping_add(1));
    }

    /// Saves what is being typed now, without waiting for a pause.
    pub(crate) fn save_typed(self) {
        if let Some(field) = self.typing.try_update_value(Option::take).flatten() {
            field.save();
        }
    }

    /// The name of an area.
    pub(crate) fn area_name(self, area: sokiem_record::id::AreaId) -> Option<String> {
        self.core.standing.with(|standing| {
            let mut areas = standing.as_ref()?.areas.iter();
            areas
                .find(|one| one.area == area)
                .map(|one| one.name.clone())
        })
    }
}

/// The page's own script notes it on the body, in case this program was not there yet to hear the event.
fn update_waits() -> bool {
    document()
        .body()
        .is_some_and(|body| body.has_attribute("data-sokiem-update"))
}

/// Listens to an event of the window as long as the page lives.
pub(crate) fn on(event: &str, act: impl Fn() + 'static) {
    std::mem::forget(window_event_listener_untyped(event, move |_| act()));
}
