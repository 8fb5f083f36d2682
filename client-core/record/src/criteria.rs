//! Criteria sets (bộ tiêu chí): what is inspected, as data with provenance.
//!
//! A set is a TOML file under `criteria/`. Its (code, version) is published once and never changes:
//! first changes of planned inspections follow from it. Every item carries its citation and how sure
//! we are of it; a set of which not everything was read is marked incomplete.

mod asking;
mod compare;
mod form;
mod validate;

use serde::{Deserialize, Serialize};

pub use asking::AskedWhen;
pub use compare::{Changed, ChangedItem, Difference, Piece, Stands, compare, words};
pub use form::{Form, FormItem};
pub use validate::{Fault, validate};

use crate::typed::UnitKind;

/// How sure we are that an item says what its source says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// Read in an excerpt of the cited text.
    Read,
    /// Read in part: the excerpt was cut off.
    Partial,
    /// Second-hand, from the press.
    Press,
    /// Not verified.
    Unsure,
    /// No legal text: the project's own sheet.
    Own,
}

/// What a set is for. Recognition and classification are separate and never derived from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Whether a unit meets the standard: every item must be met, no points.
    Recognition,
    /// A yearly self-scored sheet with points.
    Classification,
    /// What an inspection looks at beside either.
    Inspection,
}

/// How an item is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum AnswerType {
    /// Đạt or chưa đạt.
    PassFail,
    /// Đạt or chưa đạt with a measured value, which must lie within the limits to pass.
    Measured {
        /// The unit of the value: `%`, `người`, `lần`.
        unit: String,
        /// The least value that passes.
        min: Option<f64>,
        /// The greatest value that passes.
        max: Option<f64>,
    },
    /// Points, from zero to `max`.
    Points {
        /// The most points.
        max: f64,
    },
}

/// Where an item comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Citation {
    /// The text and its article: `Thông tư 124/2021/TT-BCA, Điều 6`.
    pub source: String,
    /// How sure we are.
    pub verification: Verification,
    /// What is missing or doubtful.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One criterion (tiêu chí).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Stable code: capitals, digits and hyphens.
    pub code: String,
    /// The text in Vietnamese.
    pub vi: String,
    /// The text in English.
    pub en: String,
    /// How it is answered.
    pub answer: AnswerType,
    /// When it is asked at all; always where absent. A set without conditions has the bytes that it ever had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_when: Option<AskedWhen>,
    /// Whether an inspection is incomplete without it, where it is asked.
    pub required: bool,
    /// Whether `not_applicable` is an answer.
    pub not_applicable_allowed: bool,
    /// What evidence is expected, in Vietnamese.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// Where it comes from.
    pub citation: Citation,
}

/// How a set's evaluation window runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// From 30 November to 30 November.
    NovemberToNovember,
    /// From one school-year summary to the next.
    SchoolYear,
    /// The campaign states it.
    Campaign,
}

/// A criteria set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CriteriaSet {
    /// Stable code: capitals, digits and hyphens.
    pub code: String,
    /// Counts up; a published version never changes.
    pub version: u32,
    /// The regime: `TT 124/2021/TT-BCA`, or `own`.
    pub regime: String,
    /// The title in Vietnamese.
    pub title_vi: String,
    /// The title in English.
    pub title_en: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Which units it is for.
    pub unit_kinds: Vec<UnitKind>,
    /// First day on which it is in force, `YYYY-MM-DD`.
    pub valid_from: String,
    /// Last day on which it is in force; open where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<String>,
    /// How its evaluation window runs.
    pub window: Window,
    /// Whether every criterion of the source is here.
    pub complete: bool,
    /// What a reader must know: what is missing, what amends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The criteria, in their order.
    pub items: Vec<Item>,
}

impl CriteriaSet {
    /// How campaigns and documents name it: `CODE@version`.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.code, self.version)
    }

    /// The codes of the items, in their order: what a planned inspection is made of.
    pub fn item_codes(&self) -> Vec<String> {
        self.items.iter().map(|item| item.code.clone()).collect()
    }
}

/// Splits `CODE@version`.
pub fn parse_reference(reference: &str) -> Option<(&str, u32)> {
    let (code, version) = reference.split_once('@')?;
    Some((code, version.parse().ok()?))
}

/// The files that ship with this build: name and text.
pub const SHIPPED: [(&str, &str); 5] = [
    (
        "kiemtra-chung.toml",
        include_str!("../criteria/kiemtra-chung.toml"),
    ),
    ("q510.toml", include_str!("../criteria/q510.toml")),
    ("t23-nt.toml", include_str!("../criteria/t23-nt.toml")),
    ("t124-cd.toml", include_str!("../criteria/t124-cd.toml")),
    ("t124-gd.toml", include_str!("../criteria/t124-gd.toml")),
];

/// The sets that ship with this build.
///
/// # Errors
/// The faults of a file; a test excludes them for the files of this build.
pub fn shipped() -> Result<Vec<CriteriaSet>, Vec<Fault>> {
    SHIPPED
        .iter()
        .map(|(file, text)| validate(file, text))
        .collect()
}
