//! The criteria, and how many are answered.

use leptos::prelude::*;
use sokiem_web_messages::ask;

use super::{Page, item, operation};
use crate::{
    erased::{keyed, maybe, nothing, part, spawn, tap},
    route::Section,
    shell::{failure_of, focus},
    words::{self, t},
};

/// Whether a criterion is not asked, given the answers so far.
pub(super) fn is_skipped(page: Page, code: &str) -> bool {
    page.look(|read| read.not_asked.iter().any(|one| one == code))
}

fn is_answered(page: Page, code: &str) -> bool {
    !page.form.text(&format!("items/{code}/answer")).is_empty()
}

/// How many criteria have an answer, of how many that are asked.
pub(super) fn progress(page: Page) -> (usize, usize) {
    let items = page.items();
    let asked = items.iter().filter(|one| !is_skipped(page, &one.code));
    asked.fold((0, 0), |(answered, all), one| {
        (
            answered + usize::from(is_answered(page, &one.code)),
            all + 1,
        )
    })
}

/// The section.
pub(super) fn section(page: Page) -> AnyView {
    let codes = move || {
        let items = page.items();
        items.into_iter().map(|one| one.code).collect::<Vec<_>>()
    };
    let row = move |code: String| {
        let found = page.items().into_iter().find(|one| one.code == code);
        maybe(found.map(|found| item::item(page, found)))
    };
    let note = part(move || {
        let note = page.look(|read| read.sheet.as_ref().and_then(|sheet| sheet.note.clone()));
        maybe(note.map(|note| {
            // Both languages stand in one text.
            let (vi, en) = note.split_once(" / ").unwrap_or((&note, &note));
            let note = if words::is_english() { en } else { vi }.to_owned();
            view! { <details><summary>{t("Về bộ tiêu chí này", "About this criteria set")}</summary><p>{note}</p></details> }.into_any()
        }))
    });
    let no_sheet = part(move || {
        let there = page.look(|read| read.sheet.is_some());
        maybe((!there).then(|| {
            view! {
                <p class="notice">{t(
                    "Bộ tiêu chí này chưa có trên máy nên chỉ thấy mã. Hãy đồng bộ khi có mạng; vẫn ghi kết quả được.",
                    "The criteria set is not on this device, so only codes are shown. Synchronise when there is a network; answers can be recorded all the same.",
                )}</p>
            }
            .into_any()
        }))
    });
    view! {
        {no_sheet}
        {note}
        {copy_last(page)}
        {keyed(codes, row)}
        {next_open(page)}
    }
    .into_any()
}

/// Takes the answers of the last inspection over, as a start.
fn copy_last(page: Page) -> AnyView {
    let form = page.form;
    let failure = RwSignal::new(None);
    let busy = RwSignal::new(false);
    let last = Memo::new(move |_| page.look(|read| read.last.clone()));
    let copy = move || {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn(async move {
            let copied = form.run(ask::copy_last(operation(), form.document)).await;
            busy.try_set(false);
            failure.try_set(copied.err());
        });
    };
    let offer = part(move || {
        let (answered, asked) = progress(page);
        let open = answered < asked && form.writable();
        let Some(last) = last.get().filter(|_| open) else {
            return nothing();
        };
        let label = format!(
            "{} {}",
            t("Chép kết quả lần kiểm tra", "Copy the answers of"),
            words::date(&last)
        );
        view! {
            <div class="offer">
                <p>{t(
                    "Chỉ điền vào tiêu chí chưa có kết quả, và ghi rõ là chép.",
                    "It fills criteria without an answer only, and says that they were copied.",
                )}</p>
                <button type="button" class="plain" on:click=tap(copy)>{label}</button>
            </div>
        }
        .into_any()
    });
    view! { {offer} {failure_of(failure)} }.into_any()
}

/// To the next criterion without an answer.
fn next_open(page: Page) -> AnyView {
    let next = Memo::new(move |_| {
        let items = page.items();
        let mut open = items
            .into_iter()
            .filter(|one| !is_skipped(page, &one.code) && !is_answered(page, &one.code));
        open.next().map(|one| one.code)
    });
    part(move || {
        let Some(code) = next.get() else {
            return view! { <p class="right">{t("Tiêu chí nào cũng đã có kết quả.", "Every criterion has an answer.")}</p> }.into_any();
        };
        let label = format!(
            "{} {code}",
            t("Tới tiêu chí chưa ghi:", "To the next open one:")
        );
        let go = move || {
            let at = format!("items/{code}");
            let to = page.route(Section::Items, Some(at.clone()));
            if page.form.app.route.with_untracked(|now| *now == to) {
                // The address does not change, so nobody else would follow it.
                focus::on_path(&at);
            }
            to.instead();
        };
        view! { <p class="open"><button type="button" class="plain" on:click=tap(go)>{label}</button></p> }.into_any()
    })
}
