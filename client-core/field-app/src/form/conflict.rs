//! A field that people recorded differently: every value side by side, who wrote it, and one touch that settles it.

use leptos::prelude::*;
use serde_json::Value as Json;
use sokiem_record::{edit::Edit, schema::Path};
use sokiem_web_messages::{
    Failure,
    answer::{Alternative, Conflict},
};

use super::{Form, show};
use crate::{
    erased::{maybe, nothing, part, spawn, tap, typed},
    shell::failure_of,
    words::{self, t},
};

/// Whether people differ in a field.
pub(crate) fn is_at(form: Form, path: &str) -> bool {
    form.record.with(|record| {
        record
            .as_ref()
            .is_some_and(|one| one.conflicts.iter().any(|one| one.path.as_str() == path))
    })
}

/// The values of a field in which people differ; nothing where they don't.
pub(crate) fn sides(form: Form, path: String) -> AnyView {
    let reason = RwSignal::new(String::new());
    let failure = RwSignal::new(None::<Failure>);
    let busy = RwSignal::new(false);
    let settle = move |path: Path, value: Json| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let why = Some(reason.get_untracked()).filter(|reason| !reason.trim().is_empty());
        let base = form.heads();
        spawn(async move {
            let settled = form
                .write(base, vec![Edit::Settle { path, value }], why)
                .await;
            busy.try_set(false);
            failure.try_set(settled.err());
        });
    };
    let find = {
        let path = path.clone();
        Memo::new(move |_| {
            form.record.with(|record| {
                let mut conflicts = record.as_ref()?.conflicts.iter();
                conflicts.find(|one| one.path.as_str() == path).cloned()
            })
        })
    };
    let shown = part(move || {
        find.with(|conflict| match conflict {
            Some(conflict) => values(form, conflict, settle),
            None => nothing(),
        })
    });
    let id = format!("why-{path}");
    view! {
        <div class="clash">
            <p class="lead">{t("Ghi khác nhau", "Recorded differently")}</p>
            {shown}
            <p class="field">
                <label for=id.clone()>{t("Lý do chọn (không bắt buộc)", "Why (may stay empty)")}</label>
                <input id=id maxlength="500" prop:value=move || reason.get() on:input=typed(move |text| reason.set(text))/>
            </p>
            {failure_of(failure)}
        </div>
    }
    .into_any()
}

fn values(
    form: Form,
    conflict: &Conflict,
    settle: impl Fn(Path, Json) + Copy + Send + 'static,
) -> AnyView {
    let writable = form.writable();
    let side = |one: &Alternative| {
        let value = words::capital(&show::value(form.kind, &conflict.path, &one.value));
        let reason = one
            .reason
            .clone()
            .map(|reason| view! { <p class="reason">{reason}</p> }.into_any());
        let (path, chosen) = (conflict.path.clone(), one.value.clone());
        let label = format!("{}: {value}", t("Chọn", "Choose"));
        let button = writable.then(|| {
            let settle = move || settle(path.clone(), chosen.clone());
            view! { <button type="button" on:click=tap(settle)>{label}</button> }.into_any()
        });
        view! {
            <li class="side">
                <p class="value">{value}</p>
                <p class="by">{show::author(&one.author, one.time_ms)}</p>
                {maybe(reason)}
                {maybe(button)}
            </li>
        }
        .into_any()
    };
    let sides: Vec<_> = conflict.alternatives.iter().map(side).collect();
    view! { <ul class="sides">{sides}</ul> }.into_any()
}
