//! The officer's pages: an installable web app around the client core.
//!
//! The pages hold no record longer than they show it. Everything that has to last is in the worker
//! (`core`), which holds the book; the two speak in the types of `sokiem-web-messages`.
//!
//! # Invariants
//!
//! 1. What an officer answers is saved at once, and said to be saved only when the worker has said so.
//! 2. What could not be saved stays on the screen, with the reason, until it is saved or thrown away by hand.
//! 3. An edit names the state that the officer saw (`form`), so that nobody overrides what they did not see.
//! 4. Nothing is called synced but what was verified on both sides.
//! 5. No inline style and no inline script: the content security policy forbids them.
//!
//! # How to find your way
//!
//! | module | idea |
//! |---|---|
//! | `core` | the worker: questions, answers, notices |
//! | `app` | what every page gets: the worker, where one is, what was typed and not saved |
//! | `route` | which page an address names |
//! | `words` | texts in both languages, dates, reasons |
//! | `shell` | what stands around every page: lock, status, tabs |
//! | `form` | a record that is being edited, and its fields |
//! | `inspection` | the inspection form |
//! | `browser` | what the browser gives: storage, position, files |
//! | `erased` | closures and views without their types, for a small download |
#![cfg(target_family = "wasm")]

mod app;
mod browser;
mod core;
mod device;
mod enrol;
mod erased;
mod form;
mod history;
mod idle;
mod inspection;
mod list;
mod load;
mod new_unit;
mod outbox;
mod pin;
mod route;
mod shell;
mod today;
mod unit;
mod units;
mod words;

use leptos::prelude::*;
use wasm_bindgen::{JsCast, prelude::wasm_bindgen};

/// Puts the pages into the document.
#[wasm_bindgen(start)]
pub fn start() {
    words::restore();
    let root = document()
        .get_element_by_id("app")
        .and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(root) = root {
        // What the page said while it was loading.
        root.set_inner_html("");
        mount_to(root, || shell::shell(app::App::new())).forget();
    }
}
