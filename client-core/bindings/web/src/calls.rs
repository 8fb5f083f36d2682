//! What a page asks of the open book, answered. Nothing here needs a browser, so tests run it anywhere.

use serde::Serialize;
use serde_json::{Value as Json, json};
use sokiem_client_core::{
    Book, Error, Result,
    search::{Listed, Query},
};
use sokiem_record::{
    ChangeHash, genesis,
    id::{DocumentId, Kind},
    missing::Weight,
    position::Position,
};
use sokiem_web_messages::{Request, answer::Missing, request::UnitQuery, session::Text};

/// Most rows of one list on a page that has several.
const MOST_ROWS: u32 = 100;

/// Answers a request that needs nothing but the book. `today` is the day by this device's clock, `YYYY-MM-DD`. `None` for
/// requests that need more: the network, a file, the lock.
///
/// # Errors
/// Those of the book; nothing was changed then.
pub fn answer(book: &Book, request: &Request, today: &str) -> Result<Option<Json>> {
    let answer = match request {
        Request::Status => standing(book)?,
        Request::Today => today_page(book, today)?,
        Request::Units(query) => units(book, query)?,
        Request::Unit { unit } => unit_page(book, *unit)?,
        Request::Inspection { inspection } => inspection_page(book, *inspection)?,
        Request::Record { document } => to_json(&book.get(*document)?)?,
        Request::History { document } => json!({ "changes": book.history(*document)? }),
        Request::Outbox => outbox(book)?,
        Request::CriteriaSets => criteria_sets(book)?,
        Request::DismissChange { document, change } => {
            let change = hash(change)?;
            to_json(&book.dismiss_refused(*document, change)?)?
        }
        Request::DismissFile { document, hash } => {
            to_json(&book.dismiss_attachment(*document, *hash)?)?
        }
        deed => return write(book, deed),
    };
    Ok(Some(answer))
}

/// The deeds: each is done once, however often it is asked for.
fn write(book: &Book, request: &Request) -> Result<Option<Json>> {
    let saved = match request {
        Request::Edit {
            operation,
            document,
            base,
            edits,
            reason,
        } => {
            let base = base.as_deref().map(hashes).transpose()?;
            book.once(*operation, |book| {
                book.edit(*document, base.as_deref(), edits, reason.as_deref())
            })?
        }
        Request::CreateUnit {
            operation,
            area,
            fields,
        } => {
            let fields = fields.clone().into_iter().collect();
            book.once(*operation, |book| book.create_unit(*area, &fields))?
        }
        Request::OpenPlanned {
            operation,
            unit,
            campaign,
        } => book.once(*operation, |book| {
            book.open_planned_inspection(*unit, *campaign)
        })?,
        Request::OpenUnplanned {
            operation,
            unit,
            criteria_code,
            criteria_version,
        } => book.once(*operation, |book| {
            book.open_unplanned_inspection(*unit, criteria_code, *criteria_version)
        })?,
        Request::CopyLast {
            operation,
            inspection,
        } => match book.once(*operation, |book| book.copy_last(*inspection))? {
            Some(copied) => copied.saved,
            None => return Err(Error::NotPlanned("there is nothing to copy from")),
        },
        Request::Finish {
            operation,
            inspection,
        } => book.once(*operation, |book| book.finish(*inspection, None))?,
        _ => return Ok(None),
    };
    to_json(&saved).map(Some)
}

/// Anything of the core as JSON.
fn to_json(value: &impl Serialize) -> Result<Json> {
    serde_json::to_value(value).map_err(|_| Error::Unreadable("an answer"))
}

fn hash(text: &str) -> Result<ChangeHash> {
    text.parse()
        .map_err(|_| Error::Unreadable("the hash of a change"))
}

fn hashes(texts: &[String]) -> Result<Vec<ChangeHash>> {
    texts.iter().map(|text| hash(text)).collect()
}

/// Whose device this is, and how its synchronisation stands.
///
/// # Errors
/// As the book's.
pub fn standing(book: &Book) -> Result<Json> {
    Ok(json!({
        "owner": book.enrolment()?,
        "status": book.status()?,
        "areas": book.areas()?,
    }))
}

fn today_page(book: &Book, today: &str) -> Result<Json> {
    let owner = book.enrolment()?.map(|owner| owner.account);
    let assigned = book.assigned(owner, today)?;
    let finished = |state: &Option<String>| state.as_deref() == Some("finished");
    let (done, open): (Vec<_>, Vec<_>) = assigned
        .into_iter()
        .partition(|one| finished(&one.inspection_state));
    let inspections = |query: Query| {
        book.list(&Query {
            kind: Some(Kind::Inspection),
            limit: Some(MOST_ROWS),
            ..query
        })
    };
    let state = |state: &str| Query {
        state: Some(state.to_owned()),
        ..Query::default()
    };
    Ok(json!({
        "today": today,
        "returned": returned(book)?,
        "differing": book.list(&Query { conflicts_only: true, limit: Some(MOST_ROWS), ..Query::default() })?,
        "assigned": open,
        "drafts": inspections(state("draft"))?,
        "overdue": inspections(Query { overdue_on: Some(today.to_owned()), ..Query::default() })?,
        "done": done.len(),
    }))
}

/// Inspections whose latest decision sent them back, unless they were finished anew since.
fn returned(book: &Book) -> Result<Vec<Listed>> {
    let reviews = book.list(&Query {
        kind: Some(Kind::Review),
        state: Some("returned".to_owned()),
        ..Query::default()
    })?;
    let mut returned = Vec::new();
    for review in reviews {
        let Some(inspection) = review.subject else {
            continue;
        };
        let (Ok(opened), Ok(feedback)) = (book.get(inspection), book.feedback(inspection)) else {
            continue;
        };
        let finished = opened.fields.get("finished") == Some(&Json::Bool(true));
        let changed = feedback
            .decision
            .is_some_and(|decision| decision.changed_since);
        if !(finished && changed) {
            returned.push(Listed {
                document: inspection,
                kind: Kind::Inspection,
                pending: opened.pending,
                ..review
            });
        }
    }
    Ok(returned)
}

fn units(book: &Book, query: &UnitQuery) -> Result<Json> {
    let limit = match query.limit {
        0 => MOST_ROWS,
        limit => limit.min(5_000),
    };
    let near = query
        .near
        .and_then(|(latitude, longitude)| Position::from_degrees(latitude, longitude));
    let mut rows = book.list(&Query {
        kind: Some(Kind::Unit),
        area: query.area,
        text: Some(query.text.clone()).filter(|text| !text.trim().is_empty()),
        near,
        limit: Some(limit + 1),
        offset: query.offset,
        ..Query::default()
    })?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    Ok(json!({ "units": rows, "more": more }))
}

fn unit_page(book: &Book, unit: DocumentId) -> Result<Json> {
    let inspections = book.list(&Query {
        kind: Some(Kind::Inspection),
        subject: Some(unit),
        ..Query::default()
    })?;
    let campaigns = book.list(&Query {
        kind: Some(Kind::Campaign),
        ..Query::default()
    })?;
    let campaigns: Vec<Json> = campaigns
        .iter()
        .map(|campaign| {
            let inspection = genesis::planned_inspection_id(unit, campaign.document);
            let begun = inspections.iter().any(|one| one.document == inspection);
            json!({ "campaign": campaign.document, "title": campaign.title, "inspection": inspection, "begun": begun })
        })
        .collect();
    Ok(json!({
        "unit": book.get(unit)?,
        "inspections": inspections,
        "campaigns": campaigns,
    }))
}

fn inspection_page(book: &Book, inspection: DocumentId) -> Result<Json> {
    let record = book.get(inspection)?;
    let text = |name: &str| record.fields.get(name).and_then(Json::as_str);
    let unit: Option<DocumentId> = text("unit").and_then(|unit| unit.parse().ok());
    let title = unit.and_then(|unit| book.get(unit).ok());
    let title = title.and_then(|unit| Some(unit.fields.get("name")?.as_str()?.to_owned()));
    let last = match unit {
        Some(unit) => book.last_inspection(unit, text("inspected_on"))?,
        None => None,
    };
    let last = last.filter(|last| last.document != inspection);
    let missing: Vec<Missing> = book
        .missing(inspection)?
        .entries
        .into_iter()
        .map(|entry| Missing {
            path: entry.path.as_str().to_owned(),
            lack: entry.lack,
            must: entry.weight == Weight::Must,
            text: Text {
                vi: entry.vietnamese,
                en: entry.english,
            },
        })
        .collect();
    let version = record.fields.get("criteria_version").and_then(Json::as_u64);
    let sheet = match text("criteria_code").zip(version) {
        Some((code, version)) => sheet(book, code, version),
        None => None,
    };
    Ok(json!({
        "unit_title": title.unwrap_or_default(),
        "sheet": sheet,
        "not_asked": not_asked(book, inspection)?,
        "feedback": book.feedback(inspection)?,
        "files": book.attachments(inspection)?,
        "missing": missing,
        "copied": book.copied(inspection)?,
        "last": last.and_then(|last| last.date),
        "record": record,
    }))
}

/// A criteria set as its document has it; `None` when it is not on this device.
fn sheet(book: &Book, code: &str, version: u64) -> Option<Json> {
    let id = genesis::criteria_id(code, u32::try_from(version).ok()?);
    let fields = book.get(id).ok()?.fields;
    serde_json::from_str(fields.get("set")?.as_str()?).ok()
}

fn not_asked(book: &Book, inspection: DocumentId) -> Result<Vec<String>> {
    let Some(form) = book.form(inspection)? else {
        return Ok(Vec::new());
    };
    let codes = form.form.items.into_iter().map(|item| item.code);
    Ok(codes.filter(|code| !form.asked.contains(code)).collect())
}

fn outbox(book: &Book) -> Result<Json> {
    let waiting = book.list(&Query {
        pending_only: true,
        limit: Some(MOST_ROWS),
        ..Query::default()
    })?;
    Ok(json!({
        "waiting": waiting,
        "files": book.unsent_attachments()?,
        "refused": book.refused()?,
        "events": book.events(50)?,
    }))
}

fn criteria_sets(book: &Book) -> Result<Json> {
    let sets = book.list(&Query {
        kind: Some(Kind::Criteria),
        ..Query::default()
    })?;
    let choices = sets.iter().filter_map(|set| {
        let fields = book.get(set.document).ok()?.fields;
        let set: Json = serde_json::from_str(fields.get("set")?.as_str()?).ok()?;
        let text = |name: &str| set.get(name).and_then(Json::as_str);
        let for_inspection = text("purpose").is_none_or(|purpose| purpose != "classification");
        for_inspection.then(|| {
            json!({
                "code": text("code"), "version": set.get("version"),
                "title": { "vi": text("title_vi"), "en": text("title_en") },
            })
        })
    });
    Ok(Json::Array(choices.collect()))
}
