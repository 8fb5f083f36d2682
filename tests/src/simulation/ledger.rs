//! What was acknowledged to people, kept outside of every machine.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value as Json;
use sokiem_client_core::Book;
use sokiem_record::{ChangeHash, chunk::ChangeHeader, id::DocumentId};

use super::office::Office;
use crate::Result;

/// A number that is written into a record with an edit, in a form that is found again in bytes. It
/// survives when the change is written anew under another actor, which its hash does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Marker(pub u32);

impl std::fmt::Display for Marker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "e{:08}z", self.0)
    }
}

impl Marker {
    /// Every marker in these bytes.
    pub fn find(bytes: &[u8]) -> impl Iterator<Item = Marker> {
        bytes.windows(10).filter_map(|window| {
            let digits = window.strip_prefix(b"e")?.strip_suffix(b"z")?;
            std::str::from_utf8(digits).ok()?.parse().ok().map(Marker)
        })
    }
}

/// One edit that somebody was told is saved.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The phone that it was made on; `None` for the desk.
    pub phone: Option<usize>,
    /// The record.
    pub document: DocumentId,
    /// The change that it became.
    pub hash: ChangeHash,
    /// What it wrote.
    pub marker: Option<Marker>,
    /// The only machine that held it was put back to an earlier state: nobody can have it any more.
    pub gone: bool,
    /// A person has seen it among what was refused, and put it away.
    pub seen: bool,
}

/// Every edit that was acknowledged.
#[derive(Debug, Default)]
pub struct Ledger {
    /// In the order in which they were made.
    pub entries: Vec<Entry>,
    /// What each phone may not call synced before it is on the server.
    open: BTreeMap<usize, Vec<usize>>,
    markers: u32,
}

impl Ledger {
    /// A marker that nobody has used.
    pub fn marker(&mut self) -> Marker {
        self.markers += 1;
        Marker(self.markers)
    }

    /// Writes an edit down.
    pub fn add(
        &mut self,
        phone: Option<usize>,
        document: DocumentId,
        hash: ChangeHash,
        marker: Option<Marker>,
    ) {
        if let Some(phone) = phone {
            self.open.entry(phone).or_default().push(self.entries.len());
        }
        self.entries.push(Entry {
            phone,
            document,
            hash,
            marker,
            gone: false,
            seen: false,
        });
    }

    /// What this phone has not yet been seen to have brought to the server.
    pub fn open_of(&self, phone: usize) -> Vec<usize> {
        self.open.get(&phone).cloned().unwrap_or_default()
    }

    /// These are what this phone has still to bring.
    pub fn set_open(&mut self, phone: usize, open: Vec<usize>) {
        self.open.insert(phone, open);
    }
}

/// Everything that one machine holds, or several.
#[derive(Debug, Default)]
pub struct Holdings {
    /// Changes in records.
    pub hashes: HashSet<ChangeHash>,
    /// Markers in records.
    pub markers: HashSet<Marker>,
    /// Changes that were refused and are kept for people to see.
    pub refused_hashes: HashSet<ChangeHash>,
    /// Markers in them.
    pub refused_markers: HashSet<Marker>,
}

impl Holdings {
    /// Whether the edit is in a record here, as it was written or written anew.
    pub fn records(&self, entry: &Entry) -> bool {
        let anew = entry.marker.is_some_and(|m| self.markers.contains(&m));
        anew || self.hashes.contains(&entry.hash)
    }

    /// Whether the edit is among what was refused here.
    pub fn refused(&self, entry: &Entry) -> bool {
        let anew = entry
            .marker
            .is_some_and(|m| self.refused_markers.contains(&m));
        anew || self.refused_hashes.contains(&entry.hash)
    }

    /// Whether the edit is here at all.
    pub fn hold(&self, entry: &Entry) -> bool {
        self.records(entry) || self.refused(entry)
    }

    /// Adds what a book holds, as far as a person can take it out of it.
    ///
    /// # Errors
    /// When the book can't be exported.
    pub fn add_book(&mut self, book: &Book) -> Result<()> {
        let export = book.export()?;
        for document in list(&export["documents"]) {
            for change in list(&document["changes"]) {
                let bytes = bytes(change)?;
                self.hashes
                    .extend(ChangeHeader::parse(&bytes).map(|header| header.hash));
                self.markers.extend(Marker::find(&bytes));
            }
        }
        for refused in list(&export["refused"]) {
            let bytes = bytes(&refused["bytes"])?;
            self.refused_hashes
                .extend(ChangeHeader::parse(&bytes).map(|header| header.hash));
            self.refused_markers.extend(Marker::find(&bytes));
        }
        Ok(())
    }

    /// Adds what is on the server's disk.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn add_server(&mut self, office: &mut Office) -> Result<()> {
        let sql = office.look()?;
        let mut statement = sql.prepare_cached("SELECT bytes FROM changes")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let bytes = row.get_ref(0)?.as_blob()?;
            self.hashes
                .extend(ChangeHeader::parse(bytes).map(|header| header.hash));
            self.markers.extend(Marker::find(bytes));
        }
        let mut statement = sql.prepare_cached("SELECT bytes FROM quarantine")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let bytes = row.get_ref(0)?.as_blob()?;
            self.refused_hashes
                .extend(ChangeHeader::parse(bytes).map(|header| header.hash));
            self.refused_markers.extend(Marker::find(bytes));
        }
        Ok(())
    }
}

fn list(json: &Json) -> impl Iterator<Item = &Json> {
    json.as_array().into_iter().flatten()
}

/// The bytes of hexadecimal digits in an export.
///
/// # Errors
/// When there are none.
pub fn bytes(hex: &Json) -> Result<Vec<u8>> {
    let text = hex.as_str().ok_or("the export has no bytes")?.as_bytes();
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let (pairs, _) = text.as_chunks::<2>();
    let bytes: Option<Vec<u8>> = pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect();
    bytes.ok_or_else(|| "the export's bytes are not hexadecimal".into())
}
