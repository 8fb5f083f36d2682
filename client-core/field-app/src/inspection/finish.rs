//! What is missing, and finishing: the device signs what the record says.

use leptos::prelude::*;
use sokiem_record::missing::Lack;
use sokiem_web_messages::{answer::Missing, ask};

use super::{Page, operation};
use crate::{
    erased::{maybe, nothing, part, spawn, tap},
    route::Section,
    shell::failure_of,
    words::{self, t},
};

/// The section.
pub(super) fn section(page: Page) -> AnyView {
    let lists = part(move || {
        let missing = page.look(|read| read.missing.clone());
        let (must, hints): (Vec<_>, Vec<_>) = missing.into_iter().partition(|one| one.must);
        if must.is_empty() && hints.is_empty() {
            return view! { <p class="right">{t("Không thiếu mục nào.", "Nothing is missing.")}</p> }.into_any();
        }
        view! {
            {list(page, t("Phải bổ sung", "To be mended"), "must", &must)}
            {list(page, t("Nên xem lại", "Worth a look"), "hints", &hints)}
        }
        .into_any()
    });
    view! { {lists} {finish(page)} }.into_any()
}

fn list(page: Page, title: &'static str, class: &'static str, missing: &[Missing]) -> AnyView {
    if missing.is_empty() {
        return nothing();
    }
    let row = |one: &Missing| {
        let text = words::of(&one.text);
        match address(page, &one.path) {
            Some(to) => {
                view! { <li class="row"><a href=to><span class="title">{text}</span></a></li> }
                    .into_any()
            }
            None => view! { <li class="row plain">{text}</li> }.into_any(),
        }
    };
    let rows: Vec<_> = missing.iter().map(row).collect();
    let count = rows.len();
    view! {
        <section class=format!("group {class}")>
            <h3>{title} " " <span class="number">{count}</span></h3>
            <ul class="rows">{rows}</ul>
        </section>
    }
    .into_any()
}

/// Where a thing that is missing belongs: a field's path, or a criterion's code.
fn address(page: Page, path: &str) -> Option<String> {
    // What was changed since it was finished is finished here once more.
    if path.is_empty() || path == "finished" {
        return None;
    }
    let known = page.items().iter().any(|one| one.code == path);
    let path = if known {
        format!("items/{path}")
    } else {
        path.to_owned()
    };
    let section = Section::of_path(&path);
    Some(page.route(section, Some(path)).to_string())
}

fn finish(page: Page) -> AnyView {
    let form = page.form;
    let failure = RwSignal::new(None);
    let (busy, sure) = (RwSignal::new(false), RwSignal::new(false));
    // Finishing mends what was changed after the last time by itself.
    let must = Memo::new(move |_| {
        let open = |one: &&Missing| one.must && one.lack != Lack::NoDeviceSignature;
        page.look(|read| read.missing.iter().filter(open).count())
    });
    let finished = Memo::new(move |_| form.text("finished") == "true");
    let changed = Memo::new(move |_| page.is_changed());
    let send = move || {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn(async move {
            let done = form.run(ask::finish(operation(), form.document)).await;
            busy.try_set(false);
            if done.is_ok() {
                sure.try_set(false);
            }
            failure.try_set(done.err());
        });
    };
    let press = move || {
        form.app.save_typed();
        if must.get_untracked() > 0 && !sure.get_untracked() {
            sure.set(true);
        } else {
            send();
        }
    };
    let state = part(move || {
        if !finished.get() {
            return nothing();
        }
        if changed.get() {
            return view! {
                <p class="notice">{t(
                    "Biên bản đã sửa sau khi kết thúc, nên chữ ký của máy không còn khớp. Hãy kết thúc lại.",
                    "The record was changed after it was finished, so the device's signature does not stand over it any more. Finish it once more.",
                )}</p>
            }
            .into_any();
        }
        view! {
            <p class="right">{t(
                "Biên bản đã kết thúc; máy này đã ký. Vẫn sửa được, nhưng sửa xong phải kết thúc lại.",
                "The record is finished and signed by the device. It can still be changed; then finish it once more.",
            )}</p>
        }
        .into_any()
    });
    let ask = part(move || {
        maybe((sure.get() && must.get() > 0).then(|| {
            let lead = format!("{} {}", must.get(), t("mục còn thiếu. Vẫn kết thúc?", "things are missing. Finish all the same?"));
            view! {
                <div class="notice" role="alert">
                    <p>{lead}</p>
                    <p class="actions">
                        <button type="button" on:click=tap(send)>{t("Vẫn kết thúc", "Finish all the same")}</button>
                        <button type="button" class="plain" on:click=tap(move || sure.set(false))>{t("Quay lại bổ sung", "Go back")}</button>
                    </p>
                </div>
            }
            .into_any()
        }))
    });
    let label = move || match (busy.get(), finished.get()) {
        (true, _) => t("Đang kết thúc…", "Finishing…"),
        (false, true) => t("Kết thúc lại", "Finish once more"),
        (false, false) => t("Kết thúc kiểm tra", "Finish the inspection"),
    };
    let button = part(move || {
        maybe((form.writable() && (!finished.get() || changed.get()) && !sure.get()).then(|| {
            view! { <p><button type="button" class="big" on:click=tap(press)>{label}</button></p> }.into_any()
        }))
    });
    view! { {state} {ask} {button} {failure_of(failure)} }.into_any()
}
