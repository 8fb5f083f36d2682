//! Search: every record's words, and for an inspection those of its unit too, each word with where it stands.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};
use sokiem_record::{
    fold::fold,
    id::{DocumentId, Kind},
    summary::Summary,
};

use crate::{
    error::Error,
    store::{id, narrowing::Narrowing},
};

/// Follows the words of a record, and where it is a unit, those of what is about it.
pub(super) fn keep(
    sql: &Connection,
    document: DocumentId,
    kind: Kind,
    summary: &Summary,
) -> Result<(), Error> {
    let mut text = summary.search.clone();
    if let (Kind::Inspection | Kind::Assignment, Some(subject)) = (kind, summary.subject) {
        let of_subject: Option<String> = sql
            .prepare_cached("SELECT search FROM documents WHERE id = ?1")?
            .query_row([subject.as_bytes().as_slice()], |row| row.get(0))
            .optional()?;
        text.extend(of_subject.map(|of_subject| format!(" {of_subject}")));
    }
    let changed = put(sql, document, &text)?;
    if kind != Kind::Unit || !changed {
        return Ok(());
    }
    let about: Vec<(DocumentId, String)> = sql
        .prepare_cached(
            "SELECT id, search FROM documents WHERE subject = ?1 AND kind IN ('inspection', 'assignment')",
        )?
        .query_map([document.as_bytes().as_slice()], |row| {
            Ok((id::id(row, 0)?, row.get(1)?))
        })?
        .collect::<Result<_, _>>()?;
    for (one, own) in about {
        put(sql, one, &format!("{own} {}", summary.search))?;
    }
    Ok(())
}

/// Puts a record's text in the place of what it was; false when it was the same.
fn put(sql: &Connection, document: DocumentId, text: &str) -> Result<bool, Error> {
    let key = document.as_bytes().as_slice();
    let before: Option<String> = sql
        .prepare_cached("SELECT text FROM search_texts WHERE document = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    if before.as_deref() == Some(text) {
        return Ok(false);
    }
    let (old, new) = (words(before.as_deref().unwrap_or_default()), words(text));
    for word in old.difference(&new) {
        sql.prepare_cached("DELETE FROM search_words WHERE word = ?1 AND document = ?2")?
            .execute(params![word, key])?;
    }
    for word in new.difference(&old) {
        sql.prepare_cached("INSERT INTO search_words (word, document) VALUES (?1, ?2)")?
            .execute(params![word, key])?;
    }
    sql.prepare_cached(
        "INSERT INTO search_texts (document, text) VALUES (?1, ?2)
         ON CONFLICT (document) DO UPDATE SET text = ?2",
    )?
    .execute(params![key, text])?;
    Ok(true)
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split_whitespace().collect()
}

/// Takes a record out of the index.
pub(super) fn forget(sql: &Connection, document: DocumentId) -> Result<(), Error> {
    put(sql, document, "")?;
    sql.prepare_cached("DELETE FROM search_texts WHERE document = ?1")?
        .execute([document.as_bytes().as_slice()])?;
    Ok(())
}

/// That a record, given as the expression of its id, has words beginning with each of those asked for.
pub(crate) fn has_words(record: &str, asked: &str) -> Vec<Narrowing> {
    let narrowing = |[from, to]: [String; 2]| Narrowing {
        ids: "SELECT document FROM search_words WHERE word >= ? AND word < ?".to_owned(),
        test: format!(
            "EXISTS (SELECT 1 FROM search_texts WHERE document = {record} AND instr(' ' || text, ?) > 0)"
        ),
        of_test: vec![format!(" {from}").into()],
        of_ids: vec![from.into(), to.into()],
    };
    ranges(asked).into_iter().map(narrowing).collect()
}

/// What is looked for: for each word the first word of the index that begins with it, and the first behind
/// those that do.
fn ranges(asked: &str) -> Vec<[String; 2]> {
    fold(asked)
        .split_whitespace()
        .map(|word| [word.to_owned(), format!("{word}\u{10ffff}")])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_looked_for_by_their_beginning() {
        let ranges = ranges(" Trường  ");
        let [[from, to]] = ranges.as_slice() else {
            panic!("{ranges:?}")
        };
        let begins = |word: &str| word >= from.as_str() && word < to.as_str();
        assert!(begins("truong") && begins("truongson"));
        assert!(!begins("truon") && !begins("trup"));
    }
}
