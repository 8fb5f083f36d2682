//! What is signed: the heads of a finished record by the device, a decision by the server.
//!
//! Heads name one exact state, because each change is named by the hash of its bytes and names those that it
//! builds on: who signs the heads signs every byte of the history behind them. What is signed is text of
//! one fact per line, so that any program can rebuild it; `docs/record-model.md` has the form.

use std::fmt::Write;

use automerge::ChangeHash;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::{
    edit::Edit,
    genesis,
    id::{AccountId, DeviceId, DocumentId, Kind},
    schema::Path,
    signing::{PublicKey, Signature, SigningKey},
};

/// The collection of an inspection that holds signatures.
pub const SIGNATURES: &str = "signatures";
/// The role of a signature that a device made.
pub const DEVICE: &str = "device";

/// What a device signs when its officer finishes a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadsStatement {
    /// The record.
    pub document: DocumentId,
    /// Its kind.
    pub kind: Kind,
    /// The exact state, ascending.
    pub heads: Vec<ChangeHash>,
    /// The officer.
    pub account: AccountId,
    /// The officer's device.
    pub device: DeviceId,
    /// When, by the device's clock.
    pub signed_ms: i64,
}

impl HeadsStatement {
    /// The bytes that are signed.
    pub fn message(&self) -> Vec<u8> {
        let mut text = String::from("sokiem heads v1\n");
        line(&mut text, "document", self.document);
        line(&mut text, "kind", self.kind.name());
        line(&mut text, "account", self.account);
        line(&mut text, "device", self.device);
        line(&mut text, "time", self.signed_ms);
        heads_lines(&mut text, &self.heads);
        text.into_bytes()
    }

    /// The signature as an element of the record, under a fresh id. `name` and `title` are the officer's.
    ///
    /// # Errors
    /// Never for an id of 36 characters; the path's own check.
    pub fn element(
        &self,
        id: Uuid,
        key: &SigningKey,
        name: &str,
        title: &str,
    ) -> Result<Edit, crate::schema::InvalidPath> {
        let path = Path::new([SIGNATURES, &id.to_string()])?;
        let signature = key.sign(&self.message());
        let mut fields: Vec<(&'static str, Json)> = vec![
            ("role", DEVICE.into()),
            ("account", self.account.to_string().into()),
            ("device", self.device.to_string().into()),
            ("signed_ms", self.signed_ms.into()),
            ("heads", join(&self.heads).into()),
            ("key", key.public_key().to_string().into()),
            ("signature", signature.to_string().into()),
        ];
        for (field, text) in [("name", name), ("title", title)] {
            if !text.is_empty() {
                fields.push((field, text.into()));
            }
        }
        Ok(genesis::element(path, fields))
    }
}

/// A decision of a review as it stands in the document: what the server signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionStatement {
    /// The review.
    pub review: DocumentId,
    /// The inspection that it is about.
    pub inspection: DocumentId,
    /// The decision's own id.
    pub id: Uuid,
    /// `returned`, `approved` or `reopened`.
    pub decision: String,
    /// The exact state of the inspection, ascending.
    pub heads: Vec<ChangeHash>,
    /// Who decided.
    pub account: AccountId,
    /// When, by the server's clock.
    pub decided_ms: i64,
    /// Why, about the whole; may be empty.
    pub reason: String,
    /// Why, criterion by criterion: code and text, in ascending order.
    pub reasons: Vec<(String, String)>,
}

impl DecisionStatement {
    /// The decision `id` as the fields of a review state it; `None` when something is missing or unreadable.
    pub fn of(review: DocumentId, fields: &Json, id: Uuid) -> Option<Self> {
        let decision = fields.get("decisions")?.get(id.to_string())?;
        let of_this = |reason: &&Map<String, Json>| {
            text(reason, "decision").and_then(|of| of.parse().ok()) == Some(id)
        };
        let mut reasons: Vec<(String, String)> = fields
            .get("reasons")
            .and_then(Json::as_object)
            .into_iter()
            .flat_map(Map::values)
            .filter_map(Json::as_object)
            .filter(of_this)
            .map(|reason| {
                let part = |name| text(reason, name).unwrap_or_default().to_owned();
                (part("item"), part("text"))
            })
            .collect();
        reasons.sort();
        let decision = decision.as_object()?;
        Some(Self {
            review,
            inspection: fields.get("inspection")?.as_str()?.parse().ok()?,
            id,
            decision: text(decision, "decision")?.to_owned(),
            heads: split(text(decision, "heads")?)?,
            account: text(decision, "account")?.parse().ok()?,
            decided_ms: decision.get("decided_ms")?.as_i64()?,
            reason: text(decision, "reason").unwrap_or_default().to_owned(),
            reasons,
        })
    }

    /// The bytes that are signed.
    pub fn message(&self) -> Vec<u8> {
        let mut message = String::from("sokiem decision v1\n");
        line(&mut message, "review", self.review);
        line(&mut message, "inspection", self.inspection);
        line(&mut message, "id", self.id);
        line(&mut message, "decision", counted(&self.decision));
        line(&mut message, "account", self.account);
        line(&mut message, "time", self.decided_ms);
        heads_lines(&mut message, &self.heads);
        line(&mut message, "reason", counted(&self.reason));
        for (item, text) in &self.reasons {
            line(&mut message, "item", counted(item));
            line(&mut message, "text", counted(text));
        }
        message.into_bytes()
    }

    /// The signature as edits of the review.
    ///
    /// # Errors
    /// Never for an id of 36 characters; the path's own check.
    pub fn edits(&self, key: &SigningKey) -> Result<Vec<Edit>, crate::schema::InvalidPath> {
        let signature = key.sign(&self.message());
        let set = |field: &str, value: String| {
            Ok(Edit::Set {
                path: Path::new(["decisions", &self.id.to_string(), field])?,
                value: value.into(),
            })
        };
        Ok(vec![
            set("key", key.public_key().to_string())?,
            set("signature", signature.to_string())?,
        ])
    }
}

/// Key and signature of an element, where both are there and readable.
pub(crate) fn key_and_signature(element: &Map<String, Json>) -> Option<(PublicKey, Signature)> {
    Some((
        text(element, "key")?.parse().ok()?,
        text(element, "signature")?.parse().ok()?,
    ))
}

pub(crate) fn text<'a>(fields: &'a Map<String, Json>, name: &str) -> Option<&'a str> {
    fields.get(name)?.as_str()
}

/// Heads as a record states them: hexadecimal, ascending, joined by spaces.
pub(crate) fn join(heads: &[ChangeHash]) -> String {
    let mut texts: Vec<String> = heads.iter().map(ToString::to_string).collect();
    texts.sort();
    texts.join(" ")
}

/// Heads from a record. `None` when they are not in the one form.
pub(crate) fn split(text: &str) -> Option<Vec<ChangeHash>> {
    let heads: Vec<ChangeHash> = text
        .split(' ')
        .map(|head| head.parse().ok())
        .collect::<Option<_>>()?;
    (join(&heads) == text).then_some(heads)
}

fn line(text: &mut String, name: &str, value: impl std::fmt::Display) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{name} {value}");
}

fn heads_lines(text: &mut String, heads: &[ChangeHash]) {
    for head in join(heads).split(' ') {
        line(text, "head", head);
    }
}

/// A text that people typed, with its length in bytes before it: no content can pass for another line.
fn counted(text: &str) -> String {
    format!("{}:{text}", text.len())
}
