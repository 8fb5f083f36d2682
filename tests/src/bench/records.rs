//! The records that every system carries: units with sixty fields, from a seed.

use std::{fs, path::Path};

use serde_json::{Map, Value as Json, json};

use crate::{Result, simulation::chance::Chance};

/// Fields of one record, its id apart.
pub const FIELDS: usize = 60;

const PLACES: &[&str] = &[
    "Ấp Giồng Luông",
    "Ấp Thạnh Hòa",
    "Ấp An Điền",
    "Ấp Mỹ Hưng",
    "Ấp Giao Thạnh",
    "Ấp Bình Thạnh",
    "Ấp Thới An",
    "Ấp Đại Điền",
];
const PEOPLE: &[&str] = &[
    "Nguyễn Văn",
    "Trần Thị",
    "Lê Hoàng",
    "Phạm Minh",
    "Huỳnh Ngọc",
    "Võ Thị",
    "Đặng Quốc",
    "Bùi Thanh",
];
const NAMES: &[&str] = &[
    "An", "Bình", "Chi", "Dũng", "Hạnh", "Khoa", "Lan", "Minh", "Nga", "Phúc", "Quý", "Sơn",
];
const NOTES: &[&str] = &[
    "Hồ sơ đầy đủ, sổ trực ghi hằng ngày.",
    "Cần bổ sung phương án bảo vệ trước quý II.",
    "Đã nhắc về sổ khách và sổ tuần tra.",
    "Camera cổng sau hỏng, đơn vị hẹn sửa trong tháng.",
];

/// A record: where it is known from, and its fields by the paths of our schema.
pub type Record = (String, Map<String, Json>);

/// So many records; the same seed gives the same ones.
pub fn records(count: usize, seed: u64) -> Vec<Record> {
    let mut chance = Chance::new(seed);
    (0..count)
        .map(|n| (chance.uuid().to_string(), record(n, &mut chance)))
        .collect()
}

/// Writes them for clients to read, one a line.
///
/// # Errors
/// When the file can't be written.
pub fn write(records: &[Record], path: &Path) -> Result<()> {
    let mut text = String::new();
    for (id, fields) in records {
        let mut line = Map::from_iter([("id".to_owned(), json!(id))]);
        line.extend(fields.clone());
        text += &serde_json::to_string(&line)?;
        text.push('\n');
    }
    Ok(fs::write(path, text)?)
}

fn record(n: usize, chance: &mut Chance) -> Map<String, Json> {
    let word = |chance: &mut Chance, from: &[&'static str]| chance.pick(from).unwrap_or_default();
    let person = |chance: &mut Chance| format!("{} {}", word(chance, PEOPLE), word(chance, NAMES));
    let day = |chance: &mut Chance, year: usize| {
        json!(format!(
            "{year}-{:02}-{:02}",
            1 + chance.below(12),
            1 + chance.below(28)
        ))
    };
    let place = word(chance, PLACES);
    let mut fields = Map::new();
    let mut put = |name: &str, value: Json| {
        fields.insert(name.to_owned(), value);
    };
    put(
        "unit_kind",
        json!(word(chance, &["agency", "enterprise", "school"])),
    );
    put(
        "school_level",
        json!(word(
            chance,
            &["primary", "lower_secondary", "upper_secondary"]
        )),
    );
    put(
        "enterprise_size",
        json!(word(chance, &["small", "medium", "large"])),
    );
    put("armed_forces", json!(false));
    put("name", json!(format!("Đơn vị {place} số {n}")));
    put(
        "address",
        json!(format!("{place}, tổ {}, xã Thạnh Phong", chance.below(40))),
    );
    let (south, east) = (chance.below(90_000), chance.below(90_000));
    put(
        "position",
        json!(format!(
            "geo:9.9{south:05},106.5{east:05};u={}",
            3 + chance.below(20)
        )),
    );
    put("head_name", json!(person(chance)));
    put(
        "head_title",
        json!(word(chance, &["Hiệu trưởng", "Giám đốc", "Thủ trưởng"])),
    );
    put(
        "phone",
        json!(format!(
            "0275 {:03} {:03}",
            chance.below(1000),
            chance.below(1000)
        )),
    );
    for (name, below) in [("staff", 90), ("learners", 900)] {
        put(name, json!(chance.below(below)));
    }
    for name in ["in_inspection_scope", "synthetic"] {
        put(name, json!(true));
    }
    for name in [
        "guards_full_time",
        "guards_part_time",
        "guards_hired",
        "core_organisation_members",
    ] {
        put(name, json!(chance.below(6)));
    }
    for name in [
        "guards_trained",
        "guards_certified",
        "cctv_installed",
        "cctv_working",
        "cctv_days_kept",
    ] {
        put(name, json!(chance.below(30)));
    }
    for name in [
        "plan_exists",
        "register_shifts",
        "register_visitors",
        "register_patrols",
        "register_incidents",
    ] {
        put(name, json!(chance.one_in(2)));
    }
    for name in ["plan_approved_on", "plan_last_drill_on", "fire_checked_on"] {
        put(name, day(chance, 2018));
    }
    put("plan_approver", json!(person(chance)));
    put(
        "fire_equipment",
        json!(format!(
            "{} bình bột, {} vòi nước",
            chance.below(20),
            chance.below(6)
        )),
    );
    put("notes", json!(word(chance, NOTES)));
    year(&mut put, chance, 2019, &day, &person);
    for name in [
        "in_scope",
        "eligible",
        "protection_force",
        "protection_plan",
    ] {
        put(&format!("years/2018.{name}"), json!(chance.one_in(2)));
    }
    fields
}

/// What a unit's year says: twenty-two fields.
fn year(
    put: &mut impl FnMut(&str, Json),
    chance: &mut Chance,
    year: usize,
    day: &impl Fn(&mut Chance, usize) -> Json,
    person: &impl Fn(&mut Chance) -> String,
) {
    let mut put = |name: &str, value: Json| put(&format!("years/{year}.{name}"), value);
    put("regime", json!("TT23"));
    put("window_start", json!(format!("{}-11-30", year - 1)));
    put("window_end", json!(format!("{year}-11-30")));
    for name in [
        "in_scope",
        "eligible",
        "protection_force",
        "protection_plan",
        "model",
    ] {
        put(name, json!(chance.one_in(2)));
    }
    for name in [
        "registered_on",
        "self_assessed_on",
        "submitted_on",
        "appraised_on",
        "recognition_on",
    ] {
        let day = day(chance, year);
        put(name, day);
    }
    put(
        "appraisal",
        json!(if chance.one_in(2) {
            "meeting"
        } else {
            "written"
        }),
    );
    put("recognition", json!("recognised"));
    put(
        "recognition_number",
        json!(format!("{}/QĐ-UBND", chance.below(900))),
    );
    let signer = person(chance);
    put("recognition_signer", json!(signer));
    put("classification_scheme", json!("2019"));
    put(
        "classification",
        json!(if chance.one_in(3) { "khá" } else { "mạnh" }),
    );
    put("classification_points", json!(60 + chance.below(40)));
    put("commended_collective", json!(chance.below(2)));
    put("commended_individuals", json!(chance.below(4)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_has_sixty_fields_and_the_same_seed_gives_the_same_ones() {
        let made = records(20, 7);
        assert!(
            made.iter().all(|(_, fields)| fields.len() == FIELDS),
            "{}",
            made[0].1.len()
        );
        assert_eq!(made, records(20, 7));
        assert_ne!(made, records(20, 8));
    }
}
