//! A synthetic district in the shape of Thạnh Phú, 2014–2019: 18 communes, 48 units, six years.
//!
//! The shape follows the published review (48 units, all with a protection force, 17 registered,
//! 12 commendations); every name, person and event is made up, and every record says so. Nothing here
//! is read by the report: the figures come out because the officers' devices record these facts.

use sokiem_record::typed::UnitKind;

/// First and last year of the review.
pub const YEARS: std::ops::RangeInclusive<i32> = 2014..=2019;

/// The communes (xã, thị trấn) and the officer who covers each, as an index into [`OFFICERS`].
pub const COMMUNES: [(&str, usize); 18] = [
    ("Thị trấn Thạnh Phú", 0),
    ("Xã Phú Khánh", 1),
    ("Xã Đại Điền", 1),
    ("Xã Quới Điền", 1),
    ("Xã Tân Phong", 1),
    ("Xã Mỹ Hưng", 2),
    ("Xã Hòa Lợi", 2),
    ("Xã Thới Thạnh", 2),
    ("Xã Bình Thạnh", 2),
    ("Xã An Thạnh", 3),
    ("Xã An Thuận", 3),
    ("Xã An Quy", 3),
    ("Xã An Điền", 3),
    ("Xã An Nhơn", 4),
    ("Xã Giao Thạnh", 4),
    ("Xã Mỹ An", 4),
    ("Xã Thạnh Hải", 4),
    ("Xã Thạnh Phong", 4),
];

/// The officers. The last one covers no commune alone but helps in the first and the last ones.
pub const OFFICERS: [&str; 6] = [
    "Cán bộ mô phỏng Một",
    "Cán bộ mô phỏng Hai",
    "Cán bộ mô phỏng Ba",
    "Cán bộ mô phỏng Bốn",
    "Cán bộ mô phỏng Năm",
    "Cán bộ mô phỏng Sáu",
];

/// One made-up unit and what happens to it.
#[derive(Clone, Debug)]
pub struct PlannedUnit {
    /// Its name; says that it is made up.
    pub name: String,
    /// Index into [`COMMUNES`].
    pub commune: usize,
    /// What it is.
    pub kind: UnitKind,
    /// The level of a school.
    pub school_level: Option<&'static str>,
    /// The size of an enterprise.
    pub enterprise_size: Option<&'static str>,
    /// The year in which it registers for the model for the first time.
    pub registers_from: Option<i32>,
    /// Guards: full-time, part-time, members of the core organisation.
    pub force: (i64, i64, i64),
    /// Headcount: staff and learners.
    pub headcount: (i64, Option<i64>),
    /// Years in which it is commended: the collective, and how many individuals.
    pub commended: Vec<(i32, i64, i64)>,
}

/// The 48 units, always the same.
pub fn units() -> Vec<PlannedUnit> {
    let mut units = Vec::new();
    for (commune, (commune_name, _)) in COMMUNES.iter().enumerate() {
        let place = commune_name
            .trim_start_matches("Thị trấn ")
            .trim_start_matches("Xã ");
        units.push(unit(
            UnitKind::Agency,
            format!("Ủy ban nhân dân {commune_name} (mô phỏng)"),
            commune,
            units.len(),
        ));
        units.push(unit(
            UnitKind::School,
            format!("Trường Trung học cơ sở {place} (mô phỏng)"),
            commune,
            units.len(),
        ));
    }
    let more = [
        (UnitKind::School, "Trường Trung học phổ thông mô phỏng A", 0),
        (
            UnitKind::School,
            "Trường Trung học phổ thông mô phỏng B",
            14,
        ),
        (UnitKind::Agency, "Trung tâm Y tế mô phỏng", 0),
        (UnitKind::Agency, "Kho bạc mô phỏng", 0),
        (
            UnitKind::Enterprise,
            "Công ty Chế biến thủy sản mô phỏng",
            16,
        ),
        (UnitKind::Enterprise, "Hợp tác xã Nuôi tôm mô phỏng", 17),
        (UnitKind::Enterprise, "Công ty Lương thực mô phỏng", 2),
        (UnitKind::Enterprise, "Xăng dầu mô phỏng Giao Thạnh", 14),
        (
            UnitKind::Enterprise,
            "Ngân hàng mô phỏng chi nhánh Thạnh Phú",
            0,
        ),
        (UnitKind::Enterprise, "Công ty Dừa mô phỏng", 6),
        (UnitKind::Enterprise, "Nhà máy Nước đá mô phỏng", 16),
        (UnitKind::Enterprise, "Bến phà mô phỏng Cổ Chiên", 11),
    ];
    for (kind, name, commune) in more {
        units.push(unit(kind, name.to_owned(), commune, units.len()));
    }
    // Every third unit comes forward over the years until 17 are in; twelve commendations are spread over them.
    let mut registered = Vec::new();
    for (index, unit) in units
        .iter_mut()
        .enumerate()
        .filter(|(index, _)| index % 3 != 2)
        .take(17)
    {
        unit.registers_from = Some(2014 + i32::try_from(registered.len() / 4).unwrap_or(0));
        registered.push(index);
    }
    for (nth, index) in registered
        .iter()
        .enumerate()
        .filter(|(nth, _)| nth.is_multiple_of(2))
        .take(8)
    {
        if let Some(unit) = units.get_mut(*index) {
            let individuals = i64::from(nth.is_multiple_of(4));
            unit.commended
                .push((2018 + i32::from(nth.is_multiple_of(4)), 1, individuals));
        }
    }
    units
}

fn unit(kind: UnitKind, name: String, commune: usize, nth: usize) -> PlannedUnit {
    let n = i64::try_from(nth).unwrap_or(0);
    PlannedUnit {
        commune,
        kind,
        school_level: (kind == UnitKind::School).then_some(if name.contains("phổ thông") {
            "upper_secondary"
        } else {
            "lower_secondary"
        }),
        enterprise_size: (kind == UnitKind::Enterprise).then_some(if nth.is_multiple_of(3) {
            "large"
        } else {
            "medium"
        }),
        registers_from: None,
        force: match nth % 3 {
            0 => (2 + n % 3, 0, 0),
            1 => (0, 1 + n % 2, 0),
            _ => (0, 0, 5 + n % 4),
        },
        headcount: (
            15 + n * 7 % 60,
            (kind == UnitKind::School).then_some(220 + n * 31 % 500),
        ),
        commended: Vec::new(),
        name,
    }
}

impl PlannedUnit {
    /// Whether the unit registers for the standard in a year.
    pub fn registers(&self, year: i32) -> bool {
        self.registers_from.is_some_and(|from| from <= year)
    }

    /// Whether a registered unit is recognised in a year: nearly all are.
    pub fn recognised(&self, year: i32) -> bool {
        self.registers(year) && !(year == 2016 && self.commune == 2)
    }

    /// The label of a year's classification under the provincial rules of the time.
    pub fn class(&self, year: i32) -> &'static str {
        let draw = (self.headcount.0 + i64::from(year)) % 10;
        match draw {
            0..=6 => "mạnh",
            7..=8 => "khá",
            _ => "trung bình",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_has_the_shape_of_the_published_review() {
        let units = units();
        assert_eq!(units.len(), 48);
        assert_eq!(
            units
                .iter()
                .filter(|unit| unit.registers_from.is_some())
                .count(),
            17
        );
        let commendations: i64 = units
            .iter()
            .flat_map(|unit| &unit.commended)
            .map(|(_, collective, individuals)| collective + individuals)
            .sum();
        assert_eq!(commendations, 12);
        assert!(
            units
                .iter()
                .all(|unit| unit.force.0 + unit.force.1 + unit.force.2 > 0)
        );
        for kind in UnitKind::ALL {
            assert!(units.iter().any(|unit| unit.kind == kind));
        }
        let mut names: Vec<_> = units.iter().map(|unit| &unit.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 48);
    }
}
