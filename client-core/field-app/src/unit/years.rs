//! What was decided about a unit, year by year. Written at the desk; read here.

use leptos::prelude::*;
use serde_json::Value as Json;

use crate::{
    erased::{maybe, part},
    form::{Form, show},
    words::{self, t},
};

/// What is worth seeing of a year, in its order.
const FIELDS: [&str; 7] = [
    "registered_on",
    "submitted_on",
    "recognition",
    "recognition_number",
    "recognition_on",
    "classification_scheme",
    "classification",
];

/// The years, the newest first.
pub(super) fn years(form: Form) -> AnyView {
    let years = Memo::new(move |_| {
        form.look("years", |years| {
            let mut found: Vec<String> = Vec::new();
            for key in years.as_object().into_iter().flat_map(|all| all.keys()) {
                if let Some((year, _)) = key.split_once('.')
                    && found.last().is_none_or(|last| last != year)
                {
                    found.push(year.to_owned());
                }
            }
            found.reverse();
            found
        })
    });
    part(move || {
        let rows: Vec<_> = years
            .get()
            .into_iter()
            .filter_map(|year| one(form, &year))
            .collect();
        maybe((!rows.is_empty()).then(|| {
            view! { <section class="group"><h2>{t("Công nhận, xếp loại các năm", "Recognition and classification")}</h2>{rows}</section> }.into_any()
        }))
    })
}

fn one(form: Form, year: &str) -> Option<AnyView> {
    let mut facts = Vec::new();
    for field in FIELDS {
        let path = format!("years/{year}.{field}");
        let Ok(parsed) = path.parse() else { continue };
        let value = form.look(&path, Json::clone);
        if !value.is_null() {
            let value = show::value(form.kind, &parsed, &value);
            facts.push(view! { <dt>{words::title(field)}</dt><dd>{value}</dd> }.into_any());
        }
    }
    (!facts.is_empty())
        .then(|| view! { <h3>{year.to_owned()}</h3><dl class="facts">{facts}</dl> }.into_any())
}
