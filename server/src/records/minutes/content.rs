//! What the minutes say: the record put in the order of the form, with the texts of its criteria.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde::Serialize;
use serde_json::Value;
use sokiem_record::{
    criteria::{self, AnswerType, CriteriaSet},
    document::Document,
    id::DocumentId,
    labels, schema,
    typed::{self, Answer, Inspection, Unit},
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::Caller, error::Error, http::problem::Problem, records::criteria::published,
    sync::stored,
};

/// What the minutes say.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Content {
    pub(crate) synthetic: bool,
    pub(crate) finished: bool,
    /// Who ordered the inspection: the record's word, else the campaign's.
    pub(crate) issuing_body: String,
    pub(crate) number: String,
    /// Decision or plan: the record's word, else the campaign's.
    pub(crate) legal_basis: String,
    pub(crate) campaign: String,
    pub(crate) unit: UnitHead,
    /// `YYYY-MM-DD`.
    pub(crate) inspected_on: Option<String>,
    pub(crate) started_ms: Option<i64>,
    pub(crate) ended_ms: Option<i64>,
    pub(crate) place: String,
    /// Where the place is, as a `geo:` address.
    pub(crate) position: Option<String>,
    /// First day of the evaluation window.
    pub(crate) window_start: Option<String>,
    /// Last day of the evaluation window.
    pub(crate) window_end: Option<String>,
    pub(crate) team: Vec<Person>,
    pub(crate) representatives: Vec<Person>,
    pub(crate) absentees: Vec<Person>,
    /// The title of the criteria set.
    pub(crate) criteria: String,
    /// `CODE@version`.
    pub(crate) criteria_reference: String,
    /// What a reader must know about the set: that it is incomplete, and why.
    pub(crate) criteria_note: Option<String>,
    pub(crate) items: Vec<Item>,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) recommendations: Vec<Recommendation>,
    pub(crate) opinion: String,
    pub(crate) remarks: String,
    pub(crate) signers: Vec<Signer>,
    pub(crate) copies: Option<i64>,
    /// Fields in which people differ and nobody has settled.
    pub(crate) differences: Vec<Difference>,
    /// How many values this build can't read; they are in the record and not on the paper.
    pub(crate) unreadable: usize,
}

/// The unit, as the minutes name it.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct UnitHead {
    pub(crate) id: Option<Uuid>,
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) head: String,
}

/// Somebody who was there, or not.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MinutesPerson)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) title: String,
    /// Where from; for somebody absent, why.
    pub(crate) more: String,
}

/// One criterion.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Item {
    pub(crate) code: String,
    pub(crate) text: String,
    /// `null` where nobody answered.
    #[schema(value_type = Option<String>)]
    pub(crate) answer: Option<Answer>,
    /// Every answer, where people differ about it.
    #[schema(value_type = Vec<String>)]
    pub(crate) disputed: Vec<Answer>,
    /// The measured value with its unit, or the points.
    pub(crate) value: Option<String>,
    pub(crate) note: String,
    pub(crate) evidence: Vec<Evidence>,
}

/// A photo or scan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Evidence {
    /// `photo`, `scan`, `signature`.
    pub(crate) kind: String,
    pub(crate) caption: String,
    pub(crate) taken_ms: Option<i64>,
    /// Where, as a `geo:` address.
    pub(crate) position: Option<String>,
}

/// Something that happened in the window.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Incident {
    pub(crate) kind: String,
    pub(crate) date: Option<String>,
    pub(crate) count: Option<i64>,
    pub(crate) reported: Option<bool>,
    pub(crate) outcome: String,
}

/// Something to be put right.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Finding {
    /// The criterion that it belongs to.
    pub(crate) item: String,
    pub(crate) text: String,
    pub(crate) remedy: String,
    pub(crate) owner: String,
    pub(crate) deadline: Option<String>,
    /// `open`, `fixed`, `verified`.
    pub(crate) state: String,
    pub(crate) evidence: Vec<Evidence>,
}

/// What the team asks for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recommendation {
    pub(crate) text: String,
    pub(crate) to: String,
}

/// Who signs, or refused to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Signer {
    /// `team`, `unit`, `witness`.
    pub(crate) role: String,
    pub(crate) name: String,
    pub(crate) title: String,
    /// SHA-256 of the drawn signature. It is no digital signature in law.
    pub(crate) image: Option<String>,
    pub(crate) signed_ms: Option<i64>,
    pub(crate) refused: bool,
    pub(crate) refusal_reason: String,
}

/// A field in which people differ.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MinutesDifference)]
pub(crate) struct Difference {
    pub(crate) field: String,
    pub(crate) values: Vec<Value>,
}

/// What a version of an inspection says.
pub(super) fn of(
    sql: &Connection,
    caller: &Caller,
    document: &Document,
) -> Result<Content, Problem> {
    let read = document
        .read::<Inspection>()
        .map_err(|_| Error::Unreadable("an inspection"))?;
    let record = read.ok_or_else(Problem::not_found)?;
    let set = criteria_set(sql, &record)?;
    let items = items(document, &record, set.as_ref());
    let mut content = Content {
        unit: unit(sql, caller, record.unit)?,
        items,
        differences: differences(document),
        unreadable: {
            let oddities = document.oddities();
            oddities.unknown.len() + oddities.unreadable.len()
        },
        criteria_reference: reference(&record),
        ..of_record(record)
    };
    if let Some(set) = set {
        content.criteria_note = (!set.complete).then(|| set.note.unwrap_or_default());
        content.criteria = set.title_vi;
    }
    if let Some(campaign) = document.document_id("campaign")
        && let Some(row) = stored::find(sql, campaign)?
    {
        let campaign = stored::open(sql, &row)?;
        let or = |own: &mut String, field: &str| {
            if own.is_empty() {
                *own = campaign.line(field).unwrap_or_default();
            }
        };
        or(&mut content.campaign, "name");
        or(&mut content.issuing_body, "issuing_body");
        or(&mut content.legal_basis, "legal_basis");
    }
    Ok(content)
}

fn of_record(record: Inspection) -> Content {
    let text = Option::unwrap_or_default;
    let person = |one: typed::Participant| Person {
        name: text(one.name),
        title: text(one.title),
        more: text(one.body),
    };
    let people = |all: BTreeMap<Uuid, typed::Participant>| all.into_values().map(person).collect();
    Content {
        synthetic: record.synthetic == Some(true),
        finished: record.finished == Some(true),
        issuing_body: text(record.issuing_body),
        number: text(record.number),
        legal_basis: text(record.legal_basis),
        inspected_on: record.inspected_on,
        started_ms: record.started_ms,
        ended_ms: record.ended_ms,
        place: text(record.place),
        position: record.position,
        window_start: record.window_start,
        window_end: record.window_end,
        team: people(record.team),
        representatives: people(record.representatives),
        absentees: record
            .absentees
            .into_values()
            .map(|one| Person {
                name: text(one.name),
                title: text(one.title),
                more: text(one.reason),
            })
            .collect(),
        incidents: record
            .incidents
            .into_values()
            .map(|one| Incident {
                kind: text(one.r#type),
                date: one.date,
                count: one.count,
                reported: one.reported,
                outcome: text(one.outcome),
            })
            .collect(),
        findings: record
            .findings
            .into_values()
            .map(|one| Finding {
                item: text(one.item),
                text: one.text,
                remedy: text(one.remedy),
                owner: text(one.owner),
                deadline: one.deadline,
                state: state(one.state.unwrap_or_default()).to_owned(),
                evidence: evidence(one.evidence),
            })
            .collect(),
        recommendations: record
            .recommendations
            .into_values()
            .map(|one| Recommendation {
                text: one.text,
                to: text(one.to),
            })
            .collect(),
        opinion: record.opinion,
        remarks: record.remarks,
        signers: record
            .signatures
            .into_values()
            .filter(|one| one.role.as_deref() != Some("device"))
            .map(|one| Signer {
                role: text(one.role),
                name: text(one.name),
                title: text(one.title),
                image: one.image,
                signed_ms: one.signed_ms,
                refused: one.refused == Some(true),
                refusal_reason: text(one.refusal_reason),
            })
            .collect(),
        copies: record.copies,
        ..Content::default()
    }
}

fn state(state: typed::FindingState) -> &'static str {
    match state {
        typed::FindingState::Open => "open",
        typed::FindingState::Fixed => "fixed",
        typed::FindingState::Verified => "verified",
    }
}

fn evidence(all: BTreeMap<String, typed::Evidence>) -> Vec<Evidence> {
    let one = |one: typed::Evidence| Evidence {
        kind: one.r#type.unwrap_or_default(),
        caption: one.caption.unwrap_or_default(),
        taken_ms: one.taken_ms,
        position: one.position,
    };
    all.into_values().map(one).collect()
}

fn reference(record: &Inspection) -> String {
    match (&record.criteria_code, record.criteria_version) {
        (Some(code), Some(version)) => format!("{code}@{version}"),
        (Some(code), None) => code.clone(),
        (None, _) => String::new(),
    }
}

/// The set that was inspected by: as published, else as it ships with the server.
fn criteria_set(sql: &Connection, record: &Inspection) -> Result<Option<CriteriaSet>, Error> {
    let Some((code, version)) = record.criteria_code.as_deref().zip(record.criteria_version) else {
        return Ok(None);
    };
    let Ok(version) = u32::try_from(version) else {
        return Ok(None);
    };
    if let Some(set) = published(sql, code, version)? {
        return Ok(Some(set));
    }
    let mut shipped = criteria::shipped().unwrap_or_default().into_iter();
    Ok(shipped.find(|set| set.code == code && set.version == version))
}

/// The criteria in the order of their set, then what the record has beside them.
fn items(document: &Document, record: &Inspection, set: Option<&CriteriaSet>) -> Vec<Item> {
    let disputed = disputed(document);
    let mut rest = record.items.clone();
    let mut items = Vec::new();
    for item in set.into_iter().flat_map(|set| &set.items) {
        let recorded = rest.remove(&item.code).unwrap_or_default();
        let value = recorded.value.map(|value| measured(value, &item.answer));
        items.push(line(
            &item.code,
            item.vi.clone(),
            recorded,
            value,
            &disputed,
        ));
    }
    for (code, recorded) in rest {
        let value = recorded.value.map(number);
        items.push(line(&code, String::new(), recorded, value, &disputed));
    }
    items
}

fn line(
    code: &str,
    text: String,
    recorded: typed::Item,
    value: Option<String>,
    disputed: &BTreeMap<String, Vec<Answer>>,
) -> Item {
    Item {
        code: code.to_owned(),
        text,
        answer: recorded.answer,
        disputed: disputed.get(code).cloned().unwrap_or_default(),
        value,
        note: recorded.note,
        evidence: evidence(recorded.evidence),
    }
}

fn measured(value: f64, answer: &AnswerType) -> String {
    match answer {
        AnswerType::PassFail => number(value),
        AnswerType::Measured { unit, .. } => format!("{} {unit}", number(value)),
        AnswerType::Points { max } => format!("{}/{} điểm", number(value), number(*max)),
    }
}

/// A number as people here write it: a comma before the decimals.
fn number(value: f64) -> String {
    value.to_string().replace('.', ",")
}

/// The answers of the criteria about which people differ.
fn disputed(document: &Document) -> BTreeMap<String, Vec<Answer>> {
    let answers = document.conflicts().into_iter().filter_map(|conflict| {
        let path = conflict.path.as_str();
        let code = path.strip_prefix("items/")?.strip_suffix("/answer")?;
        let values = conflict.alternatives.into_iter();
        let values = values.filter_map(|one| serde_json::from_value(one.value).ok());
        Some((code.to_owned(), values.collect()))
    });
    answers.collect()
}

fn differences(document: &Document) -> Vec<Difference> {
    let conflicts = document.conflicts().into_iter();
    conflicts
        .map(|conflict| Difference {
            field: name(&conflict.path),
            values: conflict
                .alternatives
                .into_iter()
                .map(|one| one.value)
                .collect(),
        })
        .collect()
}

fn name(path: &schema::Path) -> String {
    labels::label(path).vi
}

/// The unit, if the caller may see it.
fn unit(sql: &Connection, caller: &Caller, unit: Option<DocumentId>) -> Result<UnitHead, Problem> {
    let Some(id) = unit else {
        return Ok(UnitHead::default());
    };
    let mut head = UnitHead {
        id: Some(id.0),
        ..UnitHead::default()
    };
    let areas = caller.areas(sql)?;
    let Some(row) = stored::find(sql, id)?.filter(|row| areas.readable(row.area)) else {
        return Ok(head);
    };
    let read = stored::open(sql, &row)?
        .read::<Unit>()
        .map_err(|_| Error::Unreadable("a unit"))?;
    if let Some(unit) = read {
        head.name = unit.name.unwrap_or_default();
        head.address = unit.address.unwrap_or_default();
        let name = [unit.head_name, unit.head_title];
        let name: Vec<String> = name
            .into_iter()
            .flatten()
            .filter(|text| !text.is_empty())
            .collect();
        head.head = name.join(", ");
    }
    Ok(head)
}
