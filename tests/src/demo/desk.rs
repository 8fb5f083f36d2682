//! What supervisors do once records have arrived: settle, decide, recognise, classify.

use serde_json::{Value as Json, json};
use sokiem_record::id::DocumentId;
use uuid::Uuid;

use super::district::PlannedUnit;
use crate::{
    Result,
    desk::{Desk, id, text},
};

/// Settles every difference in every record, and says how many there were.
///
/// # Errors
/// When the server refuses.
pub async fn settle_everything(supervisor: &Desk) -> Result<usize> {
    let mut settled = 0;
    for row in supervisor.list("has_conflicts=true").await? {
        let record = id(&row, "id")?;
        let conflicts = supervisor
            .get(&format!("/api/v1/records/{record}/conflicts"))
            .await?;
        for conflict in conflicts.as_array().into_iter().flatten() {
            let path = text(conflict, "path")?;
            let alternatives: Vec<&Json> = conflict["alternatives"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|one| &one["value"])
                .collect();
            // The stricter finding holds until somebody has looked again.
            let chosen = alternatives
                .iter()
                .find(|value| **value == "fail")
                .or(alternatives.first())
                .ok_or("a difference without values")?;
            supervisor
                .settle(
                    record,
                    &path,
                    chosen,
                    "Đã đối chiếu với hai cán bộ, lấy kết quả chặt hơn.",
                )
                .await?;
            settled += 1;
        }
    }
    Ok(settled)
}

/// Takes a decision on every finished inspection of a campaign that has none: one in `return_every` is returned.
///
/// # Errors
/// When the server refuses.
pub async fn decide_everything(
    supervisor: &Desk,
    campaign: Uuid,
    return_every: usize,
) -> Result<Vec<DocumentId>> {
    let mut returned = Vec::new();
    let rows = supervisor
        .list(&format!(
            "kind=inspection&campaign={campaign}&state=finished&review=none"
        ))
        .await?;
    for (nth, row) in rows.iter().enumerate() {
        let inspection = id(row, "id")?;
        if nth % return_every == return_every - 1 {
            supervisor
                .decide(inspection, "returned", "Bổ sung số người được tập huấn.")
                .await?;
            returned.push(DocumentId(inspection));
        } else {
            supervisor.decide(inspection, "approved", "").await?;
        }
    }
    Ok(returned)
}

/// What the steering committee decides about a unit's year.
///
/// # Errors
/// When the server refuses.
pub async fn close_year(
    supervisor: &Desk,
    unit: DocumentId,
    planned: &PlannedUnit,
    year: i32,
) -> Result<()> {
    let at = |field: &str| format!("years/{year}.{field}");
    let set = |field: &str, value: Json| json!({"edit": "set", "path": at(field), "value": value});
    let mut edits = vec![
        set("eligible", json!(true)),
        set("classification_scheme", json!("quy định cấp tỉnh")),
        set("classification", json!(planned.class(year))),
    ];
    if planned.registers(year) {
        let recognised = planned.recognised(year);
        edits.push(set(
            "recognition",
            json!(if recognised {
                "recognised"
            } else {
                "not_recognised"
            }),
        ));
        edits.push(set("recognition_on", json!(format!("{year}-12-20"))));
        edits.push(set(
            "recognition_number",
            json!(format!("{}/QĐ-MP", 100 + planned.commune)),
        ));
    }
    for (when, collective, individuals) in &planned.commended {
        if *when == year {
            edits.push(set("commended_collective", json!(collective)));
            edits.push(set("commended_individuals", json!(individuals)));
        }
    }
    supervisor.edit(unit.0, "Tổng kết năm", json!(edits)).await
}
