//! Photos of a criterion or a finding: taken, chosen, added one after the other.

use std::{cell::Cell, collections::VecDeque, rc::Rc};

use leptos::prelude::*;
use sokiem_web_messages::{Failure, ask};
use web_sys::{File, HtmlInputElement};

use super::{evidence, operation};
use crate::{
    app::App,
    browser::{self, position},
    erased::{at, keyed, nothing, part, spawn, tap},
    form::{Form, elements},
    words::{self, t},
};

/// A position is good for photos for so long.
const FIX_MS: f64 = 180_000.0;

/// Photos that wait to be added, and one that could not be.
#[derive(Clone, Copy)]
struct Queue {
    form: Form,
    files: StoredValue<VecDeque<File>, LocalStorage>,
    left: RwSignal<usize>,
    failed: RwSignal<Option<Failure>>,
}

/// The photos at a place of the record, and two ways to add one, after `before`.
pub(super) fn photos(form: Form, place: String, before: AnyView) -> AnyView {
    let queue = Queue {
        form,
        files: StoredValue::new_local(VecDeque::new()),
        left: RwSignal::new(0),
        failed: RwSignal::new(None),
    };
    let shown = {
        let place = place.clone();
        let of = place.clone();
        keyed(
            move || elements::keys(form, &place, false),
            move |hash| evidence::evidence(form, &format!("{of}/{hash}")),
        )
    };
    view! {
        <div class="photos">{shown}</div>
        {queue.state(place.clone())}
        <div class="actions">{before} {buttons(queue, place)}</div>
    }
    .into_any()
}

fn buttons(queue: Queue, place: String) -> AnyView {
    let form = queue.form;
    part(move || {
        if !form.writable() {
            return nothing();
        }
        let button = |label: &'static str, camera: bool| {
            let place = place.clone();
            let chosen = move |input: HtmlInputElement| {
                let files = input.files();
                let files = files
                    .iter()
                    .flat_map(|files| (0..files.length()).filter_map(|at| files.get(at)));
                let files: Vec<_> = files.collect();
                // The same photo may be chosen again.
                input.set_value("");
                queue.add(files, &place);
            };
            let capture = camera.then_some("environment");
            view! {
                <label class="button plain file">
                    <input type="file" accept="image/*" multiple capture=capture
                        on:click=tap(move || find_position(form.app)) on:change=at(chosen)/>
                    {label}
                </label>
            }
            .into_any()
        };
        view! {
            {button(t("Chụp ảnh", "Take a photo"), true)}
            {button(t("Chọn ảnh", "Choose photos"), false)}
        }
        .into_any()
    })
}

/// Looks for the position while the photo is taken.
fn find_position(app: App) {
    spawn(async move {
        if let Ok(fix) = position::ask(20_000, 60_000).await {
            app.fix.set(Some(fix));
        }
    });
}

/// Where the photo was taken, if that is known by now. A photo does not wait for it.
fn position(app: App) -> Option<String> {
    let fix = app.fix.get_untracked()?;
    (browser::now_ms() - fix.at_ms < FIX_MS).then(|| fix.uri())
}

impl Queue {
    fn add(self, files: Vec<File>, place: &str) {
        let begin = self.left.get_untracked() == 0;
        self.files.update_value(|waiting| waiting.extend(files));
        self.count();
        if begin {
            self.run(place.to_owned());
        }
    }

    fn count(self) {
        if let Some(left) = self.files.try_with_value(VecDeque::len) {
            self.left.try_set(left);
        }
    }

    /// One after the other: a phone has little memory. What could not be added stays first in line.
    fn run(self, place: String) {
        let gone = Rc::new(Cell::new(false));
        spawn(async move {
            self.failed.try_set(None);
            while !gone.get() {
                let next = self.files.try_with_value(|files| files.front().cloned());
                let Some(Some(file)) = next else { break };
                match self.put(&file, place.clone()).await {
                    Ok(()) => {
                        let taken = self.files.try_update_value(VecDeque::pop_front);
                        gone.set(taken.is_none());
                        self.count();
                    }
                    Err(why) => {
                        self.failed.try_set(Some(why));
                        break;
                    }
                }
            }
        });
    }

    async fn put(self, file: &File, place: String) -> Result<(), Failure> {
        let bytes = browser::bytes_of(file).await?;
        let form = self.form;
        let ask = ask::add_file(operation(), form.document, place, None, position(form.app));
        form.begin();
        let added = form.app.core.ask_with_bytes(ask, Some(bytes)).await;
        form.end(added.is_ok());
        added.map(|_| ())
    }

    /// How many are on their way into the book; and if one could not be added, why.
    fn state(self, place: String) -> AnyView {
        part(move || {
            let place = place.clone();
            let again = move || self.run(place.clone());
            let drop = move || {
                self.files.update_value(|files| {
                    files.pop_front();
                });
                self.failed.set(None);
                self.count();
            };
            match (self.left.get(), self.failed.get()) {
                (0, _) => nothing(),
                (left, None) => {
                    let words = format!("{} {left} {}", t("Đang lưu", "Saving"), t("ảnh…", "photos…"));
                    view! { <p class="saved" role="status">{words}</p> }.into_any()
                }
                (left, Some(why)) => view! {
                    <div class="wrong" role="alert">
                        <p>{left} " " {t("ảnh chưa lưu được. ", "photos not saved. ")} {words::of(&why.text)}</p>
                        <button type="button" on:click=tap(again)>{t("Thử lại", "Try again")}</button>
                        <button type="button" class="plain" on:click=tap(drop)>{t("Bỏ ảnh này", "Drop this photo")}</button>
                    </div>
                }
                .into_any(),
            }
        })
    }
}
