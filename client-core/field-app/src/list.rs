//! Rows of records.

use leptos::prelude::*;
use sokiem_record::id::Kind;
use sokiem_web_messages::answer::Listed;

use crate::{
    app::App,
    erased::{maybe, nothing},
    route::{Route, Section},
    words::{self, t},
};

/// A row that leads somewhere: what it is, and quieter what else there is to say.
pub(crate) fn row(to: String, title: String, about: Vec<String>, marks: AnyView) -> AnyView {
    let about = about.join(" · ");
    view! {
        <li class="row"><a href=to>
            <span class="title">{title}</span>
            {(!about.is_empty()).then(|| view! { <span class="about">{about}</span> })}
            <span class="marks">{marks}</span>
        </a></li>
    }
    .into_any()
}

/// A word in a pill.
pub(crate) fn chip(class: &'static str, text: String) -> AnyView {
    view! { <span class=class>{text}</span> }.into_any()
}

/// Where a record is shown.
pub(crate) fn address(listed: &Listed) -> String {
    match listed.kind {
        Kind::Unit => Route::Unit(listed.document),
        Kind::Inspection => Route::inspection_of(listed.document, Section::Items),
        _ => Route::History(listed.document),
    }
    .to_string()
}

/// What people call a record: an inspection by its unit, since it may have neither number nor date.
pub(crate) fn name(listed: &Listed) -> String {
    match (&listed.subject_title, listed.kind) {
        (Some(unit), Kind::Inspection) if !unit.is_empty() => unit.clone(),
        _ if listed.title.is_empty() => words::title(listed.kind.name()),
        _ => listed.title.clone(),
    }
}

/// The number of an inspection. Where it has none, its title is the unit's name, which stands there already.
pub(crate) fn number(listed: &Listed) -> Option<String> {
    let unit = listed.subject_title.as_deref().unwrap_or_default();
    Some(listed.title.clone()).filter(|title| !title.is_empty() && title != unit)
}

/// What is to be noticed of a record.
pub(crate) fn marks(listed: &Listed) -> AnyView {
    let differs = (listed.conflicts > 0).then(|| {
        let words = format!(
            "{} {}",
            listed.conflicts,
            t("chỗ ghi khác nhau", "differences")
        );
        chip("chip open", words)
    });
    let pending = listed
        .pending
        .then(|| chip("chip", t("chờ gửi", "to be sent").to_owned()));
    view! { {maybe(differs)} {maybe(pending)} }.into_any()
}

/// Any record in a list.
pub(crate) fn record(app: App, listed: &Listed) -> AnyView {
    let mut about = Vec::new();
    if listed.kind == Kind::Inspection {
        about.extend(listed.date.as_deref().map(words::date));
        about.push(words::word(&listed.state));
        about.extend(number(listed));
    } else if !listed.state.is_empty() {
        about.push(words::word(&listed.state));
    }
    about.extend(app.area_name(listed.area));
    row(address(listed), name(listed), about, marks(listed))
}

/// Rows under a heading; nothing where there are none.
pub(crate) fn group(title: &'static str, class: &'static str, rows: Vec<AnyView>) -> AnyView {
    if rows.is_empty() {
        return nothing();
    }
    let count = rows.len();
    view! {
        <section class=class>
            <h2>{title} " " <span class="number">{count}</span></h2>
            <ul class="rows">{rows}</ul>
        </section>
    }
    .into_any()
}
