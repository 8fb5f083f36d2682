//! A unit (đơn vị) and its years.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Typed;
use crate::id::{DocumentId, Kind};

/// What sort of organisation a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitKind {
    /// Cơ quan.
    Agency,
    /// Doanh nghiệp.
    Enterprise,
    /// Nhà trường, cơ sở giáo dục.
    School,
}

impl UnitKind {
    /// All kinds, in the order of reports.
    pub const ALL: [UnitKind; 3] = [UnitKind::Agency, UnitKind::Enterprise, UnitKind::School];

    /// The word in records, one of [`crate::schema::UNIT_KINDS`].
    pub fn name(self) -> &'static str {
        match self {
            UnitKind::Agency => "agency",
            UnitKind::Enterprise => "enterprise",
            UnitKind::School => "school",
        }
    }
}

/// A unit. The fields are those of the schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    missing_docs,
    reason = "the schema's names; docs/record-model.md explains each"
)]
pub struct Unit {
    pub unit_kind: Option<UnitKind>,
    pub school_level: Option<String>,
    pub enterprise_size: Option<String>,
    pub armed_forces: Option<bool>,
    pub name: Option<String>,
    pub address: Option<String>,
    pub position: Option<String>,
    pub head_name: Option<String>,
    pub head_title: Option<String>,
    pub phone: Option<String>,
    pub staff: Option<i64>,
    pub learners: Option<i64>,
    pub in_inspection_scope: Option<bool>,
    pub closed_on: Option<String>,
    pub joined_into: Option<DocumentId>,
    pub synthetic: Option<bool>,
    pub guards_full_time: Option<i64>,
    pub guards_part_time: Option<i64>,
    pub guards_hired: Option<i64>,
    pub core_organisation_members: Option<i64>,
    pub guards_trained: Option<i64>,
    pub guards_certified: Option<i64>,
    pub plan_exists: Option<bool>,
    pub plan_approved_on: Option<String>,
    pub plan_approver: Option<String>,
    pub plan_last_drill_on: Option<String>,
    pub cctv_installed: Option<i64>,
    pub cctv_working: Option<i64>,
    pub cctv_days_kept: Option<i64>,
    pub fire_equipment: Option<String>,
    pub fire_checked_on: Option<String>,
    pub register_shifts: Option<bool>,
    pub register_visitors: Option<bool>,
    pub register_patrols: Option<bool>,
    pub register_incidents: Option<bool>,
    pub notes: String,
    /// By year (for schools the year in which the school year begins), four digits.
    pub years: BTreeMap<String, UnitYear>,
}

impl Typed for Unit {
    const KIND: Kind = Kind::Unit;
}

impl Unit {
    /// Whether the unit has a protection force of any form: full-time, part-time, hired or a core
    /// organisation. `None` when nobody recorded any of the four numbers.
    pub fn has_protection_force(&self) -> Option<bool> {
        let numbers = [
            self.guards_full_time,
            self.guards_part_time,
            self.guards_hired,
            self.core_organisation_members,
        ];
        if numbers.iter().all(Option::is_none) {
            return None;
        }
        Some(numbers.into_iter().flatten().any(|number| number > 0))
    }
}

/// What was decided about the standard in a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recognition {
    /// Được công nhận.
    Recognised,
    /// Không được công nhận.
    NotRecognised,
    /// Không thuộc diện.
    Ineligible,
}

/// What happened to a unit in one year. Recognition and classification are separate: neither follows
/// from the other, and labels of different schemes are never mapped onto each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    missing_docs,
    reason = "the schema's names; docs/record-model.md explains each"
)]
pub struct UnitYear {
    pub regime: Option<String>,
    pub window_start: Option<String>,
    pub window_end: Option<String>,
    pub in_scope: Option<bool>,
    pub eligible: Option<bool>,
    pub protection_force: Option<bool>,
    pub protection_plan: Option<bool>,
    pub model: Option<bool>,
    pub registered_on: Option<String>,
    pub self_assessed_on: Option<String>,
    pub submitted_on: Option<String>,
    pub appraised_on: Option<String>,
    pub appraisal: Option<String>,
    pub recognition: Option<Recognition>,
    pub recognition_number: Option<String>,
    pub recognition_on: Option<String>,
    pub recognition_signer: Option<String>,
    pub classification_scheme: Option<String>,
    pub classification: Option<String>,
    pub classification_points: Option<f64>,
    pub commended_collective: Option<i64>,
    pub commended_individuals: Option<i64>,
}
