//! Locks the book when nobody touches the device, and tells the worker what the browser says: network and screen.

use std::time::Duration;

use leptos::prelude::*;
use sokiem_web_messages::ask;
use web_sys::VisibilityState;

use crate::{
    app::{App, on},
    browser,
    erased::spawn,
};

/// Where the choice is kept.
const KEPT: &str = "sokiem.lock-minutes";

/// After how many minutes without a touch the book may lock. Longer ones are not offered: what lies open on a table is open to everybody.
pub(crate) const CHOICES: [u32; 4] = [1, 5, 10, 15];

/// How often it is looked at the clock, in milliseconds.
const LOOK_MS: u64 = 10_000;

/// After how many minutes the book locks.
pub(crate) fn minutes() -> u32 {
    browser::kept(KEPT)
        .and_then(|minutes| minutes.parse().ok())
        .filter(|minutes| CHOICES.contains(minutes))
        .unwrap_or(5)
}

/// Chooses that.
pub(crate) fn set_minutes(minutes: &str) {
    browser::keep(KEPT, minutes);
}

/// Begins to look.
pub(crate) fn watch(app: App) {
    let touched = StoredValue::new(browser::now_ms());
    for event in ["pointerdown", "keydown", "input", "wheel"] {
        on(event, move || touched.set_value(browser::now_ms()));
    }
    let look = move || {
        let idle_ms = browser::now_ms() - touched.get_value();
        if idle_ms > f64::from(minutes()) * 60_000.0 && app.core.session.with_untracked(is_open) {
            lock(app);
        }
    };
    let look_now_and_then: Box<dyn Fn()> = Box::new(look);
    set_interval(look_now_and_then, Duration::from_millis(LOOK_MS));
    on("visibilitychange", move || {
        let visible = document().visibility_state() == VisibilityState::Visible;
        if visible {
            // Timers stand still while a phone sleeps.
            look();
        } else {
            app.save_typed();
        }
        app.core.tell(ask::visible(visible));
    });
    on("online", move || app.core.tell(ask::online(true)));
    on("offline", move || app.core.tell(ask::online(false)));
    app.core.tell(ask::online(window().navigator().on_line()));
}

fn is_open(session: &Option<sokiem_web_messages::session::Session>) -> bool {
    session
        .as_ref()
        .is_some_and(|one| one.lock == sokiem_web_messages::session::Lock::Open)
}

/// Locks the book. What is being typed is saved first.
pub(crate) fn lock(app: App) {
    app.save_typed();
    spawn(async move {
        // It says itself that it is locked; where that fails, the next look tries again.
        let _ = app.core.ask_session(ask::lock()).await;
    });
}
