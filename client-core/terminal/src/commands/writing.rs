//! Commands that write. Each is on disk when it returns; none waits for the network.

use serde_json::{Map, Value as Json};
use sokiem_client_core::{
    Book,
    book::Saved,
    platform::{Random, SystemRandom},
};
use sokiem_record::{
    criteria,
    edit::Edit,
    id::{AreaId, DocumentId, Kind},
    schema::{KeyType, Path, Place, place},
};
use uuid::Uuid;

use crate::{failure::Failure, output::Output, values};

pub(super) fn new_unit(
    book: &Book,
    output: &Output,
    name: &str,
    area: AreaId,
    kind: &str,
    pairs: &[String],
) -> Result<(), Failure> {
    let mut fields: Map<String, Json> =
        values::fields(Kind::Unit, pairs, |name| name.parse().ok())?
            .into_iter()
            .collect();
    fields.insert("name".to_owned(), Json::from(name));
    fields.insert("unit_kind".to_owned(), Json::from(kind));
    saved(output, &book.create_unit(area, &fields)?)
}

pub(super) fn open(
    book: &Book,
    output: &Output,
    unit: DocumentId,
    campaign: Option<DocumentId>,
    set: Option<&str>,
) -> Result<(), Failure> {
    let opened = match (campaign, set) {
        (Some(campaign), _) => book.open_planned_inspection(unit, campaign)?,
        (None, Some(set)) => {
            let (code, version) = criteria::parse_reference(set).ok_or_else(|| {
                Failure::invalid(
                    format!("{set}: cần viết MÃ@phiên-bản"),
                    format!("{set}: CODE@version is expected"),
                )
            })?;
            book.open_unplanned_inspection(unit, code, version)?
        }
        (None, None) => {
            return Err(Failure::new(
                2,
                "cần --campaign hoặc --criteria",
                "--campaign or --criteria is needed",
            ));
        }
    };
    saved(output, &opened)
}

pub(super) fn set(
    book: &Book,
    output: &Output,
    document: DocumentId,
    path: &Path,
    text: &str,
    reason: Option<&str>,
) -> Result<(), Failure> {
    let value = values::parse(book.get(document)?.kind, path, text)?;
    edit(
        book,
        output,
        document,
        Edit::Set {
            path: path.clone(),
            value,
        },
        reason,
    )
}

pub(super) fn settle(
    book: &Book,
    output: &Output,
    document: DocumentId,
    path: &Path,
    text: &str,
    reason: Option<&str>,
) -> Result<(), Failure> {
    let value = values::parse(book.get(document)?.kind, path, text)?;
    edit(
        book,
        output,
        document,
        Edit::Settle {
            path: path.clone(),
            value,
        },
        reason,
    )
}

pub(super) fn note(
    book: &Book,
    output: &Output,
    document: DocumentId,
    path: &Path,
    text: &str,
    append: bool,
) -> Result<(), Failure> {
    let present = if append {
        let pointer = format!("/{path}");
        book.get(document)?
            .fields
            .pointer(&pointer)
            .and_then(Json::as_str)
            .unwrap_or_default()
            .to_owned()
    } else {
        String::new()
    };
    edit(
        book,
        output,
        document,
        Edit::Text {
            path: path.clone(),
            text: present + text,
        },
        None,
    )
}

pub(super) fn add(
    book: &Book,
    output: &Output,
    document: DocumentId,
    collection: &str,
    pairs: &[String],
) -> Result<(), Failure> {
    let kind = book.get(document)?.kind;
    let path = element(kind, collection)?;
    let fields = values::fields(kind, pairs, |name| format!("{path}/{name}").parse().ok())?;
    edit(book, output, document, Edit::Add { path, fields }, None)
}

/// A fresh element of a collection: `findings`, or with a key of its own `items/X/evidence/<hash>`.
fn element(kind: Kind, collection: &str) -> Result<Path, Failure> {
    let given = collection
        .parse::<Path>()
        .map_err(|_| Failure::no_such_field(collection))?;
    if matches!(place(kind, &given), Some(Place::Element(..))) {
        return Ok(given);
    }
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes)?;
    let key = uuid::Builder::from_random_bytes(bytes).into_uuid();
    let path = format!("{collection}/{key}")
        .parse::<Path>()
        .map_err(|_| Failure::no_such_field(collection))?;
    match place(kind, &path) {
        Some(Place::Element(KeyType::Uuid, _)) => Ok(path),
        _ => Err(Failure::no_such_field(collection)),
    }
}

/// What `finding` takes.
pub(super) struct FindingFields<'a> {
    pub(super) text: &'a str,
    pub(super) item: &'a Option<String>,
    pub(super) remedy: &'a Option<String>,
    pub(super) owner: &'a Option<String>,
    pub(super) deadline: &'a Option<String>,
}

pub(super) fn finding(
    book: &Book,
    output: &Output,
    document: DocumentId,
    given: &FindingFields<'_>,
) -> Result<(), Failure> {
    let mut pairs = vec![format!("text={}", given.text), "state=open".to_owned()];
    for (name, value) in [
        ("item", given.item),
        ("remedy", given.remedy),
        ("owner", given.owner),
        ("deadline", given.deadline),
    ] {
        pairs.extend(value.as_ref().map(|value| format!("{name}={value}")));
    }
    add(book, output, document, "findings", &pairs)
}

pub(super) fn remove(
    book: &Book,
    output: &Output,
    document: DocumentId,
    path: &Path,
    reason: Option<&str>,
) -> Result<(), Failure> {
    edit(
        book,
        output,
        document,
        Edit::Remove { path: path.clone() },
        reason,
    )
}

pub(super) fn finish(book: &Book, output: &Output, document: DocumentId) -> Result<(), Failure> {
    saved(output, &book.finish(document, None)?)
}

fn edit(
    book: &Book,
    output: &Output,
    document: DocumentId,
    edit: Edit,
    reason: Option<&str>,
) -> Result<(), Failure> {
    let done = book.edit(document, None, std::slice::from_ref(&edit), reason)?;
    let element = match &edit {
        Edit::Add { path, .. } => path.keys().last().and_then(|key| Uuid::parse_str(key).ok()),
        _ => None,
    };
    output.result(&serde_json::json!({"document": done.document, "change": done.change.map(|hash| hash.to_string()), "element": element}), |language| {
        let what = if done.change.is_some() { language.say("đã lưu", "saved") } else { language.say("đã như vậy", "it reads like that already") };
        vec![element.map_or_else(|| what.to_owned(), |element| format!("{what}  {element}"))]
    })
}

fn saved(output: &Output, saved: &Saved) -> Result<(), Failure> {
    output.result(saved, |_| vec![saved.document.to_string()])
}
