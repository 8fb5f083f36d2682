//! The locked book: takes a PIN, and after wrong ones lets one wait, longer each time.

use leptos::prelude::*;
use sokiem_web_messages::ask;

use super::field;
use crate::{
    app::App,
    browser::now_ms,
    erased::{after, effect, part, sent, spawn},
    shell::failure_of,
    words::t,
};

/// The page of a locked book.
pub(crate) fn unlock(app: App) -> AnyView {
    let pin = RwSignal::new(String::new());
    let failure = RwSignal::new(None);
    let busy = RwSignal::new(false);
    let left_s = waiting(app);
    let unlock = move || {
        if busy.get_untracked() || left_s.get_untracked() > 0 {
            return;
        }
        busy.set(true);
        spawn(async move {
            let opened = app.core.ask_session(ask::unlock(pin.get_untracked())).await;
            busy.try_set(false);
            if opened.is_err() {
                pin.try_set(String::new());
                // It knows how long one has to wait now.
                let _ = app.core.ask_session(ask::session()).await;
            }
            failure.try_set(opened.err());
        });
    };
    let wait = part(move || {
        let (left_s, wrong) = (left_s.get(), wrong(app));
        if left_s == 0 && wrong == 0 {
            return crate::erased::nothing();
        }
        let wrong = format!(
            "{}: {wrong}.",
            t("Số lần gõ sai liên tiếp", "Wrong PINs in a row")
        );
        let wait = match left_s {
            0 => String::new(),
            left_s => format!(
                " {} {left_s} {}.",
                t("Hãy đợi", "Wait"),
                t("giây rồi thử lại", "seconds, then try again")
            ),
        };
        view! { <p class="notice">{wrong} {wait}</p> }.into_any()
    });
    view! {
        <h1 tabindex="-1">{t("Sổ đang khoá", "The book is locked")}</h1>
        <form on:submit=sent(unlock)>
            {field("pin", "PIN", pin, false)}
            {failure_of(failure)}
            {wait}
            <p><button type="submit" disabled=move || busy.get() || left_s.get() != 0>
                {move || if busy.get() { t("Đang mở…", "Opening…") } else { t("Mở sổ", "Open the book") }}
            </button></p>
        </form>
        <details>
            <summary>{t("Quên PIN?", "Forgot the PIN?")}</summary>
            <p>{t(
                "Không ai mở được sổ mà không có PIN. Những gì đã gửi đều nằm trên máy chủ: hãy báo quản trị viên để thu hồi máy này và ghi danh lại.",
                "Nobody can open the book without it. What was sent is on the server: ask the administrator to revoke this device and enrol it again.",
            )}</p>
        </details>
    }
    .into_any()
}

fn wrong(app: App) -> u32 {
    app.core
        .session
        .with(|session| session.as_ref().map_or(0, |one| one.wrong))
}

/// How many seconds are left until a PIN is looked at again.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a number of seconds, checked to be positive; a wait of thousands of years may be shown wrong"
)]
fn waiting(app: App) -> RwSignal<u32> {
    let left_s = RwSignal::new(0);
    let until_ms = StoredValue::new(0.0);
    let runs = StoredValue::new(false);
    fn tick(left_s: RwSignal<u32>, until_ms: StoredValue<f64>, runs: StoredValue<bool>) {
        let Some(until) = until_ms.try_get_value() else {
            return;
        };
        let left_ms = (until - now_ms()).max(0.0);
        left_s.try_set((left_ms / 1_000.0).ceil() as u32);
        runs.try_set_value(left_ms > 0.0);
        if left_ms > 0.0 {
            after(1_000, move || tick(left_s, until_ms, runs));
        }
    }
    effect(move || {
        let wait_ms = app
            .core
            .session
            .with(|session| session.as_ref().map_or(0, |one| one.wait_ms));
        until_ms.set_value(now_ms() + wait_ms as f64);
        if !runs.get_value() {
            tick(left_s, until_ms, runs);
        }
    });
    left_s
}
