//! The shape of the report as it is answered.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    figure::Figure,
    measure::{Measure, PeriodMeasure},
    question::KindAsked,
};

/// The report.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Report {
    /// First year.
    pub(crate) from: i32,
    /// Last year.
    pub(crate) to: i32,
    /// The day on which deadlines were judged.
    pub(crate) as_of: String,
    /// The area that was asked about, with what lies below it; `null` for all of the caller's.
    pub(crate) area: Option<AreaName>,
    /// The kind that was asked about; `null` for all.
    pub(crate) kind: Option<KindAsked>,
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

/// An area by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct AreaName {
    /// The area.
    pub(crate) id: Uuid,
    /// What it is called.
    pub(crate) name: String,
}

/// The figures of the whole period.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
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
    /// The kind of the units; `null` in a total.
    pub(crate) unit_kind: Option<KindAsked>,
    /// The area, where rows are by area.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) area: Option<AreaName>,
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
    pub(crate) classes: Vec<ClassFigure>,
    pub(crate) incidents: Figure,
    pub(crate) findings_opened: Figure,
    pub(crate) findings_closed: Figure,
    pub(crate) findings_overdue: Figure,
    pub(crate) commendations_collective: Figure,
    pub(crate) commendations_individuals: Figure,
}

/// How many units have a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ClassFigure {
    /// The label: xuất sắc, khá, mạnh …
    pub(crate) label: String,
    /// The scheme that it comes from.
    pub(crate) scheme: Option<String>,
    #[serde(flatten)]
    pub(crate) figure: Figure,
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

impl Report {
    /// The labels of classification that occur anywhere in the report.
    pub(crate) fn classes(&self) -> &[ClassFigure] {
        let first = self.years.first();
        first.map_or(&[], |year| &year.total.classes)
    }
}

impl ClassFigure {
    /// The label with its scheme.
    pub(crate) fn name(&self) -> String {
        match &self.scheme {
            Some(scheme) => format!("{} ({scheme})", self.label),
            None => self.label.clone(),
        }
    }
}

impl Totals {
    /// The place of a figure.
    pub(super) fn place(&mut self, measure: PeriodMeasure) -> &mut Figure {
        match measure {
            PeriodMeasure::UnitsTotal => &mut self.units_total,
            PeriodMeasure::WithProtectionForce => &mut self.units_with_protection_force,
            PeriodMeasure::RegisteredForModel => &mut self.units_registered_for_model,
            PeriodMeasure::Commendations => &mut self.commendations,
        }
    }

    /// The figures in their order.
    pub(crate) fn all(&self) -> [(PeriodMeasure, &Figure); 4] {
        [
            (PeriodMeasure::UnitsTotal, &self.units_total),
            (
                PeriodMeasure::WithProtectionForce,
                &self.units_with_protection_force,
            ),
            (
                PeriodMeasure::RegisteredForModel,
                &self.units_registered_for_model,
            ),
            (PeriodMeasure::Commendations, &self.commendations),
        ]
    }
}

impl Row {
    /// The place of a figure.
    pub(super) fn place(&mut self, measure: Measure) -> &mut Figure {
        match measure {
            Measure::InScope => &mut self.units_in_scope,
            Measure::Eligible => &mut self.eligible,
            Measure::Inspected => &mut self.inspected,
            Measure::ProtectionForce => &mut self.with_protection_force,
            Measure::ProtectionPlan => &mut self.with_plan,
            Measure::Model => &mut self.with_model,
            Measure::Registered => &mut self.registered,
            Measure::Submitted => &mut self.submitted,
            Measure::Recognised => &mut self.recognised,
            Measure::Incidents => &mut self.incidents,
            Measure::FindingsOpened => &mut self.findings_opened,
            Measure::FindingsClosed => &mut self.findings_closed,
            Measure::FindingsOverdue => &mut self.findings_overdue,
            Measure::CommendedCollective => &mut self.commendations_collective,
            Measure::CommendedIndividuals => &mut self.commendations_individuals,
        }
    }

    /// One figure.
    pub(crate) fn figure(&self, measure: Measure) -> &Figure {
        match measure {
            Measure::InScope => &self.units_in_scope,
            Measure::Eligible => &self.eligible,
            Measure::Inspected => &self.inspected,
            Measure::ProtectionForce => &self.with_protection_force,
            Measure::ProtectionPlan => &self.with_plan,
            Measure::Model => &self.with_model,
            Measure::Registered => &self.registered,
            Measure::Submitted => &self.submitted,
            Measure::Recognised => &self.recognised,
            Measure::Incidents => &self.incidents,
            Measure::FindingsOpened => &self.findings_opened,
            Measure::FindingsClosed => &self.findings_closed,
            Measure::FindingsOverdue => &self.findings_overdue,
            Measure::CommendedCollective => &self.commendations_collective,
            Measure::CommendedIndividuals => &self.commendations_individuals,
        }
    }

    /// The figures in the order of the report, with what they are called.
    pub(crate) fn figures(&self) -> impl Iterator<Item = (Measure, &Figure)> {
        Measure::ALL
            .into_iter()
            .map(|measure| (measure, self.figure(measure)))
    }
}
