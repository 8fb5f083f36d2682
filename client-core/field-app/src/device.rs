//! This device: whose it is, where it may write, how it locks, and everything on it as a file.

use leptos::prelude::*;
use sokiem_web_messages::{ask, session::Standing};

use crate::{
    app::App,
    browser,
    erased::{maybe, part, spawn, tap, typed},
    idle, pin,
    shell::{failure_of, status},
    words::{self, t},
};

/// The page.
pub(crate) fn page(app: App) -> AnyView {
    let lock = move || idle::lock(app);
    view! {
        <h1 tabindex="-1">{t("Máy này", "This device")}</h1>
        {part(move || app.core.standing.with(|standing| maybe(standing.as_ref().map(owner))))}
        <p class="actions">
            {sync_button(app)}
            <button type="button" class="plain" on:click=tap(lock)>{t("Khoá sổ ngay", "Lock now")}</button>
        </p>
        <section class="group">
            <h2>{t("Ngôn ngữ và khoá", "Language and lock")}</h2>
            {language(app)}
            {minutes()}
            <details><summary>{t("Đổi PIN", "Change the PIN")}</summary>{pin::change(app)}</details>
        </section>
        <section class="group">
            <h2>{t("Lưu trữ", "Storage")}</h2>
            {storage(app)}
            {export(app)}
        </section>
        <p class="quiet">{t("Phiên bản ", "Version ")} {env!("CARGO_PKG_VERSION")}</p>
        <p><a href="#/enrol/">{t("Ghi danh lại máy này", "Enrol this device again")}</a></p>
    }
    .into_any()
}

fn owner(standing: &Standing) -> AnyView {
    let fact =
        |name: &'static str, value: String| view! { <dt>{name}</dt><dd>{value}</dd> }.into_any();
    let mut facts = Vec::new();
    if let Some(owner) = &standing.owner {
        let who = if owner.account_title.is_empty() {
            owner.account_name.clone()
        } else {
            format!("{}, {}", owner.account_name, owner.account_title)
        };
        facts.push(fact(t("Cán bộ", "Officer"), who));
        facts.push(fact(t("Máy chủ", "Server"), owner.server_name.clone()));
    }
    facts.push(fact(
        t("Đồng bộ", "Synchronised"),
        status::words_of(&standing.status),
    ));
    let area = |one: &sokiem_web_messages::session::Area| {
        let only_read = (!one.writable).then(|| t(" (chỉ xem)", " (read only)"));
        view! { <li>{one.name.clone()} {only_read}</li> }.into_any()
    };
    let areas: Vec<_> = standing.areas.iter().map(area).collect();
    let count = areas.len();
    view! {
        <dl class="facts">{facts}</dl>
        <details><summary>{t("Địa bàn được giao", "Areas")} " (" {count} ")"</summary><ul>{areas}</ul></details>
    }
    .into_any()
}

/// Synchronises at once.
pub(crate) fn sync_button(app: App) -> AnyView {
    let syncing = Memo::new(move |_| {
        app.core
            .status
            .with(|status| status.as_ref().is_some_and(|one| one.syncing))
    });
    let label = move || {
        if syncing.get() {
            t("Đang đồng bộ…", "Synchronising…")
        } else {
            t("Đồng bộ ngay", "Synchronise now")
        }
    };
    view! { <button type="button" disabled=move || syncing.get() on:click=tap(move || app.core.tell(ask::sync()))>{label}</button> }
        .into_any()
}

fn language(app: App) -> AnyView {
    let choice = |english: bool, code: &'static str, name: &'static str| {
        let checked = words::is_english() == english;
        view! {
            <label class="choice">
                <input type="radio" name="language" prop:checked=checked on:change=typed(move |_| app.speak(english))/>
                <span lang=code>{name}</span>
            </label>
        }
        .into_any()
    };
    view! {
        <div class="field">
            <span class="label" id="l-language">{t("Ngôn ngữ", "Language")}</span>
            <div class="choices" role="radiogroup" aria-labelledby="l-language">
                {choice(false, "vi", "Tiếng Việt")}
                {choice(true, "en", "English")}
            </div>
        </div>
    }
    .into_any()
}

fn minutes() -> AnyView {
    let now = idle::minutes();
    let option = |minutes: u32| {
        let label = format!("{minutes} {}", t("phút", "minutes"));
        view! { <option value=minutes.to_string() selected=minutes == now>{label}</option> }
            .into_any()
    };
    let options: Vec<_> = idle::CHOICES.into_iter().map(option).collect();
    view! {
        <p class="field">
            <label for="minutes">{t("Tự khoá khi không dùng", "Locks when nobody touches it")}</label>
            <select id="minutes" on:change=typed(|minutes| idle::set_minutes(&minutes))>{options}</select>
        </p>
    }
    .into_any()
}

fn storage(app: App) -> AnyView {
    part(move || {
        app.core.session.with(|session| {
            let Some(session) = session else {
                return crate::erased::nothing();
            };
            let kept = match session.persisted {
                Some(true) => t(
                    "Trình duyệt đã hứa giữ dữ liệu của sổ.",
                    "The browser promised to keep the book.",
                ),
                Some(false) => t(
                    "Trình duyệt chưa hứa giữ dữ liệu. Hãy thêm ứng dụng vào màn hình chính, và đồng bộ thường xuyên.",
                    "The browser has not promised to keep the book. Add the app to the home screen, and synchronise often.",
                ),
                None => t(
                    "Không biết trình duyệt có giữ dữ liệu lâu dài không. Hãy đồng bộ thường xuyên.",
                    "It is not known whether the browser keeps the book. Synchronise often.",
                ),
            };
            let class = if session.persisted == Some(true) { "quiet" } else { "notice" };
            let other = (!session.leads).then(|| {
                view! { <p class="quiet">{t("Sổ đang mở ở một thẻ khác; thẻ này dùng chung.", "Another tab holds the book; this one shares it.")}</p> }
                    .into_any()
            });
            view! { <p class=class>{kept}</p> {maybe(other)} }.into_any()
        })
    })
}

/// Everything on this device as one file.
pub(crate) fn export(app: App) -> AnyView {
    let failure = RwSignal::new(None);
    let (busy, done) = (RwSignal::new(false), RwSignal::new(None::<String>));
    let export = move || {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        app.save_typed();
        spawn(async move {
            match app.core.ask_with_bytes(ask::export(), None).await {
                Ok((name, bytes)) => {
                    let given = bytes.is_some_and(|bytes| browser::download(&name, &bytes));
                    done.try_set(given.then_some(name));
                    failure.try_set(None);
                }
                Err(why) => {
                    failure.try_set(Some(why));
                }
            }
            busy.try_set(false);
        });
    };
    let label = move || {
        if busy.get() {
            t("Đang xuất…", "Exporting…")
        } else {
            t("Xuất mọi dữ liệu ra tệp", "Export everything to a file")
        }
    };
    let told = move || {
        let name = done.get()?;
        Some(format!("{} {name}", t("Đã xuất ra tệp", "Exported to")))
    };
    view! {
        <p class="quiet">{t(
            "Dùng khi máy không còn gặp được mạng: đưa tệp này cho quản trị viên. Tệp không được mã hoá.",
            "For a device that will not meet a network again: give this file to the administrator. It is not encrypted.",
        )}</p>
        <p><button type="button" class="plain" disabled=move || busy.get() on:click=tap(export)>{label}</button></p>
        <p class="said" role="status">{told}</p>
        {failure_of(failure)}
    }
    .into_any()
}
