//! A unit: its facts, its protection, its years as a table, its inspections.

use std::collections::BTreeSet;

use super::field::{Field, Fields};
use crate::records::year;

/// The sections of a unit.
pub(crate) struct Sections<'a> {
    pub(crate) sections: Vec<(&'static str, &'static str, Vec<Field<'a>>)>,
    pub(crate) notes: Field<'a>,
    /// The columns of the table of years, and a row for each year, latest first.
    pub(crate) stages: Vec<(String, String)>,
    pub(crate) years: Vec<(String, Vec<Field<'a>>)>,
}

/// What happens to a unit in a year, in the order in which it happens.
pub(crate) const STAGES: [&str; 10] = [
    "registered_on",
    "self_assessed_on",
    "submitted_on",
    "appraised_on",
    "recognition",
    "recognition_number",
    "recognition_on",
    "recognition_signer",
    "classification",
    "classification_scheme",
];

impl<'a> Sections<'a> {
    pub(crate) fn of(fields: &Fields<'a>) -> Self {
        let section = |vi, en, names: &[&str]| (vi, en, fields.fields("", names));
        Self {
            sections: vec![
                section(
                    "Đơn vị",
                    "The unit",
                    &[
                        "name",
                        "unit_kind",
                        "school_level",
                        "enterprise_size",
                        "armed_forces",
                        "address",
                        "position",
                        "head_name",
                        "head_title",
                        "phone",
                        "staff",
                        "learners",
                        "in_inspection_scope",
                        "closed_on",
                    ],
                ),
                section(
                    "Lực lượng, phương án bảo vệ",
                    "Protection force and plan",
                    &[
                        "guards_full_time",
                        "guards_part_time",
                        "guards_hired",
                        "core_organisation_members",
                        "guards_trained",
                        "guards_certified",
                        "plan_exists",
                        "plan_approved_on",
                        "plan_approver",
                        "plan_last_drill_on",
                    ],
                ),
                section(
                    "Phương tiện, sổ sách",
                    "Equipment and registers",
                    &[
                        "cctv_installed",
                        "cctv_working",
                        "cctv_days_kept",
                        "fire_equipment",
                        "fire_checked_on",
                        "register_shifts",
                        "register_visitors",
                        "register_patrols",
                        "register_incidents",
                    ],
                ),
            ],
            notes: fields.field("notes"),
            stages: STAGES
                .iter()
                .map(|stage| {
                    let (vi, en) = sokiem_record::labels::name(stage).unwrap_or((stage, stage));
                    (vi.to_owned(), en.to_owned())
                })
                .collect(),
            years: years(fields)
                .into_iter()
                .rev()
                .map(|year| (row(fields, &year), year))
                .map(|(cells, year)| (year, cells))
                .collect(),
        }
    }
}

/// The years that the unit says anything about, ascending.
fn years(fields: &Fields<'_>) -> BTreeSet<String> {
    let years = fields.reading.value("years").as_object();
    let keys = years.into_iter().flatten().map(|(key, _)| key);
    keys.filter_map(|key| key.split_once('.'))
        .map(|(year, _)| year.to_owned())
        .collect()
}

/// The cells of a year. The fields that are no column are made too: the year's own page has them.
fn row<'a>(fields: &Fields<'a>, year: &str) -> Vec<Field<'a>> {
    let field = |name: &str| fields.field(&format!("years/{year}.{name}"));
    for name in year::names() {
        let made = field(name);
        // A difference is never left for the other page alone.
        if made.clash.is_some() && !STAGES.contains(&name) {
            fields.forget(&made.path);
        }
    }
    STAGES.iter().map(|stage| field(stage)).collect()
}
