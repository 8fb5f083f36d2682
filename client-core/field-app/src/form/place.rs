//! A position: taken from the device where one stands, shown, opened in a map.

use leptos::prelude::*;

use super::{field::Field, show};
use crate::{
    browser::position,
    erased::{maybe, part, spawn, tap},
    words::t,
};

/// Where it is, as a link that a phone opens in its map.
pub(crate) fn shown(uri: &str) -> AnyView {
    if uri.is_empty() {
        return view! { <span class="none">"–"</span> }.into_any();
    }
    // Apps that open maps know the address without how far off it may be.
    let to = uri.split(';').next().unwrap_or_default().to_owned();
    view! { <a href=to>{show::place(uri)}</a> }.into_any()
}

/// The control.
pub(super) fn control(field: Field) -> AnyView {
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
                field.form.app.fix.set(Some(fix));
                if field.state.try_get_untracked().is_some() {
                    field.choose(fix.uri());
                }
            }
        });
    };
    let clear = part(move || {
        let filled = field.text.with(|text| !text.is_empty());
        maybe(filled.then(|| {
            let clear = move || field.choose(String::new());
            view! { <button type="button" class="plain" on:click=tap(clear)>{t("Xoá vị trí", "Clear")}</button> }.into_any()
        }))
    });
    view! {
        <p class="place">{part(move || field.text.with(|uri| shown(uri)))}</p>
        <p class="actions">
            <button type="button" class="plain" on:click=tap(take)>
                {move || if busy.get() { t("Đang tìm vị trí…", "Finding the position…") } else { t("Lấy vị trí ở đây", "Take the position here") }}
            </button>
            {clear}
        </p>
        <p class="said" role="status">{move || trouble.get().map(position::NoFix::words)}</p>
    }
    .into_any()
}
