//! What supervisors say: about the whole record above it, about a criterion beside it.

use leptos::prelude::*;
use sokiem_web_messages::answer::{Author, Decided, Remark};

use super::Page;
use crate::{
    erased::{maybe, part},
    form::show,
    words::{self, t},
};

/// About the whole record.
pub(super) fn of_record(page: Page) -> AnyView {
    part(move || {
        page.read.with(|read| {
            let Some(read) = read else {
                return crate::erased::nothing();
            };
            let decided = read.feedback.decision.as_ref().map(decided);
            let comments = read.feedback.comments.iter();
            let comments: Vec<_> = comments
                .filter(|one| one.item.is_empty())
                .map(comment)
                .collect();
            view! { {maybe(decided)} <ul class="comments">{comments}</ul> }.into_any()
        })
    })
}

/// About one criterion: why it was returned, and what was commented.
pub(super) fn of_item(page: Page, code: String) -> AnyView {
    part(move || {
        page.read.with(|read| {
            let Some(read) = read else {
                return crate::erased::nothing();
            };
            let mut said: Vec<AnyView> = Vec::new();
            if let Some(decided) = read.feedback.decision.as_ref()
                && decided.decision == "returned"
            {
                let reasons = decided.reasons.iter();
                said.extend(reasons.filter(|(item, _)| *item == code).map(|(_, text)| {
                    let lead = t("Lý do trả lại", "Why it was returned");
                    let by = by(&decided.author, decided.decided_ms.unwrap_or(0));
                    view! { <li class="returned"><strong>{lead} ": "</strong><span class="words">{text.clone()}</span> " " {by}</li> }.into_any()
                }));
            }
            let comments = read.feedback.comments.iter();
            said.extend(comments.filter(|one| one.item == code).map(comment));
            view! { <ul class="comments">{said}</ul> }.into_any()
        })
    })
}

fn by(author: &Author, ms: i64) -> AnyView {
    view! { <span class="by">{show::author(author, ms)}</span> }.into_any()
}

fn comment(remark: &Remark) -> AnyView {
    let by = by(&remark.author, remark.time_ms);
    view! { <li><span class="words">{remark.text.clone()}</span> {by}</li> }.into_any()
}

fn decided(decided: &Decided) -> AnyView {
    let class = match decided.decision.as_str() {
        "returned" => "wrong",
        "approved" => "right",
        _ => "notice",
    };
    let lead = words::title(&decided.decision);
    let since = decided.changed_since.then(|| {
        t(
            "Biên bản đã thay đổi sau quyết định này.",
            "The record has changed since.",
        )
    });
    let reason = (!decided.reason.is_empty()).then(|| decided.reason.clone());
    view! {
        <div class=class>
            <p><strong>{lead}</strong> " " {by(&decided.author, decided.decided_ms.unwrap_or(0))}</p>
            {reason.map(|reason| view! { <p class="words">{reason}</p> })}
            {since.map(|since| view! { <p>{since}</p> })}
        </div>
    }
    .into_any()
}
