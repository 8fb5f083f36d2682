//! What supervisors say about an inspection: the decision that holds, with its reasons, and comments.

use serde::Serialize;
use serde_json::Value as Json;
use sokiem_record::{
    ChangeHash,
    document::Document,
    genesis,
    id::{DocumentId, Kind},
    schema::REMOVED,
};

use crate::{
    book::{
        Book,
        reading::{Author, author_of, find},
    },
    error::Result,
    store::documents,
};

/// What supervisors say about an inspection, as far as this device has heard.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Feedback {
    /// The latest decision.
    pub decision: Option<Decided>,
    /// Comments on criteria and on the whole, oldest first; without those that were struck out.
    pub comments: Vec<Remark>,
}

/// A decision about an inspection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decided {
    /// `returned`, `approved` or `reopened`.
    pub decision: String,
    /// Whose it is.
    pub author: Author,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub decided_ms: Option<i64>,
    /// Why, about the whole.
    pub reason: String,
    /// Why, criterion by criterion: its code and the text.
    pub reasons: Vec<(String, String)>,
    /// Whether the inspection has changed since.
    pub changed_since: bool,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Remark {
    /// Its key in the record.
    pub id: String,
    /// The criterion's code; empty for the whole record.
    pub item: String,
    /// What is said.
    pub text: String,
    /// Whose it is.
    pub author: Author,
    /// When by their clock, in milliseconds since 1970-01-01 UTC.
    pub time_ms: i64,
}

impl Book {
    /// What supervisors say about an inspection; nothing for any other record.
    ///
    /// # Errors
    /// As [`Book::get`].
    pub fn feedback(&self, inspection: DocumentId) -> Result<Feedback> {
        self.read(|connection| {
            let row = find(connection, inspection)?;
            if row.kind != Kind::Inspection {
                return Ok(Feedback::default());
            }
            let content = documents::load(connection, &row)?;
            let review = documents::find(connection, genesis::review_id(inspection))?;
            let review = review.map(|row| documents::load(connection, &row));
            let decision = match review.transpose()? {
                Some(review) => latest(&review, &content, |actor| author_of(connection, actor))?,
                None => None,
            };
            let comments = remarks(&content, |actor| author_of(connection, actor))?;
            Ok(Feedback { decision, comments })
        })
    }
}

fn text(element: &Json, name: &str) -> String {
    let text = element.get(name).and_then(Json::as_str);
    text.unwrap_or_default().to_owned()
}

fn latest(
    review: &Document,
    inspection: &Document,
    author_of: impl Fn(sokiem_record::id::ActorId) -> Result<Author>,
) -> Result<Option<Decided>> {
    let fields = review.to_json();
    let elements = |name: &str| fields.get(name).and_then(Json::as_object);
    let decided_ms = |decision: &Json| decision.get("decided_ms").and_then(Json::as_i64);
    let latest = elements("decisions")
        .into_iter()
        .flatten()
        .max_by_key(|(key, decision)| (decided_ms(decision), key.as_str()));
    let Some((key, decision)) = latest else {
        return Ok(None);
    };
    let written = format!("decisions/{key}");
    let path = written.parse().ok();
    let actor = path.and_then(|path| {
        let mut by = review.provenance(&path);
        by.pop().map(|by| by.provenance.actor)
    });
    let mut reasons: Vec<(String, String)> = elements("reasons")
        .into_iter()
        .flatten()
        .filter(|(_, reason)| text(reason, "decision") == *key)
        .map(|(_, reason)| (text(reason, "item"), text(reason, "text")))
        .collect();
    reasons.sort();
    let decided_on: Option<Vec<ChangeHash>> = text(decision, "heads")
        .split_whitespace()
        .map(|head| head.parse().ok())
        .collect();
    // As at the desk: what only comments or signs alters nothing of what was decided.
    let since = decided_on.and_then(|heads| inspection.since(&heads));
    Ok(Some(Decided {
        decision: text(decision, "decision"),
        author: actor.map(author_of).transpose()?.unwrap_or_default(),
        decided_ms: decided_ms(decision),
        reason: text(decision, "reason"),
        reasons,
        changed_since: since.is_none_or(|since| !since.changes.is_empty()),
    }))
}

fn remarks(
    inspection: &Document,
    author_of: impl Fn(sokiem_record::id::ActorId) -> Result<Author>,
) -> Result<Vec<Remark>> {
    let fields = inspection.to_json();
    let comments = fields.get("comments").and_then(Json::as_object);
    let mut remarks = Vec::new();
    for (id, comment) in comments.into_iter().flatten() {
        let path = format!("comments/{id}").parse().ok();
        let by = path.and_then(|path| inspection.provenance(&path).pop());
        let Some(by) = by.filter(|_| comment.get(REMOVED) != Some(&Json::Bool(true))) else {
            continue;
        };
        remarks.push(Remark {
            id: id.clone(),
            item: text(comment, "item"),
            text: text(comment, "text"),
            author: author_of(by.provenance.actor)?,
            time_ms: by.provenance.time_ms,
        });
    }
    remarks.sort_by(|one, other| (one.time_ms, &one.id).cmp(&(other.time_ms, &other.id)));
    Ok(remarks)
}
