//! An inspection (kiểm tra) and its minutes (biên bản). Elements that were struck out are left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Typed;
use crate::id::{DocumentId, Kind};

/// The answer to a criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Đạt.
    Pass,
    /// Chưa đạt.
    Fail,
    /// Không áp dụng.
    NotApplicable,
    /// Chưa kiểm tra.
    NotChecked,
}

impl Answer {
    /// The word that records hold for it.
    pub fn word(self) -> &'static str {
        match self {
            Answer::Pass => "pass",
            Answer::Fail => "fail",
            Answer::NotApplicable => "not_applicable",
            Answer::NotChecked => "not_checked",
        }
    }
}

/// Where a finding stands as recorded. Overdue is no state: it follows from the deadline and a day.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum FindingState {
    /// Chưa khắc phục.
    #[default]
    Open,
    /// Đã khắc phục, as the unit or an officer reports.
    Fixed,
    /// Đã xác minh.
    Verified,
}

/// An inspection. The fields are those of the schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    missing_docs,
    reason = "the schema's names; docs/record-model.md explains each"
)]
pub struct Inspection {
    pub unit: Option<DocumentId>,
    pub campaign: Option<DocumentId>,
    pub criteria_code: Option<String>,
    pub criteria_version: Option<i64>,
    pub window_start: Option<String>,
    pub window_end: Option<String>,
    pub synthetic: Option<bool>,
    pub issuing_body: Option<String>,
    pub number: Option<String>,
    pub legal_basis: Option<String>,
    pub inspected_on: Option<String>,
    pub started_ms: Option<i64>,
    pub ended_ms: Option<i64>,
    pub place: Option<String>,
    pub position: Option<String>,
    pub copies: Option<i64>,
    pub team: BTreeMap<Uuid, Participant>,
    pub representatives: BTreeMap<Uuid, Participant>,
    pub absentees: BTreeMap<Uuid, Absentee>,
    /// By the criterion's code.
    pub items: BTreeMap<String, Item>,
    pub incidents: BTreeMap<Uuid, Incident>,
    pub findings: BTreeMap<Uuid, Finding>,
    pub recommendations: BTreeMap<Uuid, Recommendation>,
    pub opinion: String,
    pub remarks: String,
    pub signatures: BTreeMap<Uuid, Signature>,
    pub finished: Option<bool>,
    pub comments: BTreeMap<Uuid, Comment>,
}

impl Typed for Inspection {
    const KIND: Kind = Kind::Inspection;
}

macro_rules! element {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        #[expect(missing_docs, reason = "the schema's names; docs/record-model.md explains each")]
        pub struct $name { $(pub $field: $type,)* }
    };
}

element!(
    /// Somebody of the team or of the unit.
    Participant { name: Option<String>, title: Option<String>, body: Option<String> }
);
element!(
    /// Somebody who should have been there.
    Absentee { name: Option<String>, title: Option<String>, reason: Option<String> }
);
element!(
    /// One criterion.
    Item { answer: Option<Answer>, value: Option<f64>, note: String, evidence: BTreeMap<String, Evidence> }
);
element!(
    /// What the record says of a photo or scan; the key is the content hash.
    Evidence {
        r#type: Option<String>,
        caption: Option<String>,
        taken_ms: Option<i64>,
        position: Option<String>,
        bytes: Option<i64>,
        media_type: Option<String>,
        width: Option<i64>,
        height: Option<i64>,
        camera: Option<String>,
        thumbnail: Option<String>,
    }
);
element!(
    /// Something that happened in the window. Counts and kinds only.
    Incident { r#type: Option<String>, date: Option<String>, count: Option<i64>, reported: Option<bool>, outcome: Option<String> }
);
element!(
    /// Something to be put right.
    Finding {
        item: Option<String>,
        text: String,
        remedy: Option<String>,
        owner: Option<String>,
        deadline: Option<String>,
        state: Option<FindingState>,
        fixed_on: Option<String>,
        verified_on: Option<String>,
        evidence: BTreeMap<String, Evidence>,
    }
);
element!(
    /// What the team asks for.
    Recommendation { text: String, to: Option<String> }
);
element!(
    /// A signature, or that it was refused.
    Signature {
        role: Option<String>,
        name: Option<String>,
        title: Option<String>,
        image: Option<String>,
        signed_ms: Option<i64>,
        refused: Option<bool>,
        refusal_reason: Option<String>,
        heads: Option<String>,
        account: Option<Uuid>,
        device: Option<Uuid>,
        key: Option<String>,
        signature: Option<String>,
    }
);
element!(
    /// A remark on a criterion or on the whole record.
    Comment { item: Option<String>, text: String }
);
