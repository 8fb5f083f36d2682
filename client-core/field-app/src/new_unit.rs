//! A unit that nobody has registered. What is needed to find it again is asked here; the rest on its page.

use std::collections::BTreeMap;

use leptos::prelude::*;
use serde_json::Value as Json;
use sokiem_record::{id::AreaId, limits::MAX_LINE_CHARS, schema::UNIT_KINDS};
use sokiem_web_messages::{Failure, ask, session::Area};

use crate::{
    app::App,
    browser::{fresh_operation, position},
    erased::{maybe, part, sent, spawn, tap, typed},
    route::Route,
    shell::failure_of,
    words::{self, t},
};

/// What is being filled in.
#[derive(Clone, Copy)]
struct Filled {
    area: RwSignal<Option<AreaId>>,
    name: RwSignal<String>,
    kind: RwSignal<String>,
    address: RwSignal<String>,
    phone: RwSignal<String>,
    position: RwSignal<String>,
}

impl Filled {
    fn fields(self) -> BTreeMap<String, Json> {
        [
            ("name", self.name),
            ("unit_kind", self.kind),
            ("address", self.address),
            ("phone", self.phone),
            ("position", self.position),
        ]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.get_untracked().trim().to_owned()))
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| (name, Json::from(text)))
        .collect()
    }
}

/// The page.
pub(crate) fn page(app: App) -> AnyView {
    let filled = Filled {
        area: RwSignal::new(None),
        name: RwSignal::new(app.query.with_untracked(|query| query.text.clone())),
        kind: RwSignal::new(String::new()),
        address: RwSignal::new(String::new()),
        phone: RwSignal::new(String::new()),
        position: RwSignal::new(String::new()),
    };
    let failure = RwSignal::new(None);
    let busy = RwSignal::new(false);
    let create = move || {
        let area = filled.area.get_untracked().or_else(|| only(app));
        let Some(area) = area else {
            failure.set(Some(Failure::new(
                "form",
                "Hãy chọn địa bàn.",
                "Choose an area.",
            )));
            return;
        };
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn(async move {
            let ask = ask::create_unit(fresh_operation(), area, filled.fields());
            match app.core.ask(ask).await {
                Ok(saved) => Route::Unit(saved.document).instead(),
                Err(why) => {
                    failure.try_set(Some(why));
                }
            }
            busy.try_set(false);
        });
    };
    view! {
        <h1 tabindex="-1">{t("Thêm đơn vị", "Add a unit")}</h1>
        <p>{t(
            "Hãy tìm trước xem đơn vị đã có trong sổ chưa, kể cả dưới tên cũ.",
            "Look first whether it is in the book, perhaps under an older name.",
        )}</p>
        <form on:submit=sent(create)>
            {area(app, filled.area)}
            {line("new-name", t("Tên đơn vị", "Name"), filled.name, true)}
            {kind(filled.kind)}
            {line("new-address", t("Địa chỉ", "Address"), filled.address, false)}
            {line("new-phone", t("Điện thoại", "Phone"), filled.phone, false)}
            {place(app, filled.position)}
            {failure_of(failure)}
            <p><button type="submit" disabled=move || busy.get()>{t("Tạo đơn vị", "Add the unit")}</button></p>
        </form>
    }
    .into_any()
}

/// The area, where there is only one to choose.
fn only(app: App) -> Option<AreaId> {
    app.core.standing.with_untracked(|standing| {
        let mut areas = standing.as_ref()?.areas.iter().filter(|one| one.writable);
        let first = areas.next()?.area;
        areas.next().is_none().then_some(first)
    })
}

fn area(app: App, chosen: RwSignal<Option<AreaId>>) -> AnyView {
    let option = |one: &Area| {
        let (id, name) = (one.area.to_string(), one.name.clone());
        view! { <option value=id>{name}</option> }.into_any()
    };
    let options = part(move || {
        let only = only(app).is_some();
        app.core.standing.with(|standing| {
            let areas = standing.as_ref().map_or(&[][..], |one| &one.areas);
            let options: Vec<_> = areas
                .iter()
                .filter(|one| one.writable)
                .map(option)
                .collect();
            let none = (!only).then(|| {
                view! { <option value="">{t("– chọn địa bàn –", "– choose –")}</option> }.into_any()
            });
            view! { {maybe(none)} {options} }.into_any()
        })
    });
    view! {
        <p class="field">
            <label for="new-area">{t("Địa bàn", "Area")}</label>
            <select id="new-area" required on:change=typed(move |id| chosen.set(id.parse().ok()))>{options}</select>
        </p>
    }
    .into_any()
}

fn line(id: &'static str, label: &'static str, text: RwSignal<String>, required: bool) -> AnyView {
    view! {
        <p class="field">
            <label for=id>{label}</label>
            <input id=id required=required autocomplete="off" maxlength=MAX_LINE_CHARS.to_string()
                prop:value=move || text.get() on:input=typed(move |typed| text.set(typed))/>
        </p>
    }
    .into_any()
}

fn kind(chosen: RwSignal<String>) -> AnyView {
    let choice = |word: &'static str| {
        view! {
            <label class="choice">
                <input type="radio" name="new-kind" required on:change=typed(move |_| chosen.set(word.to_owned()))/>
                <span>{words::title(word)}</span>
            </label>
        }
        .into_any()
    };
    let choices: Vec<_> = UNIT_KINDS.iter().map(|word| choice(word)).collect();
    view! {
        <div class="field">
            <p class="head"><span class="label" id="l-new-kind">{t("Loại hình", "Kind")}</span></p>
            <div class="choices" role="radiogroup" aria-labelledby="l-new-kind">{choices}</div>
        </div>
    }
    .into_any()
}

fn place(app: App, position: RwSignal<String>) -> AnyView {
    let busy = RwSignal::new(false);
    let trouble = RwSignal::new(None);
    let take = move || {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn(async move {
            let fix = position::ask(20_000, 0).await;
            busy.try_set(false);
            trouble.try_set(fix.err());
            if let Ok(fix) = fix {
                app.fix.set(Some(fix));
                position.try_set(fix.uri());
            }
        });
    };
    let label = move || {
        if busy.get() {
            t("Đang tìm vị trí…", "Finding the position…")
        } else {
            t("Lấy vị trí ở đây", "Take the position here")
        }
    };
    view! {
        <p class="actions">
            <button type="button" class="plain" on:click=tap(take)>{label}</button>
            <span>{move || position.with(|uri| crate::form::show::place(uri))}</span>
        </p>
        <p class="said" role="status">{move || trouble.get().map(position::NoFix::words)}</p>
    }
    .into_any()
}
