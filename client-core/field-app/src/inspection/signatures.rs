//! How a visit ends: the unit's own words, the team's remarks, and who signed or would not.

use std::collections::BTreeMap;

use js_sys::ArrayBuffer;
use leptos::prelude::*;
use serde_json::Value as Json;
use sokiem_web_messages::ask;

use super::{Page, minutes::now_ms, operation, pad::pad, picture::picture};
use crate::{
    erased::{maybe, nothing, part, spawn, tap, turn},
    form::{
        Form,
        elements::{self, Look, more},
        field::Field,
        input, set,
    },
    shell::{failure_of, focus::anchor},
    words::{self, t},
};

/// How many signed or would not; the device's own signature is none of a person.
pub(super) fn count(form: Form) -> usize {
    let keys = elements::keys(form, "signatures", false);
    keys.iter()
        .filter(|key| form.text(&format!("signatures/{key}/role")) != "device")
        .count()
}

/// The section.
pub(super) fn section(page: Page) -> AnyView {
    let form = page.form;
    let look = Look {
        collection: "signatures",
        title: t("Chữ ký", "Signatures"),
        card: signature,
    };
    let buttons = view! {
        {more(form, "signatures", t("Đại diện đơn vị", "For the unit"), unit)}
        {more(form, "signatures", t("Đoàn kiểm tra", "For the team"), team)}
        {more(form, "signatures", t("Người chứng kiến", "Witness"), witness)}
    };
    view! {
        {input::field(form, "opinion", t("Ý kiến của đơn vị", "The unit's opinion"))}
        {input::field(form, "remarks", t("Nhận xét của đoàn", "The team's remarks"))}
        <p class="quiet">{t(
            "Chữ ký vẽ trên máy không phải chữ ký số. Nếu ký trên bản giấy, chỉ cần ghi họ tên và chức vụ.",
            "A drawn signature is not a digital signature in law. Whoever signs on paper needs a name and a title only.",
        )}</p>
        {elements::elements(form, look, buttons.into_any())}
    }
    .into_any()
}

fn role(word: &str) -> BTreeMap<String, Json> {
    BTreeMap::from([("role".to_owned(), Json::from(word))])
}

fn unit(_: Form) -> BTreeMap<String, Json> {
    role("unit")
}

fn team(form: Form) -> BTreeMap<String, Json> {
    let mut fields = role("team");
    form.app.core.standing.with_untracked(|standing| {
        if let Some(owner) = standing.as_ref().and_then(|one| one.owner.as_ref()) {
            fields.insert("name".to_owned(), Json::from(owner.account_name.as_str()));
            if !owner.account_title.is_empty() {
                fields.insert("title".to_owned(), Json::from(owner.account_title.as_str()));
            }
        }
    });
    fields
}

fn witness(_: Form) -> BTreeMap<String, Json> {
    role("witness")
}

fn signature(form: Form, path: &str) -> AnyView {
    let who = form
        .record
        .with_untracked(|record| {
            let fields = &record.as_ref()?.fields;
            crate::form::inside(fields, &format!("{path}/role"))?
                .as_str()
                .map(str::to_owned)
        })
        .unwrap_or_default();
    if who == "device" {
        return of_device(form, path);
    }
    let title = if who == "unit" {
        t("Đại diện đơn vị", "For the unit").to_owned()
    } else {
        words::title(&who)
    };
    let refused = {
        let path = format!("{path}/refused");
        Memo::new(move |_| form.text(&path) == "true")
    };
    let rest = {
        let path = path.to_owned();
        turn(refused, move |refused| {
            if refused {
                input::field(
                    form,
                    &format!("{path}/refusal_reason"),
                    t("Lý do từ chối", "Why"),
                )
            } else {
                ink(form, path.clone())
            }
        })
    };
    view! {
        <h4>{title}</h4>
        <div class="side-by-side">
            {input::field(form, &format!("{path}/name"), t("Họ tên", "Name"))}
            {input::field(form, &format!("{path}/title"), t("Chức vụ", "Title"))}
        </div>
        {refuse(form, path)}
        {rest}
    }
    .into_any()
}

/// That somebody would not sign, with one touch.
fn refuse(form: Form, path: &str) -> AnyView {
    let path = format!("{path}/refused");
    let Some(field) = Field::new(form, &path) else {
        return nothing();
    };
    let is = move || field.text.with(|text| text == "true");
    let turn = move || field.choose(if is() { "false" } else { "true" }.to_owned());
    let id = anchor(&path);
    view! {
        <p class="actions" id=id tabindex="-1">
            <button type="button" class="toggle" disabled=move || !form.writable() aria-pressed=move || if is() { "true" } else { "false" } on:click=tap(turn)>
                {t("Từ chối ký", "Refused to sign")}
            </button>
            {field.mark()}
        </p>
    }
    .into_any()
}

fn of_device(form: Form, path: &str) -> AnyView {
    let signed = form.look(&format!("{path}/signed_ms"), Json::as_i64);
    let name = form.text(&format!("{path}/name"));
    let signed = signed.map(words::moment).unwrap_or_default();
    view! {
        <p>{t("Máy của cán bộ đã ký điện tử khi kết thúc.", "Signed by the officer's device when it was finished.")}</p>
        <p class="by">{name} " " {signed}</p>
    }
    .into_any()
}

/// The drawn signature, or the pad to draw it on.
fn ink(form: Form, path: String) -> AnyView {
    let failure = RwSignal::new(None);
    let (busy, again) = (RwSignal::new(false), RwSignal::new(false));
    let image = {
        let path = format!("{path}/image");
        Memo::new(move |_| form.text(&path))
    };
    let take = {
        let path = path.clone();
        move |bytes: ArrayBuffer| {
            if busy.get_untracked() {
                return;
            }
            busy.set(true);
            let path = path.clone();
            spawn(async move {
                let ask = ask::add_file(operation(), form.document, path.clone(), None, None);
                form.begin();
                let added = form.app.core.ask_with_bytes(ask, Some(bytes)).await;
                form.end(added.is_ok());
                let done = match added {
                    Ok(_) => sign_now(form, &path).await,
                    Err(why) => Err(why),
                };
                busy.try_set(false);
                if done.is_ok() {
                    again.try_set(false);
                }
                failure.try_set(done.err());
            });
        }
    };
    let shown = part(move || {
        let hash = image.get();
        if !hash.is_empty() && !again.get() {
            let redo = form.writable().then(|| {
                view! { <button type="button" class="plain" on:click=tap(move || again.set(true))>{t("Ký lại", "Sign again")}</button> }.into_any()
            });
            return view! {
                <div class="signed">{picture(form.app, form.document, &hash, || t("Chữ ký", "Signature").to_owned())}</div>
                {maybe(redo)}
            }
            .into_any();
        }
        if form.writable() {
            pad(take.clone())
        } else {
            nothing()
        }
    });
    let saving = move || {
        if busy.get() {
            t("đang lưu chữ ký…", "saving the signature…")
        } else {
            ""
        }
    };
    view! { {shown} <p class="saved" role="status">{saving}</p> {failure_of(failure)} }.into_any()
}

async fn sign_now(form: Form, path: &str) -> Result<(), sokiem_web_messages::Failure> {
    let Some(edit) = set(&format!("{path}/signed_ms"), now_ms()) else {
        return Ok(());
    };
    form.write(form.heads(), vec![edit], None).await.map(|_| ())
}
