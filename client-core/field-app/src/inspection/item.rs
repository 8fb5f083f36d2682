//! One criterion: its text, the answer, the value, a note, photos, and what others say about it.

use std::collections::BTreeMap;

use leptos::prelude::*;
use serde_json::Value as Json;
use sokiem_web_messages::answer::{SheetAnswer, SheetItem};

use super::{Page, feedback, items, photos};
use crate::{
    erased::{maybe, nothing, part, tap, turn},
    form::{conflict, elements, field::Field, input},
    list::chip,
    route::Section,
    shell::{
        failure_of,
        focus::{self, anchor},
    },
    words::{self, t},
};

/// The criterion.
pub(super) fn item(page: Page, item: SheetItem) -> AnyView {
    let path = format!("items/{}", item.code);
    let title = format!("t-{}", item.code);
    let skipped = {
        let code = item.code.clone();
        Memo::new(move |_| items::is_skipped(page, &code))
    };
    let asked = item.clone();
    let body = turn(skipped, move |skipped| match skipped {
        true => set_aside(page, &asked),
        false => body(page, &asked),
    });
    let heading = heading(page, &item, title.clone());
    view! {
        <article class="item" class:skipped=move || skipped.get() id=anchor(&path) tabindex="-1" aria-labelledby=title>
            {heading}
            {body}
        </article>
    }
    .into_any()
}

fn heading(page: Page, item: &SheetItem, id: String) -> AnyView {
    let english = (!item.en.is_empty() && item.en != item.vi)
        .then(|| view! { <span class="beside" lang="en">{item.en.clone()}</span> });
    let required = item
        .required
        .then(|| chip("chip must", t("bắt buộc", "required").to_owned()));
    view! {
        <h3 id=id><span class="code">{item.code.clone()}</span> " " <span lang="vi">{item.vi.clone()}</span> " " {english}</h3>
        <p class="marks">{maybe(required)} {copied(page, item.code.clone())}</p>
    }
    .into_any()
}

/// Whether the answer was taken over from an earlier inspection.
fn copied(page: Page, code: String) -> AnyView {
    let copied = Memo::new(move |_| {
        let within = |path: &str| path.split('/').nth(1) == Some(code.as_str());
        page.look(|read| read.copied.iter().any(|path| within(path.as_str())))
    });
    part(move || {
        if !copied.get() {
            return nothing();
        }
        let last = page.look(|read| read.last.clone());
        let words = match last {
            Some(day) => format!("{} {}", t("chép từ", "copied from"), words::date(&day)),
            None => t("chép từ lần trước", "copied from the last time").to_owned(),
        };
        chip("chip copied", words)
    })
}

/// A criterion that is not asked. What was recorded all the same is said.
fn set_aside(page: Page, item: &SheetItem) -> AnyView {
    let answer = page.form.text(&format!("items/{}/answer", item.code));
    let answer = (!answer.is_empty()).then(|| format!(" ({})", words::word(&answer)));
    view! {
        <p class="quiet">{t(
            "Không cần hỏi, theo các kết quả đã ghi.",
            "Not asked, given the answers so far.",
        )} {answer}</p>
    }
    .into_any()
}

fn body(page: Page, item: &SheetItem) -> AnyView {
    let form = page.form;
    let path = format!("items/{}", item.code);
    let evidence = (!item.evidence.is_empty()).then(|| {
        let words = item.evidence.join("; ");
        view! { <p class="expected">{t("Minh chứng: ", "Evidence: ")} <span lang="vi">{words}</span></p> }.into_any()
    });
    let (note, more) = note(page, &path);
    view! {
        {maybe(evidence)}
        {feedback::of_item(page, item.code.clone())}
        {answer(page, item)}
        {value(page, item)}
        {note}
        {photos::photos(form, format!("{path}/evidence"), more)}
        {to_findings(page, item.code.clone())}
    }
    .into_any()
}

fn answer(page: Page, item: &SheetItem) -> AnyView {
    let form = page.form;
    let path = format!("items/{}/answer", item.code);
    let Some(field) = Field::new(form, &path) else {
        return nothing();
    };
    let words: Vec<&'static str> = ["pass", "fail", "not_applicable", "not_checked"]
        .into_iter()
        .filter(|word| *word != "not_applicable" || item.not_applicable_allowed)
        .collect();
    let mode = {
        let path = path.clone();
        Memo::new(move |_| (conflict::is_at(form, &path), form.writable()))
    };
    let control = {
        let path = path.clone();
        part(move || match mode.get() {
            (true, _) => conflict::sides(form, path.clone()),
            (false, true) => {
                let choices = words
                    .iter()
                    .map(|word| (*word, words::title(word)))
                    .collect();
                input::radios(field, choices, false)
            }
            (false, false) => {
                let answer = field.text.get();
                let answer = if answer.is_empty() {
                    "–".to_owned()
                } else {
                    words::title(&answer)
                };
                view! { <p class="value">{answer}</p> }.into_any()
            }
        })
    };
    view! {
        <div class="field answer" id=anchor(&path)>
            <p class="head"><span class="label heard" id=format!("l-{path}")>{t("Kết quả", "Answer")} " " {item.code.clone()}</span> {field.mark()}</p>
            {control}
        </div>
    }
    .into_any()
}

/// The measured value or the points, with their limits.
fn value(page: Page, item: &SheetItem) -> AnyView {
    let (label, limits) = match &item.answer {
        SheetAnswer::Measured { unit, min, max } => {
            let unit = if unit.is_empty() {
                String::new()
            } else {
                format!(" ({unit})")
            };
            (
                format!("{}{unit}", t("Số đo", "Measured value")),
                (*min, *max),
            )
        }
        SheetAnswer::Points { max } => {
            let label = format!("{} (0–{})", t("Điểm", "Points"), words::number(*max));
            (label, (Some(0.0), Some(*max)))
        }
        SheetAnswer::PassFail | SheetAnswer::Unknown => return nothing(),
    };
    let form = page.form;
    let path = format!("items/{}", item.code);
    let measured = matches!(item.answer, SheetAnswer::Measured { .. });
    let said = limits_in_words(limits).filter(|_| measured);
    let warning = {
        let path = path.clone();
        part(move || {
            let value = form.look(&format!("{path}/value"), Json::as_f64);
            let outside = value.is_some_and(|value| is_outside(value, limits));
            let passed = form.text(&format!("{path}/answer")) == "pass";
            maybe((outside && (passed || !measured)).then(|| {
                let words = if measured {
                    t(
                        "Ghi “đạt” nhưng số đo nằm ngoài mức quy định.",
                        "Met, although the value lies outside the limits.",
                    )
                } else {
                    t(
                        "Điểm nằm ngoài thang điểm.",
                        "The points lie outside the scale.",
                    )
                };
                view! { <p class="notice" role="alert">{words}</p> }.into_any()
            }))
        })
    };
    view! {
        {input::field(form, &format!("{path}/value"), label)}
        {said.map(|said| view! { <p class="limits">{said}</p> })}
        {warning}
    }
    .into_any()
}

fn is_outside(value: f64, (min, max): (Option<f64>, Option<f64>)) -> bool {
    min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max)
}

fn limits_in_words(limits: (Option<f64>, Option<f64>)) -> Option<String> {
    let least = |min| format!("{} {}", t("từ", "at least"), words::number(min));
    let most = |max| format!("{} {}", t("không quá", "at most"), words::number(max));
    let limits = match limits {
        (Some(min), Some(max)) => format!("{}, {}", least(min), most(max)),
        (Some(min), None) => least(min),
        (None, Some(max)) => most(max),
        (None, None) => return None,
    };
    Some(format!("{}: {limits}", t("Mức đạt", "To be met")))
}

/// A note, and the button that opens it. It stands open where there is one or one is needed.
fn note(page: Page, path: &str) -> (AnyView, AnyView) {
    let form = page.form;
    let opened = RwSignal::new(false);
    let path = path.to_owned();
    let open = {
        let path = path.clone();
        Memo::new(move |before: Option<&bool>| {
            // Once open it stays: the text that somebody takes out may be about to be written anew.
            before == Some(&true)
                || opened.get()
                || form.text(&format!("{path}/answer")) == "fail"
                || !form.text(&format!("{path}/note")).is_empty()
        })
    };
    let path = format!("{path}/note");
    let note = {
        let path = path.clone();
        part(move || {
            let note = open
                .get()
                .then(|| input::field(form, &path, t("Ghi chú", "Note")));
            maybe(note)
        })
    };
    let button = part(move || {
        if open.get() || !form.writable() {
            return nothing();
        }
        let path = path.clone();
        let open = move || {
            opened.set(true);
            focus::on_path(&path);
        };
        view! { <button type="button" class="plain" on:click=tap(open)>{t("Ghi chú", "Note")}</button> }.into_any()
    });
    (note, button)
}

/// What is wrong there, as findings.
fn to_findings(page: Page, code: String) -> AnyView {
    let form = page.form;
    let failure = RwSignal::new(None);
    let about = {
        let code = code.clone();
        Memo::new(move |_| {
            let keys = elements::keys(form, "findings", false);
            let of_item = |key: &String| form.text(&format!("findings/{key}/item")) == code;
            keys.into_iter().filter(of_item).collect::<Vec<_>>()
        })
    };
    let failed = {
        let path = format!("items/{code}/answer");
        Memo::new(move |_| form.text(&path) == "fail")
    };
    part(move || {
        let links = about.get().into_iter().map(|key| {
            let text = form.text(&format!("findings/{key}/text"));
            let text = if text.is_empty() {
                t("(chưa ghi nội dung)", "(without text)").to_owned()
            } else {
                text
            };
            let to = page
                .route(Section::Findings, Some(format!("findings/{key}")))
                .to_string();
            view! { <li>{t("Tồn tại: ", "Finding: ")} <a href=to>{text}</a></li> }.into_any()
        });
        let links: Vec<_> = links.collect();
        let code = code.clone();
        let more = (failed.get() && form.writable()).then(|| {
            let more = move || {
                let mut fields = BTreeMap::new();
                fields.insert("item".to_owned(), Json::from(code.clone()));
                fields.insert("state".to_owned(), Json::from("open"));
                elements::add_to(form, "findings", fields, failure, move |path| {
                    page.route(Section::Findings, Some(path.to_owned())).go();
                });
            };
            view! { <p class="actions"><button type="button" class="plain" on:click=tap(more)>"＋ " {t("Ghi tồn tại, thiếu sót", "Record a finding")}</button></p> }.into_any()
        });
        view! { <ul class="about-findings">{links}</ul> {maybe(more)} {failure_of(failure)} }
            .into_any()
    })
}
