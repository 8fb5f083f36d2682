//! The history of a record as a line of steps, each of which can be gone back to.

use serde_json::Value;
use sokiem_record::{history::FieldChange, schema::IDENTITY};

use super::field::full_label;
use crate::{
    pages::shown::Shown,
    records::{decision::Taken, reading::Reading, record::Entry},
};

/// One change in the timeline.
pub(crate) struct Step<'a> {
    pub(crate) entry: &'a Entry,
    /// Which, from 1.
    pub(crate) number: usize,
    /// The state after it, for the address.
    pub(crate) at: String,
    pub(crate) changes: Vec<Change>,
    /// How many more fields it set.
    pub(crate) more: usize,
    /// Decisions that were taken on this state.
    pub(crate) decisions: Vec<&'a Taken>,
    /// Whether this is the state that is shown.
    pub(crate) is_shown: bool,
}

/// What a step did to a field.
pub(crate) struct Change {
    pub(crate) path: String,
    pub(crate) label: (String, String),
    pub(crate) before: Vec<Shown>,
    pub(crate) after: Shown,
    /// What was taken out of a text.
    pub(crate) deleted: String,
}

impl Change {
    pub(crate) fn of(reading: &Reading, change: &FieldChange) -> Self {
        let shown = |value: &Value| match (reading.called(value), value) {
            (Some(title), _) => Shown::Text(title.to_owned()),
            (None, value) => Shown::at(reading.kind, &change.path, value),
        };
        Self {
            path: change.path.to_string(),
            label: full_label(change.path.as_str()),
            before: change.before.iter().map(shown).collect(),
            after: shown(&change.after),
            deleted: change.deleted_text.clone().unwrap_or_default(),
        }
    }
}

/// What a person reads of what a change did to some fields, and how many fields it did more to: names of
/// versions and keys, sizes of files.
pub(crate) fn changes(reading: &Reading, fields: &[FieldChange]) -> (Vec<Change>, usize) {
    let told = fields
        .iter()
        .filter(|field| !is_technical(field.path.as_str()));
    let changes: Vec<Change> = told
        .take(MOST_FIELDS)
        .map(|field| Change::of(reading, field))
        .collect();
    let identity = fields
        .iter()
        .filter(|field| IDENTITY.contains(&field.path.as_str()));
    let more = fields
        .len()
        .saturating_sub(changes.len() + identity.count());
    (changes, more)
}

fn is_technical(path: &str) -> bool {
    const EVIDENCE: [&str; 7] = [
        "bytes",
        "media_type",
        "width",
        "height",
        "camera",
        "thumbnail",
        "type",
    ];
    const SIGNATURE: [&str; 5] = ["heads", "account", "device", "key", "signature"];
    let last = path.rsplit('/').next().unwrap_or(path);
    IDENTITY.contains(&path)
        || (path.contains("/evidence/") && EVIDENCE.contains(&last))
        || (path.starts_with("signatures/") && SIGNATURE.contains(&last))
}

/// Most fields that one step lists: the first change of an inspection sets many.
const MOST_FIELDS: usize = 30;

/// Every step, the latest first.
pub(crate) fn steps(reading: &Reading) -> Vec<Step<'_>> {
    let steps = reading.history.iter().enumerate();
    let mut steps: Vec<Step<'_>> = steps
        .map(|(index, entry)| {
            let (changes, more) = changes(reading, &entry.fields);
            let decided = |taken: &&Taken| taken.heads == entry.state;
            Step {
                entry,
                number: index + 1,
                at: entry.state.join(","),
                changes,
                more,
                decisions: reading.decisions.iter().filter(decided).collect(),
                is_shown: entry.state == reading.record.heads,
            }
        })
        .collect();
    steps.reverse();
    steps
}

/// What arrived after the state that somebody saw, the latest first.
pub(crate) fn missed<'a>(reading: &'a Reading, seen: &str) -> Vec<Step<'a>> {
    let seen: Vec<&str> = seen.split_whitespace().collect();
    let state = |entry: &Entry| entry.state.iter().eq(seen.iter());
    let holds = |entry: &Entry| seen.contains(&entry.hash.as_str());
    let history = &reading.history;
    let known = history
        .iter()
        .position(state)
        .or_else(|| history.iter().rposition(holds));
    let mut steps = steps(reading);
    // The latest first: those after the known one come before it.
    steps.truncate(known.map_or(steps.len(), |known| history.len() - 1 - known));
    steps
}

/// Where an earlier state lies in the timeline.
pub(crate) struct Then<'a> {
    /// The last step that it holds.
    pub(crate) step: &'a Entry,
    pub(crate) number: usize,
    pub(crate) of: usize,
    /// The state before, where there is one.
    pub(crate) previous: Option<String>,
    /// The state after; the last one is the present.
    pub(crate) next: Option<String>,
    pub(crate) changes: Vec<Change>,
}

/// The place of the state that is read; `None` for the present.
pub(crate) fn then(reading: &Reading) -> Option<Then<'_>> {
    if !reading.is_old() {
        return None;
    }
    // A state that the server never had, such as what one officer saw, lies after the last change that it holds.
    let holds = |entry: &Entry| reading.record.heads.contains(&entry.hash);
    let exact = |entry: &Entry| entry.state == reading.record.heads;
    let history = &reading.history;
    let index = history
        .iter()
        .position(exact)
        .or_else(|| history.iter().rposition(holds))?;
    let step = history.get(index)?;
    let at = |entry: &Entry| entry.state.join(",");
    let next = history.get(index + 1).map(at);
    Some(Then {
        step,
        number: index + 1,
        of: history.len(),
        previous: index
            .checked_sub(1)
            .and_then(|index| history.get(index))
            .map(at),
        next: next.filter(|_| index + 2 < history.len()),
        changes: changes(reading, &step.fields).0,
    })
}
