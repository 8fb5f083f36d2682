//! What a record of an inspection still lacks: the check list before the officer finishes it.
//!
//! It advises and forbids nothing. A visit ends when it ends, and a record that lacks something may be finished
//! all the same; then the list says what a supervisor is going to ask for.

mod items;
mod people;
mod words;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{criteria::Form, schema::Path, typed, typed::Inspection};

/// How much an entry weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// The record is incomplete or contradicts itself.
    Must,
    /// Worth a look; the record may well be complete without it.
    Hint,
}

/// What can be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// A required item that is asked and that nobody answered.
    Unanswered,
    /// A required item that says `not_checked`: true of the visit so far, and no answer to finish with.
    NotChecked,
    /// `not_applicable`, where the criteria set does not allow it.
    NotApplicableNotAllowed,
    /// A measured item was judged, and what was measured is not there.
    NoValue,
    /// A measured item is met although the value lies outside its limits.
    OutsideLimits,
    /// An item is not met, and neither a note nor a finding says why.
    FailUnexplained,
    /// Evidence is expected, and there is none. A hint: a paper may have been looked at.
    NoEvidence,
    /// An item has an answer, and after the answers to others it is not asked. The answer stays. A hint.
    NotAsked,
    /// A finding without its text.
    FindingWithoutText,
    /// An open finding without the day until which it is to be put right.
    FindingWithoutDeadline,
    /// The day of the visit.
    NoDate,
    /// Nobody of the team is named.
    NoTeam,
    /// Nobody of the unit is named.
    NoRepresentative,
    /// The unit neither signed nor is said to have refused.
    NoUnitSignature,
    /// The unit refused to sign, and nothing says why.
    RefusalWithoutReason,
    /// The record was finished, and its present state carries no device's signature: it changed since.
    NoDeviceSignature,
    /// People recorded different values.
    Conflict,
    /// The unit's own opinion. A hint: the unit may have none.
    NoOpinion,
    /// The criteria set is not on this device, so that its items could not be checked. A hint.
    NoCriteriaSet,
}

impl Lack {
    /// How much it weighs.
    pub fn weight(self) -> Weight {
        match self {
            Lack::NoEvidence | Lack::NotAsked | Lack::NoOpinion | Lack::NoCriteriaSet => {
                Weight::Hint
            }
            _ => Weight::Must,
        }
    }
}

/// One thing that is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// How much it weighs.
    pub weight: Weight,
    /// What it is.
    pub lack: Lack,
    /// The field, element or collection that it is about.
    pub path: Path,
    /// For people, in Vietnamese.
    pub vietnamese: String,
    /// The same in English.
    pub english: String,
}

/// Everything that a record lacks, in the order of the minutes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The entries.
    pub entries: Vec<Entry>,
}

impl Missing {
    /// Whether nothing is missing but hints.
    pub fn is_complete(&self) -> bool {
        self.entries
            .iter()
            .all(|entry| entry.weight == Weight::Hint)
    }

    fn add(&mut self, lack: Lack, path: &str, (vietnamese, english): (String, String)) {
        // A key that makes no path was put there by no build; nobody could be led to it either.
        if let Ok(path) = path.parse() {
            self.entries.push(Entry {
                weight: lack.weight(),
                lack,
                path,
                vietnamese,
                english,
            });
        }
    }
}

/// What else is known of a record beside its fields.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The criteria set; `None` when it is not at hand.
    pub form: Option<&'a Form>,
    /// The fields in which people differ.
    pub conflicts: &'a [Path],
    /// Whether a device's signature stands over the present state.
    pub signed: bool,
}

/// What an inspection lacks. `fields` is what [`crate::document::Document::to_json`] says.
///
/// # Errors
/// As [`typed::of_fields`].
pub fn missing(fields: &Json, known: Known<'_>) -> Result<Missing, serde_json::Error> {
    let inspection: Inspection = typed::of_fields(fields)?;
    let mut missing = Missing::default();
    if inspection.inspected_on.is_none() {
        missing.add(Lack::NoDate, "inspected_on", words::plain(Lack::NoDate));
    }
    people::present(&inspection, &mut missing);
    match known.form {
        Some(form) => items::check(fields, &inspection, form, &mut missing),
        None => missing.add(
            Lack::NoCriteriaSet,
            "items",
            words::plain(Lack::NoCriteriaSet),
        ),
    }
    items::findings(&inspection, &mut missing);
    people::end(&inspection, known.signed, &mut missing);
    for path in known.conflicts {
        missing.add(Lack::Conflict, path.as_str(), words::plain(Lack::Conflict));
    }
    Ok(missing)
}

/// Whether there is something to read in a text.
fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
