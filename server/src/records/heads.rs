//! Heads as text, and the promise that a person acts on what they saw.

use sokiem_record::{ChangeHash, document::Document};

use crate::http::problem::{Cause, Problem};

/// Heads as hexadecimal texts.
pub(crate) fn texts(heads: &[ChangeHash]) -> Vec<String> {
    heads.iter().map(ToString::to_string).collect()
}

/// Heads from hexadecimal texts.
pub(crate) fn parse(texts: &[String]) -> Result<Vec<ChangeHash>, Problem> {
    let mut heads = texts
        .iter()
        .map(|text| {
            text.parse::<ChangeHash>()
                .map_err(|_| Problem::invalid("heads: hexadecimal change hashes"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    heads.sort_unstable();
    Ok(heads)
}

/// Whether a record is another than it was at these heads; also where that state is not known here. What is only said
/// about it makes it no other.
pub(crate) fn altered_since(document: &Document, heads: &[ChangeHash]) -> bool {
    document.heads() != heads
        && document
            .since(heads)
            .is_none_or(|since| !since.changes.is_empty())
}

/// Refuses heads that are not the record's present ones.
pub(crate) fn expect_current(seen: &[String], now: &[ChangeHash]) -> Result<(), Problem> {
    let seen = parse(seen)?;
    let mut now = now.to_vec();
    now.sort_unstable();
    if seen == now {
        return Ok(());
    }
    Err(Problem::new(Cause::Stale)
        .detail("The record has changed since you read it; look at the difference and decide again")
        .member("heads", texts(&now)))
}
