//! Opening an inspection: the planned one of a unit and a campaign, or one that nobody planned.

use rusqlite::Connection;
use serde_json::Value as Json;
use sokiem_record::{
    document::Document,
    edit::Written,
    genesis::{self, Plan},
    id::{AreaId, DocumentId, Kind},
};

use crate::{
    book::{
        Book, Saved,
        missing::form,
        writing::{author, put_new},
    },
    error::{Error, Result},
    platform::new_uuid,
    store::documents,
};

impl Book {
    /// Opens the planned inspection of a unit in a campaign. Two officers who do this apart from each
    /// other have one record when they meet. One that is on this device already is left as it is.
    ///
    /// # Errors
    /// [`Error::NoSuchDocument`], [`Error::ReadOnlyArea`]; [`Error::NotPlanned`] when the campaign has
    /// no criteria set for this kind of unit or the set is not on this device.
    pub fn open_planned_inspection(&self, unit: DocumentId, campaign: DocumentId) -> Result<Saved> {
        let id = genesis::planned_inspection_id(unit, campaign);
        let now_ms = self.now_ms();
        self.write(|connection, cache| {
            if let Some(row) = documents::find(connection, id)? {
                return Ok(Saved {
                    document: id,
                    change: None,
                    heads: row.heads,
                });
            }
            let (unit_json, area) = content(connection, unit, Kind::Unit)?;
            let (campaign_json, _) = content(connection, campaign, Kind::Campaign)?;
            let plan = plan(connection, (unit, &unit_json), (campaign, &campaign_json))?;
            let begun: (Document, Written) = genesis::planned_inspection(&plan)?;
            put_new(connection, cache, begun, area, now_ms)
        })
    }

    /// Begins an inspection that no campaign planned, with the criteria of this set.
    ///
    /// # Errors
    /// As [`Book::open_planned_inspection`].
    pub fn open_unplanned_inspection(
        &self,
        unit: DocumentId,
        criteria_code: &str,
        criteria_version: u32,
    ) -> Result<Saved> {
        let id = DocumentId(new_uuid(self.clock(), self.random())?);
        let now_ms = self.now_ms();
        self.write(|connection, cache| {
            let (_, area) = content(connection, unit, Kind::Unit)?;
            let items = items(connection, criteria_code, criteria_version)?;
            let author = author(connection, now_ms, None)?;
            let criteria = (criteria_code, criteria_version);
            let begun = genesis::unplanned_inspection(id, unit, criteria, &items, &author)?;
            put_new(connection, cache, begun, area, now_ms)
        })
    }
}

fn content(connection: &Connection, id: DocumentId, kind: Kind) -> Result<(Json, AreaId)> {
    let row = documents::find(connection, id)?
        .filter(|row| row.kind == kind)
        .ok_or(Error::NoSuchDocument(id))?;
    Ok((documents::load(connection, &row)?.to_json(), row.area))
}

fn text<'a>(json: &'a Json, key: &str) -> Option<&'a str> {
    json.get(key)?.as_str()
}

/// What both phones build the first change from: nothing but what the campaign states.
fn plan(
    connection: &Connection,
    unit: (DocumentId, &Json),
    campaign: (DocumentId, &Json),
) -> Result<Plan> {
    let kind = text(unit.1, "unit_kind").ok_or(Error::NotPlanned("the unit has no kind"))?;
    let sets = campaign
        .1
        .get("sets")
        .ok_or(Error::NotPlanned("the campaign names no criteria sets"))?;
    let set = text(sets, &format!("{kind}.criteria")).ok_or(Error::NotPlanned(
        "the campaign names no criteria set for this kind of unit",
    ))?;
    let (code, version) = set
        .split_once('@')
        .and_then(|(code, version)| Some((code, version.parse::<u32>().ok()?)))
        .ok_or(Error::NotPlanned(
            "the campaign names a criteria set in an unknown form",
        ))?;
    let window = |end: &str| text(sets, &format!("{kind}.window_{end}")).map(str::to_owned);
    Ok(Plan {
        unit: unit.0,
        campaign: campaign.0,
        criteria_code: code.to_owned(),
        criteria_version: version,
        window: window("start").zip(window("end")),
        items: items(connection, code, version)?,
    })
}

/// The codes of a criteria set's items, in its order.
fn items(connection: &Connection, code: &str, version: u32) -> Result<Vec<String>> {
    let form = form(connection, code, version)?.ok_or(Error::NotPlanned(
        "the criteria set is not on this device or can't be read",
    ))?;
    let codes = form.item_codes();
    if codes.is_empty() {
        return Err(Error::NotPlanned("the criteria set has no items"));
    }
    Ok(codes)
}
