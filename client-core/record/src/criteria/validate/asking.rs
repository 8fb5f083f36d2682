//! Whether the condition of an item makes sense: see [`super::super::AskedWhen`].

use std::collections::HashSet;

use super::Faults;
use crate::criteria::{AnswerType, Item};

/// `before` are the items above this one: only they may be named, so that no condition goes in a circle.
pub(super) fn check(before: &[Item], item: &Item, name: &str, faults: &mut Faults<'_>) {
    let Some(condition) = &item.asked_when else {
        return;
    };
    let mut wrong = |vietnamese: String, english: String| {
        faults.add_at(Some(name), "asked_when", vietnamese, english);
    };
    let different: HashSet<_> = condition.answer.iter().collect();
    if different.is_empty() || different.len() != condition.answer.len() {
        wrong(
            "asked_when.answer trống hoặc trùng".into(),
            "asked_when.answer is empty or names an answer twice".into(),
        );
    }
    let other = &condition.item;
    let Some(named) = before.iter().find(|one| one.code == *other) else {
        wrong(
            format!("asked_when.item phải là một tiêu chí đứng trước, không phải {other}"),
            format!("asked_when.item must be an item before this one, and {other} is not"),
        );
        return;
    };
    if matches!(named.answer, AnswerType::Points { .. }) {
        wrong(
            format!("{other} chấm bằng điểm, không có kết quả để làm điều kiện"),
            format!("{other} is answered with points, which no condition can name"),
        );
    }
    if !named.not_applicable_allowed && different.iter().any(|one| *one == "not_applicable") {
        wrong(
            format!("{other} không được trả lời “không áp dụng” nên không làm điều kiện được"),
            format!("not_applicable is no answer to {other}"),
        );
    }
}
