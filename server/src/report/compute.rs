//! From facts to the report, without I/O: units are counted one after the other, and none is kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sokiem_record::id::AreaId;
use uuid::Uuid;

use super::{
    answer::{AreaName, ClassFigure, Report, Row, Totals, Window, Year},
    behind,
    facts::{Class, Span, UnitFacts},
    figure::Figure,
    measure::{Measure, PeriodMeasure, Share},
    question::{KindAsked, Question},
};

/// What areas are called.
pub(crate) type AreaNames = HashMap<Uuid, String>;

/// The report in the making.
pub(crate) struct Count<'q> {
    question: &'q Question,
    synthetic: bool,
    unsettled: u64,
    totals: [Figure; PeriodMeasure::ALL.len()],
    years: Vec<BTreeMap<Key, Group>>,
}

/// Which row.
type Key = (Option<AreaId>, KindAsked);

/// What is counted for a row.
#[derive(Default)]
struct Group {
    figures: [Figure; Measure::ALL.len()],
    classes: BTreeMap<Class, u64>,
    /// Units in scope, and how many of them have no label.
    classified: Figure,
    windows: BTreeMap<Span, u64>,
}

impl<'q> Count<'q> {
    /// Nothing counted yet.
    pub(crate) fn new(question: &'q Question) -> Self {
        Self {
            question,
            synthetic: false,
            unsettled: 0,
            totals: Default::default(),
            years: (question.from..=question.to)
                .map(|_| BTreeMap::new())
                .collect(),
        }
    }

    /// Counts a unit.
    pub(crate) fn add(&mut self, facts: &UnitFacts) {
        let question = self.question;
        if !question.is_about(facts) {
            return;
        }
        self.synthetic |= facts.synthetic;
        self.unsettled += u64::from(facts.unsettled);
        for (measure, figure) in PeriodMeasure::ALL.into_iter().zip(&mut self.totals) {
            figure.add(measure.of(facts, question.from, question.to));
        }
        let key = (
            question.by_area.then_some(facts.area),
            KindAsked::of(facts.kind),
        );
        for (year, groups) in (question.from..=question.to).zip(&mut self.years) {
            if facts.exists_in(year) {
                let group = groups.entry(key).or_default();
                group.add(facts, year, &question.as_of);
            }
        }
    }

    /// The report.
    pub(crate) fn finish(self, names: &AreaNames) -> Report {
        let question = self.question;
        let mut figures = Totals::default();
        for (measure, counted) in PeriodMeasure::ALL.into_iter().zip(self.totals) {
            *figures.place(measure) = Figure {
                query: behind::query(question, measure.name(), None, None, None),
                ..counted
            };
        }
        let name = |area: AreaId| AreaName {
            id: area.0,
            name: names.get(&area.0).cloned().unwrap_or_default(),
        };
        let labels: BTreeSet<Class> = self
            .years
            .iter()
            .flat_map(BTreeMap::values)
            .flat_map(|group| group.classes.keys().cloned())
            .collect();
        let years = (question.from..).zip(self.years);
        let years = years.map(|(year, groups)| {
            let mut total = Group::default();
            for group in groups.values() {
                total.merge(group);
            }
            let row = |(key, group): (Key, Group)| Row {
                area: key.0.map(name),
                unit_kind: Some(key.1),
                ..group.row(question, &labels, year, Some(key))
            };
            let mut rows: Vec<Row> = groups.into_iter().map(row).collect();
            rows.sort_by(|one, two| {
                let place = |row: &Row| row.area.as_ref().map(|area| area.name.clone());
                (place(one), one.unit_kind).cmp(&(place(two), two.unit_kind))
            });
            Year {
                year,
                rows,
                total: total.row(question, &labels, year, None),
            }
        });
        Report {
            from: question.from,
            to: question.to,
            as_of: question.as_of.clone(),
            area: question.area.map(name),
            kind: question.kind,
            synthetic: self.synthetic,
            units_with_unsettled_differences: self.unsettled,
            units_total: figures.units_total.value,
            units_with_protection_force: figures.units_with_protection_force.value,
            units_registered_for_model: figures.units_registered_for_model.value,
            commendations: figures.commendations.value,
            years: years.collect(),
            figures,
        }
    }
}

impl Group {
    fn add(&mut self, facts: &UnitFacts, year: i32, as_of: &str) {
        for (measure, figure) in Measure::ALL.into_iter().zip(&mut self.figures) {
            figure.add(measure.of(facts, year, as_of));
        }
        if facts.in_scope(year) != Some(true) {
            return;
        }
        let class = facts.year(year).and_then(|year| year.class.as_ref());
        self.classified
            .add(class.map_or(Share::NoData, |_| Share::Number(1)));
        if let Some(class) = class {
            match self.classes.get_mut(class) {
                Some(units) => *units += 1,
                None => drop(self.classes.insert(class.clone(), 1)),
            }
        }
        *self.windows.entry(facts.window(year)).or_default() += 1;
    }

    fn merge(&mut self, other: &Self) {
        for (one, two) in self.figures.iter_mut().zip(&other.figures) {
            one.merge(two);
        }
        self.classified.merge(&other.classified);
        for (class, units) in &other.classes {
            *self.classes.entry(class.clone()).or_default() += units;
        }
        for (window, units) in &other.windows {
            *self.windows.entry(window.clone()).or_default() += units;
        }
    }

    /// Every label of the report has its figure: 0 where others have one, no data where nobody has any.
    fn row(
        self,
        question: &Question,
        labels: &BTreeSet<Class>,
        year: i32,
        key: Option<Key>,
    ) -> Row {
        let windows = self.windows.into_iter();
        let windows: Vec<Window> = windows
            .map(|((start, end), units)| Window { start, end, units })
            .collect();
        let classified = self.classified;
        let classes = labels.iter().map(|class| ClassFigure {
            figure: Figure {
                value: classified
                    .value
                    .map(|_| self.classes.get(class).copied().unwrap_or(0)),
                of: classified.of,
                no_data: classified.no_data,
                query: behind::query(question, behind::CLASS, Some(year), key, Some(class)),
            },
            label: class.label.clone(),
            scheme: class.scheme.clone(),
        });
        let mut row = Row {
            windows_differ: windows.len() > 1,
            windows,
            classes: classes.collect(),
            ..Row::default()
        };
        for (measure, counted) in Measure::ALL.into_iter().zip(self.figures) {
            *row.place(measure) = Figure {
                query: behind::query(question, measure.name(), Some(year), key, None),
                ..counted
            };
        }
        row
    }
}

#[cfg(test)]
mod tests;
