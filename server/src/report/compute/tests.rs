//! What the figures count.

use sokiem_record::typed::UnitKind;

use super::{super::facts::*, *};

fn unit(n: u128, kind: UnitKind) -> UnitFacts {
    UnitFacts {
        id: Uuid::from_u128(n),
        area: AreaId(Uuid::from_u128(100)),
        kind: Some(kind),
        joined: false,
        closed: None,
        in_scope: Some(true),
        protection_force: None,
        synthetic: false,
        unsettled: false,
        years: BTreeMap::new(),
        inspections: Vec::new(),
    }
}

fn year(facts: &mut UnitFacts, year: i32) -> &mut YearFacts {
    facts.years.entry(year).or_default()
}

fn ask(units: &[UnitFacts]) -> Report {
    let question = Question {
        from: 2018,
        to: 2019,
        as_of: "2019-12-31".into(),
        by_area: false,
        area: None,
        kind: None,
    };
    let mut count = Count::new(&question);
    units.iter().for_each(|facts| count.add(facts));
    count.finish(&AreaNames::new())
}

#[test]
fn a_unit_that_registers_in_several_years_counts_once() {
    let mut one = unit(1, UnitKind::School);
    year(&mut one, 2018).registered = true;
    year(&mut one, 2019).registered = true;
    let mut two = unit(2, UnitKind::Agency);
    year(&mut two, 2019).model = Some(false);
    let report = ask(&[one, two, unit(3, UnitKind::Agency)]);
    assert_eq!(
        (report.units_total, report.units_registered_for_model),
        (Some(3), Some(1))
    );
    let figure = &report.figures.units_registered_for_model;
    assert_eq!((figure.of, figure.no_data), (3, 1));
}

#[test]
fn what_happened_outside_the_period_does_not_count() {
    let mut one = unit(1, UnitKind::School);
    year(&mut one, 2017).commended_collective = Some(5);
    year(&mut one, 2018).commended_individuals = Some(2);
    assert_eq!(ask(&[one]).commendations, Some(2));
}

#[test]
fn joined_and_closed_units_are_not_counted_twice_or_too_long() {
    let mut joined = unit(1, UnitKind::School);
    joined.joined = true;
    let mut closed = unit(3, UnitKind::School);
    closed.closed = Some(2018);
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
    year(&mut out, 2018).in_scope = Some(false);
    let mut unknown = unit(2, UnitKind::Enterprise);
    unknown.in_scope = None;
    let report = ask(&[out, unknown]);
    let figure = |year: usize| &report.years[year].total.units_in_scope;
    assert_eq!((figure(0).value, figure(0).no_data), (Some(0), 1));
    assert_eq!((figure(1).value, figure(1).of), (Some(1), 2));
    assert_eq!(report.units_total, Some(1));
}

#[test]
fn findings_are_opened_closed_or_overdue_and_drafts_do_not_count() {
    let inspection = |n: u128, finished| InspectionFacts {
        id: Uuid::from_u128(n),
        year: Some(2019),
        finished,
        findings_opened: 3,
        findings_closed: 1,
        open_deadlines: vec!["2019-06-30".into(), "2020-06-30".into()],
        ..InspectionFacts::default()
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
    assert_eq!(row.findings_opened.no_data, 1);
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
        let year = year(facts, 2019);
        year.class = Some(Class {
            label: "mạnh".into(),
            scheme: Some(scheme.into()),
        });
    }
    let report = ask(&units);
    let row = &report.years[1].total;
    let found: Vec<_> = row
        .classes
        .iter()
        .map(|class| (class.label.as_str(), class.scheme.as_deref()))
        .collect();
    assert_eq!(
        found,
        [("mạnh", Some("QĐ 510")), ("mạnh", Some("quy định tỉnh"))]
    );
    assert_eq!(row.classes[0].figure.no_data, 1);
    let before = &report.years[0].total.classes;
    assert_eq!(
        before[0].figure.value, None,
        "nobody has a label in that year"
    );
    assert_eq!((row.recognised.value, row.recognised.no_data), (None, 3));
}

#[test]
fn windows_that_differ_are_named() {
    let mut units = [unit(1, UnitKind::Agency), unit(2, UnitKind::School)];
    for (facts, (start, end)) in units
        .iter_mut()
        .zip([("2018-11-30", "2019-11-30"), ("2018-06-01", "2019-05-31")])
    {
        let year = year(facts, 2019);
        year.window = (Some(start.into()), Some(end.into()));
    }
    let report = ask(&units);
    let of_year = &report.years[1];
    assert!(of_year.total.windows_differ);
    assert_eq!(of_year.total.windows.len(), 2);
    assert!(of_year.rows.iter().all(|row| !row.windows_differ));
    let kinds: Vec<_> = of_year.rows.iter().map(|row| row.unit_kind).collect();
    assert_eq!(kinds, [Some(KindAsked::Agency), Some(KindAsked::School)]);
}

#[test]
fn rows_add_up_to_the_total_in_count_and_denominator() {
    let mut units = vec![
        unit(1, UnitKind::Agency),
        unit(2, UnitKind::School),
        unit(3, UnitKind::School),
    ];
    for facts in &mut units {
        year(facts, 2019).protection_force = Some(true);
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

#[test]
fn only_the_kind_that_was_asked_about_counts() {
    let units = [unit(1, UnitKind::Agency), unit(2, UnitKind::School)];
    let question = Question {
        from: 2019,
        to: 2019,
        as_of: "2019-12-31".into(),
        by_area: true,
        area: None,
        kind: Some(KindAsked::School),
    };
    let mut count = Count::new(&question);
    units.iter().for_each(|facts| count.add(facts));
    let names = AreaNames::from([(Uuid::from_u128(100), "Thạnh Hải".to_owned())]);
    let report = count.finish(&names);
    assert_eq!(report.units_total, Some(1));
    let row = &report.years[0].rows[0];
    assert_eq!(row.area.as_ref().unwrap().name, "Thạnh Hải");
    let query = &row.units_in_scope.query;
    assert!(query.contains("kind=school&as_of=2019-12-31"), "{query}");
    assert!(query.contains("&within=00000000-0000-0000-0000-000000000064"));
}

#[test]
fn what_records_say_becomes_facts() {
    use sokiem_record::typed::{Finding, FindingState, Incident, Inspection, Unit, UnitYear};
    let recorded = UnitYear {
        registered_on: Some("2019-02-01".into()),
        classification: Some("mạnh".into()),
        commended_collective: Some(-1),
        ..UnitYear::default()
    };
    let unit = Unit {
        unit_kind: Some(UnitKind::School),
        closed_on: Some("2020-06-01".into()),
        guards_hired: Some(2),
        years: BTreeMap::from([("2019".to_owned(), recorded)]),
        ..Unit::default()
    };
    let facts = UnitFacts::of(Uuid::nil(), AreaId(Uuid::nil()), &unit, false);
    assert_eq!(
        (facts.closed, facts.protection_force),
        (Some(2020), Some(true))
    );
    let of_year = &facts.years[&2019];
    assert!(of_year.registered && !of_year.submitted);
    assert_eq!(
        of_year.commended_collective,
        Some(0),
        "negative is no number"
    );
    let finding = |state, deadline: &str| Finding {
        state,
        deadline: Some(deadline.into()),
        ..Finding::default()
    };
    let inspection = Inspection {
        inspected_on: Some("2018-12-31".into()),
        finished: Some(true),
        incidents: BTreeMap::from([
            (Uuid::from_u128(1), Incident::default()),
            (
                Uuid::from_u128(2),
                Incident {
                    count: Some(4),
                    ..Incident::default()
                },
            ),
        ]),
        findings: BTreeMap::from([
            (Uuid::from_u128(1), finding(None, "2019-06-30")),
            (
                Uuid::from_u128(2),
                finding(Some(FindingState::Fixed), "2019-06-30"),
            ),
        ]),
        ..Inspection::default()
    };
    let visited = InspectionFacts::of(Uuid::nil(), &inspection, None);
    assert_eq!(
        (
            visited.year,
            visited.incidents,
            visited.findings_opened,
            visited.findings_closed
        ),
        (Some(2018), 5, 2, 1)
    );
    assert_eq!(visited.open_deadlines, ["2019-06-30"]);
    let planned = InspectionFacts::of(Uuid::nil(), &inspection, Some(2019));
    assert_eq!(planned.year, Some(2019), "the campaign's year goes first");
}
