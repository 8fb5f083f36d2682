//! What is missing criterion by criterion, and in the findings.

use serde_json::Value as Json;

use super::{Lack, Missing, is_blank, words};
use crate::{
    criteria::{AnswerType, Form, FormItem},
    typed::{Answer, FindingState, Inspection, Item},
};

pub(super) fn check(fields: &Json, inspection: &Inspection, form: &Form, missing: &mut Missing) {
    let nothing = Item::default();
    let asked_codes = form.asked_in(fields);
    for asked in &form.items {
        let code = asked.code.as_str();
        let item = inspection.items.get(code).unwrap_or(&nothing);
        let said = fields
            .pointer(&format!("/items/{code}/answer"))
            .and_then(Json::as_str);
        if !asked_codes.contains(code) {
            if said.is_some() {
                let text = words::of_item(code, Lack::NotAsked);
                missing.add(Lack::NotAsked, &format!("items/{code}/answer"), text);
            }
            continue;
        }
        answered(asked, item, said, missing);
        measured(asked, item, missing);
        let explained = !is_blank(&item.note)
            || inspection
                .findings
                .values()
                .any(|finding| finding.item.as_deref() == Some(code));
        if item.answer == Some(Answer::Fail) && !explained {
            let text = words::of_item(code, Lack::FailUnexplained);
            missing.add(Lack::FailUnexplained, &format!("items/{code}/note"), text);
        }
        let judged = matches!(item.answer, Some(Answer::Pass | Answer::Fail));
        if judged && !asked.evidence.is_empty() && item.evidence.is_empty() {
            let text = words::evidence(code, &asked.evidence.join("; "));
            missing.add(Lack::NoEvidence, &format!("items/{code}/evidence"), text);
        }
    }
}

/// `said` is the word as it is stored: one of a newer build is an answer too.
fn answered(asked: &FormItem, item: &Item, said: Option<&str>, missing: &mut Missing) {
    // Of a sheet with points, the points are the answer.
    let scored = matches!(asked.answer, Some(AnswerType::Points { .. })) && item.value.is_some();
    let lack = match item.answer {
        None if said.is_none() && !scored && asked.required => Lack::Unanswered,
        Some(Answer::NotChecked) if asked.required => Lack::NotChecked,
        Some(Answer::NotApplicable) if !asked.not_applicable_allowed => {
            Lack::NotApplicableNotAllowed
        }
        _ => return,
    };
    let text = words::of_item(&asked.code, lack);
    missing.add(lack, &format!("items/{}/answer", asked.code), text);
}

fn measured(asked: &FormItem, item: &Item, missing: &mut Missing) {
    let Some(AnswerType::Measured { unit, min, max }) = &asked.answer else {
        return;
    };
    let path = format!("items/{}/value", asked.code);
    match (item.answer, item.value) {
        (Some(Answer::Pass | Answer::Fail), None) => {
            missing.add(Lack::NoValue, &path, words::no_value(&asked.code, unit));
        }
        (Some(Answer::Pass), Some(value)) => {
            let below = min.is_some_and(|min| value < min);
            let above = max.is_some_and(|max| value > max);
            if below || above {
                let text = words::outside(&asked.code, value, unit, (*min, *max));
                missing.add(Lack::OutsideLimits, &path, text);
            }
        }
        _ => {}
    }
}

pub(super) fn findings(inspection: &Inspection, missing: &mut Missing) {
    for (id, finding) in &inspection.findings {
        let id = id.hyphenated();
        if is_blank(&finding.text) {
            let text = words::plain(Lack::FindingWithoutText);
            missing.add(
                Lack::FindingWithoutText,
                &format!("findings/{id}/text"),
                text,
            );
        }
        let open = matches!(finding.state, None | Some(FindingState::Open));
        if open && finding.deadline.is_none() {
            let text = words::no_deadline(&finding.text);
            let path = format!("findings/{id}/deadline");
            missing.add(Lack::FindingWithoutDeadline, &path, text);
        }
    }
}
