//! What was done and what went wrong, counted.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

/// What a world, or many, came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Worlds that were played to their end.
    pub schedules: u64,
    /// Edits that were acknowledged to a person.
    pub edits: u64,
    /// What was done to the system, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// What else is worth knowing, by kind.
    pub facts: BTreeMap<String, u64>,
    /// Acknowledged edits that are nowhere.
    pub lost: u64,
    /// Claims that were not true, and what nobody is told.
    pub silent: u64,
    /// Each of these in words.
    pub wrongs: Vec<String>,
}

impl Report {
    /// Counts a fault.
    pub fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    /// Counts something else.
    pub fn fact(&mut self, kind: impl Into<String>) {
        *self.facts.entry(kind.into()).or_default() += 1;
    }

    /// An acknowledged edit is nowhere.
    pub fn lose(&mut self, what: String) {
        self.lost += 1;
        self.wrongs.push(format!("lost: {what}"));
    }

    /// Something is claimed that is not so, or is not what it has to be, and nobody is told.
    pub fn hush(&mut self, what: String) {
        self.silent += 1;
        self.wrongs.push(format!("silent: {what}"));
    }

    /// Adds another report to this one.
    pub fn add(&mut self, other: &Report) {
        self.schedules += other.schedules;
        self.edits += other.edits;
        self.lost += other.lost;
        self.silent += other.silent;
        for (kind, count) in &other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        for (kind, count) in &other.facts {
            *self.facts.entry(kind.clone()).or_default() += count;
        }
        self.wrongs.extend(other.wrongs.iter().cloned());
    }

    /// The one line that a soak ends with.
    pub fn to_json(&self, seconds: f64) -> Json {
        json!({
            "schedules": self.schedules,
            "edits": self.edits,
            "faults": self.faults,
            "lost": self.lost,
            "silent": self.silent,
            "seconds": (seconds * 10.0).round() / 10.0,
        })
    }
}
