//! Six years in order.

use futures_util::future::try_join_all;
use serde_json::{Value as Json, json};
use sokiem_record::id::DocumentId;
use uuid::Uuid;

use super::{
    desk,
    district::{COMMUNES, OFFICERS, PlannedUnit, YEARS, units},
    field::{self, Visit},
    setup::{Town, campaign},
};
use crate::{Result, desk::id};

/// What happened, in numbers that the story itself counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Played {
    /// Units that officers recorded in the field.
    pub units: usize,
    /// Inspections that were carried out.
    pub inspections: usize,
    /// Differences between officers that supervisors settled.
    pub settled: usize,
    /// Inspections that were returned and mended.
    pub returned: usize,
}

/// Lives through the six years. `progress` hears what is going on.
///
/// # Errors
/// When any step fails: the story does not go on as if nothing had happened.
pub async fn play(town: &Town, progress: &(impl Fn(&str) + Sync)) -> Result<Played> {
    let planned = units();
    let mut played = Played {
        units: planned.len(),
        ..Played::default()
    };
    come_back(town, 0).await?;
    progress(
        "cán bộ ghi nhận 48 đơn vị khi không có mạng · officers record 48 units without network",
    );
    let ids = record_units(town, &planned).await?;
    for (nth, year) in YEARS.enumerate() {
        progress(&format!(
            "năm {year}: giao việc, kiểm tra không mạng, gộp hồ sơ · assign, inspect offline, merge"
        ));
        let campaign = id(
            &town
                .supervisor
                .post("/api/v1/campaigns", campaign(town.district, year))
                .await?,
            "id",
        )?;
        assign(town, &ids, &planned, campaign, year).await?;
        come_back(town, nth).await?;
        played.inspections += inspect(town, &ids, &planned, DocumentId(campaign), year).await?;
        come_back(town, nth + 1).await?;
        played.settled += desk::settle_everything(&town.supervisor).await?;
        let returned = desk::decide_everything(&town.supervisor, campaign, 12).await?;
        played.returned += returned.len();
        mend(town, &returned, nth).await?;
        try_join_all(
            ids.iter()
                .zip(&planned)
                .map(|(unit, planned)| desk::close_year(&town.supervisor, *unit, planned, year)),
        )
        .await?;
    }
    come_back(town, 0).await?;
    Ok(played)
}

/// The devices return to the network one after the other, each time in another order.
async fn come_back(town: &Town, turn: usize) -> Result<()> {
    let count = town.devices.len();
    for step in 0..count {
        if let Some(device) = town.devices.get((step * 5 + turn) % count) {
            device.sync().await?;
        }
    }
    Ok(())
}

/// Each officer records the units of their communes. Two officers meet the same new unit, and a
/// supervisor joins the two records.
async fn record_units(town: &Town, planned: &[PlannedUnit]) -> Result<Vec<DocumentId>> {
    let mut ids = Vec::new();
    for unit in planned {
        let (_, officer) = COMMUNES.get(unit.commune).ok_or("no such commune")?;
        let device = town.devices.get(*officer).ok_or("no such device")?;
        ids.push(field::record_unit(
            &device.book,
            commune(town, unit.commune)?,
            unit,
        )?);
    }
    let (first, helper) = (
        planned.first().ok_or("no units")?,
        town.devices.last().ok_or("no devices")?,
    );
    let twin = field::record_unit(&helper.book, commune(town, first.commune)?, first)?;
    come_back(town, 3).await?;
    let join = json!([{"edit": "set", "path": "joined_into", "value": ids.first().map(ToString::to_string)}]);
    town.supervisor
        .edit(twin.0, "Hai cán bộ cùng ghi một đơn vị.", join)
        .await?;
    Ok(ids)
}

fn commune(town: &Town, index: usize) -> Result<Uuid> {
    town.communes
        .get(index)
        .copied()
        .ok_or_else(|| "no such commune".into())
}

async fn assign(
    town: &Town,
    ids: &[DocumentId],
    planned: &[PlannedUnit],
    campaign: Uuid,
    year: i32,
) -> Result<()> {
    try_join_all(ids.iter().zip(planned).map(|(unit, planned)| async move {
        let (_, officer) = COMMUNES.get(planned.commune).ok_or("no such commune")?;
        let account = town.accounts.get(*officer).ok_or("no such account")?;
        let body = json!({"unit": unit, "campaign": campaign, "due": format!("{year}-10-31"), "officers": [account]});
        town.supervisor.post("/api/v1/assignments", body).await
    }))
    .await?;
    Ok(())
}

/// All officers are out at the same time, without network. The helper visits two units that others visit too.
async fn inspect(
    town: &Town,
    ids: &[DocumentId],
    planned: &[PlannedUnit],
    campaign: DocumentId,
    year: i32,
) -> Result<usize> {
    let mut days = Vec::new();
    for (officer, device) in town.devices.iter().enumerate() {
        let helper = officer + 1 == OFFICERS.len();
        let name = OFFICERS.get(officer).copied().ok_or("no such officer")?;
        let book = device.book.clone();
        let mine: Vec<(DocumentId, PlannedUnit)> = ids
            .iter()
            .zip(planned)
            .filter(|(_, unit)| {
                COMMUNES
                    .get(unit.commune)
                    .is_some_and(|(_, covers)| *covers == officer)
                    || (helper && [0, 16].contains(&unit.commune))
            })
            .take(if helper { 2 } else { usize::MAX })
            .map(|(id, unit)| (*id, unit.clone()))
            .collect();
        days.push(tokio::task::spawn_blocking(move || -> Result<usize> {
            for (unit, planned) in &mine {
                let visit = Visit {
                    unit: *unit,
                    planned,
                    campaign,
                    year,
                    officer: name,
                };
                if helper {
                    field::inspect_as_well(&book, &visit)?;
                } else {
                    field::inspect(&book, &visit)?;
                    field::record_year(&book, &visit)?;
                }
            }
            Ok(if helper { 0 } else { mine.len() })
        }));
    }
    let mut inspected = 0;
    for day in days {
        inspected += day.await??;
    }
    Ok(inspected)
}

/// Returned inspections arrive on the devices, are mended there, and are approved.
async fn mend(town: &Town, returned: &[DocumentId], turn: usize) -> Result<()> {
    if returned.is_empty() {
        return Ok(());
    }
    come_back(town, turn).await?;
    for inspection in returned {
        for device in &town.devices {
            // The officer whose device holds it mends it.
            if device
                .book
                .get(*inspection)
                .is_ok_and(|opened| opened.writable)
            {
                field::mend(&device.book, *inspection)?;
                break;
            }
        }
    }
    come_back(town, turn).await?;
    for inspection in returned {
        town.supervisor.decide(inspection.0, "approved", "").await?;
    }
    Ok(())
}

/// The review report over all six years, judged on the last day of the last.
///
/// # Errors
/// When the server refuses.
pub async fn report(town: &Town) -> Result<Json> {
    let (from, to) = (YEARS.start(), YEARS.end());
    town.supervisor
        .get(&format!(
            "/api/v1/report?from={from}&to={to}&as_of={to}-12-31"
        ))
        .await
}
