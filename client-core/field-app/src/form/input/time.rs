//! Days and moments. The browser's own control shows them in its own order, so they stand beside it once more, day first.

use js_sys::Date;
use leptos::prelude::*;
use wasm_bindgen::JsValue;

use super::super::field::Field;
use crate::{
    browser,
    erased::{tap, typed},
    words::{self, t},
};

/// Days from now that a deadline is often set to.
const DEADLINES: [u32; 3] = [7, 15, 30];

/// A day.
pub(super) fn date(field: Field, id: &str) -> AnyView {
    let read = move || {
        field.text.with(|day| {
            let weekday = words::weekday(day)?;
            Some(format!("{weekday}, {}", words::date(day)))
        })
    };
    let path = field.path();
    let quick = if path.ends_with("deadline") {
        let quick = |days: u32| {
            let choose = move || field.choose(words::day_from_now(days));
            let label = format!("+{days} {}", t("ngày", "days"));
            view! { <button type="button" class="plain" on:click=tap(choose)>{label}</button> }
                .into_any()
        };
        DEADLINES.into_iter().map(quick).collect::<Vec<_>>()
    } else {
        let choose = move || field.choose(words::day_from_now(0));
        vec![view! { <button type="button" class="plain" on:click=tap(choose)>{t("Hôm nay", "Today")}</button> }.into_any()]
    };
    view! {
        <p class="actions">
            <input id=id.to_owned() type="date" min="1900-01-01" max="2100-12-31"
                prop:value=move || field.text.get()
                on:change=typed(move |text| field.choose(text))/>
            {quick}
        </p>
        <p class="read">{read}</p>
    }
    .into_any()
}

/// A moment.
pub(super) fn moment(field: Field, id: &str) -> AnyView {
    let read = move || field.text.with(|ms| ms.parse().ok().map(words::moment));
    let now = move || field.choose(whole(browser::now_ms()));
    let choose = move |text: String| {
        field.choose(if text.is_empty() {
            text
        } else {
            // Without a zone it is read in the device's own.
            whole(Date::new(&JsValue::from_str(&text)).get_time())
        });
    };
    view! {
        <p class="actions">
            <input id=id.to_owned() type="datetime-local"
                prop:value=move || field.text.with(|ms| local(ms)) on:change=typed(choose)/>
            <button type="button" class="plain" on:click=tap(now)>{t("Bây giờ", "Now")}</button>
        </p>
        <p class="read">{read}</p>
    }
    .into_any()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "milliseconds of our time fit in 64 bits"
)]
fn whole(ms: f64) -> String {
    if ms.is_finite() {
        (ms as i64).to_string()
    } else {
        String::new()
    }
}

/// As the browser's control wants it: `YYYY-MM-DDTHH:MM` in the device's time zone.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of our time fit in 53 bits"
)]
fn local(ms: &str) -> String {
    let Ok(ms) = ms.parse::<i64>() else {
        return String::new();
    };
    let date = Date::new(&JsValue::from_f64(ms as f64));
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}",
        date.get_full_year(),
        date.get_month() + 1,
        date.get_date(),
        date.get_hours(),
        date.get_minutes()
    )
}
