//! First changes of documents, and the ids that follow from other ids.
//!
//! A **planned inspection** is the pair of a unit and a campaign. Two officers who start it apart
//! from each other, without network, must end with one record: its id is a UUIDv5 of the pair, and
//! its first change is made of nothing but that pair and the criteria set which the campaign names,
//! by a derived actor at time 0. Both phones so create the same bytes with the same hash, and
//! whatever they record merges. The bytes of each schema version are frozen by a test.

use std::collections::BTreeMap;

use automerge::{
    ObjType, ROOT,
    transaction::{CommitOptions, Transactable},
};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    document::Document,
    edit::{self, Author, Edit, EditError, Written, containers, options},
    id::{AccountId, ActorId, AreaId, DocumentId, EpochId, Kind},
    schema::{self, Node, Path},
};

/// Namespace of the ids of criteria documents.
const CRITERIA_NAMESPACE: Uuid = Uuid::from_u128(0x5d0c_3b5e_9a0f_4c1e_8d77_6b1d_2f60_a3c1);

/// What a planned inspection is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The unit.
    pub unit: DocumentId,
    /// The campaign.
    pub campaign: DocumentId,
    /// The criteria set's code.
    pub criteria_code: String,
    /// The criteria set's version.
    pub criteria_version: u32,
    /// First and last day of the evaluation window, `YYYY-MM-DD`.
    pub window: Option<(String, String)>,
    /// The codes of the set's items, in its order.
    pub items: Vec<String>,
}

/// The id of the planned inspection of a unit in a campaign.
pub fn planned_inspection_id(unit: DocumentId, campaign: DocumentId) -> DocumentId {
    DocumentId(Uuid::new_v5(&campaign.0, unit.as_bytes()))
}

/// The id of the assignment of a unit in a campaign.
pub fn assignment_id(unit: DocumentId, campaign: DocumentId) -> DocumentId {
    DocumentId(Uuid::new_v5(
        &planned_inspection_id(unit, campaign).0,
        b"assignment",
    ))
}

/// The id of the review of an inspection.
pub fn review_id(inspection: DocumentId) -> DocumentId {
    DocumentId(Uuid::new_v5(&inspection.0, b"review"))
}

/// The id of a published criteria set.
pub fn criteria_id(code: &str, version: u32) -> DocumentId {
    DocumentId(Uuid::new_v5(
        &CRITERIA_NAMESPACE,
        format!("{code}@{version}").as_bytes(),
    ))
}

/// The id of an area's own document.
pub fn area_document_id(area: AreaId) -> DocumentId {
    DocumentId(area.0)
}

/// The actor of a planned inspection's first change.
pub fn genesis_actor(document: DocumentId) -> ActorId {
    derived_actor(&[
        b"sokiem genesis",
        document.as_bytes(),
        &schema::VERSION.to_be_bytes(),
    ])
}

/// The actor that the server writes with for an account. It belongs to one epoch, so that a server
/// restored from a backup never uses a sequence number twice.
pub fn server_actor(epoch: EpochId, account: AccountId) -> ActorId {
    derived_actor(&[b"sokiem server actor", epoch.as_bytes(), account.as_bytes()])
}

fn derived_actor(parts: &[&[u8]]) -> ActorId {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    let digest: [u8; 32] = hasher.finalize().into();
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest) {
        *to = from;
    }
    ActorId(Uuid::from_bytes(bytes))
}

/// Who writes a first change that follows from the document's id and its subject alone: nobody.
fn nobody(id: DocumentId) -> Author {
    Author {
        actor: genesis_actor(id),
        time_ms: 0,
        reason: None,
    }
}

/// Begins a document whose id follows from other ids: a review, an assignment, a criteria set. Whoever
/// calls this with the same fields gets the same bytes, also a server that was restored from a backup
/// and begins the same document anew. What people write comes in later changes, under their own names.
///
/// # Errors
/// [`EditError`] when a field does not exist or a value does not fit.
pub fn derived(
    id: DocumentId,
    kind: Kind,
    fields: &[(&'static str, Json)],
) -> Result<(Document, Written), EditError> {
    begin(id, kind, &nobody(id), fields, &[])
}

/// Begins a planned inspection. Whoever calls this with the same plan gets the same bytes.
///
/// # Errors
/// [`EditError`] when an item's code or the window is not of the right form.
pub fn planned_inspection(plan: &Plan) -> Result<(Document, Written), EditError> {
    let id = planned_inspection_id(plan.unit, plan.campaign);
    let mut fields = vec![
        ("unit", Json::from(plan.unit.to_string())),
        ("campaign", Json::from(plan.campaign.to_string())),
    ];
    inspection_fields(
        &mut fields,
        &plan.criteria_code,
        plan.criteria_version,
        plan.window.as_ref(),
    );
    begin(id, Kind::Inspection, &nobody(id), &fields, &plan.items)
}

/// Begins an inspection that no campaign planned, under a fresh id.
///
/// # Errors
/// [`EditError`] when an item's code is not of the right form.
pub fn unplanned_inspection(
    id: DocumentId,
    unit: DocumentId,
    criteria: (&str, u32),
    items: &[String],
    author: &Author,
) -> Result<(Document, Written), EditError> {
    let mut fields = vec![("unit", Json::from(unit.to_string()))];
    inspection_fields(&mut fields, criteria.0, criteria.1, None);
    begin(id, Kind::Inspection, author, &fields, items)
}

fn inspection_fields(
    fields: &mut Vec<(&'static str, Json)>,
    code: &str,
    version: u32,
    window: Option<&(String, String)>,
) {
    fields.push(("criteria_code", Json::from(code)));
    fields.push(("criteria_version", Json::from(version)));
    if let Some((start, end)) = window {
        fields.push(("window_start", Json::from(start.as_str())));
        fields.push(("window_end", Json::from(end.as_str())));
    }
}

/// Begins any other document. `fields` are values at its root, or in a map that lies there from the
/// start: `name`, `years/2019.regime`.
///
/// # Errors
/// [`EditError`] when a field does not exist or a value does not fit.
pub fn document(
    id: DocumentId,
    kind: Kind,
    author: &Author,
    fields: &[(&str, Json)],
) -> Result<(Document, Written), EditError> {
    begin(id, kind, author, fields, &[])
}

/// The first change: the identity, every container of the schema, the items, then the given fields.
fn begin(
    id: DocumentId,
    kind: Kind,
    author: &Author,
    fields: &[(&str, Json)],
    items: &[String],
) -> Result<(Document, Written), EditError> {
    let mut document = Document::new(id, kind);
    document
        .automerge_mut()
        .set_actor(author.actor.to_automerge());
    let mut tx = document.automerge_mut().transaction();
    tx.put(ROOT, "schema", i64::from(schema::VERSION))?;
    tx.put(ROOT, "kind", kind.name())?;
    tx.put(ROOT, "id", id.to_string())?;
    let schema = schema::fields(kind);
    containers(&mut tx, &ROOT, schema)?;
    let item_fields = schema.iter().find_map(|(name, node)| match node {
        Node::Collection(schema::KeyType::Code, fields) => Some((*name, *fields)),
        _ => None,
    });
    if let Some((name, item_fields)) = item_fields
        && let Some((_, map)) = automerge::ReadDoc::get(&tx, ROOT, name)?
    {
        for code in items {
            let path = Path::new([name, code])
                .ok()
                .filter(|_| schema::KeyType::Code.accepts(code));
            if path.is_none() {
                tx.rollback();
                return Err(EditError::NoSuchField(Path::root(name)));
            }
            let item = tx.put_object(&map, code.as_str(), ObjType::Map)?;
            containers(&mut tx, &item, item_fields)?;
        }
    }
    for (name, value) in fields {
        if name.contains('/') {
            let set = match name.parse::<Path>() {
                Ok(path) => edit::set(&mut tx, kind, &path, value),
                Err(_) => Err(EditError::NoSuchField(Path::root(name))),
            };
            if let Err(error) = set {
                tx.rollback();
                return Err(error);
            }
            continue;
        }
        let path = Path::root(name);
        match schema::place(kind, &path) {
            Some(schema::Place::Field(schema::FieldType::Text)) => {
                if let (Some((_, object)), Some(text)) =
                    (automerge::ReadDoc::get(&tx, ROOT, *name)?, value.as_str())
                {
                    tx.splice_text(&object, 0, 0, &crate::fold::nfc(text))?;
                }
            }
            Some(schema::Place::Field(field)) => match crate::value::to_scalar(field, value) {
                Ok(scalar) => tx.put(ROOT, *name, scalar)?,
                Err(source) => {
                    tx.rollback();
                    return Err(EditError::InvalidValue { path, source });
                }
            },
            _ => {
                tx.rollback();
                return Err(EditError::NoSuchField(path));
            }
        }
    }
    let commit: CommitOptions = options(author);
    let (hash, _) = tx.commit_with(commit);
    let written = hash
        .and_then(|hash| document.change(&hash).map(|bytes| Written { hash, bytes }))
        .ok_or(EditError::NotBegun)?;
    Ok((document, written))
}

/// An [`Edit::Add`] for an element with these fields.
pub fn element(path: Path, fields: impl IntoIterator<Item = (&'static str, Json)>) -> Edit {
    let fields: BTreeMap<String, Json> = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Edit::Add { path, fields }
}
