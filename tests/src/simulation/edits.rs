//! What officers write: units, inspections that several of them plan at once, and everything in them.

use serde_json::{Map, Value as Json, json};
use sokiem_client_core::{Book, Error, Result, book::Saved, search::Query};
use sokiem_record::{
    ChangeHash,
    edit::{Edit, EditError},
    id::{AreaId, DocumentId, Kind},
    schema::Path,
};

use super::{chance::Chance, ledger::Marker};

/// The items of the criteria set that every campaign here uses.
const ITEMS: [&str; 2] = ["THU-1", "THU-2"];
const ANSWERS: [&str; 4] = ["pass", "fail", "not_applicable", "not_checked"];
const KINDS: [&str; 3] = ["school", "agency", "enterprise"];
/// A phone begins no more units when it holds so many.
const ENOUGH_UNITS: usize = 14;
/// Merging text is cut back when it grows beyond this.
const LONG_TEXT: usize = 300;

/// What an officer sits down to work on.
pub enum Work {
    /// A record that is on the phone, or begins here.
    Record(DocumentId, Kind),
    /// There is nothing to write.
    Nothing,
}

/// What was written to begin a record, and its marker where it has one.
pub type Begun = (Saved, Option<Marker>);

/// Finds or begins a record. What was written for it comes with its marker.
///
/// # Errors
/// What the book says.
pub fn choose(
    book: &Book,
    chance: &mut Chance,
    campaign: DocumentId,
    marker: Marker,
) -> Result<(Work, Option<Begun>)> {
    let of_kind = |kind| {
        let query = Query {
            kind: Some(kind),
            ..Query::default()
        };
        book.list(&query)
    };
    let units = of_kind(Kind::Unit)?;
    if units.is_empty() || (units.len() < ENOUGH_UNITS && chance.one_in(10)) {
        return new_unit(book, chance, marker);
    }
    let unit = chance.pick(&units).map(|unit| unit.document);
    match (unit, chance.below(12)) {
        (Some(unit), 0) => {
            let saved = book.open_planned_inspection(unit, campaign)?;
            let work = Work::Record(saved.document, Kind::Inspection);
            Ok((work, Some((saved, None))))
        }
        (Some(unit), 1) if units.len() < ENOUGH_UNITS => {
            let saved = book.open_unplanned_inspection(unit, "THU", 1)?;
            let work = Work::Record(saved.document, Kind::Inspection);
            Ok((work, Some((saved, None))))
        }
        (_, 2..=7) => {
            let inspections = of_kind(Kind::Inspection)?;
            let chosen = chance.pick(&inspections).map(|one| one.document);
            let work = chosen.map_or(Work::Nothing, |id| Work::Record(id, Kind::Inspection));
            Ok((work, None))
        }
        (unit, _) => {
            let work = unit.map_or(Work::Nothing, |id| Work::Record(id, Kind::Unit));
            Ok((work, None))
        }
    }
}

fn new_unit(book: &Book, chance: &mut Chance, marker: Marker) -> Result<(Work, Option<Begun>)> {
    let areas: Vec<AreaId> = book
        .areas()?
        .into_iter()
        .filter(|area| area.writable)
        .map(|area| area.area)
        .collect();
    let Some(area) = chance.pick(&areas) else {
        return Ok((Work::Nothing, None));
    };
    let mut fields = Map::new();
    fields.insert("name".to_owned(), json!(format!("Trường {marker}")));
    let kind = chance.pick(&KINDS).unwrap_or("school");
    fields.insert("unit_kind".to_owned(), json!(kind));
    let saved = book.create_unit(area, &fields)?;
    let work = Work::Record(saved.document, Kind::Unit);
    Ok((work, Some((saved, Some(marker)))))
}

/// One edit that writes its marker. `base`: the state that the officer saw.
///
/// # Errors
/// What the book says.
pub fn edit(
    book: &Book,
    chance: &mut Chance,
    document: DocumentId,
    kind: Kind,
    base: Option<&[ChangeHash]>,
    marker: Marker,
) -> Result<Saved> {
    let mut steps = match kind {
        Kind::Unit => unit(book, chance, document, marker)?,
        _ => inspection(book, chance, document, marker)?,
    };
    // Where people differ, the officer decides.
    for _ in 0..=steps.len() {
        match book.edit(document, base, &steps, None) {
            Err(Error::Edit(EditError::NeedsSettling(path))) => settle(&mut steps, &path),
            other => return other,
        }
    }
    book.edit(document, base, &steps, None)
}

/// Turns the step that sets this field into one that settles it.
pub fn settle(steps: &mut [Edit], wanted: &Path) {
    for step in steps {
        if let Edit::Set { path, value } = step
            && path == wanted
        {
            *step = Edit::Settle {
                path: path.clone(),
                value: value.clone(),
            };
        }
    }
}

/// A step that sets a field.
pub fn set(path: &str, value: Json) -> Vec<Edit> {
    let step = |path| Edit::Set { path, value };
    path.parse().map(step).into_iter().collect()
}

fn unit(
    book: &Book,
    chance: &mut Chance,
    document: DocumentId,
    marker: Marker,
) -> Result<Vec<Edit>> {
    Ok(match chance.below(7) {
        0 => text(book, document, "notes", marker)?,
        1 | 2 => {
            let year = 2015 + chance.below(5);
            set(
                &format!("years/{year}.recognition_number"),
                json!(marker.to_string()),
            )
        }
        3 => {
            let mut steps = set("head_name", json!(format!("Bà {marker}")));
            steps.extend(set("staff", json!(marker.0)));
            steps
        }
        4 => set("phone", json!(marker.to_string())),
        _ => set("address", json!(format!("Ấp {marker}"))),
    })
}

fn inspection(
    book: &Book,
    chance: &mut Chance,
    document: DocumentId,
    marker: Marker,
) -> Result<Vec<Edit>> {
    let item = chance.pick(&ITEMS).unwrap_or("THU-1");
    Ok(match chance.below(9) {
        0 | 1 => {
            let path = format!("findings/{}", chance.uuid());
            let fields = [
                ("text", json!(format!("Thiếu sổ {marker}"))),
                ("state", json!("open")),
            ];
            added(&path, &fields)
        }
        2 => {
            let path = format!("comments/{}", chance.uuid());
            added(&path, &[("text", json!(marker.to_string()))])
        }
        3 => text(book, document, &format!("items/{item}/note"), marker)?,
        4 => text(book, document, "opinion", marker)?,
        5 | 6 => {
            let answer = chance.pick(&ANSWERS).unwrap_or("pass");
            let mut steps = set(&format!("items/{item}/answer"), json!(answer));
            steps.extend(set("place", json!(marker.to_string())));
            steps
        }
        7 => {
            let mut steps = set("number", json!(marker.to_string()));
            steps.extend(struck_out(book, chance, document)?);
            steps
        }
        _ => set("number", json!(marker.to_string())),
    })
}

fn added(path: &str, fields: &[(&str, Json)]) -> Vec<Edit> {
    let fields = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    let step = |path| Edit::Add { path, fields };
    path.parse().map(step).into_iter().collect()
}

/// Now and then a finding is struck out.
fn struck_out(book: &Book, chance: &mut Chance, document: DocumentId) -> Result<Vec<Edit>> {
    if !chance.one_in(3) {
        return Ok(Vec::new());
    }
    let fields = book.get(document)?.fields;
    let findings: Vec<String> = fields["findings"]
        .as_object()
        .into_iter()
        .flat_map(|findings| findings.keys().cloned())
        .collect();
    let step = |path| Edit::Remove { path };
    let chosen = chance.pick(&findings);
    let path = chosen.map(|key| format!("findings/{key}").parse().map(step));
    Ok(path.into_iter().flatten().collect())
}

/// Text goes on where it ended, and begins anew when it has grown long.
fn text(book: &Book, document: DocumentId, path: &str, marker: Marker) -> Result<Vec<Edit>> {
    let fields = book.get(document)?.fields;
    let before = path
        .split('/')
        .try_fold(&fields, |json, key| json.get(key))
        .and_then(Json::as_str)
        .unwrap_or_default();
    let text = if before.len() > LONG_TEXT {
        format!("Viết lại {marker}. ")
    } else {
        format!("{before}Ghi {marker}. ")
    };
    let step = |path| Edit::Text { path, text };
    Ok(path.parse().map(step).into_iter().collect())
}
