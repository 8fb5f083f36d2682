//! What was refused: listed, shown, exported for the desk, dismissed.

use std::path::Path;

use serde_json::json;
use sokiem_client_core::{Book, Refused as Change};

use crate::{
    arguments::{Language, Refused},
    failure::Failure,
    output::{Output, to_json},
};

pub(super) fn run(book: &Book, output: &Output, act: Option<&Refused>) -> Result<(), Failure> {
    match act {
        None => list(book, output),
        Some(Refused::Show { change }) => show(book, output, change),
        Some(Refused::Export { file }) => export(book, output, file.as_deref()),
        Some(Refused::Dismiss { change }) => dismiss(book, output, change),
    }
}

/// Enough of a hash to name a change by.
fn short(change: &Change) -> String {
    change.hash.to_string().chars().take(10).collect()
}

fn list(book: &Book, output: &Output) -> Result<(), Failure> {
    let refused = book.refused()?;
    output.result(&refused, |language| {
        if refused.is_empty() {
            return vec![language.say("(không có)", "(none)").to_owned()];
        }
        refused
            .iter()
            .map(|one| {
                let text = language.say(one.vietnamese, one.english);
                format!("{}  {}  {}  {text}", short(one), one.document, one.title)
            })
            .collect()
    })
}

/// The one refused change whose hash begins like that.
fn find(book: &Book, beginning: &str) -> Result<Change, Failure> {
    let refused = book.refused()?;
    let wanted = beginning.to_lowercase();
    let mut found = refused
        .into_iter()
        .filter(|one| one.hash.to_string().starts_with(&wanted));
    let one = found.next().filter(|_| !wanted.is_empty());
    let one = one.ok_or_else(|| Failure::not_found(beginning))?;
    if found.any(|other| other.hash != one.hash || other.document != one.document) {
        return Err(Failure::invalid(
            format!("nhiều thay đổi có mã bắt đầu bằng {beginning}: hãy gõ thêm"),
            format!("several changes begin with {beginning}: give more of it"),
        ));
    }
    Ok(one)
}

fn show(book: &Book, output: &Output, change: &str) -> Result<(), Failure> {
    let one = find(book, change)?;
    output.result(&one, |language| lines(&one, language))
}

fn lines(one: &Change, language: Language) -> Vec<String> {
    let line = |vi, en, value: String| format!("{:<12} {value}", language.say(vi, en));
    vec![
        line("hồ sơ", "record", format!("{} {}", one.document, one.title)),
        line("địa bàn", "area", one.area.to_string()),
        line(
            "thay đổi",
            "change",
            format!("{} ({} B)", one.hash, one.bytes.len()),
        ),
        line("lý do", "reason", one.refusal.code().to_owned()),
        language.say(one.vietnamese, one.english).to_owned(),
    ]
}

fn export(book: &Book, output: &Output, file: Option<&Path>) -> Result<(), Failure> {
    let exported = book.export_refused()?;
    let Some(file) = file else {
        return output.result(&exported, |_| {
            serde_json::to_string_pretty(&exported)
                .into_iter()
                .collect()
        });
    };
    std::fs::write(file, to_json(&exported)?).map_err(|error| {
        Failure::new(
            9,
            format!("không ghi được tệp: {error}"),
            format!("the file can't be written: {error}"),
        )
    })?;
    let changes = exported
        .get("changes")
        .and_then(|changes| changes.as_array())
        .map_or(0, Vec::len);
    output.result(&json!({"file": file, "changes": changes}), |language| {
        let exported = language.say("thay đổi đã xuất ra", "changes exported to");
        vec![format!("{changes} {exported} {}", file.display())]
    })
}

fn dismiss(book: &Book, output: &Output, change: &str) -> Result<(), Failure> {
    let one = find(book, change)?;
    let dismissed = book.dismiss_refused(one.document, one.hash)?;
    output.result(
        &json!({"dismissed": dismissed, "hash": one.hash.to_string()}),
        |language| {
            vec![format!(
                "{} {}",
                language.say("đã bỏ khỏi máy này:", "taken off this device:"),
                short(&one)
            )]
        },
    )
}
