//! When an item is asked at all: skip logic.
//!
//! A condition names an item that comes before and the answers to it under which the item is asked. So there is no
//! circle, and one pass from top to bottom, as the officer goes, decides every item.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::form::Form;

/// Under which answers to an item before it an item is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedWhen {
    /// The code of the item before.
    pub item: String,
    /// Any of these answers to it, as the schema words them.
    pub answer: Vec<String>,
}

impl AskedWhen {
    /// The answers that a condition may name. `not_checked` says that the answer is still to come.
    pub const ANSWERS: &[&str] = &["pass", "fail", "not_applicable"];

    /// Reads a condition of a set that may be newer; `None` for one that this build does not understand to the last
    /// word, which then holds nothing back.
    pub(super) fn read(condition: &Json) -> Option<Self> {
        serde_json::from_value(condition.clone()).ok()
    }
}

impl Form {
    /// The codes of the items that are asked, after the answers so far.
    ///
    /// An item without a condition is asked. One with a condition is asked when the item that it names is asked
    /// itself and has one of the answers; before that it is not. A condition that names no item before it, as no
    /// published set of this version has, holds nothing back.
    ///
    /// Nothing is taken from a record by this: an answer that was given while an item was asked stays in it.
    pub fn asked<'answer>(
        &self,
        answer_to: impl Fn(&str) -> Option<&'answer str>,
    ) -> BTreeSet<&str> {
        let mut passed = BTreeSet::new();
        let mut asked = BTreeSet::new();
        for item in &self.items {
            let condition = item.asked_when.as_ref();
            let condition = condition.filter(|condition| passed.contains(condition.item.as_str()));
            let is_met = condition.is_none_or(|condition| {
                asked.contains(condition.item.as_str())
                    && answer_to(&condition.item)
                        .is_some_and(|said| condition.answer.iter().any(|one| one == said))
            });
            if is_met {
                asked.insert(item.code.as_str());
            }
            passed.insert(item.code.as_str());
        }
        asked
    }

    /// [`Form::asked`], after the answers of an inspection as [`crate::document::Document::to_json`] says them. Of
    /// several live values the one that everybody is shown decides.
    pub fn asked_in(&self, inspection: &Json) -> BTreeSet<&str> {
        let items = inspection.get("items");
        self.asked(|code| items?.get(code)?.get("answer")?.as_str())
    }
}
