//! What the report counts: each figure by its name, and what one unit contributes to it.

use sokiem_record::typed::Recognition;

use super::facts::{UnitFacts, YearFacts};

/// What a unit contributes to a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// Nothing: the figure does not ask about this unit.
    NotAsked,
    /// It is asked about, and nobody recorded it.
    NoData,
    /// This much.
    Number(u64),
}

impl Share {
    fn of(number: Option<u64>) -> Self {
        number.map_or(Self::NoData, Self::Number)
    }

    fn whether(so: Option<bool>) -> Self {
        Self::of(so.map(u64::from))
    }
}

macro_rules! measures {
    ($(#[$doc:meta])* $measure:ident $count:literal: $($variant:ident $name:literal $vi:literal $en:literal)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $measure { $(
            #[doc = $vi]
            $variant,
        )* }

        impl $measure {
            /// All of them, in the order of the report.
            pub(crate) const ALL: [$measure; $count] = [$($measure::$variant,)*];

            /// The name in JSON and in addresses.
            pub(crate) fn name(self) -> &'static str { match self { $($measure::$variant => $name,)* } }

            /// What people read: Vietnamese, then English.
            pub(crate) fn names(self) -> (&'static str, &'static str) {
                match self { $($measure::$variant => ($vi, $en),)* }
            }

            /// The one of that name.
            pub(crate) fn from_name(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|measure| measure.name() == name)
            }
        }
    };
}

measures! {
    /// A figure of one year.
    Measure 15:
    InScope "units_in_scope" "Thuộc diện" "In scope"
    Eligible "eligible" "Đủ điều kiện xét" "Eligible"
    Inspected "inspected" "Đã kiểm tra" "Inspected"
    ProtectionForce "with_protection_force" "Có lực lượng bảo vệ" "Protection force"
    ProtectionPlan "with_plan" "Có phương án bảo vệ" "Protection plan"
    Model "with_model" "Có mô hình" "Model"
    Registered "registered" "Đăng ký" "Registered"
    Submitted "submitted" "Nộp hồ sơ" "Submitted"
    Recognised "recognised" "Được công nhận" "Recognised"
    Incidents "incidents" "Vụ việc" "Incidents"
    FindingsOpened "findings_opened" "Tồn tại nêu ra" "Findings opened"
    FindingsClosed "findings_closed" "Đã khắc phục" "Findings closed"
    FindingsOverdue "findings_overdue" "Quá hạn khắc phục" "Overdue"
    CommendedCollective "commendations_collective" "Khen tập thể" "Collectives commended"
    CommendedIndividuals "commendations_individuals" "Khen cá nhân" "Individuals commended"
}

measures! {
    /// A figure of the whole period.
    PeriodMeasure 4:
    UnitsTotal "units_total" "Đơn vị thuộc diện" "Units in scope"
    WithProtectionForce "units_with_protection_force" "Có lực lượng bảo vệ" "With a protection force"
    RegisteredForModel "units_registered_for_model" "Đăng ký xây dựng mô hình" "Registered for the model"
    Commendations "commendations" "Khen thưởng tập thể, cá nhân" "Commendations"
}

impl PeriodMeasure {
    /// Whether it counts units, and so is a part of them.
    pub(crate) fn is_share(self) -> bool {
        self != Self::Commendations
    }
}

impl Measure {
    /// Whether it counts units, and so is a part of them.
    pub(crate) fn is_share(self) -> bool {
        !matches!(
            self,
            Self::Incidents
                | Self::FindingsOpened
                | Self::FindingsClosed
                | Self::FindingsOverdue
                | Self::CommendedCollective
                | Self::CommendedIndividuals
        )
    }

    /// Whether the records behind it are inspections, not units.
    pub(crate) fn counts_inspections(self) -> bool {
        matches!(
            self,
            Self::Inspected
                | Self::Incidents
                | Self::FindingsOpened
                | Self::FindingsClosed
                | Self::FindingsOverdue
        )
    }

    /// What a unit contributes to it in a year. Deadlines are judged on the day `as_of`.
    pub(crate) fn of(self, facts: &UnitFacts, year: i32, as_of: &str) -> Share {
        if !facts.exists_in(year) {
            return Share::NotAsked;
        }
        let in_scope = facts.in_scope(year);
        if self == Self::InScope {
            return Share::whether(in_scope);
        }
        if in_scope != Some(true) {
            return Share::NotAsked;
        }
        let recorded = facts.year(year);
        // Whoever has the year's facts recorded and not this day did not do it; others have no data.
        let dated = |day: fn(&YearFacts) -> bool| Share::whether(recorded.map(day));
        let over = |number: &dyn Fn(&super::facts::InspectionFacts) -> u64| {
            let numbers = facts.finished(year).map(number);
            Share::of(numbers.fold(None, |sum, one| {
                Some(sum.unwrap_or(0_u64).saturating_add(one))
            }))
        };
        match self {
            Self::InScope => Share::NotAsked,
            Self::Eligible => Share::whether(recorded.and_then(|year| year.eligible)),
            Self::Inspected => Share::Number(u64::from(facts.finished(year).next().is_some())),
            Self::ProtectionForce => {
                Share::whether(recorded.and_then(|year| year.protection_force))
            }
            Self::ProtectionPlan => Share::whether(recorded.and_then(|year| year.protection_plan)),
            Self::Model => Share::whether(recorded.and_then(|year| year.model)),
            Self::Registered => dated(|year| year.registered),
            Self::Submitted => dated(|year| year.submitted),
            Self::Recognised => Share::whether(recorded.and_then(|year| {
                year.recognition
                    .map(|recognition| recognition == Recognition::Recognised)
            })),
            Self::Incidents => over(&|inspection| inspection.incidents),
            Self::FindingsOpened => over(&|inspection| inspection.findings_opened),
            Self::FindingsClosed => over(&|inspection| inspection.findings_closed),
            Self::FindingsOverdue => over(&|inspection| inspection.overdue(as_of)),
            Self::CommendedCollective => {
                Share::of(recorded.and_then(|year| year.commended_collective))
            }
            Self::CommendedIndividuals => {
                Share::of(recorded.and_then(|year| year.commended_individuals))
            }
        }
    }
}

impl PeriodMeasure {
    /// What a unit contributes to it over the years `from` to `to`.
    pub(crate) fn of(self, facts: &UnitFacts, from: i32, to: i32) -> Share {
        let years = || (from..=to).filter(|year| facts.exists_in(*year));
        if years().next().is_none() {
            return Share::NotAsked;
        }
        let in_scope = any(years().map(|year| facts.in_scope(year)));
        if self == Self::UnitsTotal {
            return Share::whether(in_scope);
        }
        if in_scope != Some(true) {
            return Share::NotAsked;
        }
        let recorded = || (from..=to).filter_map(|year| facts.year(year));
        match self {
            Self::UnitsTotal => Share::NotAsked,
            // The latest that is recorded.
            Self::WithProtectionForce => {
                let latest = recorded()
                    .filter_map(|year| year.protection_force)
                    .next_back();
                Share::whether(latest.or(facts.protection_force))
            }
            Self::RegisteredForModel => {
                let known = recorded().next().is_some();
                Share::whether(known.then(|| recorded().any(|year| year.registered)))
            }
            Self::Commendations => {
                let numbers = recorded()
                    .flat_map(|year| [year.commended_collective, year.commended_individuals]);
                Share::of(numbers.flatten().fold(None, |sum, number| {
                    Some(sum.unwrap_or(0_u64).saturating_add(number))
                }))
            }
        }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_figure_has_a_name_of_its_own() {
        let yearly = Measure::ALL.map(Measure::name);
        let period = PeriodMeasure::ALL.map(PeriodMeasure::name);
        let names: BTreeSet<&str> = yearly.into_iter().chain(period).collect();
        assert_eq!(names.len(), yearly.len() + period.len());
        for name in yearly {
            assert_eq!(Measure::from_name(name).map(Measure::name), Some(name));
        }
    }
}
