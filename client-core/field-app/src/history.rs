//! Who changed what in a record, the newest first.

use leptos::prelude::*;
use sokiem_record::id::{DocumentId, Kind};
use sokiem_web_messages::{
    answer::{Change, FieldChange, Record},
    ask,
};

use crate::{
    app::App,
    erased::maybe,
    form::show,
    load::load,
    route::{Route, Section},
    words::{self, t},
};

/// How many changes are shown at first.
const SHOWN: usize = 100;

/// The page.
pub(crate) fn page(app: App, id: DocumentId) -> AnyView {
    let record = load(app, move || ask::record(id));
    let history = load(app, move || ask::history(id));
    let kind = move || {
        record
            .value
            .with(|record| record.as_ref().map(|one: &Record| one.kind))
            .unwrap_or(Kind::Inspection)
    };
    let back = move || {
        let to = match kind() {
            Kind::Unit => Route::Unit(id),
            _ => Route::inspection_of(id, Section::Items),
        };
        view! { <p><a href=to.to_string()>"← " {t("Về hồ sơ", "Back to the record")}</a></p> }
            .into_any()
    };
    let all = RwSignal::new(false);
    view! {
        <h1 tabindex="-1">{t("Lịch sử ghi", "History")}</h1>
        {crate::erased::part(back)}
        {history.show(move |history| {
            let limit = if all.get() { usize::MAX } else { SHOWN };
            let rows: Vec<_> = history.changes.iter().rev().take(limit).map(|one| change(kind(), one)).collect();
            let more = (history.changes.len() > limit).then(|| {
                let more = crate::erased::tap(move || all.set(true));
                view! { <p><button class="plain" on:click=more>{t("Xem tất cả", "Show all")}</button></p> }.into_any()
            });
            view! { <ol class="history">{rows}</ol> {maybe(more)} }.into_any()
        })}
    }
    .into_any()
}

fn change(kind: Kind, change: &Change) -> AnyView {
    let first = change.time_ms == 0 && change.author.name.is_empty();
    let by = if first {
        t("Mở biên bản theo kế hoạch", "Begun as planned").to_owned()
    } else {
        show::author(&change.author, change.time_ms)
    };
    let pending = change
        .received_ms
        .is_none()
        .then(|| crate::list::chip("chip", t("chờ gửi", "to be sent").to_owned()));
    let reason = change
        .reason
        .clone()
        .map(|reason| view! { <p class="reason">{t("Lý do: ", "Why: ")} {reason}</p> }.into_any());
    let fields: Vec<_> = change
        .fields
        .iter()
        .filter_map(|field| set(kind, field))
        .collect();
    view! {
        <li>
            <p class="by">{by} " " {maybe(pending)}</p>
            {maybe(reason)}
            {(!first).then(|| view! { <ul>{fields}</ul> })}
        </li>
    }
    .into_any()
}

/// What programs need and people don't: sizes, keys, hashes.
const UNSAID: [&str; 13] = [
    "account",
    "bytes",
    "camera",
    "device",
    "heads",
    "height",
    "id",
    "key",
    "kind",
    "media_type",
    "schema",
    "thumbnail",
    "width",
];

fn set(kind: Kind, change: &FieldChange) -> Option<AnyView> {
    let key = change.path.keys().last().unwrap_or_default();
    if UNSAID.contains(&key) || key == "signature" {
        return None;
    }
    let name = words::label(&change.path);
    let value = if key == "type" && change.path.as_str().contains("/evidence/") {
        t("thêm ảnh", "a photo was added").to_owned()
    } else {
        show::value(kind, &change.path, &change.after)
    };
    Some(view! { <li>{name} ": " <span class="words">{value}</span></li> }.into_any())
}
