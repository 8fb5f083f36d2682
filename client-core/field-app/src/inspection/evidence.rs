//! One photo of a record: small in its place, large at a touch, with what is said of it and where its bytes are.

use leptos::{html::Dialog, prelude::*};
use serde_json::Value as Json;
use sokiem_web_messages::{answer::File, session::Text};
use web_sys::HtmlDialogElement;

use super::{Page, picture::picture};
use crate::{
    erased::{heard, maybe, nothing, part, tap},
    form::{Form, elements, input, show},
    shell::{failure_of, focus::anchor},
    words::{self, t},
};

/// The photo at a path of the record, whose last key is its hash.
pub(super) fn evidence(form: Form, path: &str) -> AnyView {
    let hash = path.rsplit('/').next().unwrap_or_default().to_owned();
    let small = form.record.with_untracked(|record| {
        let fields = &record.as_ref()?.fields;
        let thumbnail = crate::form::inside(fields, &format!("{path}/thumbnail"))?;
        thumbnail.as_str().map(str::to_owned)
    });
    let open = RwSignal::new(false);
    let caption = {
        let path = format!("{path}/caption");
        move || {
            let caption = form.text(&path);
            if caption.is_empty() {
                t("Ảnh minh chứng", "Photo").to_owned()
            } else {
                caption
            }
        }
    };
    let thumbnail = small.unwrap_or_else(|| hash.clone());
    let large = {
        let (path, hash) = (path.to_owned(), hash.clone());
        part(move || {
            if open.get() {
                enlarged(form, path.clone(), &hash, open)
            } else {
                nothing()
            }
        })
    };
    view! {
        <figure class="photo" id=anchor(path) tabindex="-1">
            <button type="button" class="thumb" on:click=tap(move || open.set(true))>
                {picture(form.app, form.document, &thumbnail, caption.clone())}
            </button>
            <figcaption>{state(hash)}</figcaption>
            {large}
        </figure>
    }
    .into_any()
}

/// Where the bytes are: waiting, on their way, refused. Nothing where the server has them.
fn state(hash: String) -> AnyView {
    let Some(page) = use_context::<Page>() else {
        return nothing();
    };
    part(move || {
        page.look(|read| {
            let mut files = read.files.iter();
            files.find(|one| one.hash.to_string() == hash).map(of_file)
        })
        .unwrap_or_else(nothing)
    })
}

/// The same of any file.
pub(crate) fn of_file(file: &File) -> AnyView {
    match file.state.as_str() {
        "waiting" if file.sent > 0 && file.bytes > 0 => {
            let words = format!("{} / {}", words::size(file.sent), words::size(file.bytes));
            view! {
                <progress max=file.bytes.to_string() value=file.sent.to_string() aria-label=t("Đang gửi ảnh", "Sending the photo")></progress>
                <span class="quiet">{words}</span>
            }
            .into_any()
        }
        "waiting" => view! { <span class="quiet">{t("chờ gửi", "to be sent")} " · " {words::size(file.bytes)}</span> }.into_any(),
        "refused" => {
            let why = words::of(&Text {
                vi: file.reason_vi.clone().unwrap_or_default(),
                en: file.reason_en.clone().unwrap_or_default(),
            });
            view! { <span class="bad">{t("bị từ chối: ", "refused: ")} {why}</span> }.into_any()
        }
        _ => nothing(),
    }
}

fn enlarged(form: Form, path: String, hash: &str, open: RwSignal<bool>) -> AnyView {
    let failure = RwSignal::new(None);
    let dialog = NodeRef::<Dialog>::new();
    dialog.on_load(|dialog: HtmlDialogElement| {
        let _ = dialog.show_modal();
    });
    let close = move || {
        // Closing gives the focus back to where it was.
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let about = {
        let path = path.clone();
        move || {
            form.look(&path, |photo| {
                let taken = photo.get("taken_ms").and_then(Json::as_i64);
                let place = photo.get("position").and_then(Json::as_str);
                let mut parts = Vec::new();
                parts.extend(
                    taken.map(|ms| format!("{} {}", t("chụp lúc", "taken at"), words::moment(ms))),
                );
                parts.extend(place.map(show::place));
                parts.join(" · ")
            })
        }
    };
    let strike = form.writable().then(|| {
        let path = path.clone();
        let strike = move || {
            close();
            elements::remove(form, &path, failure);
        };
        view! { <button type="button" class="plain strike" on:click=tap(strike)>{t("Gạch bỏ ảnh", "Strike the photo out")}</button> }.into_any()
    });
    view! {
        <dialog node_ref=dialog class="large" aria-label=t("Ảnh minh chứng", "Photo") on:close=heard(move || open.set(false))>
            <p class="actions end"><button type="button" class="plain" on:click=tap(close)>{t("Đóng", "Close")}</button></p>
            {picture(form.app, form.document, hash, || t("Ảnh minh chứng", "Photo").to_owned())}
            <p class="quiet">{about}</p>
            {input::field(form, &format!("{path}/caption"), t("Chú thích", "Caption"))}
            {maybe(strike)}
            {failure_of(failure)}
        </dialog>
    }
    .into_any()
}
