//! What was begun and what was reported saved, outside of everything that may be killed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use serde_json::Value as Json;

use crate::kill::Outcome;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// By marker: whose it is, and whether it was reported saved.
    entries: BTreeMap<String, (usize, bool)>,
    pub(super) offered_again: u64,
}

impl Ledger {
    pub(super) fn begun(&mut self, officer: usize, marker: &str) {
        self.entries.insert(marker.to_owned(), (officer, false));
    }

    pub(super) fn saved(&mut self, marker: &str) {
        if let Some(entry) = self.entries.get_mut(marker) {
            entry.1 = true;
        }
    }

    pub(super) fn saves(&self) -> u64 {
        self.entries.values().filter(|(_, saved)| *saved).count() as u64
    }

    /// Saves that were never reported and are there.
    pub(super) fn survived(&self, records: &[Json]) -> u64 {
        let (whole, _) = markers(records.iter());
        let unreported = self.entries.iter().filter(|(_, (_, saved))| !saved);
        unreported
            .filter(|(marker, _)| whole.contains(*marker))
            .count() as u64
    }

    /// Reported saves that are not among these: those of one officer, or of all.
    fn missing(&self, whole: &BTreeSet<String>, officer: Option<usize>) -> u64 {
        let reported = self.entries.iter().filter(|(_, (whose, saved))| {
            *saved && officer.is_none_or(|officer| officer == *whose)
        });
        reported
            .filter(|(marker, _)| !whole.contains(*marker))
            .count() as u64
    }
}

/// Looks for what an officer's book must hold: their own saves, or everybody's.
pub(super) fn check_book(
    export: &Json,
    officer: Option<usize>,
    ledger: &Mutex<Ledger>,
    outcome: &mut Outcome,
) {
    let documents = export["documents"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let unreadable = documents
        .iter()
        .filter(|document| document["unreadable"].is_string())
        .count();
    outcome.half += unreadable as u64;
    check(documents.iter(), officer, ledger, outcome);
}

pub(super) fn check_server(records: &[Json], ledger: &Mutex<Ledger>, outcome: &mut Outcome) {
    check(records.iter(), None, ledger, outcome);
}

fn check<'a>(
    documents: impl Iterator<Item = &'a Json>,
    officer: Option<usize>,
    ledger: &Mutex<Ledger>,
    outcome: &mut Outcome,
) {
    let (whole, half) = markers(documents);
    outcome.half += half;
    outcome.lost += ledger
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .missing(&whole, officer);
}

/// Every marker that is there whole, and how many are not: each stands in two fields.
fn markers<'a>(documents: impl Iterator<Item = &'a Json>) -> (BTreeSet<String>, u64) {
    let (mut whole, mut half) = (BTreeSet::new(), 0);
    let mut pair = |one: &Json, other: &Json| {
        let marked = |json: &Json| {
            json.as_str()
                .filter(|text| text.starts_with("dấu "))
                .map(str::to_owned)
        };
        match (marked(one), marked(other)) {
            (Some(one), Some(other)) if one == other => drop(whole.insert(one)),
            (None, None) => {}
            _ => half += 1,
        }
    };
    for document in documents {
        let fields = &document["fields"];
        match document["kind"].as_str() {
            Some("unit") => pair(&fields["name"], &fields["address"]),
            Some("inspection") => {
                for finding in fields["findings"]
                    .as_object()
                    .into_iter()
                    .flat_map(|all| all.values())
                {
                    pair(&finding["text"], &finding["remedy"]);
                }
            }
            _ => {}
        }
    }
    (whole, half)
}
