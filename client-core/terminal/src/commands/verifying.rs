//! Who signed what, what changed since, and whether the history is what was signed.

use sokiem_client_core::Book;
use sokiem_record::{
    history::HistoryEntry,
    id::DocumentId,
    verification::{History, Verification},
};

use crate::{
    arguments::Language,
    failure::Failure,
    output::{Output, person, time, value, word},
};

pub(super) fn verify(
    book: &Book,
    output: &Output,
    record: Option<DocumentId>,
) -> Result<(), Failure> {
    let verified = match record {
        Some(record) => vec![book.verify(record)?],
        None => book.verify_all()?,
    };
    let lines = |language| lines(book, &verified, record.is_none(), language);
    match record.and_then(|_| verified.first()) {
        Some(one) => output.result(one, lines)?,
        None => output.result(&verified, lines)?,
    }
    let unsound = verified.iter().filter(|one| !one.is_sound()).count();
    if unsound == 0 {
        return Ok(());
    }
    Err(Failure::new(
        13,
        format!("{unsound} hồ sơ có chữ ký hoặc lịch sử không khớp"),
        format!("{unsound} records have a signature or a history that is not what it should be"),
    ))
}

fn lines(book: &Book, verified: &[Verification], all: bool, language: Language) -> Vec<String> {
    let mut lines = Vec::new();
    // Of all, only those that there is something to say about.
    let silent = |one: &&Verification| {
        all && one.is_sound() && one.signatures.is_empty() && one.decisions.is_empty()
    };
    for one in verified.iter().filter(|one| !silent(one)) {
        lines.push(match &one.history {
            History::Whole { changes } => format!(
                "{}  {} ({changes})",
                one.document,
                language.say("lịch sử nguyên vẹn", "the history is whole")
            ),
            History::Broken { reason } => format!(
                "{}  {}: {reason}",
                one.document,
                language.say("LỊCH SỬ ĐÃ BỊ SỬA", "THE HISTORY WAS ALTERED")
            ),
        });
        for signed in &one.signatures {
            let (vi, en) = signed.standing.names();
            lines.push(format!(
                "  {} {} {}: {}",
                language.say("ký bởi", "signed by"),
                signed.name,
                signed.signed_ms.map(time).unwrap_or_default(),
                language.say(vi, en)
            ));
            changed(book, signed.since.as_deref(), language, &mut lines);
        }
        for decided in &one.decisions {
            let (vi, en) = decided.standing.names();
            lines.push(format!(
                "  {} {}: {}",
                word(&decided.decision, language),
                decided.decided_ms.map(time).unwrap_or_default(),
                language.say(vi, en)
            ));
            changed(book, decided.since.as_deref(), language, &mut lines);
        }
    }
    if lines.is_empty() {
        lines.push(
            language
                .say("không có gì sai", "nothing is wrong")
                .to_owned(),
        );
    }
    lines
}

fn changed(
    book: &Book,
    since: Option<&[HistoryEntry]>,
    language: Language,
    lines: &mut Vec<String>,
) {
    let since = since.unwrap_or_default();
    if !since.is_empty() {
        lines.push(format!(
            "    {} {}:",
            language.say("thay đổi sau đó:", "changed since:"),
            since.len()
        ));
    }
    for entry in since {
        let author = book.author(entry.provenance.actor).unwrap_or_default();
        for field in &entry.fields {
            lines.push(format!(
                "      {}  {}  {}: {}",
                time(entry.provenance.time_ms),
                person(&author, language),
                field.path,
                value(&field.after)
            ));
        }
    }
}
