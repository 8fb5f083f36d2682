//! Where the focus goes when one goes from page to page: to the heading, so that a screen reader reads it and the keyboard goes on from there; or to
//! the field that the address names.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::{
    app::App,
    erased::{after, effect},
    route::Route,
};

/// How often a page that is still being read is looked at again.
const TRIES: u32 = 40;

/// The id of the element that shows a field or an element of a record.
pub(crate) fn anchor(path: &str) -> String {
    format!("f-{path}")
}

/// Follows the address.
pub(super) fn follow(app: App) {
    effect(move || {
        let route = app.route.get();
        let moved = app.moved.try_get_value() == Some(true);
        let at = match &route {
            Route::Inspection { at, .. } => at.clone(),
            _ => None,
        };
        if moved || at.is_some() {
            after(0, move || to(app, &route, at.as_deref(), TRIES));
        } else {
            after(300, name);
        }
    });
}

/// To the content, past what stands before it on every page.
pub(super) fn main() {
    focus(find("#main"));
}

fn find(selector: &str) -> Option<HtmlElement> {
    document()
        .query_selector(selector)
        .ok()
        .flatten()
        .and_then(|element| element.dyn_into().ok())
}

fn focus(element: Option<HtmlElement>) {
    if let Some(element) = element {
        let _ = element.focus();
    }
}

fn to(app: App, route: &Route, at: Option<&str>, tries: u32) {
    // Somebody went on meanwhile.
    if app.route.with_untracked(|now| now != route) {
        return;
    }
    let wanted = match at {
        // What was just added may take a moment to be drawn; what is not there at all has something around it.
        Some(at) if tries > TRIES / 2 => by_path(at),
        Some(at) => named(at),
        None => find("#main [data-section-title]").or_else(|| find("#main h1")),
    };
    match wanted {
        Some(element) => {
            element.scroll_into_view();
            let inside = at.and_then(|_| {
                let control = element
                    .query_selector("input, textarea, select, button")
                    .ok()??;
                control.dyn_into::<HtmlElement>().ok()
            });
            focus(Some(inside.unwrap_or(element)));
            name();
        }
        None if tries > 0 => {
            let (route, at) = (route.clone(), at.map(str::to_owned));
            after(50, move || to(app, &route, at.as_deref(), tries - 1));
        }
        None => name(),
    }
}

fn by_path(path: &str) -> Option<HtmlElement> {
    document().get_element_by_id(&anchor(path))?.dyn_into().ok()
}

/// The element of a field, or of the nearest thing around it.
fn named(path: &str) -> Option<HtmlElement> {
    let mut path = path;
    loop {
        if let Some(element) = by_path(path) {
            return Some(element);
        }
        path = path.rsplit_once('/')?.0;
    }
}

/// Names the window after the page.
fn name() {
    let heading = find("#main h1").and_then(|heading| heading.text_content());
    document().set_title(&match heading {
        Some(heading) if !heading.is_empty() => format!("{heading} · Sổ Kiểm"),
        _ => "Sổ Kiểm".to_owned(),
    });
}

/// To the element of a field or of an element of a record, as soon as it is drawn.
pub(crate) fn on_path(path: &str) {
    fn try_again(path: String, tries: u32) {
        match by_path(&path) {
            Some(element) => {
                let control = element.query_selector("input, textarea").ok().flatten();
                let control = control.and_then(|control| control.dyn_into().ok());
                focus(Some(control.unwrap_or(element)));
            }
            None if tries > 0 => after(50, move || try_again(path, tries - 1)),
            None => {}
        }
    }
    try_again(path.to_owned(), TRIES);
}
