//! Begins an inspection: the planned one of a campaign, or one that nobody planned.

use leptos::prelude::*;
use sokiem_record::id::DocumentId;
use sokiem_web_messages::{
    Ask, Failure,
    answer::{Campaign, Saved, SetChoice, UnitPage},
    ask,
};

use crate::{
    app::App,
    browser::fresh_operation,
    erased::{maybe, nothing, part, spawn, tap, typed},
    load::load,
    route::{Route, Section},
    shell::failure_of,
    words::{self, t},
};

/// What is under way: one at a time.
#[derive(Clone, Copy)]
struct Deed {
    app: App,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<Failure>>,
}

impl Deed {
    fn begin(self, ask: Ask<Saved>) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        spawn(async move {
            match self.app.core.ask(ask).await {
                Ok(saved) => Route::inspection_of(saved.document, Section::Items).go(),
                Err(why) => {
                    self.failure.try_set(Some(why));
                }
            }
            self.busy.try_set(false);
        });
    }
}

/// What can be begun.
pub(super) fn begin(app: App, unit: DocumentId, read: RwSignal<Option<UnitPage>>) -> AnyView {
    let deed = Deed {
        app,
        busy: RwSignal::new(false),
        failure: RwSignal::new(None),
    };
    let campaigns =
        Memo::new(move |_| read.with(|page| page.as_ref().map(open).unwrap_or_default()));
    let writable =
        Memo::new(move |_| read.with(|page| page.as_ref().is_some_and(|page| page.unit.writable)));
    let planned = part(move || {
        let row = |one: &Campaign| campaign(deed, unit, one);
        let rows: Vec<_> = campaigns.with(|all| all.iter().map(row).collect());
        view! { {rows} }.into_any()
    });
    let opened = RwSignal::new(false);
    let unplanned = part(move || {
        if !writable.get() {
            return nothing();
        }
        if opened.get() {
            return choose(deed, unit);
        }
        view! { <p><button type="button" class="plain" on:click=tap(move || opened.set(true))>{t("Kiểm tra đột xuất…", "Inspect without a plan…")}</button></p> }.into_any()
    });
    view! { <div class="begin">{planned} {unplanned} {failure_of(deed.failure)}</div> }.into_any()
}

/// Campaigns in which something is left to do: those that were finished stand among the past inspections.
fn open(page: &UnitPage) -> Vec<Campaign> {
    let finished = |inspection: DocumentId| {
        let mut all = page.inspections.iter();
        all.any(|one| one.document == inspection && one.state == "finished")
    };
    let campaigns = page.campaigns.iter();
    campaigns
        .filter(|one| !finished(one.inspection))
        .cloned()
        .collect()
}

fn campaign(deed: Deed, unit: DocumentId, one: &Campaign) -> AnyView {
    if one.begun {
        let to = Route::inspection_of(one.inspection, Section::Items).to_string();
        return view! { <p><a class="button" href=to>{t("Tiếp tục: ", "Go on: ")} {one.title.clone()}</a></p> }.into_any();
    }
    let campaign = one.campaign;
    let begin = move || deed.begin(ask::open_planned(fresh_operation(), unit, campaign));
    view! {
        <p><button type="button" disabled=move || deed.busy.get() on:click=tap(begin)>{t("Bắt đầu kiểm tra: ", "Begin: ")} {one.title.clone()}</button></p>
    }
    .into_any()
}

/// The criteria sets that an officer can choose from.
fn choose(deed: Deed, unit: DocumentId) -> AnyView {
    let sets = load(deed.app, ask::criteria_sets);
    let chosen = RwSignal::new(0_usize);
    sets.show(move |sets| {
        let sets = sets.clone();
        let option = |(at, set): (usize, &SetChoice)| {
            let label = format!("{} ({} · {})", words::of(&set.title), set.code, set.version);
            view! { <option value=at.to_string() selected=move || chosen.get() == at>{label}</option> }.into_any()
        };
        let options: Vec<_> = sets.iter().enumerate().map(option).collect();
        let none = options.is_empty().then(|| {
            view! { <p class="empty">{t("Máy này chưa có bộ tiêu chí nào. Hãy đồng bộ trước.", "There is no criteria set on this device. Synchronise first.")}</p> }.into_any()
        });
        let begin = move || {
            if let Some(set) = sets.get(chosen.get_untracked()) {
                let (code, version) = (set.code.clone(), set.version);
                deed.begin(ask::open_unplanned(fresh_operation(), unit, code, version));
            }
        };
        view! {
            <div class="card">
                <p class="field">
                    <label for="set">{t("Bộ tiêu chí", "Criteria set")}</label>
                    <select id="set" on:change=typed(move |at| chosen.set(at.parse().unwrap_or(0)))>{options}</select>
                </p>
                {maybe(none)}
                <p><button type="button" disabled=move || deed.busy.get() on:click=tap(begin)>{t("Bắt đầu kiểm tra đột xuất", "Begin without a plan")}</button></p>
            </div>
        }
        .into_any()
    })
}
