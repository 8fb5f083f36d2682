//! What is to be done today.

use leptos::prelude::*;
use sokiem_web_messages::{
    answer::{Assigned, Listed, Today},
    ask,
};

use crate::{
    app::App,
    list::{self, chip, group},
    load::load,
    route::{Route, Section},
    words::{self, t},
};

/// The page.
pub(crate) fn page(app: App) -> AnyView {
    let today = load(app, ask::today);
    let day = move || {
        today.value.with(|today| {
            let today = today.as_ref()?;
            let day = words::date(&today.today);
            Some(match words::weekday(&today.today) {
                Some(weekday) => format!("{weekday}, {day}"),
                None => day,
            })
        })
    };
    view! {
        <h1 tabindex="-1">{t("Hôm nay", "Today")}</h1>
        <p class="quiet">{day}</p>
        {today.show(move |today| draw(app, today))}
    }
    .into_any()
}

fn draw(app: App, today: &Today) -> AnyView {
    let records = |listed: &[Listed]| -> Vec<AnyView> {
        listed.iter().map(|one| list::record(app, one)).collect()
    };
    let assigned = today
        .assigned
        .iter()
        .map(|one| assigned(one, &today.today))
        .collect();
    let overdue = today.overdue.iter().map(|one| overdue(app, one)).collect();
    let nothing = [
        &today.returned,
        &today.differing,
        &today.drafts,
        &today.overdue,
    ]
    .iter()
    .all(|one| one.is_empty())
        && today.assigned.is_empty();
    let nothing = nothing.then(|| {
        view! {
            <p class="empty">{t(
                "Không có việc nào đang chờ. Có thể tìm đơn vị để kiểm tra đột xuất.",
                "Nothing waits. You can look for a unit to inspect without a plan.",
            )}</p>
            <p><a class="button" href="#/units">{t("Tìm đơn vị", "Find a unit")}</a></p>
        }
        .into_any()
    });
    view! {
        {group(t("Bị trả lại", "Returned"), "urgent", records(&today.returned))}
        {group(t("Ghi khác nhau", "Recorded differently"), "attention", records(&today.differing))}
        {group(t("Được giao", "Assigned"), "", assigned)}
        {group(t("Đang ghi dở", "Begun"), "", records(&today.drafts))}
        {group(t("Quá hạn khắc phục", "Remedies overdue"), "attention", overdue)}
        {crate::erased::maybe(nothing)}
        <p class="quiet">{t("Đã hoàn thành trong các đợt: ", "Assigned and finished: ")} <strong>{today.done}</strong></p>
    }
    .into_any()
}

fn assigned(one: &Assigned, today: &str) -> AnyView {
    let to = match one.inspection_state {
        Some(_) => Route::inspection_of(one.inspection, Section::Items),
        None => Route::Unit(one.unit),
    };
    let mut about = Vec::new();
    if let Some(due) = &one.due {
        about.push(format!("{} {}", t("hạn", "due"), words::date(due)));
    }
    about.push(match &one.inspection_state {
        Some(state) => words::word(state),
        None => t("chưa bắt đầu", "not begun").to_owned(),
    });
    let marks = if one.overdue {
        chip("chip bad", t("quá hạn", "overdue").to_owned())
    } else if one.due.as_deref() == Some(today) {
        chip("chip open", t("hôm nay", "today").to_owned())
    } else {
        crate::erased::nothing()
    };
    list::row(to.to_string(), one.unit_title.clone(), about, marks)
}

fn overdue(app: App, listed: &Listed) -> AnyView {
    let mut about = Vec::new();
    about.extend(listed.deadline.as_deref().map(|day| {
        format!(
            "{} {}",
            t("hạn khắc phục", "to be remedied by"),
            words::date(day)
        )
    }));
    about.extend(app.area_name(listed.area));
    let to = Route::inspection_of(listed.document, Section::Findings);
    list::row(
        to.to_string(),
        list::name(listed),
        about,
        list::marks(listed),
    )
}
