//! Finishing a record, which the device signs, and verifying what was signed.

use rusqlite::Connection;
use sokiem_record::{
    ChangeHash,
    attestation::HeadsStatement,
    document::Document,
    edit::Edit,
    genesis,
    id::{DocumentId, Kind},
    signing::PublicKey,
    verification::{self, History, Keys, Verification, read_history},
};

use crate::{
    book::{
        Book, Saved,
        writing::{author, put_pending, require_size, require_writable},
    },
    error::{Error, Result},
    platform::new_uuid,
    store::{documents, enrolment, projection},
};

/// What this device can judge signatures by.
struct Judge {
    keys: Keys,
    server: Vec<PublicKey>,
}

impl Book {
    /// Says that the visit is complete, and signs the state that says so with the device's key. Finishing
    /// what is finished and signed already writes nothing; after later changes it signs anew.
    ///
    /// # Errors
    /// [`Error::NotEnrolled`], and as [`Book::edit`]; nothing was written.
    pub fn finish(&self, document: DocumentId, base: Option<&[ChangeHash]>) -> Result<Saved> {
        let now_ms = self.now_ms();
        let id = new_uuid(self.clock(), self.random())?;
        self.write(|connection, cache| {
            let before =
                documents::find(connection, document)?.ok_or(Error::NoSuchDocument(document))?;
            require_writable(connection, before.kind, before.area)?;
            let enrolment = enrolment::get(connection)?.ok_or(Error::NotEnrolled)?;
            let author = author(connection, now_ms, None)?;
            let mut content = match cache.take(document, &before.heads) {
                Some(content) => content,
                None => documents::load(connection, &before)?,
            };
            let key = &enrolment.key.key;
            let done = Edit::Set {
                path: "finished"
                    .parse()
                    .map_err(|_| Error::Unreadable("a field's name"))?,
                value: true.into(),
            };
            let mut written = Vec::new();
            written.extend(content.edit(&author, base, &[done])?);
            if !written.is_empty() || !is_signed(&content, key.public_key()) {
                let statement = HeadsStatement {
                    document,
                    kind: before.kind,
                    heads: content.heads(),
                    account: enrolment.account,
                    device: enrolment.device,
                    signed_ms: now_ms,
                };
                let (name, title) = (&enrolment.account_name, &enrolment.account_title);
                let element = statement
                    .element(id, key, name, title)
                    .map_err(|_| Error::Unreadable("a signature's path"))?;
                written.extend(content.edit(&author, None, &[element])?);
            }
            for change in &written {
                require_size(change)?;
                put_pending(connection, document, change, now_ms)?;
            }
            let heads = content.heads();
            let after = documents::Row {
                heads: heads.clone(),
                ..before.clone()
            };
            documents::update(connection, &before, &after)?;
            projection::put(connection, &content, before.area)?;
            cache.put(content);
            Ok(Saved {
                document,
                change: written.last().map(|written| written.hash),
                heads,
            })
        })
    }

    /// Who signed which state of a record, what changed since, what was decided on which state, and
    /// whether any byte of the history is not what was signed. A history that is damaged is an answer
    /// and not an error.
    ///
    /// # Errors
    /// [`Error::NoSuchDocument`], [`Error::Database`].
    pub fn verify(&self, document: DocumentId) -> Result<Verification> {
        self.read(|connection| {
            let row =
                documents::find(connection, document)?.ok_or(Error::NoSuchDocument(document))?;
            verify(connection, &row, &judge(connection)?)
        })
    }

    /// [`Book::verify`] for every record on this device, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Database`] when the database can't be read.
    pub fn verify_all(&self) -> Result<Vec<Verification>> {
        self.read(|connection| {
            let judge = judge(connection)?;
            documents::all(connection)?
                .iter()
                .map(|row| verify(connection, row, &judge))
                .collect()
        })
    }
}

/// Whether the present state is signed with this key already.
fn is_signed(content: &Document, key: PublicKey) -> bool {
    verification::signatures(content, &Keys::default(), |_| None)
        .iter()
        .any(|one| one.key == Some(key) && one.since.as_ref().is_some_and(Vec::is_empty))
}

/// Rosters that can't be read are left out: their keys are then not known.
fn judge(connection: &Connection) -> Result<Judge> {
    let mut keys = Keys::default();
    for row in documents::all(connection)? {
        if row.kind == Kind::Area
            && let Ok(area) = documents::load(connection, &row)
        {
            keys.learn(&area);
        }
    }
    Ok(Judge {
        keys,
        server: enrolment::server_key(connection)?.into_iter().collect(),
    })
}

fn verify(connection: &Connection, row: &documents::Row, judge: &Judge) -> Result<Verification> {
    let snapshot = documents::snapshot(connection, row.id)?;
    let snapshot = snapshot.as_ref().map(|snapshot| snapshot.bytes.as_slice());
    let stored = documents::changes(connection, row.id)?;
    let changes: Vec<(ChangeHash, &[u8])> = stored
        .iter()
        .map(|change| (change.hash, change.bytes.as_slice()))
        .collect();
    let mut verified = Verification {
        document: row.id,
        history: History::Whole { changes: 0 },
        signatures: Vec::new(),
        decisions: Vec::new(),
    };
    let content = match read_history(row.id, row.kind, snapshot, &changes, &row.heads) {
        Ok(content) => content,
        Err(reason) => {
            verified.history = History::Broken { reason };
            return Ok(verified);
        }
    };
    verified.history = History::Whole {
        changes: content.change_count(),
    };
    let receipts = documents::receipts(connection, row)?;
    verified.signatures =
        verification::signatures(&content, &judge.keys, |hash| receipts.get(hash).copied());
    verified.decisions = match row.kind {
        Kind::Inspection => match load(connection, genesis::review_id(row.id))? {
            Some(review) => verification::decisions(&review, Some(&content), &judge.server),
            None => Vec::new(),
        },
        Kind::Review => {
            let about = content.document_id("inspection");
            let inspection = about.map(|id| load(connection, id)).transpose()?.flatten();
            verification::decisions(&content, inspection.as_ref(), &judge.server)
        }
        _ => Vec::new(),
    };
    Ok(verified)
}

/// Another document, if it is here and can be read.
fn load(connection: &Connection, id: DocumentId) -> Result<Option<Document>> {
    let row = documents::find(connection, id)?;
    Ok(row.and_then(|row| documents::load(connection, &row).ok()))
}
