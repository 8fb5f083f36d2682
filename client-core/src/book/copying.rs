//! What was recorded of a unit before, and its answers as a start for this visit.

use serde::{Deserialize, Serialize};
use sokiem_record::{
    copying,
    id::{DocumentId, Kind},
    schema::Path,
};

use crate::{
    book::{Book, Saved, missing::form_of, reading::find, writing::Change},
    error::{Error, Result},
    search::{self, Listed, Query},
    store::documents,
};

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// The save.
    pub saved: Saved,
    /// The inspection that it was copied from.
    pub from: DocumentId,
    /// The day of that inspection, `YYYY-MM-DD`.
    pub inspected_on: Option<String>,
    /// The codes of the items that have an answer now.
    pub items: Vec<String>,
}

impl Book {
    /// The latest finished inspection of a unit on this device; with `before`, of those before this day,
    /// `YYYY-MM-DD`. All of them lists a [`Query`] with the unit as its subject.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be read.
    pub fn last_inspection(
        &self,
        unit: DocumentId,
        before: Option<&str>,
    ) -> Result<Option<Listed>> {
        let mut finished = self.list(&finished(unit))?.into_iter();
        Ok(finished.find(|one| is_before(one, before)))
    }

    /// Copies answer, value and note from the unit's last finished inspection into the items of this one that
    /// nobody has said anything about, where the codes are the same: one change, whose reason says where from.
    /// `None` when there is no such inspection. [`Book::copied`] says which items still read like that.
    ///
    /// # Errors
    /// As [`Book::edit`].
    pub fn copy_last(&self, inspection: DocumentId) -> Result<Option<Copied>> {
        let now_ms = self.now_ms();
        self.write(|connection, cache| {
            let row = find(connection, inspection)?;
            let into = documents::load(connection, &row)?;
            let Some(unit) = into
                .document_id("unit")
                .filter(|_| row.kind == Kind::Inspection)
            else {
                return Ok(None);
            };
            let fields = into.to_json();
            let today = fields.get("inspected_on").and_then(|day| day.as_str());
            let last = search::list(connection, &finished(unit))?
                .into_iter()
                .find(|one| one.document != inspection && is_before(one, today));
            let Some(last) = last else { return Ok(None) };
            let earlier = documents::load(connection, &find(connection, last.document)?)?;
            let form = form_of(connection, &fields)?;
            let steps = copying::copy(&earlier, &into, form.as_ref())
                .map_err(|_| Error::Unreadable("an inspection"))?;
            let (items, steps): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
            let reason = copying::reason(last.date.as_deref());
            let change = Change {
                document: inspection,
                base: None,
                edits: &steps.concat(),
                reason: Some(&reason),
                now_ms,
            };
            Ok(Some(Copied {
                saved: change.make(connection, cache)?,
                from: last.document,
                inspected_on: last.date,
                items,
            }))
        })
    }

    /// The items, as `items/CODE`, that read as they were copied from an earlier inspection: nobody has written
    /// over answer, value or note since.
    ///
    /// # Errors
    /// As [`Book::get`].
    pub fn copied(&self, inspection: DocumentId) -> Result<Vec<Path>> {
        self.read(|connection| {
            let row = find(connection, inspection)?;
            Ok(copying::copied(&documents::load(connection, &row)?))
        })
    }
}

/// The finished inspections of a unit, the latest first.
fn finished(unit: DocumentId) -> Query {
    Query {
        kind: Some(Kind::Inspection),
        subject: Some(unit),
        state: Some("finished".to_owned()),
        ..Query::default()
    }
}

fn is_before(inspection: &Listed, day: Option<&str>) -> bool {
    match (day, &inspection.date) {
        (None, _) => true,
        (Some(day), Some(date)) => date.as_str() < day,
        (Some(_), None) => false,
    }
}
