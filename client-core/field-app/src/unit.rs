//! One unit: what is known of it, its past inspections, and a new one.

mod begin;
mod facts;
mod years;

use leptos::prelude::*;
use sokiem_record::id::{DocumentId, Kind};
use sokiem_web_messages::{
    answer::{Listed, UnitPage},
    ask,
};

use crate::{
    app::App,
    erased::{maybe, nothing, part, turn},
    form::Form,
    list,
    route::Route,
    shell::{failure_of, waiting},
    words::{self, t},
};

/// The page.
pub(crate) fn page(app: App, id: DocumentId) -> AnyView {
    let form = Form::new(app, id, Kind::Unit);
    let read = RwSignal::new(None::<UnitPage>);
    let failure = form.read(
        move || ask::unit(id),
        move |page: UnitPage| {
            form.record.try_set(Some(page.unit.clone()));
            read.try_set(Some(page));
        },
    );
    let there = Memo::new(move |_| read.with(Option::is_some));
    let inspections =
        Memo::new(move |_| read.with(|page| page.as_ref().map(|page| page.inspections.clone())));
    let body = turn(there, move |there| {
        if !there {
            return part(move || match failure.with(Option::is_some) {
                true => nothing(),
                false => waiting(),
            });
        }
        view! {
            {about(form)}
            {begin::begin(app, id, read)}
            {part(move || inspections.with(|rows| maybe(rows.as_deref().map(past))))}
            {facts::facts(form)}
            {years::years(form)}
        }
        .into_any()
    });
    view! {
        <h1 tabindex="-1">{move || form.text("name")}</h1>
        {failure_of(failure)}
        {body}
    }
    .into_any()
}

fn about(form: Form) -> AnyView {
    let app = form.app;
    let kind = move || {
        let mut parts = Vec::new();
        for field in ["unit_kind", "school_level", "enterprise_size"] {
            let word = form.text(field);
            if !word.is_empty() {
                parts.push(words::word(&word));
            }
        }
        let area = form
            .record
            .with(|record| record.as_ref().map(|one| one.area));
        parts.extend(area.and_then(|area| app.area_name(area)));
        words::capital(&parts.join(" · "))
    };
    let joined = part(move || {
        let into = form.text("joined_into").parse::<DocumentId>();
        maybe(into.ok().map(|into| {
            let to = Route::Unit(into).to_string();
            view! { <p class="notice">{t("Hồ sơ này đã nhập vào ", "This record was joined into ")} <a href=to>{t("hồ sơ khác", "another one")}</a></p> }.into_any()
        }))
    });
    let closed = part(move || {
        let day = form.text("closed_on");
        maybe((!day.is_empty()).then(|| {
            let text = format!(
                "{} {}",
                t("Ngừng hoạt động từ", "Closed on"),
                words::date(&day)
            );
            view! { <p class="notice">{text}</p> }.into_any()
        }))
    });
    let call = part(move || {
        let phone = form.text("phone");
        maybe((!phone.is_empty()).then(|| {
            let digits: String = phone.chars().filter(|one| one.is_ascii_digit() || *one == '+').collect();
            view! { <a class="button plain" href=format!("tel:{digits}")>{t("Gọi ", "Call ")} {phone}</a> }.into_any()
        }))
    });
    let map = part(move || {
        let uri = form.text("position");
        let to = uri.split(';').next().unwrap_or_default().to_owned();
        maybe((!uri.is_empty()).then(|| {
            view! { <a class="button plain" href=to>{t("Mở bản đồ", "Open the map")}</a> }
                .into_any()
        }))
    });
    let history = Route::History(form.document).to_string();
    view! {
        <p class="quiet">{kind}</p>
        {joined}
        {closed}
        <p class="actions">{call} {map}</p>
        <p class="links"><a href=history>{t("Lịch sử ghi", "History")}</a></p>
    }
    .into_any()
}

fn past(inspections: &[Listed]) -> AnyView {
    let row = |one: &Listed| {
        let title = match &one.date {
            Some(day) => words::date(day),
            None => t("chưa ghi ngày", "without a date").to_owned(),
        };
        let mut about = vec![words::word(&one.state)];
        about.extend(list::number(one));
        if let Some(day) = &one.deadline {
            about.push(format!(
                "{} {}",
                t("hạn khắc phục", "to be remedied by"),
                words::date(day)
            ));
        }
        list::row(
            list::address(one),
            words::capital(&title),
            about,
            list::marks(one),
        )
    };
    let rows: Vec<_> = inspections.iter().map(row).collect();
    if rows.is_empty() {
        return view! {
            <section class="group">
                <h2>{t("Các lần kiểm tra", "Inspections")}</h2>
                <p class="empty">{t("Chưa có lần nào.", "None so far.")}</p>
            </section>
        }
        .into_any();
    }
    list::group(t("Các lần kiểm tra", "Inspections"), "group", rows)
}
