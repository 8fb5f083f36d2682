//! Search among the units: by words, by area, by distance.

use leptos::prelude::*;
use sokiem_web_messages::{
    answer::{Listed, Units},
    ask,
};

use crate::{
    app::App,
    browser::position,
    erased::{after, part, spawn, tap, typed},
    list,
    load::load,
    words::{self, t},
};

/// How many rows come at once.
const PAGE: u32 = 50;

/// How long a pause in typing is, in milliseconds.
const PAUSE_MS: u64 = 120;

/// The page.
pub(crate) fn page(app: App) -> AnyView {
    app.query
        .update_untracked(|query| query.limit = query.limit.max(PAGE));
    let units = load(app, move || ask::units(app.query.get()));
    view! {
        <h1 tabindex="-1">{t("Đơn vị", "Units")}</h1>
        <form class="search" role="search" on:submit=crate::erased::sent(|| {})>
            {words_field(app)}
            {area_field(app)}
            {near_button(app)}
        </form>
        <p class="heard" role="status">{move || units.value.with(|units| units.as_ref().map(found))}</p>
        {units.show(move |units| draw(app, units))}
        <p><a class="button plain" href="#/units/new">{t("Thêm đơn vị chưa có trong sổ", "Add a unit that is not in the book")}</a></p>
    }
    .into_any()
}

fn found(units: &Units) -> String {
    let more = if units.more { "+" } else { "" };
    format!("{}{more} {}", units.units.len(), t("đơn vị", "units"))
}

fn words_field(app: App) -> AnyView {
    let turns = StoredValue::new(0_u32);
    let search = move |text: String| {
        let turn = turns.get_value().wrapping_add(1);
        turns.set_value(turn);
        after(PAUSE_MS, move || {
            // Somebody went on typing, or left the page.
            if turns.try_get_value() == Some(turn) {
                app.query.update(|query| {
                    query.text = text;
                    query.limit = PAGE;
                });
            }
        });
    };
    view! {
        <p class="field wide">
            <label for="search">{t("Tìm theo tên, địa chỉ, người đứng đầu (không cần dấu)", "Find by name, address or head (accents do not matter)")}</label>
            <input id="search" type="search" autocomplete="off" enterkeyhint="search"
                prop:value=app.query.with_untracked(|query| query.text.clone()) on:input=typed(search)/>
        </p>
    }
    .into_any()
}

fn area_field(app: App) -> AnyView {
    let options = move || {
        app.core.standing.with(|standing| {
            let areas = standing.as_ref().map_or(&[][..], |one| &one.areas);
            let chosen = app.query.with_untracked(|query| query.area);
            let options = areas.iter().map(|one| {
                let (id, name) = (one.area.to_string(), one.name.clone());
                view! { <option value=id selected=chosen == Some(one.area)>{name}</option> }
                    .into_any()
            });
            options.collect::<Vec<_>>()
        })
    };
    let choose = move |id: String| {
        app.query.update(|query| {
            query.area = id.parse().ok();
            query.limit = PAGE;
        });
    };
    view! {
        <p class="field">
            <label for="area">{t("Địa bàn", "Area")}</label>
            <select id="area" on:change=typed(choose)>
                <option value="">{t("Tất cả địa bàn", "All areas")}</option>
                {options}
            </select>
        </p>
    }
    .into_any()
}

fn near_button(app: App) -> AnyView {
    let near = Memo::new(move |_| app.query.with(|query| query.near.is_some()));
    let (busy, trouble) = (RwSignal::new(false), RwSignal::new(None));
    let toggle = move || {
        if near.get_untracked() {
            app.query.update(|query| query.near = None);
            return;
        }
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn(async move {
            let fix = position::ask(15_000, 60_000).await;
            busy.try_set(false);
            trouble.try_set(fix.err());
            if let Ok(fix) = fix {
                app.fix.set(Some(fix));
                app.query.update(|query| {
                    query.near = Some((fix.latitude, fix.longitude));
                    query.limit = PAGE;
                });
            }
        });
    };
    let text = move || {
        if busy.get() {
            t("Đang tìm vị trí…", "Finding the position…")
        } else {
            t("Gần tôi", "Near me")
        }
    };
    view! {
        <p class="field">
            <button type="button" class="toggle" aria-pressed=move || if near.get() { "true" } else { "false" }
                on:click=tap(toggle)>{text}</button>
        </p>
        <p class="said" role="status">{move || trouble.get().map(position::NoFix::words)}</p>
    }
    .into_any()
}

fn draw(app: App, units: &Units) -> AnyView {
    if units.units.is_empty() {
        return view! {
            <p class="empty">{t(
                "Không tìm thấy đơn vị nào. Thử ít chữ hơn hoặc bỏ bớt điều kiện.",
                "No unit was found. Try fewer words, or all areas.",
            )}</p>
        }
        .into_any();
    }
    let rows: Vec<_> = units.units.iter().map(|one| row(app, one)).collect();
    let more = units.more;
    let more = part(move || {
        if !more {
            return crate::erased::nothing();
        }
        let next = move || app.query.update(|query| query.limit += PAGE);
        view! { <p><button class="plain" on:click=tap(next)>{t("Xem thêm", "Show more")}</button></p> }
            .into_any()
    });
    view! { <ul class="rows">{rows}</ul> {more} }.into_any()
}

fn row(app: App, listed: &Listed) -> AnyView {
    let mut about = Vec::new();
    about.extend(listed.distance_m.map(words::distance));
    if !listed.state.is_empty() {
        about.push(words::word(&listed.state));
    }
    about.extend(app.area_name(listed.area));
    list::row(
        list::address(listed),
        list::name(listed),
        about,
        list::marks(listed),
    )
}
