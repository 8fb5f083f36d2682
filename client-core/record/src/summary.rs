//! What lists and search need of a record, so that neither has to open it.

use serde::Serialize;
use serde_json::Value as Json;

use crate::{
    document::Document,
    fold::fold,
    id::{DocumentId, Kind},
};

/// One row of a list. The same on the device and on the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// What a person calls it: a unit's or campaign's name, an inspection's number or date.
    pub title: String,
    /// What search looks through, folded by [`fold`].
    pub search: String,
    /// What it is about: an inspection's or assignment's unit, a review's inspection.
    pub subject: Option<DocumentId>,
    /// The campaign that it belongs to.
    pub campaign: Option<DocumentId>,
    /// Where it stands: for a unit its kind, or `joined` where it was joined into another; for an inspection `draft`, `finished`; for a review the
    /// latest decision; for an assignment `assigned` or `cancelled`; else empty.
    pub state: String,
    /// The day that it is sorted by, `YYYY-MM-DD`: inspected on, due, ends on.
    pub date: Option<String>,
    /// In how many fields people differ.
    pub conflicts: u32,
    /// The schema version of the document.
    pub schema: u32,
}

/// What a document says now and the summary of it, from one pass over the document.
#[derive(Clone, Debug)]
pub struct Contents {
    /// Every field, as in [`Document::to_json`].
    pub fields: Json,
    /// One row of a list.
    pub summary: Summary,
}

impl Document {
    /// What the document says now, and its summary.
    pub fn contents(&self) -> Contents {
        let (fields, conflicts) = self.to_json_and_conflicts();
        Contents {
            summary: self.summary_of(&fields, conflicts),
            fields,
        }
    }

    /// The summary of what the document says now.
    pub fn summary(&self) -> Summary {
        self.contents().summary
    }

    fn summary_of(&self, json: &Json, conflicts: usize) -> Summary {
        let text = |key: &str| {
            json.get(key)
                .and_then(Json::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let date = |key: &str| Some(text(key)).filter(|date| crate::value::is_date(date));
        let id = |key: &str| text(key).parse().ok();
        let mut summary = Summary {
            conflicts: u32::try_from(conflicts).unwrap_or(u32::MAX),
            schema: self.schema_version(),
            campaign: id("campaign"),
            ..Summary::default()
        };
        let mut search = Vec::new();
        match self.kind() {
            Kind::Unit => {
                summary.title = text("name");
                let joined = !text("joined_into").is_empty();
                summary.state = if joined {
                    "joined".to_owned()
                } else {
                    text("unit_kind")
                };
                summary.date = date("closed_on");
                search.extend([text("address"), text("head_name"), text("phone")]);
            }
            Kind::Inspection => {
                summary.title = text("number");
                summary.subject = id("unit");
                summary.date = date("inspected_on");
                let finished = json
                    .get("finished")
                    .and_then(Json::as_bool)
                    .unwrap_or(false);
                summary.state = if finished { "finished" } else { "draft" }.to_owned();
                search.extend([text("place"), text("criteria_code"), text("opinion")]);
                search.extend(notes(json));
            }
            Kind::Review => {
                summary.subject = id("inspection");
                summary.state = latest_decision(json).unwrap_or_default();
            }
            Kind::Campaign => {
                summary.title = text("name");
                summary.date = json
                    .get("year")
                    .and_then(Json::as_i64)
                    .map(|year| format!("{year:04}-12-31"));
            }
            Kind::Assignment => {
                summary.subject = id("unit");
                summary.date = date("due");
                let cancelled = json
                    .get("cancelled")
                    .and_then(Json::as_bool)
                    .unwrap_or(false);
                summary.state = if cancelled { "cancelled" } else { "assigned" }.to_owned();
            }
            Kind::Criteria => {
                summary.title = text("title");
                search.push(text("code"));
            }
            Kind::Area => {
                summary.title = text("name");
                summary.state = text("level");
            }
        }
        search.insert(0, summary.title.clone());
        summary.search = fold(&search.join(" "));
        summary
    }
}

/// The notes of criteria and the texts of findings.
fn notes(json: &Json) -> Vec<String> {
    let texts = |collection: &str, field: &str| -> Vec<String> {
        let elements = json.get(collection).and_then(Json::as_object);
        elements
            .into_iter()
            .flat_map(|elements| elements.values())
            .filter_map(|element| element.get(field)?.as_str().map(str::to_owned))
            .filter(|text| !text.is_empty())
            .collect()
    };
    [texts("items", "note"), texts("findings", "text")].concat()
}

/// The decision with the latest time; all are written by one server.
fn latest_decision(json: &Json) -> Option<String> {
    let decisions = json.get("decisions")?.as_object()?;
    let latest = decisions.iter().max_by_key(|(id, decision)| {
        (
            decision.get("decided_ms").and_then(Json::as_i64),
            id.as_str(),
        )
    })?;
    latest.1.get("decision")?.as_str().map(str::to_owned)
}
