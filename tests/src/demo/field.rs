//! What officers do without network. Every function here is the client core's and waits for nothing.

use serde_json::{Map, Value as Json, json};
use sokiem_client_core::Book;
use sokiem_record::{
    edit::Edit,
    genesis,
    id::{AreaId, DocumentId},
    typed::UnitKind,
};
use uuid::Uuid;

use super::district::PlannedUnit;
use crate::Result;

/// Records a unit that is not in the book yet.
///
/// # Errors
/// When the book refuses.
pub fn record_unit(book: &Book, area: Uuid, unit: &PlannedUnit) -> Result<DocumentId> {
    let (full_time, part_time, core) = unit.force;
    let fields = json!({
        "name": unit.name,
        "unit_kind": unit.kind.name(),
        "school_level": unit.school_level,
        "enterprise_size": unit.enterprise_size,
        "synthetic": true,
        "in_inspection_scope": true,
        "staff": unit.headcount.0,
        "learners": unit.headcount.1,
        "guards_full_time": full_time,
        "guards_part_time": part_time,
        "core_organisation_members": core,
        "plan_exists": true,
        "register_visitors": true,
    });
    let fields: Map<String, Json> = fields
        .as_object()
        .cloned()
        .unwrap_or_default()
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .collect();
    Ok(book.create_unit(AreaId(area), &fields)?.document)
}

/// What one officer sees on a visit.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// The unit.
    pub unit: DocumentId,
    /// What is planned for it.
    pub planned: &'a PlannedUnit,
    /// The campaign.
    pub campaign: DocumentId,
    /// Its year.
    pub year: i32,
    /// Who visits.
    pub officer: &'a str,
}

/// Inspects a unit: begins the planned inspection, answers every criterion, and says that it is done.
///
/// # Errors
/// When the book refuses.
pub fn inspect(book: &Book, visit: &Visit<'_>) -> Result<DocumentId> {
    let inspection = book
        .open_planned_inspection(visit.unit, visit.campaign)?
        .document;
    let day = format!(
        "{}-{:02}-{:02}",
        visit.year,
        3 + visit.planned.commune % 7,
        1 + visit.planned.headcount.0 % 28
    );
    save(
        book,
        inspection,
        vec![
            set("synthetic", true)?,
            set("inspected_on", day)?,
            set("place", visit.planned.name.as_str())?,
            set("copies", 3)?,
            genesis::element(
                format!("team/{}", fresh()?).parse()?,
                [("name", json!(visit.officer)), ("title", json!("Cán bộ"))],
            ),
        ],
    )?;
    let mut answers = Vec::new();
    for code in items(book, inspection)? {
        answers.push(set(&format!("items/{code}/answer"), answer(visit, &code))?);
        if let Some(value) = measured(&code, visit) {
            answers.push(set(&format!("items/{code}/value"), value)?);
        }
    }
    save(book, inspection, answers)?;
    let mut end = vec![
        Edit::Text {
            path: "opinion".parse()?,
            text: "Đơn vị thống nhất với kết quả kiểm tra.".to_owned(),
        },
        set("finished", true)?,
    ];
    if has_finding(visit) {
        let deadline = format!("{}-11-15", visit.year);
        end.push(genesis::element(
            format!("findings/{}", fresh()?).parse()?,
            [
                ("text", json!("Sổ tuần tra chưa ghi đầy đủ.")),
                ("remedy", json!("Ghi bổ sung và duy trì hằng ngày.")),
                ("owner", json!("Thủ trưởng đơn vị")),
                ("deadline", json!(deadline)),
                (
                    "state",
                    json!(if visit.year % 2 == 0 {
                        "verified"
                    } else {
                        "open"
                    }),
                ),
            ],
        ));
    }
    if visit.planned.headcount.0 % 11 == i64::from(visit.year % 11) {
        end.push(genesis::element(
            format!("incidents/{}", fresh()?).parse()?,
            [
                ("type", json!("Mất trộm tài sản")),
                ("count", json!(1)),
                ("reported", json!(true)),
            ],
        ));
    }
    save(book, inspection, end)?;
    Ok(inspection)
}

/// A second officer at the same unit on the same day, with a phone of their own: another answer to the
/// first criterion, a note, and a remark on what the first one also writes about.
///
/// # Errors
/// When the book refuses.
pub fn inspect_as_well(book: &Book, visit: &Visit<'_>) -> Result<DocumentId> {
    let inspection = book
        .open_planned_inspection(visit.unit, visit.campaign)?
        .document;
    let first = items(book, inspection)?
        .into_iter()
        .next()
        .ok_or("the criteria set has no items")?;
    save(
        book,
        inspection,
        vec![
            set("synthetic", true)?,
            set(&format!("items/{first}/answer"), "fail")?,
            Edit::Text {
                path: format!("items/{first}/note").parse()?,
                text: "Danh sách lực lượng chưa cập nhật. ".to_owned(),
            },
            Edit::Text {
                path: "remarks".parse()?,
                text: format!("{}: đã xem sổ giao ca. ", visit.officer),
            },
            genesis::element(
                format!("team/{}", fresh()?).parse()?,
                [("name", json!(visit.officer)), ("title", json!("Cán bộ"))],
            ),
        ],
    )?;
    Ok(inspection)
}

/// What the officer learns about the unit's year at the visit.
///
/// # Errors
/// When the book refuses.
pub fn record_year(book: &Book, visit: &Visit<'_>) -> Result<()> {
    let (year, planned) = (visit.year, visit.planned);
    let at = |field: &str| format!("years/{year}.{field}");
    let mut edits = vec![
        set(&at("protection_force"), true)?,
        set(
            &at("protection_plan"),
            planned.headcount.0 % 9 != 0 || year > 2015,
        )?,
        set(&at("model"), planned.registers(year) && year > 2014)?,
    ];
    if planned.registers(year) {
        edits.push(set(&at("registered_on"), format!("{year}-03-15"))?);
        edits.push(set(&at("submitted_on"), format!("{year}-10-20"))?);
    }
    save(book, visit.unit, edits)
}

/// Mends what a supervisor returned.
///
/// # Errors
/// When the book refuses.
pub fn mend(book: &Book, inspection: DocumentId) -> Result<()> {
    let text = "Đã bổ sung số người được tập huấn theo góp ý.";
    save(
        book,
        inspection,
        vec![Edit::Text {
            path: "remarks".parse()?,
            text: text.to_owned(),
        }],
    )
}

fn save(book: &Book, document: DocumentId, edits: Vec<Edit>) -> Result<()> {
    book.edit(document, None, &edits, None)?;
    Ok(())
}

fn set(path: &str, value: impl Into<Json>) -> Result<Edit> {
    Ok(Edit::Set {
        path: path.parse()?,
        value: value.into(),
    })
}

fn items(book: &Book, inspection: DocumentId) -> Result<Vec<String>> {
    let fields = book.get(inspection)?.fields;
    Ok(fields["items"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(code, _)| code.clone())
        .collect())
}

fn answer(visit: &Visit<'_>, code: &str) -> &'static str {
    let weak = visit.planned.headcount.0 % 9 == 0 && visit.year < 2016;
    match code {
        "KTC-03" if weak => "fail",
        "KTC-06" if has_finding(visit) => "fail",
        "KTC-07" if visit.planned.kind == UnitKind::Agency => "not_applicable",
        "KTC-10" if !visit.planned.registers(visit.year) => "fail",
        _ => "pass",
    }
}

fn measured(code: &str, visit: &Visit<'_>) -> Option<i64> {
    match code {
        "KTC-07" if visit.planned.kind != UnitKind::Agency => {
            Some(10 + visit.planned.headcount.0 % 20)
        }
        "KTC-09" => Some(92 + visit.planned.headcount.0 % 9),
        "T23-NT-1" => Some(100),
        _ => None,
    }
}

fn has_finding(visit: &Visit<'_>) -> bool {
    (visit.planned.headcount.0 + i64::from(visit.year)) % 4 == 0
}

fn fresh() -> Result<Uuid> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}
