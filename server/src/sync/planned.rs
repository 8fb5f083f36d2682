//! Recognises the first change of a planned inspection by making it again.
//!
//! Its actor is derived and belongs to nobody, so anybody could write under it. What counts is that
//! the bytes are those which the campaign and its criteria set lead to: then every phone has the same.

use rusqlite::Connection;
use sokiem_record::{
    ChangeHash, criteria,
    document::Document,
    genesis::{self, Plan},
    id::DocumentId,
    schema,
};

use crate::{error::Error, records::criteria::published, sync::stored};

/// What one campaign asks for, by kind of unit.
pub(crate) struct Sets(Vec<Set>);

struct Set {
    criteria_code: String,
    criteria_version: u32,
    window: Option<(String, String)>,
    items: Vec<String>,
}

/// What a campaign asks for; `None` when the server does not hold the campaign.
pub(crate) fn sets(sql: &Connection, campaign: DocumentId) -> Result<Option<Sets>, Error> {
    let Some(row) = stored::find(sql, campaign)? else {
        return Ok(None);
    };
    let json = stored::open(sql, &row)?.to_json();
    let text = |kind: &str, field: &str| {
        let value = json.get("sets")?.get(format!("{kind}.{field}"))?;
        value.as_str().map(str::to_owned)
    };
    let mut sets = Vec::new();
    for kind in schema::UNIT_KINDS {
        let Some(reference) = text(kind, "criteria") else {
            continue;
        };
        let Some((code, version)) = criteria::parse_reference(&reference) else {
            continue;
        };
        let Some(set) = published(sql, code, version)? else {
            continue;
        };
        sets.push(Set {
            criteria_code: set.code.clone(),
            criteria_version: set.version,
            window: text(kind, "window_start").zip(text(kind, "window_end")),
            items: set.item_codes(),
        });
    }
    Ok(Some(Sets(sets)))
}

impl Sets {
    /// Whether the campaign leads to this first change for this unit.
    pub(crate) fn lead_to(
        &self,
        unit: DocumentId,
        campaign: DocumentId,
        first: ChangeHash,
    ) -> bool {
        self.0.iter().any(|set| {
            let plan = Plan {
                unit,
                campaign,
                criteria_code: set.criteria_code.clone(),
                criteria_version: set.criteria_version,
                window: set.window.clone(),
                items: set.items.clone(),
            };
            genesis::planned_inspection(&plan).is_ok_and(|(_, written)| written.hash == first)
        })
    }
}

/// The unit and campaign of a planned inspection, if its id follows from them.
pub(crate) fn pair(document: &Document) -> Option<(DocumentId, DocumentId)> {
    let (unit, campaign) = (
        document.document_id("unit")?,
        document.document_id("campaign")?,
    );
    (document.id() == genesis::planned_inspection_id(unit, campaign)).then_some((unit, campaign))
}

/// Whether an id follows from other ids. Such a document is not begun by a device in its own name:
/// it would bar the way for everybody else's.
pub(crate) fn is_derived(document: &Document) -> bool {
    document.id().0.get_version_num() == 5
}
