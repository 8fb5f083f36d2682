//! A collection of a record: its elements as cards, one more, one struck out, one brought back.

use std::collections::BTreeMap;

use leptos::prelude::*;
use serde_json::Value as Json;
use sokiem_record::edit::Edit;
use sokiem_web_messages::Failure;

use super::{Form, add, set};
use crate::{
    browser::fresh_key,
    erased::{keyed, maybe, nothing, part, spawn, tap},
    shell::{failure_of, focus},
    words::t,
};

/// The keys of a collection's elements: those that stand, or those that were struck out. In the order in which one device
/// added them.
pub(crate) fn keys(form: Form, collection: &str, removed: bool) -> Vec<String> {
    form.look(collection, |elements| {
        let Some(elements) = elements.as_object() else {
            return Vec::new();
        };
        let is_removed =
            |element: &Json| element.get("removed").and_then(Json::as_bool) == Some(true);
        elements
            .iter()
            .filter(|(_, element)| is_removed(element) == removed)
            .map(|(key, _)| key.clone())
            .collect()
    })
}

/// Adds an element, and goes to it with `go`, which gets its path.
pub(crate) fn add_to(
    form: Form,
    collection: &str,
    fields: BTreeMap<String, Json>,
    failure: RwSignal<Option<Failure>>,
    go: impl FnOnce(&str) + 'static,
) {
    let path = format!("{collection}/{}", fresh_key());
    let Some(edit) = add(&path, fields) else {
        return;
    };
    let base = form.heads();
    spawn(async move {
        let added = form.write(base, vec![edit], None).await;
        if added.is_ok() {
            go(&path);
        }
        failure.try_set(added.err());
    });
}

/// Strikes an element out.
pub(crate) fn remove(form: Form, path: &str, failure: RwSignal<Option<Failure>>) {
    if let Ok(path) = path.parse() {
        form.write_now(vec![Edit::Remove { path }], failure);
    }
}

/// What a collection is called and looks like.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    /// Its key in the record.
    pub(crate) collection: &'static str,
    /// Its heading.
    pub(crate) title: &'static str,
    /// What one element shows, by its path.
    pub(crate) card: fn(Form, &str) -> AnyView,
}

/// A button that adds an element with these fields.
pub(crate) fn more(
    form: Form,
    collection: &'static str,
    label: &'static str,
    fresh: fn(Form) -> BTreeMap<String, Json>,
) -> AnyView {
    let failure = RwSignal::new(None);
    let button = part(move || {
        if !form.writable() {
            return nothing();
        }
        let more = move || add_to(form, collection, fresh(form), failure, focus::on_path);
        view! { <button type="button" class="plain more" on:click=tap(more)>"＋ " {label}</button> }
            .into_any()
    });
    view! { {button} {failure_of(failure)} }.into_any()
}

/// The collection, with what adds to it below.
pub(crate) fn elements(form: Form, look: Look, buttons: AnyView) -> AnyView {
    let failure = RwSignal::new(None);
    let collection = look.collection;
    let cards = keyed(
        move || keys(form, collection, false),
        move |key| card(form, look, &format!("{collection}/{key}"), failure),
    );
    let count = move || keys(form, collection, false).len();
    view! {
        <section class="group" id=focus::anchor(collection) tabindex="-1">
            <h3>{look.title} " " <span class="number">{count}</span></h3>
            {cards}
            {failure_of(failure)}
            <div class="actions">{buttons}</div>
            {struck(form, collection, failure)}
        </section>
    }
    .into_any()
}

fn card(form: Form, look: Look, path: &str, failure: RwSignal<Option<Failure>>) -> AnyView {
    let strike = {
        let path = path.to_owned();
        part(move || {
            if !form.writable() {
                return nothing();
            }
            let path = path.clone();
            let strike = move || remove(form, &path, failure);
            view! { <button type="button" class="plain strike" on:click=tap(strike)>{t("Gạch bỏ", "Strike out")}</button> }.into_any()
        })
    };
    view! {
        <div class="card" role="group" id=focus::anchor(path) tabindex="-1" aria-label=look.title>
            {(look.card)(form, path)}
            <p class="foot">{strike}</p>
        </div>
    }
    .into_any()
}

/// What was struck out can be brought back: nothing is deleted.
fn struck(form: Form, collection: &'static str, failure: RwSignal<Option<Failure>>) -> AnyView {
    let count = Memo::new(move |_| keys(form, collection, true).len());
    part(move || {
        if count.get() == 0 || !form.writable() {
            return nothing();
        }
        let row = move |key: String| {
            let path = format!("{collection}/{key}");
            let name = ["name", "text", "type"]
                .iter()
                .map(|field| form.text(&format!("{path}/{field}")))
                .find(|text| !text.is_empty());
            let bring_back = move || {
                if let Some(edit) = set(&format!("{path}/removed"), Json::Bool(false)) {
                    form.write_now(vec![edit], failure);
                }
            };
            view! {
                <p class="struck"><del>{name.unwrap_or_else(|| "…".to_owned())}</del>
                    <button type="button" class="plain" on:click=tap(bring_back)>{t("Lấy lại", "Bring back")}</button></p>
            }
            .into_any()
        };
        let rows = keyed(move || keys(form, collection, true), row);
        maybe(Some(
            view! { <details><summary>{t("Đã gạch bỏ", "Struck out")} " (" {count.get()} ")"</summary>{rows}</details> }
                .into_any(),
        ))
    })
}
