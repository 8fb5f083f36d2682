//! Makes this installation an officer's device: by a link, by the camera, or by typing the code.

mod scan;

use leptos::prelude::*;
use sokiem_web_messages::ask;

use crate::{
    app::App,
    erased::{part, sent, spawn, tap, typed},
    route::Route,
    shell::failure_of,
    words::t,
};

/// The code that the address names, if it does.
pub(crate) fn code_of(app: App) -> String {
    app.route.with_untracked(|route| match route {
        Route::Enrol(code) => code.clone(),
        _ => String::new(),
    })
}

/// The code inside of what a camera read or somebody pasted: an address of this app, one of the terminal program, or the code alone.
fn code_in(text: &str) -> String {
    let text = text.trim();
    let code = match (text.rsplit_once("enrol/"), text.split_once("code=")) {
        (Some((_, code)), _) => code,
        (None, Some((_, rest))) => rest.split('&').next().unwrap_or_default(),
        (None, None) => text,
    };
    code.trim_matches('/').to_owned()
}

/// What kind of thing this is, until its owner says better.
fn guess() -> &'static str {
    let agent = window().navigator().user_agent().unwrap_or_default();
    if agent.contains("iPad") {
        "iPad"
    } else if agent.contains("iPhone") {
        "iPhone"
    } else if agent.contains("Android") {
        t("Điện thoại Android", "Android phone")
    } else {
        t("Máy tính", "Computer")
    }
}

/// The page.
pub(crate) fn page(app: App, code: Option<String>) -> AnyView {
    let code = RwSignal::new(code_in(&code.unwrap_or_default()));
    let name = RwSignal::new(guess().to_owned());
    let failure = RwSignal::new(None);
    let (busy, scanning) = (RwSignal::new(false), RwSignal::new(false));
    let enrol = move || {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        failure.set(None);
        spawn(async move {
            let ask = ask::enrol(code.get_untracked(), name.get_untracked());
            match app.core.ask(ask).await {
                Ok(standing) => {
                    // The address holds the code no longer than it takes.
                    Route::Today.instead();
                    app.core.status.set(Some(standing.status.clone()));
                    app.core.standing.set(Some(standing));
                }
                Err(why) => {
                    failure.try_set(Some(why));
                }
            }
            busy.try_set(false);
        });
    };
    let found = move |text: String| {
        scanning.set(false);
        code.set(code_in(&text));
    };
    let camera = part(move || {
        if !scan::possible() {
            return crate::erased::nothing();
        }
        if scanning.get() {
            return scan::scan(found, move || scanning.set(false));
        }
        view! {
            <p><button type="button" class="plain" on:click=tap(move || scanning.set(true))>
                {t("Quét mã QR bằng camera", "Scan the QR code with the camera")}
            </button></p>
        }
        .into_any()
    });
    let again = app.core.status.with_untracked(|status| status.as_ref().is_some_and(|one| one.enrolled)).then(|| {
        view! {
            <p class="notice">{t(
                "Máy này đã được ghi danh. Chỉ ghi danh lại khi được báo là cần; mọi điều đã ghi vẫn còn.",
                "This device is enrolled. Enrol again only when told that it needs to; everything recorded stays.",
            )}</p>
        }
        .into_any()
    });
    view! {
        <h1 tabindex="-1">{t("Ghi danh máy này", "Enrol this device")}</h1>
        <p>{t(
            "Quản trị viên cho mã ghi danh dùng một lần. Việc này cần có mạng.",
            "An administrator gives you a code that works once. This needs a network.",
        )}</p>
        {crate::erased::maybe(again)}
        {camera}
        <form on:submit=sent(enrol)>
            <p class="field">
                <label for="code">{t("Mã ghi danh", "Enrolment code")}</label>
                <input id="code" required autocomplete="off" autocapitalize="characters" spellcheck="false" class="code"
                    prop:value=move || code.get() on:input=typed(move |text| code.set(text))/>
            </p>
            <p class="field">
                <label for="device-name">{t("Tên máy, để đồng nghiệp nhận ra", "A name for the device, for colleagues to know it")}</label>
                <input id="device-name" required maxlength="100"
                    prop:value=move || name.get() on:input=typed(move |text| name.set(text))/>
            </p>
            {failure_of(failure)}
            <p><button type="submit" disabled=move || busy.get()>
                {move || if busy.get() { t("Đang ghi danh…", "Enrolling…") } else { t("Ghi danh", "Enrol") }}
            </button></p>
        </form>
    }
    .into_any()
}
