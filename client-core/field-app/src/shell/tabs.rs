//! The four places to go: at the thumb on a phone, at the side on a wide screen.

use leptos::prelude::*;

use super::icon;
use crate::{
    app::App,
    erased::{nothing, part},
    route::Route,
    words::t,
};

/// Where a tab leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tab {
    Today,
    Units,
    Outbox,
    Device,
}

fn of(route: &Route) -> Option<Tab> {
    match route {
        Route::Today | Route::Inspection { .. } => Some(Tab::Today),
        Route::Units | Route::Unit(_) | Route::NewUnit => Some(Tab::Units),
        Route::Outbox => Some(Tab::Outbox),
        Route::Device | Route::Enrol(_) => Some(Tab::Device),
        Route::History(_) | Route::Unknown => None,
    }
}

/// The tabs.
pub(super) fn tabs(app: App) -> AnyView {
    let now = Memo::new(move |_| app.route.with(of));
    let tab = move |tab: Tab, to: Route, icon: AnyView, name: &'static str, count: AnyView| {
        view! {
            <li><a href=to.to_string() aria-current=move || (now.get() == Some(tab)).then_some("page")>
                {icon} <span>{name}</span> {count}
            </a></li>
        }
        .into_any()
    };
    let waits = part(move || {
        let count = app.core.status.with(|status| {
            status
                .as_ref()
                .map_or(0, |one| one.pending + one.attachments.waiting + one.refused)
        });
        if count == 0 {
            return nothing();
        }
        view! { <span class="count" aria-hidden="true">{count}</span> }.into_any()
    });
    view! {
        <nav class="tabs" aria-label=t("Các trang", "Pages")><ul>
            {tab(Tab::Today, Route::Today, icon::today(), t("Hôm nay", "Today"), nothing())}
            {tab(Tab::Units, Route::Units, icon::units(), t("Đơn vị", "Units"), nothing())}
            {tab(Tab::Outbox, Route::Outbox, icon::outbox(), t("Chờ gửi", "Outbox"), waits)}
            {tab(Tab::Device, Route::Device, icon::device(), t("Máy này", "Device"), nothing())}
        </ul></nav>
    }
    .into_any()
}
