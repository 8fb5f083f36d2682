//! The PIN: chosen when the book begins, asked for when it is locked, changed.

mod keep_out;

use leptos::prelude::*;
use sokiem_web_messages::{Failure, ask};

pub(crate) use keep_out::unlock;

use crate::{
    app::App,
    erased::{sent, spawn, typed},
    shell::failure_of,
    words::t,
};

/// At least so many characters.
const SHORTEST: usize = 6;

/// A field for a PIN. Numbers come first on the keyboard; anything else may be typed too.
fn field(id: &'static str, label: &'static str, value: RwSignal<String>, new: bool) -> AnyView {
    let complete = if new {
        "new-password"
    } else {
        "current-password"
    };
    view! {
        <p class="field">
            <label for=id>{label}</label>
            <input id=id type="password" inputmode="numeric" autocomplete=complete required
                prop:value=move || value.get() on:input=typed(move |text| value.set(text))/>
        </p>
    }
    .into_any()
}

fn refuse(vi: &str, en: &str) -> Failure {
    Failure::new("pin", vi, en)
}

/// What speaks against a new PIN.
fn against(first: &str, second: &str) -> Option<Failure> {
    if first.chars().count() < SHORTEST {
        return Some(refuse(
            "PIN cần ít nhất 6 ký tự.",
            "A PIN takes at least 6 characters.",
        ));
    }
    (first != second).then(|| {
        refuse(
            "Hai lần gõ không giống nhau. Hãy gõ lại.",
            "The two are not the same. Type them again.",
        )
    })
}

/// Choosing a PIN for a book that begins.
pub(crate) fn begin(app: App) -> AnyView {
    let (first, second) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let failure = RwSignal::new(None);
    let busy = RwSignal::new(false);
    let begin = move || {
        let pin = first.get_untracked();
        failure.set(against(&pin, &second.get_untracked()));
        if failure.with_untracked(Option::is_some) || busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn(async move {
            let begun = app.core.ask_session(ask::begin(pin)).await;
            busy.try_set(false);
            failure.try_set(begun.err());
        });
    };
    view! {
        <h1 tabindex="-1">{t("Đặt PIN cho sổ trên máy này", "Choose a PIN for the book on this device")}</h1>
        <p>{t(
            "Sổ được mã hoá bằng PIN này. Không ai mở được sổ nếu không biết PIN, kể cả quản trị viên: quên PIN thì những gì chưa gửi sẽ mất.",
            "The book is encrypted with this PIN. Nobody opens it without, not even an administrator: what was not sent is lost when the PIN is.",
        )}</p>
        <form on:submit=sent(begin)>
            {field("pin-first", t("PIN mới (ít nhất 6 ký tự)", "New PIN (at least 6 characters)"), first, true)}
            {field("pin-second", t("Gõ lại PIN", "The same again"), second, true)}
            {failure_of(failure)}
            <p><button type="submit" disabled=move || busy.get()>{t("Bắt đầu", "Begin")}</button></p>
        </form>
    }
    .into_any()
}

/// Changing the PIN.
pub(crate) fn change(app: App) -> AnyView {
    let from = RwSignal::new(String::new());
    let (first, second) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let failure = RwSignal::new(None);
    let (busy, done) = (RwSignal::new(false), RwSignal::new(false));
    let change = move || {
        let to = first.get_untracked();
        done.set(false);
        failure.set(against(&to, &second.get_untracked()));
        if failure.with_untracked(Option::is_some) || busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn(async move {
            let ask = ask::change_pin(from.get_untracked(), to);
            let changed = app.core.ask_session(ask).await;
            busy.try_set(false);
            if changed.is_ok() {
                for field in [from, first, second] {
                    field.try_set(String::new());
                }
                done.try_set(true);
            }
            failure.try_set(changed.err());
        });
    };
    let is_done = move || {
        let done = done.get();
        if done {
            t("Đã đổi PIN.", "The PIN was changed.")
        } else {
            ""
        }
    };
    view! {
        <form on:submit=sent(change)>
            {field("pin-from", t("PIN hiện nay", "PIN so far"), from, false)}
            {field("pin-first", t("PIN mới (ít nhất 6 ký tự)", "New PIN (at least 6 characters)"), first, true)}
            {field("pin-second", t("Gõ lại PIN mới", "The new one again"), second, true)}
            {failure_of(failure)}
            <p class="said" role="status">{is_done}</p>
            <p><button type="submit" disabled=move || busy.get()>{t("Đổi PIN", "Change the PIN")}</button></p>
        </form>
    }
    .into_any()
}
