//! What the figures count.

use sokiem_record::{id::DocumentId, typed::Finding};

use super::*;

fn unit(n: u128, kind: UnitKind) -> UnitFacts {
    UnitFacts {
        id: Uuid::from_u128(n),
        area: AreaId(Uuid::from_u128(100)),
        unit: Unit {
            unit_kind: Some(kind),
            in_inspection_scope: Some(true),
            ..Unit::default()
        },
        inspections: Vec::new(),
        unsettled: false,
    }
}

fn year<'a>(facts: &'a mut UnitFacts, year: &str) -> &'a mut UnitYear {
    facts.unit.years.entry(year.to_owned()).or_default()
}

fn ask(units: &[UnitFacts]) -> Report {
    let question = Question {
        from: 2018,
        to: 2019,
        as_of: "2019-12-31".into(),
        by_area: false,
    };
    report(units, &question)
}

#[test]
fn a_unit_that_registers_in_several_years_counts_once() {
    let mut one = unit(1, UnitKind::School);
    year(&mut one, "2018").registered_on = Some("2018-02-01".into());
    year(&mut one, "2019").registered_on = Some("2019-02-01".into());
    let mut two = unit(2, UnitKind::Agency);
    year(&mut two, "2019").model = Some(false);
    let report = ask(&[one, two, unit(3, UnitKind::Agency)]);
    assert_eq!(
        (report.units_total, report.units_registered_for_model),
        (Some(3), Some(1))
    );
    let figure = &report.figures.units_registered_for_model;
    assert_eq!((figure.of, figure.no_data), (3, 1));
    assert_eq!(figure.records, [Uuid::from_u128(1)]);
}

#[test]
fn what_happened_outside_the_period_does_not_count() {
    let mut one = unit(1, UnitKind::School);
    year(&mut one, "2017").commended_collective = Some(5);
    year(&mut one, "2018").commended_individuals = Some(2);
    assert_eq!(ask(&[one]).commendations, Some(2));
}

#[test]
fn joined_and_closed_units_are_not_counted_twice_or_too_long() {
    let mut joined = unit(1, UnitKind::School);
    joined.unit.joined_into = Some(DocumentId(Uuid::from_u128(2)));
    let mut closed = unit(3, UnitKind::School);
    closed.unit.closed_on = Some("2018-06-01".into());
    let report = ask(&[joined, unit(2, UnitKind::School), closed]);
    assert_eq!(report.units_total, Some(2));
    let per_year: Vec<_> = report
        .years
        .iter()
        .map(|year| year.total.units_in_scope.value)
        .collect();
    assert_eq!(per_year, [Some(2), Some(1)]);
}

#[test]
fn scope_of_a_year_goes_before_scope_in_general_and_unknown_scope_is_no_data() {
    let mut out = unit(1, UnitKind::Enterprise);
    year(&mut out, "2018").in_scope = Some(false);
    let mut unknown = unit(2, UnitKind::Enterprise);
    unknown.unit.in_inspection_scope = None;
    let report = ask(&[out, unknown]);
    let figure = |year: usize| &report.years[year].total.units_in_scope;
    assert_eq!((figure(0).value, figure(0).no_data), (Some(0), 1));
    assert_eq!((figure(1).value, figure(1).of), (Some(1), 2));
    assert_eq!(report.units_total, Some(1));
}

#[test]
fn findings_are_opened_closed_or_overdue_and_drafts_do_not_count() {
    let finding = |state, deadline: &str| Finding {
        state,
        deadline: Some(deadline.into()),
        ..Finding::default()
    };
    let inspection = |n: u128, finished| InspectionFacts {
        id: Uuid::from_u128(n),
        year: Some(2019),
        inspection: Inspection {
            finished: Some(finished),
            findings: BTreeMap::from([
                (
                    Uuid::from_u128(1),
                    finding(Some(FindingState::Open), "2019-06-30"),
                ),
                (
                    Uuid::from_u128(2),
                    finding(Some(FindingState::Verified), "2019-06-30"),
                ),
                (Uuid::from_u128(3), finding(None, "2020-06-30")),
            ]),
            ..Inspection::default()
        },
    };
    let mut one = unit(1, UnitKind::Agency);
    one.inspections = vec![inspection(50, true), inspection(51, false)];
    let report = ask(&[one, unit(2, UnitKind::Agency)]);
    let row = &report.years[1].total;
    let values = [
        &row.inspected,
        &row.findings_opened,
        &row.findings_closed,
        &row.findings_overdue,
    ]
    .map(|figure| figure.value);
    assert_eq!(values, [Some(1), Some(3), Some(1), Some(1)]);
    assert_eq!(
        (row.findings_opened.no_data, &row.findings_opened.records),
        (1, &vec![Uuid::from_u128(50)])
    );
    assert_eq!((row.incidents.value, row.incidents.no_data), (Some(0), 1));
    assert_eq!(report.years[0].total.incidents.value, None);
}

#[test]
fn labels_of_different_schemes_stay_apart_and_say_nothing_about_recognition() {
    let mut units = [
        unit(1, UnitKind::Agency),
        unit(2, UnitKind::Agency),
        unit(3, UnitKind::Agency),
    ];
    for (facts, scheme) in units.iter_mut().zip(["quy định tỉnh", "QĐ 510"]) {
        let year = year(facts, "2019");
        year.classification = Some("mạnh".into());
        year.classification_scheme = Some(scheme.into());
    }
    let report = ask(&units);
    let row = &report.years[1].total;
    assert_eq!(
        row.classes.keys().collect::<Vec<_>>(),
        ["mạnh (QĐ 510)", "mạnh (quy định tỉnh)"]
    );
    assert_eq!(row.classes["mạnh (QĐ 510)"].no_data, 1);
    assert_eq!((row.recognised.value, row.recognised.no_data), (None, 3));
}

#[test]
fn windows_that_differ_are_named() {
    let mut units = [unit(1, UnitKind::Agency), unit(2, UnitKind::School)];
    for (facts, (start, end)) in units
        .iter_mut()
        .zip([("2018-11-30", "2019-11-30"), ("2018-06-01", "2019-05-31")])
    {
        let year = year(facts, "2019");
        (year.window_start, year.window_end) = (Some(start.into()), Some(end.into()));
    }
    let report = ask(&units);
    let of_year = &report.years[1];
    assert!(of_year.total.windows_differ);
    assert_eq!(of_year.total.windows.len(), 2);
    assert!(of_year.rows.iter().all(|row| !row.windows_differ));
    let kinds: Vec<_> = of_year.rows.iter().map(|row| row.unit_kind).collect();
    assert_eq!(kinds, [Some("agency"), Some("school")]);
}

#[test]
fn rows_add_up_to_the_total_in_count_and_denominator() {
    let mut units = vec![
        unit(1, UnitKind::Agency),
        unit(2, UnitKind::School),
        unit(3, UnitKind::School),
    ];
    for facts in &mut units {
        year(facts, "2019").protection_force = Some(true);
    }
    let report = ask(&units);
    let of_year = &report.years[1];
    let rows = || of_year.rows.iter().map(|row| &row.with_protection_force);
    let total = &of_year.total.with_protection_force;
    assert_eq!(
        rows().map(|figure| figure.value).sum::<Option<u64>>(),
        total.value
    );
    assert_eq!(rows().map(|figure| figure.of).sum::<u64>(), total.of);
}
