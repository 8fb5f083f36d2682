//! What a printed version is worth: a draft, what was approved, or something else than was approved.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use sokiem_record::{document::Document, id::AccountId, verification::Standing};
use utoipa::ToSchema;

use crate::{
    error::Error,
    records::{
        heads,
        verify::{self, Decided},
    },
    sync::stored::Row,
};

/// Where a version stands to what was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Worth {
    /// Nobody has approved it.
    Draft,
    /// It was returned for more work.
    Returned,
    /// It is what was approved, to the letter. Comments and signatures of devices may have come since.
    Approved,
    /// Something was approved, and has changed since: this is not it.
    Changed,
    /// Something later was approved: this is from before.
    Earlier,
    /// It was approved, and opened again since.
    Reopened,
}

impl Worth {
    /// What stands across the sheet; nothing for what was approved.
    pub(crate) fn mark(self) -> Option<&'static str> {
        match self {
            Self::Approved => None,
            Self::Draft | Self::Returned => Some("BẢN NHÁP"),
            Self::Changed => Some("ĐÃ THAY ĐỔI SAU KHI DUYỆT"),
            Self::Earlier => Some("BẢN CŨ, TRƯỚC KHI DUYỆT"),
            Self::Reopened => Some("ĐÃ MỞ LẠI SAU KHI DUYỆT"),
        }
    }

    /// What a person reads: Vietnamese, then English.
    pub(crate) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Draft => (
                "Bản nháp: chưa được duyệt.",
                "A draft: nobody has approved it.",
            ),
            Self::Returned => (
                "Bản nháp: đã trả lại để bổ sung.",
                "A draft: it was returned for more work.",
            ),
            Self::Approved => (
                "Đây đúng là phiên bản đã được duyệt.",
                "This is the version that was approved, to the letter.",
            ),
            Self::Changed => (
                "Không phải phiên bản đã được duyệt: hồ sơ đã thay đổi sau khi duyệt.",
                "Not the version that was approved: the record has changed since.",
            ),
            Self::Earlier => (
                "Không phải phiên bản đã được duyệt: đây là phiên bản cũ hơn.",
                "Not the version that was approved: this one is older.",
            ),
            Self::Reopened => (
                "Phiên bản này từng được duyệt, sau đó hồ sơ đã được mở lại.",
                "This version was approved, and the record was opened again since.",
            ),
        }
    }
}

/// What a version is worth, and who says so.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Paper {
    /// Where it stands.
    pub(crate) worth: Worth,
    /// When the decision that matters was taken.
    pub(crate) decided_ms: Option<i64>,
    /// By whom.
    pub(crate) decided_by: Option<String>,
    /// The approved version in short, where it is another one.
    pub(crate) approved: Option<String>,
    /// Whether the server's signature under that decision is in order; also where it is from before such
    /// signatures.
    pub(crate) sound: bool,
    /// The signatures of devices in this version.
    pub(crate) signatures: Vec<Electronic>,
}

/// A signature of a device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Electronic {
    /// Whose it says that it is.
    pub(crate) name: String,
    /// When, by the device's clock.
    pub(crate) signed_ms: Option<i64>,
    /// What it is worth.
    #[schema(value_type = String)]
    pub(crate) standing: Standing,
    /// How many changes of this version came after it; `null` where the signed version is not known.
    pub(crate) changes_since: Option<usize>,
}

/// What a version of an inspection is worth. `now` is the whole record, `then` the version.
pub(super) fn of(
    sql: &Connection,
    row: &Row,
    now: &Document,
    then: &Document,
) -> Result<Paper, Error> {
    let decisions = verify::decisions_of(sql, row)?;
    let (worth, decision) = judge(&decisions, |decided_on| {
        let Ok(decided_on) = heads::parse(decided_on) else {
            return Version::Other;
        };
        if !decided_on.iter().all(|head| then.contains(head)) {
            Version::Other
        } else if heads::altered_since(then, &decided_on) {
            Version::Later
        } else {
            Version::Same
        }
    });
    let names = account_names(sql, decision)?;
    let approved = decision.filter(|_| matches!(worth, Worth::Changed | Worth::Earlier));
    let approved = approved.and_then(|decision| {
        let heads = heads::parse(&decision.heads).ok()?;
        let known = heads.iter().all(|head| now.contains(head));
        known.then(|| super::version::short(now, &heads))
    });
    let signatures = verify::signatures_of(sql, row, then)?;
    Ok(Paper {
        worth,
        decided_ms: decision.and_then(|decision| decision.decided_ms),
        decided_by: decision.and_then(|decision| names.get(&decision.account?).cloned()),
        approved,
        sound: decision.is_none_or(|decision| !decision.is_doubtful()),
        signatures: signatures
            .into_iter()
            .map(|one| Electronic {
                name: one.name,
                signed_ms: one.signed_ms,
                standing: one.standing,
                changes_since: one.since.map(|since| since.len()),
            })
            .collect(),
    })
}

/// What a version is, seen from a state that was decided on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    /// It says the same.
    Same,
    /// It holds that state, and what altered it.
    Later,
    /// It does not hold that state.
    Other,
}

/// Where a version stands to the decisions, and the decision that says so. `seen_from` says what it is, seen from the
/// heads of a decision.
fn judge(
    decisions: &[Decided],
    seen_from: impl Fn(&[String]) -> Version,
) -> (Worth, Option<&Decided>) {
    let latest = decisions
        .iter()
        .max_by_key(|one| (one.decided_ms, one.id.as_str()));
    let Some(latest) = latest else {
        return (Worth::Draft, None);
    };
    let approved = |one: &Decided| one.decision == "approved";
    let mut of_this = decisions
        .iter()
        .filter(|one| approved(one) && seen_from(&one.heads) == Version::Same);
    let worth = match latest.decision.as_str() {
        "approved" => match seen_from(&latest.heads) {
            Version::Same => Worth::Approved,
            Version::Later => Worth::Changed,
            Version::Other => Worth::Earlier,
        },
        "reopened" if of_this.next().is_some() => Worth::Reopened,
        "returned" => Worth::Returned,
        _ => Worth::Draft,
    };
    (worth, Some(latest))
}

fn account_names(
    sql: &Connection,
    decision: Option<&Decided>,
) -> Result<BTreeMap<uuid::Uuid, String>, Error> {
    let mut names = BTreeMap::new();
    if let Some(account) = decision.and_then(|decision| decision.account) {
        let name = sql
            .prepare_cached("SELECT name FROM accounts WHERE id = ?1")?
            .query_row([AccountId(account).as_bytes().as_slice()], |row| row.get(0))
            .optional()?;
        names.extend(name.map(|name| (account, name)));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(n: i64, decision: &str, heads: &[&str]) -> Decided {
        Decided {
            id: n.to_string(),
            standing: Standing::Valid,
            decision: decision.to_owned(),
            account: None,
            decided_ms: Some(n),
            heads: heads.iter().map(|head| (*head).to_owned()).collect(),
            since: None,
        }
    }

    /// What a version is worth that says the same as it did at `same`, and holds `held` too.
    fn worth(decisions: &[Decided], same: &str, held: &[&str]) -> Worth {
        let seen_from = |heads: &[String]| match heads {
            [head] if head == same => Version::Same,
            [head] if held.contains(&head.as_str()) => Version::Later,
            _ => Version::Other,
        };
        judge(decisions, seen_from).0
    }

    #[test]
    fn only_what_was_approved_to_the_letter_is_no_draft() {
        assert_eq!(worth(&[], "a", &[]), Worth::Draft);
        let approved = [
            decided(1, "returned", &["a"]),
            decided(2, "approved", &["b"]),
        ];
        assert_eq!(worth(&approved, "b", &["a"]), Worth::Approved);
        assert_eq!(worth(&approved, "c", &["a", "b"]), Worth::Changed);
        assert_eq!(worth(&approved, "a", &[]), Worth::Earlier);
        let reopened = [
            decided(2, "approved", &["b"]),
            decided(3, "reopened", &["b"]),
        ];
        assert_eq!(worth(&reopened, "b", &["a"]), Worth::Reopened);
        assert_eq!(worth(&reopened, "c", &["a", "b"]), Worth::Draft);
        assert_eq!(
            worth(&[decided(1, "returned", &["a"])], "a", &[]),
            Worth::Returned
        );
        for worth in [
            Worth::Draft,
            Worth::Returned,
            Worth::Changed,
            Worth::Earlier,
            Worth::Reopened,
        ] {
            assert!(worth.mark().is_some());
        }
        assert_eq!(Worth::Approved.mark(), None);
    }
}
