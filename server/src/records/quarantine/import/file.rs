//! What a phone's file holds for the server: changes that were never sent, and those that were refused.
//!
//! Two forms are read. `sokiem-refused-1` is just that. `sokiem-export-1` is everything on a phone: of it the changes
//! are taken that each document calls pending, and what was refused on its way here; the rest the server has.

use std::{borrow::Cow, collections::HashSet};

use serde::Deserialize;
use sokiem_record::{
    chunk::ChangeHeader,
    id::{DocumentId, Kind},
    refusal::Refusal,
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::UNSENT;
use crate::{
    http::problem::{Cause, Problem},
    secret,
};

/// What was refused and what was never sent.
const REFUSED_FORMAT: &str = "sokiem-refused-1";
/// Everything on a phone.
const EXPORT_FORMAT: &str = "sokiem-export-1";
/// Most changes that one file brings. A phone makes some hundred in a day.
const MOST_CHANGES: usize = 20_000;
/// Most characters of a name that is shown from a file.
const MOST_NAME: usize = 120;
/// Digits of a change's hash that stand in the change itself: its checksum is the hash's first four bytes, after four
/// bytes that mark it as a chunk.
const CHECKSUM: std::ops::Range<usize> = 8..16;

/// A file that a phone exported. `sokiem-export-1`, everything on a phone, is taken too; it has other members.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exported {
    /// `sokiem-refused-1`.
    #[serde(rename = "format")]
    #[schema(value_type = String)]
    _format: String,
    /// When it was exported, by the phone's clock.
    #[serde(rename = "exported_ms")]
    #[schema(value_type = i64)]
    _exported_ms: serde_json::Number,
    /// The device, where the phone knows it.
    device: Option<Uuid>,
    /// The changes, each after what it builds on.
    changes: Vec<ExportedChange>,
}

/// One of its changes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExportedChange {
    document: Uuid,
    kind: String,
    area: Uuid,
    /// Why it was refused; null where it was never sent.
    refusal: Option<String>,
    /// Hexadecimal.
    bytes: String,
}

/// What every form says of itself.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
}

/// `sokiem-export-1`, as far as it is read. Bytes are borrowed from the file, which may be large.
#[derive(Deserialize)]
struct Whole<'a> {
    enrolment: Option<Enrolment>,
    #[serde(borrow)]
    documents: Vec<WholeDocument<'a>>,
    #[serde(borrow)]
    refused: Vec<WholeRefused<'a>>,
}

#[derive(Deserialize)]
struct Enrolment {
    device: Uuid,
}

#[derive(Deserialize)]
struct WholeDocument<'a> {
    document: Uuid,
    kind: String,
    area: Uuid,
    pending: HashSet<String>,
    /// Every change, each after what it builds on.
    #[serde(borrow)]
    changes: Vec<Cow<'a, str>>,
    /// Absent where the phone could not read its document any more.
    #[serde(default)]
    fields: Fields,
}

#[derive(Default, Deserialize)]
struct Fields {
    name: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct WholeRefused<'a> {
    document: Uuid,
    kind: String,
    area: Uuid,
    title: Option<String>,
    /// `sent` or `received`.
    direction: String,
    refusal: String,
    #[serde(borrow)]
    bytes: Cow<'a, str>,
}

/// A change that a file brings.
pub(super) struct Brought {
    pub(super) document: DocumentId,
    pub(super) kind: Kind,
    pub(super) area: Uuid,
    /// What the file calls the document, where it says so.
    pub(super) name: Option<String>,
    /// The code of the refusal, or [`UNSENT`].
    pub(super) reason: &'static str,
    pub(super) bytes: Vec<u8>,
}

/// What a file brings, each change after what it builds on.
pub(super) struct Contents {
    /// The device that the file says it comes from.
    pub(super) device: Option<Uuid>,
    pub(super) changes: Vec<Brought>,
    /// Pending changes that the file names and does not hold.
    pub(super) lacking: usize,
}

/// Reads a file of either form.
///
/// # Errors
/// A problem that says, in both languages, that this is no such file, or what in it is not.
pub(super) fn read(file: &[u8]) -> Result<Contents, Problem> {
    // A derived type would also take its fields one after the other, without their names.
    if file.trim_ascii_start().first() != Some(&b'{') {
        return Err(no_export());
    }
    let head: Head<'_> = serde_json::from_slice(file).map_err(|error| {
        if error.is_eof() {
            broken(error)
        } else {
            no_export()
        }
    })?;
    let contents = match head.format.as_ref() {
        REFUSED_FORMAT => refused(serde_json::from_slice(file).map_err(broken)?)?,
        EXPORT_FORMAT => whole(serde_json::from_slice(file).map_err(broken)?)?,
        _ => return Err(no_export()),
    };
    if contents.changes.len() > MOST_CHANGES {
        return Err(
            Problem::invalid(format!("changes: at most {MOST_CHANGES} in one file"))
                .vietnamese(format!("Tệp có quá {MOST_CHANGES} thay đổi chưa gửi.")),
        );
    }
    Ok(contents)
}

fn no_export() -> Problem {
    Problem::invalid(format!("format: {REFUSED_FORMAT} or {EXPORT_FORMAT}")).vietnamese(
        "Đây không phải tệp do sổ kiểm trên máy của cán bộ xuất ra. Hãy chọn đúng tệp, nguyên như máy đã xuất.",
    )
}

fn broken(error: serde_json::Error) -> Problem {
    let told: String = error.to_string().chars().take(200).collect();
    Problem::new(Cause::MalformedBody).detail(told).vietnamese(
        "Tệp bị hỏng hoặc thiếu một phần. Hãy xuất lại trên máy của cán bộ, hoặc chép lại tệp.",
    )
}

fn invalid(what: &str) -> Problem {
    Problem::invalid(format!("changes: {what}"))
        .vietnamese("Trong tệp có thay đổi không đúng dạng. Tệp có thể đã bị sửa hoặc bị hỏng.")
}

fn refused(file: Exported) -> Result<Contents, Problem> {
    let changes = file.changes.into_iter().map(|change| {
        let reason = match change.refusal {
            None => UNSENT,
            Some(code) => code_of(&code)?,
        };
        Ok(Brought {
            document: DocumentId(change.document),
            kind: kind(&change.kind)?,
            area: change.area,
            name: None,
            reason,
            bytes: bytes(&change.bytes)?,
        })
    });
    Ok(Contents {
        device: file.device,
        changes: changes.collect::<Result<_, Problem>>()?,
        lacking: 0,
    })
}

fn whole(file: Whole<'_>) -> Result<Contents, Problem> {
    let mut contents = Contents {
        device: file.enrolment.map(|enrolment| enrolment.device),
        changes: Vec::new(),
        lacking: 0,
    };
    for refused in file.refused {
        if refused.direction == "sent" {
            contents.changes.push(Brought {
                document: DocumentId(refused.document),
                kind: kind(&refused.kind)?,
                area: refused.area,
                name: refused.title.and_then(shortened),
                reason: code_of(&refused.refusal)?,
                bytes: bytes(&refused.bytes)?,
            });
        }
    }
    for document in file.documents {
        pending(document, &mut contents)?;
    }
    Ok(contents)
}

/// The changes of a document that it calls pending.
fn pending(document: WholeDocument<'_>, contents: &mut Contents) -> Result<(), Problem> {
    let name = match document.fields.name {
        Some(serde_json::Value::String(name)) => shortened(name),
        _ => None,
    };
    // Most of a phone is what the server has: only what may be pending is decoded and hashed.
    let checksums: HashSet<&str> = document
        .pending
        .iter()
        .filter_map(|hash| hash.get(..CHECKSUM.len()))
        .collect();
    let mut found = 0;
    for change in &document.changes {
        let may_be = change
            .get(CHECKSUM)
            .is_some_and(|checksum| checksums.contains(checksum));
        if !may_be {
            continue;
        }
        let bytes = bytes(change)?;
        let hash = ChangeHeader::parse(&bytes).map(|header| header.hash.to_string());
        // What can't be parsed is kept as it is, and called by the digest of its bytes.
        if hash.is_ok_and(|hash| !document.pending.contains(&hash)) {
            continue;
        }
        found += 1;
        contents.changes.push(Brought {
            document: DocumentId(document.document),
            kind: kind(&document.kind)?,
            area: document.area,
            name: name.clone(),
            reason: UNSENT,
            bytes,
        });
    }
    contents.lacking += document.pending.len().saturating_sub(found);
    Ok(())
}

fn shortened(name: String) -> Option<String> {
    let name: String = name.trim().chars().take(MOST_NAME).collect();
    (!name.is_empty()).then_some(name)
}

fn bytes(text: &str) -> Result<Vec<u8>, Problem> {
    secret::unhex(text).ok_or_else(|| invalid("bytes are hexadecimal digits"))
}

fn kind(name: &str) -> Result<Kind, Problem> {
    Kind::from_name(name).ok_or_else(|| invalid("kind"))
}

fn code_of(code: &str) -> Result<&'static str, Problem> {
    let refusal = Refusal::from_code(code);
    refusal
        .map(Refusal::code)
        .ok_or_else(|| invalid("refusal is a reason of the protocol"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_export_is_told_apart_from_a_broken_one() {
        let told = |file: &str| read(file.as_bytes()).err().map(|problem| problem.cause());
        for other in ["", "PK\u{3}\u{4}", "[]", "{}", r#"{"format":"x"}"#] {
            assert_eq!(told(other), Some(Cause::Invalid), "{other}");
        }
        for cut in [
            r#"{"format":"sokiem-export-1"}"#,
            r#"{"format":"sokiem-export-1","documents":["#,
            r#"{"format":"sokiem-refused-1","exported_ms":1,"device":null,"changes":[],"more":1}"#,
        ] {
            assert_eq!(told(cut), Some(Cause::MalformedBody), "{cut}");
        }
    }

    #[test]
    fn of_a_whole_phone_only_what_is_pending_or_was_refused_here_is_taken() {
        let refused = |direction: &str| {
            json!({"document": Uuid::nil(), "kind": "unit", "area": Uuid::nil(), "title": "  <b>  ", "hash": "x",
            "direction": direction, "refusal": "malformed", "bytes": "00ff", "noted_ms": 1})
        };
        let file = json!({
            "format": "sokiem-export-1", "exported_ms": 1, "enrolment": {"device": Uuid::nil(), "x": 1}, "status": {},
            "documents": [{"document": Uuid::nil(), "kind": "unit", "area": Uuid::nil(), "heads": [],
                "pending": ["00".repeat(32)], "fields": {"name": "Chợ", "staff": 3}, "conflicts": [],
                "changes": ["856f4a83deadbeef01"]}],
            "refused": [refused("sent"), refused("received")], "events": [],
        });
        let contents = read(file.to_string().as_bytes()).unwrap();
        assert_eq!((contents.changes.len(), contents.lacking), (1, 1));
        let change = &contents.changes[0];
        assert_eq!(
            (change.reason, change.bytes.as_slice()),
            ("malformed", &[0, 255][..])
        );
        assert_eq!(change.name.as_deref(), Some("<b>"));
    }
}
