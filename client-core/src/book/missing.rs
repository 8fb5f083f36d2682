//! The check list before an inspection is finished, and the form that it is filled in by.

use std::collections::BTreeSet;

use rusqlite::Connection;
use serde::Serialize;
use serde_json::Value as Json;
use sokiem_record::{
    criteria::Form,
    document::Document,
    genesis,
    id::{DocumentId, Kind},
    missing::{Known, Missing, missing},
    verification::{Keys, Standing, signatures},
};

use crate::{
    book::{Book, reading::find},
    error::{Error, Result},
    store::documents,
};

/// The form of one inspection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InspectionForm {
    /// Every item of the criteria set.
    #[serde(flatten)]
    pub form: Form,
    /// The codes of the items that are asked. One that is not may have an answer, from when it was: it stays in the
    /// record and is to be shown as such.
    pub asked: BTreeSet<String>,
}

impl Book {
    /// What an inspection still lacks: items without an answer, values outside their limits, findings without
    /// a deadline, signatures, open conflicts. It advises; [`Book::finish`] does not ask for it. Nothing for any
    /// other record.
    ///
    /// # Errors
    /// As [`Book::get`].
    pub fn missing(&self, inspection: DocumentId) -> Result<Missing> {
        self.read(|connection| {
            let row = find(connection, inspection)?;
            if row.kind != Kind::Inspection {
                return Ok(Missing::default());
            }
            let content = documents::load(connection, &row)?;
            let fields = content.to_json();
            let conflicts = content.conflicts().into_iter();
            let conflicts: Vec<_> = conflicts.map(|conflict| conflict.path).collect();
            let form = form_of(connection, &fields)?;
            let known = Known {
                form: form.as_ref(),
                conflicts: &conflicts,
                signed: is_signed(&content, &fields),
            };
            missing(&fields, known).map_err(|_| Error::Unreadable("an inspection"))
        })
    }

    /// The form that an inspection is filled in by: its criteria set as this build understands it, and which of
    /// its items are asked after the answers so far. `None` when the set is not on this device.
    ///
    /// # Errors
    /// As [`Book::get`].
    pub fn form(&self, inspection: DocumentId) -> Result<Option<InspectionForm>> {
        self.read(|connection| {
            let row = find(connection, inspection)?;
            let fields = documents::load(connection, &row)?.to_json();
            let form = form_of(connection, &fields)?;
            Ok(form.map(|form| InspectionForm {
                asked: form
                    .asked_in(&fields)
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
                form,
            }))
        })
    }
}

/// The form of the criteria set that an inspection names.
pub(super) fn form_of(connection: &Connection, inspection: &Json) -> Result<Option<Form>> {
    let code = inspection.get("criteria_code").and_then(Json::as_str);
    let version = inspection.get("criteria_version").and_then(Json::as_u64);
    let version = version.and_then(|version| u32::try_from(version).ok());
    match code.zip(version) {
        Some((code, version)) => form(connection, code, version),
        None => Ok(None),
    }
}

/// The form of a criteria set; `None` when it is not on this device or can't be read.
pub(super) fn form(connection: &Connection, code: &str, version: u32) -> Result<Option<Form>> {
    let row = documents::find(connection, genesis::criteria_id(code, version))?;
    let Some(row) = row.filter(|row| row.kind == Kind::Criteria) else {
        return Ok(None);
    };
    let fields = documents::load(connection, &row)?.to_json();
    let set = fields.get("set").and_then(Json::as_str);
    Ok(set.and_then(Form::read))
}

/// Whether some device's signature stands over the present state. Costs a walk through the history, so it is
/// asked only where it matters.
fn is_signed(content: &Document, fields: &Json) -> bool {
    fields.get("finished").and_then(Json::as_bool) == Some(true)
        && signatures(content, &Keys::default(), |_| None)
            .iter()
            .filter(|one| !matches!(one.standing, Standing::Altered | Standing::Incomplete))
            .any(|one| one.since.as_ref().is_some_and(Vec::is_empty))
}
