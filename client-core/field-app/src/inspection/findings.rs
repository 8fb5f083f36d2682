//! What is wrong, what happened, and what is asked for.

use std::collections::BTreeMap;

use leptos::prelude::*;
use serde_json::Value as Json;

use super::{Page, photos};
use crate::{
    erased::{maybe, nothing, part, typed},
    form::{
        Form,
        elements::{self, Look},
        field::Field,
        input,
    },
    shell::focus::anchor,
    words::t,
};

/// The section.
pub(super) fn section(page: Page) -> AnyView {
    let form = page.form;
    let findings = Look {
        collection: "findings",
        title: t("Tồn tại, thiếu sót", "Findings"),
        card: finding,
    };
    let incidents = Look {
        collection: "incidents",
        title: t("Vụ việc trong kỳ", "Incidents in the window"),
        card: incident,
    };
    let recommendations = Look {
        collection: "recommendations",
        title: t("Kiến nghị", "Recommendations"),
        card: recommendation,
    };
    view! {
        {elements::elements(form, findings, elements::more(form, "findings", t("Thêm tồn tại", "Add a finding"), open))}
        {elements::elements(form, incidents, elements::more(form, "incidents", t("Thêm vụ việc", "Add an incident"), empty))}
        {elements::elements(form, recommendations, elements::more(form, "recommendations", t("Thêm kiến nghị", "Add a recommendation"), empty))}
    }
    .into_any()
}

fn empty(_: Form) -> BTreeMap<String, Json> {
    BTreeMap::new()
}

fn open(_: Form) -> BTreeMap<String, Json> {
    BTreeMap::from([("state".to_owned(), Json::from("open"))])
}

fn finding(form: Form, path: &str) -> AnyView {
    let field =
        |name: &str, label: &'static str| input::field(form, &format!("{path}/{name}"), label);
    let state = {
        let path = format!("{path}/state");
        Memo::new(move |_| form.text(&path))
    };
    let dates = {
        let path = path.to_owned();
        part(move || {
            let state = state.get();
            let fixed = matches!(state.as_str(), "fixed" | "verified").then(|| {
                input::field(
                    form,
                    &format!("{path}/fixed_on"),
                    t("Ngày khắc phục", "Fixed on"),
                )
            });
            let verified = (state == "verified").then(|| {
                input::field(
                    form,
                    &format!("{path}/verified_on"),
                    t("Ngày xác minh", "Verified on"),
                )
            });
            view! { {maybe(fixed)} {maybe(verified)} }.into_any()
        })
    };
    view! {
        {criterion(form, &format!("{path}/item"))}
        {field("text", t("Nội dung", "What is wrong"))}
        {field("remedy", t("Biện pháp khắc phục", "Remedy"))}
        {field("owner", t("Người chịu trách nhiệm", "Who has to"))}
        {field("deadline", t("Hạn khắc phục", "Until when"))}
        {field("state", t("Tình trạng", "State"))}
        {dates}
        {photos::photos(form, format!("{path}/evidence"), nothing())}
    }
    .into_any()
}

/// Which criterion a finding belongs to: one of the set, or none.
fn criterion(form: Form, path: &str) -> AnyView {
    let (Some(page), Some(field)) = (use_context::<Page>(), Field::new(form, path)) else {
        return nothing();
    };
    let id = format!("i-{path}");
    let option = |code: String, label: String| {
        let value = code.clone();
        view! { <option value=value selected=move || field.text.with(|text| *text == code)>{label}</option> }.into_any()
    };
    let mut options = vec![option(
        String::new(),
        t("– không thuộc tiêu chí nào –", "– none –").to_owned(),
    )];
    options.extend(page.items().into_iter().map(|one| {
        let label = format!("{} {}", one.code, one.vi);
        option(one.code, label)
    }));
    view! {
        <div class="field" id=anchor(path) tabindex="-1">
            <p class="head"><label for=id.clone()>{t("Tiêu chí", "Criterion")}</label> {field.mark()}</p>
            <select id=id disabled=move || !form.writable() on:change=typed(move |code| field.choose(code))>{options}</select>
        </div>
    }
    .into_any()
}

fn incident(form: Form, path: &str) -> AnyView {
    let field =
        |name: &str, label: &'static str| input::field(form, &format!("{path}/{name}"), label);
    view! {
        <p class="quiet">{t(
            "Chỉ ghi loại và số vụ. Không ghi tên người liên quan, học sinh.",
            "Kinds and counts only. No names of people involved or pupils.",
        )}</p>
        {field("type", t("Loại vụ việc", "Kind"))}
        {field("date", t("Ngày xảy ra", "Date"))}
        {field("count", t("Số vụ", "How many"))}
        {field("reported", t("Đã trình báo", "Reported"))}
        {field("outcome", t("Kết quả xử lý", "Outcome"))}
    }
    .into_any()
}

fn recommendation(form: Form, path: &str) -> AnyView {
    view! {
        {input::field(form, &format!("{path}/text"), t("Nội dung kiến nghị", "What is asked for"))}
        {input::field(form, &format!("{path}/to"), t("Gửi cơ quan, đơn vị", "Addressed to"))}
    }
    .into_any()
}
