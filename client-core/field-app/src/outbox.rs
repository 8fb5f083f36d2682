//! What is not on the server, why, and what happened lately.

use leptos::prelude::*;
use serde_json::Value as Json;
use sokiem_web_messages::{
    Failure,
    answer::{Event, Outbox, Refused, WaitingFile},
    ask,
    session::Status,
};

use crate::{
    app::App,
    device,
    erased::{maybe, part, spawn, tap},
    inspection::of_file,
    list::{self, group},
    load::load,
    route::{Route, Section},
    shell::{failure_of, status},
    words::{self, errors, t},
};

/// The page.
pub(crate) fn page(app: App) -> AnyView {
    let outbox = load(app, ask::outbox);
    let failure = RwSignal::new(None);
    view! {
        <h1 tabindex="-1">{t("Chờ gửi", "Outbox")}</h1>
        {standing(app)}
        {device::sync_button(app)}
        {failure_of(failure)}
        {outbox.show(move |outbox| draw(app, outbox, failure))}
        <section class="group">
            <h2>{t("Xuất dữ liệu", "Export")}</h2>
            {device::export(app)}
        </section>
    }
    .into_any()
}

fn standing(app: App) -> AnyView {
    part(move || {
        app.core
            .status
            .with(|status| maybe(status.as_ref().map(stands)))
    })
}

fn stands(status: &Status) -> AnyView {
    let waits = status::waits(status)
        .unwrap_or_else(|| t("không có gì chờ gửi", "nothing is to be sent").to_owned());
    let since = status.pending_since_ms.map(|ms| {
        format!(
            "{} {}",
            t("lâu nhất từ", "the oldest since"),
            words::moment(ms)
        )
    });
    let bytes = (status.attachments.waiting_bytes > 0).then(|| {
        format!(
            "{} {}",
            t("ảnh còn phải gửi:", "photos to be sent:"),
            words::size(status.attachments.waiting_bytes)
        )
    });
    let next = status
        .next_try_ms
        .filter(|_| status.last_error.is_some())
        .map(|ms| {
            format!(
                "{} {}",
                t("tự thử lại lúc", "next attempt at"),
                words::moment(ms)
            )
        });
    let more: Vec<_> = [since, bytes, next]
        .into_iter()
        .flatten()
        .map(|line| view! { <p class="quiet">{words::capital(&line)}</p> }.into_any())
        .collect();
    let disagree = (!status.disagreeing.is_empty()).then(|| {
        view! { <p class="notice">{t(
            "Máy này và máy chủ chưa giữ giống nhau ở vài địa bàn; lần đồng bộ sau sẽ đối chiếu lại.",
            "This device and the server do not hold the same in some areas; the next synchronisation compares them again.",
        )}</p> }
        .into_any()
    });
    let failure = status.last_error.as_ref().map(|failure| {
        let again = errors::needs_enrolling(failure).then(|| {
            view! { <p><a class="button" href="#/enrol/">{t("Ghi danh lại", "Enrol again")}</a></p> }.into_any()
        });
        let detail = match &failure.detail_vi {
            Some(vi) if !words::is_english() => vi.clone(),
            _ => failure.detail.clone(),
        };
        view! {
            <div class="notice">
                <p><strong>{words::capital(errors::short(failure))}</strong> " · " {words::moment(failure.at_ms)}</p>
                <p>{errors::advice(failure)}</p>
                {maybe(again)}
                <details><summary>{t("Chi tiết", "Details")}</summary><p class="quiet">{failure.code.clone()} ": " {detail}</p></details>
            </div>
        }
        .into_any()
    });
    view! {
        <p class="lead">{words::capital(&waits)}</p>
        <p>{words::capital(&status::verified(status))}</p>
        {more}
        {maybe(disagree)}
        {maybe(failure)}
    }
    .into_any()
}

fn draw(app: App, outbox: &Outbox, failure: RwSignal<Option<Failure>>) -> AnyView {
    let refused: Vec<_> = outbox
        .refused
        .iter()
        .map(|one| refused(app, one, failure))
        .collect();
    let files: Vec<_> = outbox
        .files
        .iter()
        .map(|one| file(app, one, failure))
        .collect();
    let waiting: Vec<_> = outbox
        .waiting
        .iter()
        .map(|one| list::record(app, one))
        .collect();
    let events: Vec<_> = outbox.events.iter().map(event).collect();
    let events = (!events.is_empty()).then(|| {
        view! { <details class="group"><summary>{t("Những việc gần đây", "What happened lately")}</summary><ul class="events">{events}</ul></details> }.into_any()
    });
    view! {
        {group(t("Bị từ chối", "Refused"), "urgent", refused)}
        {group(t("Hồ sơ chờ gửi", "Records to be sent"), "", waiting)}
        {group(t("Ảnh chờ gửi", "Photos to be sent"), "", files)}
        {maybe(events)}
    }
    .into_any()
}

/// A button that takes something refused off this device, after asking whether that is meant.
fn dismiss(
    app: App,
    ask: sokiem_web_messages::Ask<bool>,
    failure: RwSignal<Option<Failure>>,
) -> AnyView {
    let sure = RwSignal::new(false);
    let press = move || {
        if !sure.get_untracked() {
            sure.set(true);
            return;
        }
        let ask = ask.clone();
        spawn(async move {
            failure.try_set(app.core.ask(ask).await.err());
            app.core
                .revision
                .update(|revision| *revision = revision.wrapping_add(1));
        });
    };
    let label = move || {
        if sure.get() {
            t("Bỏ hẳn, không lấy lại được", "Take it off for good")
        } else {
            t("Đã xem, bỏ khỏi máy", "Seen, take it off")
        }
    };
    view! { <button type="button" class="plain" on:click=tap(press)>{label}</button> }.into_any()
}

fn refused(app: App, one: &Refused, failure: RwSignal<Option<Failure>>) -> AnyView {
    let why = if words::is_english() {
        &one.english
    } else {
        &one.vietnamese
    };
    let to = Route::History(one.document).to_string();
    let ask = ask::dismiss_change(one.document, one.hash.clone());
    view! {
        <li class="row plain">
            <span class="title"><a href=to>{one.title.clone()}</a></span>
            <span class="about">{why.clone()} " · " {words::moment(one.noted_ms)}</span>
            {dismiss(app, ask, failure)}
        </li>
    }
    .into_any()
}

fn file(app: App, one: &WaitingFile, failure: RwSignal<Option<Failure>>) -> AnyView {
    let to = Route::inspection_of(one.document, Section::Items).to_string();
    let take_off = (one.file.state == "refused")
        .then(|| dismiss(app, ask::dismiss_file(one.document, one.file.hash), failure));
    let name = match one.file.rendition.as_str() {
        "thumbnail" => t("Ảnh nhỏ", "Thumbnail"),
        _ => t("Ảnh", "Photo"),
    };
    view! {
        <li class="row plain">
            <span class="title"><a href=to>{name}</a></span>
            <span class="about">{of_file(&one.file)}</span>
            {maybe(take_off)}
        </li>
    }
    .into_any()
}

fn event(one: &Event) -> AnyView {
    let detail = match &one.detail {
        Json::Null => String::new(),
        detail => detail.to_string(),
    };
    view! { <li><span class="quiet">{words::moment(one.at_ms)}</span> " " {named(&one.event)} " " <span class="quiet">{detail}</span></li> }
        .into_any()
}

fn named(event: &str) -> String {
    match event {
        "synced" => t("đã đồng bộ", "synced").to_owned(),
        "sync_failed" => t("đồng bộ không được", "could not synchronise").to_owned(),
        "enrolled" => t("đã ghi danh", "enrolled").to_owned(),
        other => other.replace('_', " "),
    }
}
