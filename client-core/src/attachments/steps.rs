//! The steps of a run that sends attachments, without any I/O but the book's: what to ask next, and what an
//! answer means.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sokiem_record::{attachment::ContentHash, id::DocumentId, limits};

use super::{NewUpload, Standing, UploadToken};
use crate::{
    book::Book,
    error::{Error, Result},
    store::attachments::{self, Attached},
    sync::TransportError,
};

/// What to send next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadStep {
    /// Get a token.
    Token,
    /// Begin an upload.
    Begin(UploadToken, NewUpload),
    /// Ask how far it is.
    Ask(UploadToken, String),
    /// Send bytes at this offset.
    Send(UploadToken, String, u64, Vec<u8>),
    /// Nothing is left that could be sent now.
    Done(UploadReport),
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UploadReport {
    /// Attachments that the server has now.
    pub stored: u64,
    /// Attachments that it will never take.
    pub refused: u64,
    /// Attachments that have to wait: their record is not on the server, or a quota is reached.
    pub postponed: u64,
    /// Bytes that were sent and that the server has, without what had to be sent again.
    pub sent_bytes: u64,
}

/// First and smallest size of a piece; the largest is part of the protocol.
const FIRST_CHUNK: usize = 256 * 1024;
const LEAST_CHUNK: usize = 8 * 1024;
/// An upload that is gone is begun again at most so often in one run, and an answer that says nothing new is
/// asked for again at most so often.
const MOST_TRIES: u32 = 3;

/// A run. It holds no lock and no connection between its steps; dropping it loses nothing.
#[derive(Debug)]
pub struct UploadRun {
    token: Option<UploadToken>,
    /// A fresh token was refused: there is no use in another.
    tokens: u32,
    current: Option<Current>,
    chunk: usize,
    skipped: HashSet<(DocumentId, ContentHash)>,
    tries: HashMap<(DocumentId, ContentHash), u32>,
    report: UploadReport,
}

#[derive(Debug)]
struct Current {
    one: Attached,
    /// Where the server is, once it has said so in this run.
    offset: Option<u64>,
}

impl Default for UploadRun {
    fn default() -> Self {
        Self::new()
    }
}

impl UploadRun {
    /// A run at its beginning.
    pub fn new() -> Self {
        Self {
            token: None,
            tokens: 0,
            current: None,
            chunk: FIRST_CHUNK,
            skipped: HashSet::new(),
            tries: HashMap::new(),
            report: UploadReport::default(),
        }
    }

    /// What to send next.
    ///
    /// # Errors
    /// When the book can't be read.
    pub fn next(&mut self, book: &Book) -> Result<UploadStep> {
        if self.current.is_none() {
            let waiting = book.read(attachments::to_send)?;
            let next = waiting
                .into_iter()
                .find(|one| !self.skipped.contains(&(one.document, one.hash)));
            self.current = next.map(|one| Current { one, offset: None });
        }
        let Some(current) = &self.current else {
            return Ok(UploadStep::Done(self.report));
        };
        let Some(token) = self.token.clone() else {
            return Ok(UploadStep::Token);
        };
        let one = &current.one;
        let (place, offset) = match (&one.upload, current.offset) {
            (None, _) => {
                let new = NewUpload {
                    document: one.document,
                    hash: one.hash,
                    media_type: one.media_type,
                    rendition: one.rendition,
                    bytes: one.bytes,
                };
                return Ok(UploadStep::Begin(token, new));
            }
            (Some(place), None) => return Ok(UploadStep::Ask(token, place.clone())),
            (Some(place), Some(offset)) => (place.clone(), offset),
        };
        let (hash, chunk) = (one.hash, self.chunk);
        let bytes =
            book.read(|connection| attachments::bytes_at(connection, hash, offset, chunk))?;
        if bytes.is_empty() {
            return Err(Error::Unreadable("an attachment's bytes"));
        }
        Ok(UploadStep::Send(token, place, offset, bytes))
    }

    /// Takes a token in.
    pub fn token(&mut self, token: UploadToken) {
        self.token = Some(token);
        self.tokens += 1;
    }

    /// Takes in where the upload stands.
    ///
    /// # Errors
    /// When the book can't be written, or the answer makes no sense.
    pub fn stands(&mut self, book: &Book, standing: &Standing) -> Result<()> {
        let Some(current) = &mut self.current else {
            return Err(Error::Contradiction("an answer that nobody asked for"));
        };
        let one = &mut current.one;
        if standing.offset > one.bytes || standing.stored.is_some_and(|stored| stored != one.hash) {
            return Err(Error::Contradiction("an upload of something else"));
        }
        if let Some(before) = current.offset
            && standing.offset > before
        {
            self.report.sent_bytes += standing.offset - before;
            self.chunk = (self.chunk * 2).min(limits::MAX_UPLOAD_CHUNK_BYTES);
        }
        if standing.stored.is_some() {
            let now_ms = book.now_ms();
            book.transact(|tx, _| attachments::set_done(tx, one, now_ms))?;
            self.report.stored += 1;
            self.current = None;
            return Ok(());
        }
        if let Some(place) = &standing.place {
            one.upload = Some(place.clone());
        }
        // A server that has every byte and does not say that it stored them is asked once more.
        current.offset = Some(standing.offset).filter(|offset| *offset < one.bytes);
        let asked_in_vain = current.offset.is_none();
        book.transact(|tx, _| {
            attachments::set_upload(tx, one, one.upload.as_deref(), standing.offset)
        })?;
        if asked_in_vain && self.tired() {
            return Err(Error::Contradiction("a whole upload that is not stored"));
        }
        Ok(())
    }

    /// Counts a step that led nowhere; true when that was once too often.
    fn tired(&mut self) -> bool {
        let Some(current) = &self.current else {
            return true;
        };
        let tries = self
            .tries
            .entry((current.one.document, current.one.hash))
            .or_default();
        *tries += 1;
        *tries > MOST_TRIES
    }

    /// Takes in that there is no answer, or no good one.
    ///
    /// # Errors
    /// The failure itself, where going on now makes no sense.
    pub fn failed(&mut self, book: &Book, error: TransportError) -> Result<()> {
        let TransportError::Refused {
            status,
            slug,
            detail,
            detail_vi,
            ..
        } = &error
        else {
            // The line broke. Bytes of the old connection may still be on their way, so that the server is
            // further than it says when asked, and refuses the next piece: that one is small.
            self.chunk = LEAST_CHUNK;
            let resumable = matches!(error, TransportError::Cut { .. } | TransportError::Timeout);
            let under_way = self
                .current
                .as_mut()
                .and_then(|current| current.offset.take())
                .is_some();
            return if resumable && under_way {
                Ok(())
            } else {
                Err(error.into())
            };
        };
        let Some(current) = &mut self.current else {
            return Err(error.into());
        };
        let words = (detail.as_str(), detail_vi.as_deref());
        match (*status, slug.as_str()) {
            (401, _) if self.token.is_some() && self.tokens <= MOST_TRIES => self.token = None,
            (409 | 423 | 460, _) => {
                current.offset = None;
                self.chunk = LEAST_CHUNK;
                if self.tired() {
                    return Err(error.into());
                }
            }
            (404 | 410, _) if current.one.upload.is_some() => {
                current.one.upload = None;
                current.offset = None;
                let one = &current.one;
                book.transact(|tx, _| attachments::set_upload(tx, one, None, 0))?;
                if self.tired() {
                    return Err(error.into());
                }
            }
            (404 | 507, slug) => {
                let one = &current.one;
                book.transact(|tx, _| attachments::set_reason(tx, one, false, slug, words))?;
                self.skipped.insert((one.document, one.hash));
                self.report.postponed += 1;
                self.current = None;
            }
            (413 | 422, slug) => {
                let one = &current.one;
                book.transact(|tx, _| attachments::set_reason(tx, one, true, slug, words))?;
                self.report.refused += 1;
                self.current = None;
            }
            _ => return Err(error.into()),
        }
        Ok(())
    }
}
