//! From facts to the report, without I/O.

use std::collections::{BTreeMap, BTreeSet};

use sokiem_record::{
    id::AreaId,
    typed::{FindingState, Inspection, Recognition, Unit, UnitKind, UnitYear},
};
use uuid::Uuid;

use super::{
    answer::{Report, Row, Totals, Window, Year},
    figure::Figure,
};

/// A unit with what is recorded about it.
#[derive(Clone, Debug)]
pub(crate) struct UnitFacts {
    pub(crate) id: Uuid,
    pub(crate) area: AreaId,
    pub(crate) unit: Unit,
    pub(crate) inspections: Vec<InspectionFacts>,
    /// Whether people differ about the unit or an inspection of it and nobody has settled yet.
    pub(crate) unsettled: bool,
}

/// An inspection with the year that it belongs to: its campaign's, else that of the visit.
#[derive(Clone, Debug)]
pub(crate) struct InspectionFacts {
    pub(crate) id: Uuid,
    pub(crate) year: Option<i32>,
    pub(crate) inspection: Inspection,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) from: i32,
    pub(crate) to: i32,
    /// The day on which deadlines are judged, `YYYY-MM-DD`.
    pub(crate) as_of: String,
    pub(crate) by_area: bool,
}

/// Computes the report.
pub(crate) fn report(units: &[UnitFacts], question: &Question) -> Report {
    // A record that was joined into another is not a second unit.
    let units: Vec<&UnitFacts> = units
        .iter()
        .filter(|facts| facts.unit.joined_into.is_none())
        .collect();
    let years: Vec<Year> = (question.from..=question.to)
        .map(|year| year_of(&units, year, question))
        .collect();
    let totals = totals(&units, question);
    Report {
        from: question.from,
        to: question.to,
        as_of: question.as_of.clone(),
        synthetic: units.iter().any(|facts| facts.unit.synthetic == Some(true)),
        units_with_unsettled_differences: units.iter().filter(|facts| facts.unsettled).count()
            as u64,
        units_total: totals.units_total.value,
        units_with_protection_force: totals.units_with_protection_force.value,
        units_registered_for_model: totals.units_registered_for_model.value,
        commendations: totals.commendations.value,
        figures: totals,
        years,
    }
}

fn totals(units: &[&UnitFacts], question: &Question) -> Totals {
    let period = || question.from..=question.to;
    let scope = |facts: &UnitFacts| {
        any(period()
            .filter(|year| facts.exists_in(*year))
            .map(|year| facts.in_scope(year)))
    };
    let existing: Vec<_> = units
        .iter()
        .filter(|facts| period().any(|year| facts.exists_in(year)))
        .collect();
    let in_scope: Vec<_> = existing
        .iter()
        .filter(|facts| scope(facts) == Some(true))
        .collect();
    Totals {
        units_total: Figure::count(existing.iter().map(|facts| (facts.id, scope(facts)))),
        units_with_protection_force: Figure::count(in_scope.iter().map(|facts| {
            let latest = period()
                .rev()
                .find_map(|year| facts.year(year)?.protection_force);
            (
                facts.id,
                latest.or_else(|| facts.unit.has_protection_force()),
            )
        })),
        units_registered_for_model: Figure::count(in_scope.iter().map(|facts| {
            let recorded: Vec<_> = period().filter_map(|year| facts.year(year)).collect();
            let registered = recorded.iter().any(|year| year.registered_on.is_some());
            (facts.id, (!recorded.is_empty()).then_some(registered))
        })),
        commendations: Figure::sum(in_scope.iter().map(|facts| {
            let years = period().filter_map(|year| facts.year(year));
            (
                vec![facts.id],
                sum(years.flat_map(|year| [year.commended_collective, year.commended_individuals])),
            )
        })),
    }
}

fn year_of(units: &[&UnitFacts], year: i32, question: &Question) -> Year {
    let existing: Vec<&UnitFacts> = units
        .iter()
        .copied()
        .filter(|facts| facts.exists_in(year))
        .collect();
    let mut groups: BTreeMap<(Option<AreaId>, Option<UnitKind>), Vec<&UnitFacts>> = BTreeMap::new();
    for facts in &existing {
        let area = question.by_area.then_some(facts.area);
        groups
            .entry((area, facts.unit.unit_kind))
            .or_default()
            .push(facts);
    }
    let rows: Vec<Row> = groups
        .into_iter()
        .map(|((area, kind), units)| Row {
            unit_kind: kind.map(UnitKind::name),
            area: area.map(|area| area.0),
            ..row(&units, year, question)
        })
        .collect();
    Year {
        year,
        rows,
        total: row(&existing, year, question),
    }
}

fn row(units: &[&UnitFacts], year: i32, question: &Question) -> Row {
    let in_scope: Vec<&UnitFacts> = units
        .iter()
        .copied()
        .filter(|facts| facts.in_scope(year) == Some(true))
        .collect();
    let count = |so: &dyn Fn(&UnitYear) -> Option<bool>| {
        Figure::count(
            in_scope
                .iter()
                .map(|facts| (facts.id, facts.year(year).and_then(so))),
        )
    };
    let dated = |day: &dyn Fn(&UnitYear) -> bool| {
        // Whoever has the year's facts recorded and not this day did not do it; others have no data.
        Figure::count(
            in_scope
                .iter()
                .map(|facts| (facts.id, facts.year(year).map(day))),
        )
    };
    let number = |value: &dyn Fn(&UnitYear) -> Option<i64>| {
        Figure::sum(
            in_scope
                .iter()
                .map(|facts| (vec![facts.id], sum([facts.year(year).and_then(value)]))),
        )
    };
    let findings = |counts: &dyn Fn(&Inspection) -> usize| {
        Figure::sum(
            in_scope
                .iter()
                .map(|facts| facts.over_inspections(year, |inspection| counts(inspection) as u64)),
        )
    };
    let windows = windows(&in_scope, year);
    Row {
        unit_kind: None,
        area: None,
        windows_differ: windows.len() > 1,
        windows,
        units_in_scope: Figure::count(units.iter().map(|facts| (facts.id, facts.in_scope(year)))),
        eligible: count(&|year| year.eligible),
        inspected: Figure::sum(in_scope.iter().map(|facts| {
            let ids: Vec<Uuid> = facts
                .finished(year)
                .map(|inspection| inspection.id)
                .collect();
            let inspected = u64::from(!ids.is_empty());
            (ids, Some(inspected))
        })),
        with_protection_force: count(&|year| year.protection_force),
        with_plan: count(&|year| year.protection_plan),
        with_model: count(&|year| year.model),
        registered: dated(&|year| year.registered_on.is_some()),
        submitted: dated(&|year| year.submitted_on.is_some()),
        recognised: count(&|year| {
            year.recognition
                .map(|recognition| recognition == Recognition::Recognised)
        }),
        classes: classes(&in_scope, year),
        incidents: findings(&|inspection| {
            let counts = inspection
                .incidents
                .values()
                .map(|incident| incident.count.unwrap_or(1));
            counts
                .map(|count| usize::try_from(count).unwrap_or(0))
                .sum()
        }),
        findings_opened: findings(&|inspection| inspection.findings.len()),
        findings_closed: findings(&|inspection| {
            let states = inspection
                .findings
                .values()
                .filter_map(|finding| finding.state);
            states.filter(|state| *state != FindingState::Open).count()
        }),
        findings_overdue: findings(&|inspection| {
            let open = inspection
                .findings
                .values()
                .filter(|finding| finding.state.unwrap_or_default() == FindingState::Open);
            open.filter(|finding| {
                finding
                    .deadline
                    .as_ref()
                    .is_some_and(|deadline| *deadline < question.as_of)
            })
            .count()
        }),
        commendations_collective: number(&|year| year.commended_collective),
        commendations_individuals: number(&|year| year.commended_individuals),
    }
}

/// A figure for each label that occurs, over the same denominator.
fn classes(in_scope: &[&UnitFacts], year: i32) -> BTreeMap<String, Figure> {
    let label = |facts: &UnitFacts| {
        let year = facts.year(year)?;
        let label = year.classification.clone()?;
        Some(
            year.classification_scheme
                .as_ref()
                .map_or(label.clone(), |scheme| format!("{label} ({scheme})")),
        )
    };
    let labels: BTreeSet<String> = in_scope.iter().filter_map(|facts| label(facts)).collect();
    labels
        .into_iter()
        .map(|one| {
            let figure = Figure::count(
                in_scope
                    .iter()
                    .map(|facts| (facts.id, label(facts).map(|label| label == one))),
            );
            (one, figure)
        })
        .collect()
}

fn windows(in_scope: &[&UnitFacts], year: i32) -> Vec<Window> {
    let mut windows: BTreeMap<(Option<String>, Option<String>), u64> = BTreeMap::new();
    for facts in in_scope {
        *windows.entry(facts.window(year)).or_default() += 1;
    }
    windows
        .into_iter()
        .map(|((start, end), units)| Window { start, end, units })
        .collect()
}

impl UnitFacts {
    fn year(&self, year: i32) -> Option<&UnitYear> {
        self.unit.years.get(&format!("{year:04}"))
    }

    /// A unit that closed in a year was still there in it.
    fn exists_in(&self, year: i32) -> bool {
        let closed = self
            .unit
            .closed_on
            .as_deref()
            .and_then(|day| day.get(..4)?.parse::<i32>().ok());
        closed.is_none_or(|closed| year <= closed)
    }

    fn in_scope(&self, year: i32) -> Option<bool> {
        self.year(year)
            .and_then(|year| year.in_scope)
            .or(self.unit.in_inspection_scope)
    }

    fn finished(&self, year: i32) -> impl Iterator<Item = &InspectionFacts> {
        let of_year = self
            .inspections
            .iter()
            .filter(move |facts| facts.year == Some(year));
        of_year.filter(|facts| facts.inspection.finished == Some(true))
    }

    /// A number over the year's finished inspections and their ids; no data without any.
    fn over_inspections(
        &self,
        year: i32,
        number: impl Fn(&Inspection) -> u64,
    ) -> (Vec<Uuid>, Option<u64>) {
        let mut records = Vec::new();
        let mut sum = None;
        for facts in self.finished(year) {
            let one = number(&facts.inspection);
            sum = Some(sum.unwrap_or(0) + one);
            if one > 0 {
                records.push(facts.id);
            }
        }
        (records, sum)
    }

    /// The window recorded for the year, else that of an inspection.
    fn window(&self, year: i32) -> (Option<String>, Option<String>) {
        if let Some(recorded) = self.year(year)
            && (recorded.window_start.is_some() || recorded.window_end.is_some())
        {
            return (recorded.window_start.clone(), recorded.window_end.clone());
        }
        let mut of_year = self
            .inspections
            .iter()
            .filter(|facts| facts.year == Some(year))
            .map(|facts| &facts.inspection);
        let dated = of_year.find(|inspection| inspection.window_start.is_some());
        dated.map_or((None, None), |inspection| {
            (
                inspection.window_start.clone(),
                inspection.window_end.clone(),
            )
        })
    }
}

/// Whether any is so: no data when nobody knows and none is so.
fn any(values: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    values.fold(None, |so_far, value| match (so_far, value) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (None, other) => other,
        (known, _) => known,
    })
}

/// The numbers that are there, added up; no data when none is there. Negative numbers count as 0.
fn sum(numbers: impl IntoIterator<Item = Option<i64>>) -> Option<u64> {
    let known = numbers
        .into_iter()
        .flatten()
        .map(|number| u64::try_from(number).unwrap_or(0));
    known.fold(None, |so_far, number| {
        Some(so_far.unwrap_or(0).saturating_add(number))
    })
}

#[cfg(test)]
mod tests;
