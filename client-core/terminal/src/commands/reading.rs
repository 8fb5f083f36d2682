//! Commands that read. None of them opens more than one document, and none waits for the network.

use std::path::Path;

use jiff::Zoned;
use serde::Serialize;
use serde_json::json;
use sokiem_client_core::{
    Book,
    book::{Feedback, Opened},
    search::{Listed, Query},
};
use sokiem_record::{
    ChangeHash,
    id::{AreaId, DocumentId, Kind},
};

use crate::{
    arguments::Language,
    failure::Failure,
    output::{Output, alternative, date, person, record, time, to_json, value, word},
};

pub(super) fn areas(book: &Book, output: &Output) -> Result<(), Failure> {
    let areas = book.areas()?;
    output.result(&areas, |language| {
        let read_only = |writable: bool| {
            if writable {
                ""
            } else {
                language.say("  (chỉ đọc)", "  (read-only)")
            }
        };
        areas
            .iter()
            .map(|area| format!("{}  {}{}", area.area, area.name, read_only(area.writable)))
            .collect()
    })
}

pub(super) fn campaigns(book: &Book, output: &Output) -> Result<(), Failure> {
    listed(
        output,
        &book.list(&Query {
            kind: Some(Kind::Campaign),
            ..Query::default()
        })?,
    )
}

pub(super) fn assignments(book: &Book, output: &Output) -> Result<(), Failure> {
    let account = book.enrolment()?.map(|enrolment| enrolment.account);
    let today = Zoned::now().strftime("%Y-%m-%d").to_string();
    let assigned = book.assigned(account, &today)?;
    output.result(&assigned, |language| {
        assigned
            .iter()
            .map(|one| {
                let due = one.due.as_deref().map(date).unwrap_or_default();
                let late = if one.overdue {
                    language.say("  QUÁ HẠN", "  OVERDUE")
                } else {
                    ""
                };
                let state = one
                    .inspection_state
                    .as_deref()
                    .map_or(language.say("chưa mở", "not begun"), |state| {
                        word(state, language)
                    });
                format!(
                    "{due:10}  {}  {}  [{state}]{late}\n            {} --campaign {}",
                    one.unit_title, one.inspection, one.unit, one.campaign
                )
            })
            .collect()
    })
}

pub(super) fn units(
    book: &Book,
    output: &Output,
    words: &[String],
    area: Option<AreaId>,
    limit: u32,
) -> Result<(), Failure> {
    let query = Query {
        kind: Some(Kind::Unit),
        area,
        text: text(words),
        limit: Some(limit),
        ..Query::default()
    };
    listed(output, &book.list(&query)?)
}

pub(super) fn inspections(
    book: &Book,
    output: &Output,
    words: &[String],
    unit: Option<DocumentId>,
    campaign: Option<DocumentId>,
    limit: u32,
) -> Result<(), Failure> {
    let query = Query {
        kind: Some(Kind::Inspection),
        subject: unit,
        campaign,
        text: text(words),
        limit: Some(limit),
        ..Query::default()
    };
    listed(output, &book.list(&query)?)
}

fn text(words: &[String]) -> Option<String> {
    (!words.is_empty()).then(|| words.join(" "))
}

fn listed(output: &Output, records: &[Listed]) -> Result<(), Failure> {
    output.result(&records, |language| {
        if records.is_empty() {
            return vec![language.say("(không có)", "(none)").to_owned()];
        }
        records.iter().map(|one| line(one, language)).collect()
    })
}

fn line(one: &Listed, language: Language) -> String {
    let mut line = format!("{}  {}", one.document, one.title);
    if let Some(day) = &one.date {
        line.push_str(&format!("  {}", date(day)));
    }
    if !one.state.is_empty() {
        line.push_str(&format!("  [{}]", word(&one.state, language)));
    }
    if one.conflicts > 0 {
        line.push_str(&format!(
            "  {} {}",
            one.conflicts,
            language.say("chỗ khác nhau", "differences")
        ));
    }
    if one.pending {
        line.push_str(language.say("  chờ gửi", "  pending"));
    }
    line
}

/// A record, with what supervisors say about it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    opened: Opened,
    feedback: Feedback,
}

fn feedback(said: &Feedback, language: Language, lines: &mut Vec<String>) {
    if let Some(decided) = &said.decision {
        let since = if decided.changed_since {
            language.say("  (đã có thay đổi sau đó)", "  (changed since)")
        } else {
            ""
        };
        let when = decided.decided_ms.map(time).unwrap_or_default();
        lines.push(format!(
            "{} {}  {when}  {}{since}",
            language.say("QUYẾT ĐỊNH:", "DECISION:"),
            word(&decided.decision, language),
            person(&decided.author, language),
        ));
        if !decided.reason.is_empty() {
            lines.push(format!("    {}", decided.reason));
        }
        for (item, text) in &decided.reasons {
            lines.push(format!("    {item}: {text}"));
        }
    }
    for remark in &said.comments {
        let about = match remark.item.as_str() {
            "" => String::new(),
            item => format!("{item}: "),
        };
        lines.push(format!(
            "{} {about}{}  ← {}, {}",
            language.say("GÓP Ý:", "COMMENT:"),
            remark.text,
            person(&remark.author, language),
            time(remark.time_ms)
        ));
    }
}

pub(super) fn show(book: &Book, output: &Output, document: DocumentId) -> Result<(), Failure> {
    let shown = Shown {
        opened: book.get(document)?,
        feedback: book.feedback(document)?,
    };
    output.result(&shown, |language| {
        let opened = &shown.opened;
        let mut lines = Vec::new();
        record(&opened.fields, 0, &mut lines);
        feedback(&shown.feedback, language, &mut lines);
        for conflict in &opened.conflicts {
            lines.push(format!(
                "{} {}",
                language.say("KHÁC NHAU:", "DIFFERENT:"),
                conflict.path
            ));
            lines.extend(
                conflict
                    .alternatives
                    .iter()
                    .map(|one| format!("    {}", alternative(one, language))),
            );
        }
        if opened.pending {
            lines.push(
                language
                    .say(
                        "(còn thay đổi chờ gửi)",
                        "(has changes that are not sent yet)",
                    )
                    .to_owned(),
            );
        }
        lines
    })
}

pub(super) fn conflicts(
    book: &Book,
    output: &Output,
    document: Option<DocumentId>,
) -> Result<(), Failure> {
    let documents = match document {
        Some(document) => vec![document],
        None => {
            let query = Query {
                conflicts_only: true,
                ..Query::default()
            };
            book.list(&query)?
                .into_iter()
                .map(|one| one.document)
                .collect()
        }
    };
    let mut found = Vec::new();
    for document in documents {
        for conflict in book.conflicts(document)? {
            found.push((document, conflict));
        }
    }
    let values: Vec<_> = found
        .iter()
        .map(|(document, conflict)| json!({"document": document, "path": conflict.path, "alternatives": conflict.alternatives}))
        .collect();
    output.result(&values, |language| {
        let mut lines = Vec::new();
        for (document, conflict) in &found {
            lines.push(format!("{document}  {}", conflict.path));
            lines.extend(
                conflict
                    .alternatives
                    .iter()
                    .map(|one| format!("    {}", alternative(one, language))),
            );
        }
        if lines.is_empty() {
            lines.push(
                language
                    .say("(không có chỗ nào khác nhau)", "(nobody differs)")
                    .to_owned(),
            );
        }
        lines
    })
}

pub(super) fn history(book: &Book, output: &Output, document: DocumentId) -> Result<(), Failure> {
    let history = book.history(document)?;
    output.result(&history, |language| {
        let mut lines = Vec::new();
        for entry in &history {
            let when = if entry.provenance.time_ms == 0 {
                language.say("mở hồ sơ", "begun").to_owned()
            } else {
                time(entry.provenance.time_ms)
            };
            let reason = entry
                .provenance
                .reason
                .as_ref()
                .map(|reason| format!(" – {reason}"))
                .unwrap_or_default();
            lines.push(format!(
                "{}  {when}  {}{reason}",
                entry.provenance.hash,
                person(&entry.author, language)
            ));
            for change in &entry.fields {
                let before: Vec<String> = change.before.iter().map(value).collect();
                let arrow = if before.is_empty() {
                    String::new()
                } else {
                    format!("{} → ", before.join(" / "))
                };
                lines.push(format!(
                    "    {}: {arrow}{}",
                    change.path,
                    value(&change.after)
                ));
            }
        }
        lines
    })
}

pub(super) fn difference(
    book: &Book,
    output: &Output,
    document: DocumentId,
    from: &str,
    to: Option<&str>,
) -> Result<(), Failure> {
    let to = match to {
        Some(text) => heads(text)?,
        None => book.get(document)?.heads,
    };
    let changes = book
        .difference(document, &heads(from)?, &to)?
        .ok_or_else(|| Failure::not_found("trạng thái đó · that state"))?;
    output.result(&changes, |_| {
        changes
            .iter()
            .map(|change| {
                let before = change
                    .before
                    .first()
                    .map(value)
                    .unwrap_or_else(|| "–".to_owned());
                format!("{}: {before} → {}", change.path, value(&change.after))
            })
            .collect()
    })
}

/// Heads from hexadecimal hashes joined by commas; an empty text is the state before the first change.
fn heads(text: &str) -> Result<Vec<ChangeHash>, Failure> {
    text.split(',')
        .filter(|hash| !hash.is_empty())
        .map(|hash| {
            hash.parse().map_err(|_| {
                Failure::invalid(
                    format!("{hash}: không phải mã thay đổi"),
                    format!("{hash}: not the hash of a change"),
                )
            })
        })
        .collect()
}

pub(super) fn export(book: &Book, output: &Output, file: Option<&Path>) -> Result<(), Failure> {
    let everything = book.export()?;
    match file {
        None => output.result(&everything, |_| {
            serde_json::to_string_pretty(&everything)
                .into_iter()
                .collect()
        }),
        Some(file) => {
            let text = to_json(&everything)?;
            std::fs::write(file, text).map_err(|error| {
                Failure::new(
                    9,
                    format!("không ghi được tệp: {error}"),
                    format!("the file can't be written: {error}"),
                )
            })?;
            output.result(&json!({"file": file}), |language| {
                vec![format!(
                    "{} {}",
                    language.say("đã xuất ra", "exported to"),
                    file.display()
                )]
            })
        }
    }
}
