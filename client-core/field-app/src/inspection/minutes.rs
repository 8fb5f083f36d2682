//! The head of the minutes, and who was there.

use std::collections::BTreeMap;

use leptos::prelude::*;
use serde_json::Value as Json;

use super::Page;
use crate::{
    erased::{maybe, part, tap},
    form::{
        Form,
        elements::{self, Look},
        input, set,
    },
    shell::failure_of,
    words::{self, t},
};

/// The section.
pub(super) fn section(page: Page) -> AnyView {
    let form = page.form;
    let fields = |names: &[&'static str]| -> Vec<AnyView> {
        names.iter().map(|name| input::named(form, name)).collect()
    };
    view! {
        {now(form)}
        {fields(&["inspected_on", "started_ms", "ended_ms", "place", "position"])}
        {team(form)}
        {people(form, "representatives", t("Đại diện đơn vị", "Representatives of the unit"), t("Thêm người", "Add somebody"), person)}
        {people(form, "absentees", t("Vắng mặt", "Absent"), t("Thêm người vắng", "Add somebody absent"), absentee)}
        <section class="group">
            <h3>{t("Căn cứ và số bản", "Basis and copies")}</h3>
            {fields(&["issuing_body", "number", "legal_basis", "copies"])}
        </section>
    }
    .into_any()
}

/// The day and the beginning with one touch, while neither is recorded.
fn now(form: Form) -> AnyView {
    let failure = RwSignal::new(None);
    let empty = Memo::new(move |_| {
        form.text("inspected_on").is_empty() && form.text("started_ms").is_empty()
    });
    let begin = part(move || {
        let begin = move || {
            let edits = [
                set("inspected_on", Json::from(words::day_from_now(0))),
                set("started_ms", now_ms()),
            ];
            form.write_now(edits.into_iter().flatten().collect(), failure);
        };
        maybe((empty.get() && form.writable()).then(|| {
            view! { <p><button type="button" on:click=tap(begin)>{t("Bắt đầu kiểm tra bây giờ", "The visit begins now")}</button></p> }.into_any()
        }))
    });
    view! { {begin} {failure_of(failure)} }.into_any()
}

/// Now, as records hold it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "milliseconds of our time fit in 64 bits"
)]
pub(super) fn now_ms() -> Json {
    Json::from(crate::browser::now_ms() as i64)
}

fn nobody(_: Form) -> BTreeMap<String, Json> {
    BTreeMap::new()
}

fn people(
    form: Form,
    collection: &'static str,
    title: &'static str,
    more: &'static str,
    card: fn(Form, &str) -> AnyView,
) -> AnyView {
    let look = Look {
        collection,
        title,
        card,
    };
    elements::elements(form, look, elements::more(form, collection, more, nobody))
}

fn fields(form: Form, path: &str, names: &[&str]) -> AnyView {
    let fields: Vec<_> = names
        .iter()
        .map(|name| input::field(form, &format!("{path}/{name}"), label(name)))
        .collect();
    view! { <div class="side-by-side">{fields}</div> }.into_any()
}

fn label(name: &str) -> &'static str {
    match name {
        "name" => t("Họ tên", "Name"),
        "title" => t("Chức vụ", "Title"),
        "body" => t("Cơ quan", "Body"),
        _ => t("Lý do", "Reason"),
    }
}

fn person(form: Form, path: &str) -> AnyView {
    fields(form, path, &["name", "title"])
}

fn absentee(form: Form, path: &str) -> AnyView {
    fields(form, path, &["name", "title", "reason"])
}

fn member(form: Form, path: &str) -> AnyView {
    fields(form, path, &["name", "title", "body"])
}

/// Who inspects. The officer whose device it is, with one touch.
fn team(form: Form) -> AnyView {
    let app = form.app;
    let look = Look {
        collection: "team",
        title: t("Đoàn kiểm tra", "The team"),
        card: member,
    };
    let there = Memo::new(move |_| {
        let name = own(form, |name, _| name.to_owned());
        name.is_some_and(|name| {
            elements::keys(form, "team", false)
                .iter()
                .any(|key| form.text(&format!("team/{key}/name")) == name)
        })
    });
    let me = part(move || {
        let known = app
            .core
            .standing
            .with(|one| one.as_ref().is_some_and(|one| one.owner.is_some()));
        maybe(
            (known && !there.get())
                .then(|| elements::more(form, "team", t("Thêm tôi", "Add me"), officer)),
        )
    });
    let buttons =
        view! { {me} {elements::more(form, "team", t("Thêm người", "Add somebody"), nobody)} };
    elements::elements(form, look, buttons.into_any())
}

fn own<T>(form: Form, see: impl FnOnce(&str, &str) -> T) -> Option<T> {
    form.app.core.standing.with_untracked(|standing| {
        let owner = standing.as_ref()?.owner.as_ref()?;
        Some(see(&owner.account_name, &owner.account_title))
    })
}

fn officer(form: Form) -> BTreeMap<String, Json> {
    let fields = own(form, |name, title| {
        [("name", name), ("title", title)]
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (key.to_owned(), Json::from(text)))
            .collect()
    });
    fields.unwrap_or_default()
}
