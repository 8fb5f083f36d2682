//! What a record needs a supervisor for, and the decisions that this follows from.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sokiem_record::{
    ChangeHash,
    document::Document,
    id::{AreaId, DocumentId, Kind},
};
use utoipa::ToSchema;

use crate::{
    error::Error,
    store::{id, narrowing::Narrowing},
    sync::stored,
};

/// Why a record waits for a supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Need {
    /// The officers are done and nobody has decided about what they wrote.
    Review,
    /// People differ in a field.
    Difference,
    /// Something arrived after the approval that alters what was approved.
    Changed,
    /// A finding is open past its deadline.
    Overdue,
}

impl Need {
    /// The name in SQL, JSON and queries.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Need::Review => "review",
            Need::Difference => "difference",
            Need::Changed => "changed",
            Need::Overdue => "overdue",
        }
    }

    /// Those that follow from where a record stands, whatever the day.
    const STANDING: [Self; 3] = [Self::Review, Self::Difference, Self::Changed];

    /// Every need, the most frequent first.
    pub(crate) const ALL: [Self; 4] =
        [Self::Review, Self::Difference, Self::Changed, Self::Overdue];

    /// The need of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|need| need.name() == name)
    }

    /// What the desk calls it, in Vietnamese and English.
    pub(crate) fn words(self) -> (&'static str, &'static str) {
        match self {
            Need::Review => ("Chờ duyệt", "To review"),
            Need::Difference => ("Ghi khác nhau", "Differences"),
            Need::Changed => ("Thay đổi sau khi duyệt", "Changed since approval"),
            Need::Overdue => ("Quá hạn khắc phục", "Overdue remedies"),
        }
    }
}

impl FromStr for Need {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::from_name(name).ok_or("review, difference, changed or overdue")
    }
}

/// Follows the latest decision of a review.
pub(super) fn keep_decision(
    sql: &Connection,
    review: DocumentId,
    fields: &Value,
) -> Result<(), Error> {
    let text = |value: &Value, name: &str| value.get(name)?.as_str().map(str::to_owned);
    let inspection: Option<DocumentId> =
        text(fields, "inspection").and_then(|text| text.parse().ok());
    let decisions = fields.get("decisions").and_then(Value::as_object);
    let latest = decisions
        .into_iter()
        .flatten()
        .max_by_key(|(id, decision)| {
            let decided = decision.get("decided_ms").and_then(Value::as_i64);
            (decided, (*id).clone())
        });
    let (Some(inspection), Some((_, latest))) = (inspection, latest) else {
        return Ok(());
    };
    let mut heads: Vec<ChangeHash> = text(latest, "heads")
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|hash| hash.parse().ok())
        .collect();
    heads.sort_unstable();
    sql.prepare_cached(
        "INSERT INTO decisions (inspection, review, decision, decided_ms, heads) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (inspection) DO UPDATE SET review = ?2, decision = ?3, decided_ms = ?4, heads = ?5",
    )?
    .execute(params![
        inspection.as_bytes().as_slice(),
        review.as_bytes().as_slice(),
        text(latest, "decision").unwrap_or_default(),
        latest.get("decided_ms").and_then(Value::as_i64),
        id::joined(&heads),
    ])?;
    Ok(())
}

/// What is known of a record when its needs are found.
struct Standing {
    kind: Kind,
    state: String,
    conflicts: u32,
    /// The latest decision, and what came in after it.
    decision: Option<(String, Later)>,
}

/// What came into a record after a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Later {
    /// Nothing, or nothing but what the desk itself said about it.
    Nothing,
    /// An officer's comment. It alters nothing, and is to be heard.
    Answer,
    /// What alters the record.
    Change,
}

impl Standing {
    fn needs(&self) -> BTreeSet<Need> {
        let mut needs = BTreeSet::new();
        if self.conflicts > 0 {
            needs.insert(Need::Difference);
        }
        if self.kind == Kind::Inspection {
            let decision = self.decision.as_ref();
            let of_state = (self.state == "finished").then_some(Need::Review);
            needs.extend(
                match decision.map(|(word, later)| (word.as_str(), *later)) {
                    Some(("approved", Later::Change)) => Some(Need::Changed),
                    Some(("approved", Later::Answer)) => Some(Need::Review),
                    // Returned: the officers' turn, until they have written something.
                    Some(("approved" | "returned", Later::Nothing)) => None,
                    _ => of_state,
                },
            );
        }
        needs
    }
}

/// Follows what a record needs; `document` is what it says, where that is at hand. Nothing happens for a record that is
/// not there.
pub(super) fn keep(
    sql: &Connection,
    id: DocumentId,
    document: Option<&Document>,
) -> Result<(), Error> {
    let Some(standing) = standing(sql, id, document)? else {
        return Ok(());
    };
    let now = standing.needs();
    let had = had(sql, id)?;
    for need in Need::STANDING {
        let is = now.contains(&need).then_some("");
        if had.get(&need).map(String::as_str) != is {
            put(sql, id, need, is)?;
        }
    }
    Ok(())
}

/// What a record was known to need, with from when on.
fn had(sql: &Connection, document: DocumentId) -> Result<BTreeMap<Need, String>, Error> {
    let mut statement =
        sql.prepare_cached("SELECT need, deadline FROM needs WHERE document = ?1")?;
    let mut rows = statement.query([document.as_bytes().as_slice()])?;
    let mut had = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let need = Need::from_name(&name).ok_or(Error::Unreadable("a need"))?;
        had.insert(need, row.get(1)?);
    }
    Ok(had)
}

fn standing(
    sql: &Connection,
    id: DocumentId,
    document: Option<&Document>,
) -> Result<Option<Standing>, Error> {
    let row = sql
        .prepare_cached(
            "SELECT documents.kind, state, conflicts, documents.heads, decision, decisions.heads
               FROM documents LEFT JOIN decisions ON decisions.inspection = documents.id WHERE documents.id = ?1",
        )?
        .query_row([id.as_bytes().as_slice()], |row| {
            let decision: Option<String> = row.get(4)?;
            let decided_on = decision
                .map(|decision| Ok::<_, rusqlite::Error>((decision, id::hashes(row, 5)?)))
                .transpose()?;
            let standing = Standing {
                kind: id::kind(row, 0)?,
                state: row.get(1)?,
                conflicts: row.get(2)?,
                decision: None,
            };
            Ok((standing, id::hashes(row, 3)?, decided_on))
        })
        .optional()?;
    let Some((mut standing, mut heads, decided_on)) = row else {
        return Ok(None);
    };
    heads.sort_unstable();
    if let Some((decision, decided_on)) = decided_on {
        let later = if decided_on == heads {
            Later::Nothing
        } else {
            later(sql, id, document, &decided_on)?
        };
        standing.decision = Some((decision, later));
    }
    Ok(Some(standing))
}

/// What came into a record after these heads, which are not its present ones.
fn later(
    sql: &Connection,
    id: DocumentId,
    document: Option<&Document>,
    heads: &[ChangeHash],
) -> Result<Later, Error> {
    let since = match document {
        Some(document) => document.since(heads),
        None => match stored::find(sql, id)? {
            Some(row) => stored::open(sql, &row)?.since(heads),
            None => None,
        },
    };
    // A state that is not known here, as after a restore: whatever was decided, this is something else.
    let Some(since) = since.filter(|since| since.changes.is_empty()) else {
        return Ok(Later::Change);
    };
    let mut of_device =
        sql.prepare_cached("SELECT 1 FROM actors WHERE actor = ?1 AND device IS NOT NULL")?;
    for word in &since.words {
        if word.comments() && of_device.exists([word.provenance.actor.as_bytes().as_slice()])? {
            return Ok(Later::Answer);
        }
    }
    Ok(Later::Nothing)
}

/// Follows the findings of an inspection: from the day after the first deadline of an open one somebody has to look.
pub(super) fn keep_deadline(
    sql: &Connection,
    inspection: DocumentId,
    fields: &Value,
) -> Result<(), Error> {
    let deadline = first_deadline(fields);
    if had(sql, inspection)?
        .get(&Need::Overdue)
        .map(String::as_str)
        != deadline
    {
        put(sql, inspection, Need::Overdue, deadline)?;
    }
    Ok(())
}

fn first_deadline(fields: &Value) -> Option<&str> {
    let findings = fields.get("findings")?.as_object()?;
    let open = findings.values().filter(|finding| {
        let state = finding.get("state").and_then(Value::as_str);
        let removed = finding.get("removed").and_then(Value::as_bool);
        removed != Some(true) && state.is_none_or(|state| state == "open")
    });
    open.filter_map(|finding| finding.get("deadline")?.as_str())
        .min()
}

/// Keeps that a record needs something from the day after a deadline (from ever where that is ""), or that it does not.
fn put(
    sql: &Connection,
    document: DocumentId,
    need: Need,
    deadline: Option<&str>,
) -> Result<(), Error> {
    let key = document.as_bytes().as_slice();
    match deadline {
        Some(deadline) => {
            sql.prepare_cached(
                "INSERT INTO needs (document, need, area, deadline) SELECT id, ?2, area, ?3 FROM documents WHERE id = ?1
                 ON CONFLICT (document, need) DO UPDATE SET deadline = ?3",
            )?
            .execute(params![key, need.name(), deadline])?;
        }
        None => {
            sql.prepare_cached("DELETE FROM needs WHERE document = ?1 AND need = ?2")?
                .execute(params![key, need.name()])?;
        }
    }
    Ok(())
}

/// Follows a record to another area.
pub(super) fn move_to(sql: &Connection, document: DocumentId, area: AreaId) -> Result<(), Error> {
    sql.prepare_cached("UPDATE needs SET area = ?2 WHERE document = ?1")?
        .execute([document.as_bytes().as_slice(), area.as_bytes().as_slice()])?;
    Ok(())
}

/// That a record needs that on this day.
pub(crate) fn needs(need: Need, today: &str) -> Narrowing {
    let values = vec![need.name().to_owned().into(), today.to_owned().into()];
    Narrowing {
        ids: "SELECT document FROM needs WHERE need = ? AND deadline < ?".to_owned(),
        of_ids: values.clone(),
        test: "EXISTS (SELECT 1 FROM needs WHERE document = documents.id AND need = ? AND deadline < ?)".to_owned(),
        of_test: values,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn standing(state: &str, decision: Option<(&str, Later)>) -> Standing {
        Standing {
            kind: Kind::Inspection,
            state: state.to_owned(),
            conflicts: 0,
            decision: decision.map(|(word, later)| (word.to_owned(), later)),
        }
    }

    #[test]
    fn whose_turn_it_is_follows_from_the_decision_and_what_came_after_it() {
        use Later::{Answer, Change, Nothing};
        let needs = |state, decision| standing(state, decision).needs().into_iter().next();
        assert_eq!(needs("draft", None), None);
        assert_eq!(needs("finished", None), Some(Need::Review));
        for (state, decision, later, need) in [
            ("finished", "approved", Nothing, None),
            ("finished", "approved", Answer, Some(Need::Review)),
            ("finished", "approved", Change, Some(Need::Changed)),
            ("draft", "approved", Change, Some(Need::Changed)),
            ("finished", "returned", Nothing, None),
            ("finished", "returned", Answer, Some(Need::Review)),
            ("finished", "returned", Change, Some(Need::Review)),
            ("draft", "returned", Answer, None),
            ("draft", "returned", Change, None),
            ("finished", "reopened", Nothing, Some(Need::Review)),
        ] {
            assert_eq!(
                needs(state, Some((decision, later))),
                need,
                "{state}, {decision}, {later:?}"
            );
        }
    }

    #[test]
    fn the_first_deadline_of_an_open_finding_is_what_counts() {
        let first =
            |findings: Value| first_deadline(&json!({ "findings": findings })).map(str::to_owned);
        assert_eq!(first_deadline(&json!({})), None);
        assert_eq!(first(json!({"a": {"text": "thiếu sổ"}})), None);
        let several = json!({
            "a": {"deadline": "2019-03-01", "state": "fixed"},
            "b": {"deadline": "2019-03-02", "removed": true},
            "c": {"deadline": "2019-03-04", "state": "open"},
            "d": {"deadline": "2019-03-03"},
        });
        assert_eq!(first(several).as_deref(), Some("2019-03-03"));
    }

    #[test]
    fn a_difference_is_a_need_of_its_own() {
        let mut differing = standing("finished", None);
        differing.conflicts = 2;
        let both = BTreeSet::from([Need::Review, Need::Difference]);
        assert_eq!(differing.needs(), both);
        differing.kind = Kind::Unit;
        assert_eq!(differing.needs(), BTreeSet::from([Need::Difference]));
    }
}
