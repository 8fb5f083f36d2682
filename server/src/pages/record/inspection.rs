//! An inspection as its minutes read: head, people, criteria in the order of their set, incidents, findings,
//! recommendations, the unit's opinion, signatures.

use serde_json::Value;
use sokiem_record::{criteria::Item, schema::ANSWERS};

use super::{
    field::{Element, Field, Fields},
    photo::{Photo, others, photos},
};
use crate::records::{
    comment::{self, Comment},
    decision::{Reason, Taken},
    reading::Reading,
};

/// The sections of an inspection.
pub(crate) struct Minutes<'a> {
    pub(crate) head: Vec<Field<'a>>,
    pub(crate) people: Vec<(&'static str, &'static str, Vec<Element<'a>>)>,
    pub(crate) criteria: Vec<Criterion<'a>>,
    /// How often each answer was given, in the order of the answers; and how many criteria nobody answered.
    pub(crate) answers: Vec<(&'static str, usize)>,
    pub(crate) unanswered: usize,
    /// Criteria on which officers differ: they count as none of these.
    pub(crate) disputed: usize,
    pub(crate) incidents: Vec<Element<'a>>,
    pub(crate) findings: Vec<Finding<'a>>,
    pub(crate) recommendations: Vec<Element<'a>>,
    pub(crate) words: Vec<Field<'a>>,
    pub(crate) signatures: Vec<Element<'a>>,
    pub(crate) pictures: Vec<Photo<'a>>,
    /// Comments on the whole.
    pub(crate) comments: Vec<Comment>,
}

/// One criterion.
pub(crate) struct Criterion<'a> {
    pub(crate) code: String,
    pub(crate) anchor: String,
    /// Its text in the criteria set, where that is here.
    pub(crate) item: Option<&'a Item>,
    pub(crate) answer: Field<'a>,
    pub(crate) more: Vec<Field<'a>>,
    pub(crate) photos: Vec<Photo<'a>>,
    pub(crate) comments: Vec<Comment>,
    /// Why it was returned, decision by decision, oldest first.
    pub(crate) returned: Vec<(&'a Taken, &'a Reason)>,
    /// The findings that name it.
    pub(crate) findings: Vec<(String, String)>,
}

/// A finding (tồn tại) with where it stands today.
pub(crate) struct Finding<'a> {
    pub(crate) element: Element<'a>,
    pub(crate) standing: Standing,
    pub(crate) photos: Vec<Photo<'a>>,
}

/// Where a finding stands on a day. Overdue is no state of the record: it follows from deadline and day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Open,
    Overdue,
    Fixed,
    Verified,
}

impl Standing {
    fn of(state: &str, deadline: &str, today: &str) -> Self {
        match state {
            "fixed" => Standing::Fixed,
            "verified" => Standing::Verified,
            _ if !deadline.is_empty() && deadline < today => Standing::Overdue,
            _ => Standing::Open,
        }
    }

    pub(crate) fn names(&self) -> (&'static str, &'static str) {
        match self {
            Standing::Open => ("chưa khắc phục", "open"),
            Standing::Overdue => ("quá hạn khắc phục", "overdue"),
            Standing::Fixed => ("đã khắc phục, chờ xác minh", "fixed, to be verified"),
            Standing::Verified => ("đã xác minh", "verified"),
        }
    }

    /// For the stylesheet.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Standing::Open => "open",
            Standing::Overdue => "bad",
            Standing::Fixed => "waiting",
            Standing::Verified => "good",
        }
    }
}

impl<'a> Minutes<'a> {
    pub(crate) fn of(fields: &Fields<'a>) -> Self {
        let reading = fields.reading;
        let criteria = criteria(fields);
        let given = |word: &str| {
            let agreed = criteria.iter().filter(|one| one.answer.clash.is_none());
            let answers = agreed.map(|one| reading.text(&one.answer.path));
            answers.filter(|answer| *answer == word).count()
        };
        Self {
            answers: ANSWERS.iter().map(|word| (*word, given(word))).collect(),
            unanswered: given(""),
            disputed: criteria
                .iter()
                .filter(|one| one.answer.clash.is_some())
                .count(),
            criteria,
            head: fields.fields(
                "",
                &[
                    "issuing_body",
                    "number",
                    "legal_basis",
                    "inspected_on",
                    "started_ms",
                    "ended_ms",
                    "place",
                    "position",
                    "window_start",
                    "window_end",
                    "copies",
                    "finished",
                ],
            ),
            people: vec![
                (
                    "Đoàn kiểm tra",
                    "Team",
                    fields.elements("team", &["name", "title", "body"]),
                ),
                (
                    "Đại diện đơn vị",
                    "Representatives of the unit",
                    fields.elements("representatives", &["name", "title"]),
                ),
                (
                    "Vắng mặt",
                    "Absent",
                    fields.elements("absentees", &["name", "title", "reason"]),
                ),
            ],
            incidents: fields.elements(
                "incidents",
                &["type", "date", "count", "reported", "outcome"],
            ),
            findings: findings(fields),
            recommendations: fields.elements("recommendations", &["text", "to"]),
            words: fields.fields("", &["opinion", "remarks"]),
            signatures: fields.elements(
                "signatures",
                &[
                    "role",
                    "name",
                    "title",
                    "signed_ms",
                    "refused",
                    "refusal_reason",
                ],
            ),
            pictures: others(reading),
            comments: comments(reading, ""),
        }
    }
}

fn criteria<'a>(fields: &Fields<'a>) -> Vec<Criterion<'a>> {
    let reading = fields.reading;
    let items = reading.value("items").as_object();
    let set = reading.criteria.as_ref().map_or(&[][..], |set| &set.items);
    // In the order of the set; what the record has beside it, last.
    let mut codes: Vec<&String> = items.into_iter().flatten().map(|(code, _)| code).collect();
    codes.sort_by_key(|code| {
        let place = set.iter().position(|item| item.code == **code);
        place.unwrap_or(usize::MAX)
    });
    codes
        .into_iter()
        .map(|code| {
            let at = format!("items/{code}");
            let of_this = |reason: &&Reason| reason.item == *code;
            Criterion {
                anchor: super::field::anchor(&at),
                item: set.iter().find(|item| item.code == *code),
                answer: fields.field(&format!("{at}/answer")),
                more: fields.fields(&at, &["value", "note"]),
                photos: photos(reading, &at),
                comments: comments(reading, code),
                returned: reading
                    .decisions
                    .iter()
                    .flat_map(|taken| {
                        let reasons = taken.reasons.iter().filter(of_this);
                        reasons.map(move |reason| (taken, reason))
                    })
                    .collect(),
                findings: about(reading, code),
                code: code.clone(),
            }
        })
        .collect()
}

fn comments(reading: &Reading, item: &str) -> Vec<Comment> {
    let all = comment::of(&reading.record.fields, &reading.said);
    all.into_iter()
        .filter(|comment| comment.item == item)
        .collect()
}

/// The findings about a criterion: where they are on the page, and their text.
fn about(reading: &Reading, code: &str) -> Vec<(String, String)> {
    let findings = reading.value("findings").as_object();
    let findings = findings.into_iter().flatten();
    let about = findings.filter(|(_, finding)| {
        finding.get("item").and_then(Value::as_str) == Some(code)
            && finding.get("removed") != Some(&Value::Bool(true))
    });
    about
        .map(|(key, _)| {
            let path = format!("findings/{key}");
            let text = reading.text(&format!("{path}/text")).to_owned();
            (super::field::anchor(&path), text)
        })
        .collect()
}

fn findings<'a>(fields: &Fields<'a>) -> Vec<Finding<'a>> {
    let names = [
        "text",
        "item",
        "remedy",
        "owner",
        "deadline",
        "state",
        "fixed_on",
        "verified_on",
    ];
    let reading = fields.reading;
    let elements = fields.elements("findings", &names).into_iter();
    elements
        .map(|element| {
            let at = format!("findings/{}", element.key);
            let text = |name: &str| reading.text(&format!("{at}/{name}"));
            Finding {
                standing: Standing::of(text("state"), text("deadline"), &reading.today),
                photos: photos(reading, &at),
                element,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Standing;

    #[test]
    fn overdue_follows_from_deadline_and_day() {
        let of = |state: &str, deadline: &str| Standing::of(state, deadline, "2019-06-30");
        assert_eq!(of("open", "2019-06-29"), Standing::Overdue);
        assert_eq!(of("open", "2019-06-30"), Standing::Open);
        assert_eq!(of("", ""), Standing::Open);
        assert_eq!(of("fixed", "2019-01-01"), Standing::Fixed);
        assert_eq!(of("verified", "2019-01-01"), Standing::Verified);
    }
}
