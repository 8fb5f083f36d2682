//! What is offered or told above a page: a newer version, what was rescued, what could not be saved.

use leptos::prelude::*;
use web_sys::CustomEvent;

use crate::{
    app::App,
    erased::{nothing, part, tap},
    route::{Route, Section},
    words::{self, t},
};

/// All of it.
pub(super) fn offers(app: App) -> AnyView {
    view! { <div class="offers">{update(app)} {rescued(app)} {unsaved(app)} {broken(app)}</div> }
        .into_any()
}

fn update(app: App) -> AnyView {
    // Never by itself: an officer in the middle of a record finishes that first.
    let accept = move || {
        app.save_typed();
        if let Ok(event) = CustomEvent::new("sokiem-update-accept") {
            let _ = window().dispatch_event(&event);
        }
    };
    part(move || {
        if !app.update.get() {
            return nothing();
        }
        view! {
            <div class="offer" role="status">
                <p>{t("Có phiên bản mới của ứng dụng.", "A newer version of the app is there.")}</p>
                <button class="plain" on:click=tap(accept)>{t("Cập nhật", "Update")}</button>
                <button class="plain" on:click=tap(move || app.update.set(false))>{t("Để sau", "Later")}</button>
            </div>
        }
        .into_any()
    })
}

fn rescued(app: App) -> AnyView {
    let seen = RwSignal::new(false);
    let text = Memo::new(move |_| {
        app.core.session.with(|session| {
            let rescued = session.as_ref()?.rescued.as_ref()?;
            Some(words::of(rescued))
        })
    });
    part(move || {
        match text.get() {
        Some(text) if !seen.get() => view! {
            <div class="wrong" role="alert">
                <p>{text}</p>
                <button class="plain" on:click=tap(move || seen.set(true))>{t("Đã đọc", "Read")}</button>
            </div>
        }
        .into_any(),
        _ => nothing(),
    }
    })
}

fn unsaved(app: App) -> AnyView {
    let count = Memo::new(move |_| app.drafts.with(Vec::len));
    part(move || {
        match count.get() {
        0 => nothing(),
        count => view! {
            <div class="wrong" role="alert">
                <p><strong>{count}</strong> " " {t(
                    "ô đã gõ mà chưa lưu được. Chữ vẫn còn trên màn hình: đừng đóng trang, hãy mở lại ô đó và bấm “Thử lại”.",
                    "fields were typed and could not be saved. The text is still here: do not close the page; go to the field and press “Try again”.",
                )}</p>
                <ul>{move || app.drafts.with(|drafts| drafts.iter().map(place).collect::<Vec<_>>())}</ul>
                <p>{t("Nếu vẫn không lưu được: ", "If it still can't be saved: ")} <a href=Route::Device.to_string()>{t("Xuất dữ liệu đã lưu ra tệp", "Export what was saved to a file")}</a></p>
            </div>
        }
        .into_any(),
    }
    })
}

fn place(draft: &crate::app::Draft) -> AnyView {
    let path = draft.path.parse();
    let name = path.map_or_else(|_| draft.path.clone(), |path| words::label(&path));
    let first = draft.path.split('/').next().unwrap_or_default();
    // Units have neither of these; their fields lie on one page.
    let to = if sokiem_record::schema::fields(sokiem_record::id::Kind::Unit)
        .iter()
        .any(|(field, _)| *field == first && *field != "position")
    {
        Route::Unit(draft.document)
    } else {
        Route::Inspection {
            id: draft.document,
            section: Section::of_path(&draft.path),
            at: Some(draft.path.clone()),
        }
    };
    view! { <li><a href=to.to_string()>{name}</a></li> }.into_any()
}

fn broken(app: App) -> AnyView {
    part(move || {
        app.core.broken.with(|failure| match failure {
            Some(failure) => view! {
                <div class="wrong" role="alert">
                    <p>{words::of(&failure.text)}</p>
                    <button class="plain" on:click=tap(super::reload)>{t("Tải lại trang", "Reload the page")}</button>
                </div>
            }
            .into_any(),
            None => nothing(),
        })
    })
}
