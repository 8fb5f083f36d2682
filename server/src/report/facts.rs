//! What the report is computed from: of each unit and each inspection only what some figure asks for.

use std::collections::BTreeMap;

use sokiem_record::{
    id::AreaId,
    typed::{FindingState, Inspection, Recognition, Unit, UnitKind, UnitYear},
};
use uuid::Uuid;

/// A unit with what is recorded about it.
#[derive(Clone, Debug)]
pub(crate) struct UnitFacts {
    pub(crate) id: Uuid,
    pub(crate) area: AreaId,
    pub(crate) kind: Option<UnitKind>,
    /// Joined into another record: it is not a second unit.
    pub(crate) joined: bool,
    /// The year in which it closed.
    pub(crate) closed: Option<i32>,
    /// Whether it is in inspection scope where the year says nothing.
    pub(crate) in_scope: Option<bool>,
    /// Whether it has a protection force where the years say nothing.
    pub(crate) protection_force: Option<bool>,
    /// Made for a demonstration.
    pub(crate) synthetic: bool,
    /// Whether people differ about the unit or an inspection of it and nobody has settled yet.
    pub(crate) unsettled: bool,
    pub(crate) years: BTreeMap<i32, YearFacts>,
    pub(crate) inspections: Vec<InspectionFacts>,
}

/// A unit's year.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct YearFacts {
    pub(crate) in_scope: Option<bool>,
    pub(crate) eligible: Option<bool>,
    pub(crate) protection_force: Option<bool>,
    pub(crate) protection_plan: Option<bool>,
    pub(crate) model: Option<bool>,
    pub(crate) registered: bool,
    pub(crate) submitted: bool,
    pub(crate) recognition: Option<Recognition>,
    pub(crate) class: Option<Class>,
    pub(crate) window: Span,
    pub(crate) commended_collective: Option<u64>,
    pub(crate) commended_individuals: Option<u64>,
}

/// The label of a classification. Labels of different schemes stay apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Class {
    pub(crate) label: String,
    pub(crate) scheme: Option<String>,
}

/// First and last day of an evaluation window, as far as they are recorded.
pub(crate) type Span = (Option<String>, Option<String>);

/// An inspection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InspectionFacts {
    pub(crate) id: Uuid,
    /// The year that it belongs to: its campaign's, else that of the visit.
    pub(crate) year: Option<i32>,
    pub(crate) finished: bool,
    pub(crate) window: Span,
    pub(crate) incidents: u64,
    pub(crate) findings_opened: u64,
    pub(crate) findings_closed: u64,
    /// The deadlines of the findings that are open, `YYYY-MM-DD`.
    pub(crate) open_deadlines: Vec<String>,
}

impl UnitFacts {
    /// What a unit's record says, without its inspections.
    pub(crate) fn of(id: Uuid, area: AreaId, unit: &Unit, unsettled: bool) -> Self {
        let years = unit.years.iter();
        Self {
            id,
            area,
            kind: unit.unit_kind,
            joined: unit.joined_into.is_some(),
            closed: unit.closed_on.as_deref().and_then(year_of),
            in_scope: unit.in_inspection_scope,
            protection_force: unit.has_protection_force(),
            synthetic: unit.synthetic == Some(true),
            unsettled,
            years: years
                .filter_map(|(year, recorded)| Some((year.parse().ok()?, YearFacts::of(recorded))))
                .collect(),
            inspections: Vec::new(),
        }
    }

    pub(super) fn year(&self, year: i32) -> Option<&YearFacts> {
        self.years.get(&year)
    }

    /// A unit that closed in a year was still there in it.
    pub(super) fn exists_in(&self, year: i32) -> bool {
        self.closed.is_none_or(|closed| year <= closed)
    }

    pub(super) fn in_scope(&self, year: i32) -> Option<bool> {
        let recorded = self.year(year).and_then(|year| year.in_scope);
        recorded.or(self.in_scope)
    }

    /// The finished inspections of a year.
    pub(super) fn finished(&self, year: i32) -> impl Iterator<Item = &InspectionFacts> {
        let finished = self.inspections.iter().filter(|facts| facts.finished);
        finished.filter(move |facts| facts.year == Some(year))
    }

    /// The window recorded for the year, else that of an inspection.
    pub(super) fn window(&self, year: i32) -> Span {
        if let Some(recorded) = self.year(year)
            && recorded.window != (None, None)
        {
            return recorded.window.clone();
        }
        let mut of_year = self
            .inspections
            .iter()
            .filter(|facts| facts.year == Some(year));
        let dated = of_year.find(|facts| facts.window.0.is_some());
        dated.map_or((None, None), |facts| facts.window.clone())
    }
}

impl YearFacts {
    fn of(year: &UnitYear) -> Self {
        let scheme = year.classification_scheme.clone();
        let class = |label: String| Class { label, scheme };
        Self {
            in_scope: year.in_scope,
            eligible: year.eligible,
            protection_force: year.protection_force,
            protection_plan: year.protection_plan,
            model: year.model,
            registered: year.registered_on.is_some(),
            submitted: year.submitted_on.is_some(),
            recognition: year.recognition,
            class: year.classification.clone().map(class),
            window: (year.window_start.clone(), year.window_end.clone()),
            commended_collective: year.commended_collective.map(not_negative),
            commended_individuals: year.commended_individuals.map(not_negative),
        }
    }
}

impl InspectionFacts {
    /// What an inspection's record says. Its campaign's year goes before that of the visit.
    pub(crate) fn of(id: Uuid, inspection: &Inspection, planned: Option<i32>) -> Self {
        let findings = || inspection.findings.values();
        let open =
            || findings().filter(|finding| finding.state.unwrap_or_default() == FindingState::Open);
        let incidents = inspection.incidents.values();
        let visited = inspection.inspected_on.as_deref().and_then(year_of);
        Self {
            id,
            year: planned.or(visited),
            finished: inspection.finished == Some(true),
            window: (
                inspection.window_start.clone(),
                inspection.window_end.clone(),
            ),
            incidents: incidents
                .map(|incident| not_negative(incident.count.unwrap_or(1)))
                .fold(0, u64::saturating_add),
            findings_opened: findings().count() as u64,
            findings_closed: (findings().count() - open().count()) as u64,
            open_deadlines: open()
                .filter_map(|finding| finding.deadline.clone())
                .collect(),
        }
    }

    /// How many findings are open after their deadline on a day.
    pub(super) fn overdue(&self, day: &str) -> u64 {
        let deadlines = self.open_deadlines.iter();
        deadlines.filter(|deadline| deadline.as_str() < day).count() as u64
    }
}

/// The year of a date.
pub(crate) fn year_of(day: &str) -> Option<i32> {
    day.get(..4)?.parse().ok()
}

/// Negative numbers count as 0.
fn not_negative(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
