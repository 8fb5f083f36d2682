//! Everything that a page says about one record, from one read of the database.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;
use sokiem_record::{
    criteria::CriteriaSet,
    id::{AreaId, DocumentId, Kind},
};
use uuid::Uuid;

use crate::{
    accounts::access::{Areas, Caller, Role},
    app::App,
    attachments::listing::{self, Attachment},
    audit::reads,
    error::Error,
    http::problem::Problem,
    records::{
        at::At,
        attribution::{Attribution, attribute},
        criteria,
        decision::{Taken, taken},
        heads, joining,
        record::{self, Difference, Entry, Record},
        said::Said,
        verify::{self, Verified},
    },
    store::id,
    sync::stored,
};

/// One record, now or in an earlier state.
pub(crate) struct Reading {
    pub(crate) kind: Kind,
    pub(crate) record: Record,
    /// The present heads; those of `record` are others where an earlier state is read.
    pub(crate) now: Vec<String>,
    pub(crate) said: Attribution,
    pub(crate) conflicts: Vec<Difference>,
    /// Every change up to the present, in the order of the server.
    pub(crate) history: Vec<Entry>,
    pub(crate) attached: Vec<Attachment>,
    pub(crate) verified: Verified,
    pub(crate) decisions: Vec<Taken>,
    /// The criteria set that an inspection names, where it was published.
    pub(crate) criteria: Option<CriteriaSet>,
    /// The unit of an inspection, its campaign, the area.
    pub(crate) unit: Option<Named>,
    pub(crate) campaign: Option<Named>,
    pub(crate) area: String,
    /// The inspections of a unit, the latest first.
    pub(crate) inspections: Vec<Inspected>,
    /// For a unit: the records that were joined into it.
    pub(crate) joined: Vec<Named>,
    /// For a unit: the record that it was joined into.
    pub(crate) joined_into: Option<Named>,
    /// Whether the visitor may write it.
    pub(crate) writable: bool,
    /// `YYYY-MM-DD`.
    pub(crate) today: String,
}

/// Another record by its name.
pub(crate) struct Named {
    pub(crate) id: Uuid,
    pub(crate) title: String,
}

/// An inspection in the list of its unit.
pub(crate) struct Inspected {
    pub(crate) id: Uuid,
    pub(crate) number: String,
    pub(crate) date: Option<String>,
    pub(crate) state: String,
    pub(crate) conflicts: u32,
    pub(crate) campaign: Option<String>,
    pub(crate) review: Option<String>,
}

impl Reading {
    /// Reads a record that the caller may see, and notes that they did.
    pub(crate) async fn of(
        app: &Arc<App>,
        caller: &Caller,
        id: Uuid,
        at: At,
    ) -> Result<Self, Problem> {
        let (late_ms, today) = (listing::late_ms(app), app.machine.today());
        let (account, caller) = (caller.account, caller.clone());
        let reading = app
            .store
            .read(move |sql| Self::read(sql, &caller, DocumentId(id), &at, late_ms, today))
            .await?;
        reads::looked_at_record(app, account, id, AreaId(reading.record.area), "page");
        Ok(reading)
    }

    fn read(
        sql: &Connection,
        caller: &Caller,
        id: DocumentId,
        at: &At,
        late_ms: i64,
        today: String,
    ) -> Result<Self, Problem> {
        let (row, now) = record::open(sql, caller, id)?;
        let areas = caller.areas(sql)?;
        let then = at.of(&now)?;
        let shown = then.as_ref().unwrap_or(&now);
        let said = Said::of(sql, id)?;
        let conflicts = shown.conflicts().into_iter().map(|conflict| Difference {
            path: conflict.path,
            alternatives: said.alternatives(conflict.alternatives),
        });
        let set = shown
            .line("criteria_code")
            .zip(shown.integer("criteria_version"));
        let set = set.and_then(|(code, version)| Some((code, u32::try_from(version).ok()?)));
        Ok(Self {
            kind: row.kind,
            record: record::say(sql, &row, &now, then.as_ref())?,
            now: heads::texts(&now.heads()),
            said: attribute(sql, shown)?,
            conflicts: conflicts.collect(),
            history: record::entries(sql, &now)?,
            attached: listing::of(sql, shown, late_ms)?,
            verified: verify::named(sql, &row)?,
            decisions: match row.kind {
                Kind::Inspection => taken(sql, id)?,
                _ => Vec::new(),
            },
            criteria: match set {
                Some((code, version)) => criteria::published(sql, &code, version)?,
                None => None,
            },
            unit: named(sql, &areas, shown.document_id("unit"))?,
            campaign: named(sql, &areas, shown.document_id("campaign"))?,
            area: area_name(sql, row.area)?,
            inspections: match row.kind {
                Kind::Unit => inspections(sql, &areas, id)?,
                _ => Vec::new(),
            },
            joined: match row.kind {
                Kind::Unit => joining::joined(sql, id)?
                    .into_iter()
                    .filter_map(|one| named(sql, &areas, Some(one)).transpose())
                    .collect::<Result<_, _>>()?,
                _ => Vec::new(),
            },
            joined_into: named(sql, &areas, shown.document_id("joined_into"))?,
            writable: caller.role >= Role::Supervisor && areas.writable(row.area),
            today,
        })
    }

    /// Whether an earlier state is read.
    pub(crate) fn is_old(&self) -> bool {
        self.record.heads != self.now
    }

    /// A value of the record.
    pub(crate) fn value(&self, path: &str) -> &Value {
        path.split('/').fold(&self.record.fields, |value, key| {
            value.get(key).unwrap_or(&Value::Null)
        })
    }

    /// What the unit or campaign with this id is called.
    pub(crate) fn called(&self, value: &Value) -> Option<&str> {
        let id: Uuid = value.as_str()?.parse().ok()?;
        let known = [&self.unit, &self.campaign, &self.joined_into];
        let known = known.into_iter().flatten();
        let named = known.into_iter().find(|named| named.id == id)?;
        Some(&named.title)
    }

    /// The first field in which people differ; empty where they don't.
    pub(crate) fn first_conflict(&self) -> &str {
        self.conflicts
            .first()
            .map_or("", |first| first.path.as_str())
    }

    /// A text of the record; empty where there is none.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.value(path).as_str().unwrap_or_default()
    }

    /// What a page about it is called.
    pub(crate) fn title(&self) -> String {
        let (vi, _) = sokiem_record::words::names(self.kind.name()).unwrap_or_default();
        match (self.kind, &self.unit) {
            (Kind::Inspection, Some(unit)) => {
                let number = self.text("number");
                let number = if number.is_empty() {
                    String::new()
                } else {
                    format!(" số {number}")
                };
                format!("Biên bản kiểm tra{number}: {}", unit.title)
            }
            _ => [
                self.text("name"),
                self.text("number"),
                self.text("title"),
                vi,
            ]
            .into_iter()
            .find(|title| !title.is_empty())
            .unwrap_or_default()
            .to_owned(),
        }
    }
}

fn named(sql: &Connection, areas: &Areas, id: Option<DocumentId>) -> Result<Option<Named>, Error> {
    let Some(id) = id else { return Ok(None) };
    let Some(row) = stored::find(sql, id)?.filter(|row| areas.readable(row.area)) else {
        return Ok(None);
    };
    let title = sql
        .prepare_cached("SELECT title FROM documents WHERE id = ?1")?
        .query_row([row.id.as_bytes().as_slice()], |row| row.get(0))?;
    Ok(Some(Named { id: id.0, title }))
}

fn area_name(sql: &Connection, area: AreaId) -> Result<String, Error> {
    let name = sql
        .prepare_cached("SELECT name FROM areas WHERE id = ?1")?
        .query_row([area.as_bytes().as_slice()], |row| row.get(0))
        .optional()?;
    Ok(name.unwrap_or_default())
}

/// The inspections of a unit and of the records that were joined into its own.
fn inspections(sql: &Connection, areas: &Areas, unit: DocumentId) -> Result<Vec<Inspected>, Error> {
    let mut statement = sql.prepare_cached(
        "SELECT inspections.id, inspections.area, inspections.title, inspections.date, inspections.state,
                inspections.conflicts, campaigns.title, reviews.state
           FROM documents AS inspections
           LEFT JOIN documents AS campaigns ON campaigns.id = inspections.campaign
           LEFT JOIN documents AS reviews ON reviews.subject = inspections.id AND reviews.kind = 'review'
          WHERE inspections.kind = 'inspection' AND inspections.subject IN
                (SELECT ?1 UNION ALL SELECT document FROM report_units WHERE joined_into = ?1)
          ORDER BY inspections.date DESC, inspections.id",
    )?;
    let rows = statement.query_map([unit.as_bytes().as_slice()], |row| {
        let inspected = Inspected {
            id: id::id::<DocumentId>(row, 0)?.0,
            number: row.get(2)?,
            date: row.get(3)?,
            state: row.get(4)?,
            conflicts: row.get(5)?,
            campaign: row.get(6)?,
            review: row.get(7)?,
        };
        Ok((id::id::<AreaId>(row, 1)?, inspected))
    })?;
    let mut found = Vec::new();
    for row in rows {
        let (area, inspected) = row?;
        if areas.readable(area) {
            found.push(inspected);
        }
    }
    Ok(found)
}
