//! The shape of the report as it is answered.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::figure::Figure;

/// The report.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Report {
    /// First year.
    pub(crate) from: i32,
    /// Last year.
    pub(crate) to: i32,
    /// The day on which deadlines were judged.
    pub(crate) as_of: String,
    /// Whether any record behind it was made for a demonstration.
    pub(crate) synthetic: bool,
    /// Units in which people differ and nobody has settled yet; their figures may still change.
    pub(crate) units_with_unsettled_differences: u64,
    /// Units in inspection scope in any year of the period.
    pub(crate) units_total: Option<u64>,
    /// Of these, those with a protection force of any form, by the latest that is recorded.
    pub(crate) units_with_protection_force: Option<u64>,
    /// Of these, those that registered in any year of the period.
    pub(crate) units_registered_for_model: Option<u64>,
    /// Commendations of collectives and individuals in the period.
    pub(crate) commendations: Option<u64>,
    /// The four figures above with denominator, missing data and records.
    pub(crate) figures: Totals,
    /// Year by year.
    pub(crate) years: Vec<Year>,
}

/// The figures of the whole period.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Totals {
    pub(crate) units_total: Figure,
    pub(crate) units_with_protection_force: Figure,
    pub(crate) units_registered_for_model: Figure,
    pub(crate) commendations: Figure,
}

/// One year.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Year {
    pub(crate) year: i32,
    /// One row for each kind of unit, and for each area where that was asked for.
    pub(crate) rows: Vec<Row>,
    /// The rows together.
    pub(crate) total: Row,
}

/// One row: the figures of a group of units in one year.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct Row {
    /// `agency`, `enterprise`, `school`; `null` in a total and for units whose kind nobody recorded.
    pub(crate) unit_kind: Option<&'static str>,
    /// The area, where rows are by area.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) area: Option<Uuid>,
    /// The evaluation windows behind the row. More than one: the figures span different windows.
    pub(crate) windows: Vec<Window>,
    /// Whether the figures span different windows.
    pub(crate) windows_differ: bool,
    pub(crate) units_in_scope: Figure,
    pub(crate) eligible: Figure,
    pub(crate) inspected: Figure,
    pub(crate) with_protection_force: Figure,
    pub(crate) with_plan: Figure,
    pub(crate) with_model: Figure,
    pub(crate) registered: Figure,
    pub(crate) submitted: Figure,
    pub(crate) recognised: Figure,
    /// Units by the label of their classification; labels of different schemes stay apart.
    pub(crate) classes: BTreeMap<String, Figure>,
    pub(crate) incidents: Figure,
    pub(crate) findings_opened: Figure,
    pub(crate) findings_closed: Figure,
    pub(crate) findings_overdue: Figure,
    pub(crate) commendations_collective: Figure,
    pub(crate) commendations_individuals: Figure,
}

/// An evaluation window and how many units of the row have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Window {
    /// First day; `null` where nobody recorded the window.
    pub(crate) start: Option<String>,
    /// Last day.
    pub(crate) end: Option<String>,
    pub(crate) units: u64,
}
