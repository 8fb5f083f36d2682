//! Answers copied from an earlier inspection, as a start for this one.
//!
//! No field says that an answer was copied: the change that wrote it says so, in its reason. Whatever anybody writes
//! over it is another change, and the mark is gone with the copy. So it can't be lost in a merge, nor stay behind.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{
    criteria::Form,
    document::Document,
    edit::Edit,
    reading::Alternative,
    schema::Path,
    typed::{Answer, Inspection, Item},
    words,
};

/// How the reason of a copying change begins. Records hold it, so it never changes.
const REASON: &str = "chép từ lần kiểm tra ";

/// The reason of the change that copies from an inspection of this day, `YYYY-MM-DD`.
pub fn reason(inspected_on: Option<&str>) -> String {
    match inspected_on.and_then(words::date) {
        Some(day) => format!("{REASON}ngày {day}"),
        None => format!("{REASON}trước, không ghi ngày"),
    }
}

/// Whether a change with this reason copied.
pub fn is_copying(reason: &str) -> bool {
    reason.starts_with(REASON)
}

/// The steps, by the items' codes, that copy answer, value and note of an earlier inspection into the items that
/// nobody has said anything about. What was not checked then is no answer to begin with, and where people differ,
/// in either record, nothing is copied; nor is what `form`, of this inspection, then does not ask.
///
/// # Errors
/// As [`Document::read`].
pub fn copy(
    earlier: &Document,
    into: &Document,
    form: Option<&Form>,
) -> Result<Vec<(String, Vec<Edit>)>, serde_json::Error> {
    let (Some(from), Some(to)) = (earlier.read::<Inspection>()?, into.read::<Inspection>()?) else {
        return Ok(Vec::new());
    };
    let disputed: BTreeSet<String> = [earlier, into]
        .iter()
        .flat_map(|document| document.conflicts())
        .filter_map(|conflict| item_of(&conflict.path))
        .collect();
    let fields = into.to_json();
    // Also by a word that this build does not know.
    let is_answered = |code: &str| {
        let answer = fields.pointer(&format!("/items/{code}/answer"));
        answer.is_some_and(|answer| !answer.is_null())
    };
    let free = to
        .items
        .iter()
        .filter(|(code, item)| is_empty(item) && !disputed.contains(*code) && !is_answered(code));
    let copies: Vec<_> = free
        .filter_map(|(code, _)| Some((code.as_str(), from.items.get(code)?)))
        .filter(|(_, item)| item.answer != Some(Answer::NotChecked) && !is_empty(item))
        .collect();
    let asked = form.map(|form| {
        let copied = |code: &str| {
            let copy = copies.iter().find(|(of, _)| *of == code);
            copy.and_then(|(_, item)| item.answer).map(Answer::word)
        };
        let said = |code: &str| fields.get("items")?.get(code)?.get("answer")?.as_str();
        form.asked(|code| said(code).or_else(|| copied(code)))
    });
    let copies = copies.into_iter();
    Ok(copies
        .filter(|(code, _)| asked.as_ref().is_none_or(|asked| asked.contains(code)))
        .map(|(code, item)| (code.to_owned(), steps(code, item)))
        .collect())
}

fn item_of(path: &Path) -> Option<String> {
    let mut keys = path.keys();
    (keys.next()? == "items").then(|| keys.next().map(str::to_owned))?
}

fn is_empty(item: &Item) -> bool {
    item.answer.is_none() && item.value.is_none() && item.note.trim().is_empty()
}

fn steps(code: &str, item: &Item) -> Vec<Edit> {
    let path = |field: &str| Path::new(["items", code, field]).ok();
    let mut steps = Vec::new();
    if let (Some(answer), Some(path)) = (item.answer, path("answer")) {
        steps.push(Edit::Set {
            path,
            value: json!(answer),
        });
    }
    if let (Some(value), Some(path)) = (item.value, path("value")) {
        steps.push(Edit::Set {
            path,
            value: json!(value),
        });
    }
    if let (false, Some(path)) = (item.note.trim().is_empty(), path("note")) {
        steps.push(Edit::Text {
            path,
            text: item.note.clone(),
        });
    }
    steps
}

/// The items that read as they were copied, as `items/CODE`: answer, value and every word of the note.
pub fn copied(inspection: &Document) -> Vec<Path> {
    let attribution = inspection.attribution();
    let by_copy = |reason: &Option<String>| reason.as_deref().is_some_and(is_copying);
    let mut said: Vec<(Path, bool)> = Vec::new();
    let values = attribution.values.iter().map(|(path, live)| {
        let copied = |one: &Alternative| by_copy(&one.provenance.reason);
        (path, live.iter().all(copied))
    });
    let texts = attribution.texts.iter().map(|(path, parts)| {
        let mut parts = parts.iter();
        (path, parts.all(|part| by_copy(&part.provenance.reason)))
    });
    for (path, is_copied) in values.chain(texts) {
        let keys: Vec<&str> = path.keys().collect();
        if let ["items", code, "answer" | "value" | "note"] = *keys.as_slice()
            && let Ok(item) = Path::new(["items", code])
        {
            match said.iter_mut().find(|(known, _)| *known == item) {
                Some((_, all)) => *all &= is_copied,
                None => said.push((item, is_copied)),
            }
        }
    }
    let copied = said.into_iter().filter(|(_, is_copied)| *is_copied);
    let mut copied: Vec<Path> = copied.map(|(item, _)| item).collect();
    copied.sort();
    copied
}
