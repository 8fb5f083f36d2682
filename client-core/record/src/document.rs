//! One document: its Automerge history with an identity.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{
    Automerge, Change, ChangeHash, LoadOptions, ROOT, ReadDoc, ScalarValue, TextEncoding, Value,
};

use crate::{
    chunk::{ChangeHeader, Holder},
    id::{DocumentId, Kind},
    limits,
    refusal::Refusal,
    snapshot::SnapshotHeader,
    summary::Contents,
};

/// Positions in text count Unicode code points on every platform.
pub(crate) const ENCODING: TextEncoding = TextEncoding::UnicodeCodePoint;

/// One document. Reading is cheap; a change goes in by [`Document::receive`] (somebody else's) or
/// [`Document::edit`] (one's own).
#[derive(Clone)]
pub struct Document {
    id: DocumentId,
    kind: Kind,
    pub(crate) doc: Automerge,
}

/// Bytes from one's own disk that can't be read as the document that they should be.
#[derive(Debug, thiserror::Error)]
#[error("stored document {id} can't be read: {reason}")]
pub struct DocumentError {
    /// Which document.
    pub id: DocumentId,
    /// What Automerge or the header check said.
    pub reason: String,
}

/// What came of somebody else's change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is in the document now.
    Applied(ChangeHeader),
    /// It was in the document before.
    Had(ChangeHeader),
    /// These changes have to come first; nothing was done.
    Missing(ChangeHeader, Vec<ChangeHash>),
    /// It can't be taken; nothing was done.
    Refused(Refusal),
}

/// A change went wrong while it was applied: this document in memory is to be thrown away and loaded
/// again. The change is to be refused with [`Refusal::DoesNotApply`].
#[derive(Debug, thiserror::Error)]
#[error("the document must be loaded again: {0}")]
pub struct Poisoned(pub String);

impl Document {
    /// A document before its first change.
    pub fn new(id: DocumentId, kind: Kind) -> Self {
        Self {
            id,
            kind,
            doc: Automerge::new_with_encoding(ENCODING),
        }
    }

    /// Another state of this document.
    pub(crate) fn with(&self, doc: Automerge) -> Self {
        Self {
            id: self.id,
            kind: self.kind,
            doc,
        }
    }

    /// Loads a document from one's own disk: a snapshot, where there is one, and changes on top of
    /// it. For changes from elsewhere use [`Document::receive`].
    ///
    /// # Errors
    /// [`DocumentError`] when the bytes are damaged or a change lacks what it builds on.
    pub fn load<B: AsRef<[u8]>>(
        id: DocumentId,
        kind: Kind,
        snapshot: Option<&[u8]>,
        changes: impl IntoIterator<Item = B>,
    ) -> Result<Self, DocumentError> {
        let failed = |reason: String| DocumentError { id, reason };
        let load = || -> Result<Automerge, String> {
            let mut doc = match snapshot {
                Some(bytes) => {
                    Automerge::load_with_options(bytes, LoadOptions::new().text_encoding(ENCODING))
                        .map_err(|error| error.to_string())?
                }
                None => Automerge::new_with_encoding(ENCODING),
            };
            let mut decoded = Vec::new();
            for bytes in changes {
                let header = ChangeHeader::parse(bytes.as_ref())
                    .map_err(|refusal| refusal.code().to_owned())?;
                if doc.get_change_meta_by_hash(&header.hash).is_none() {
                    decoded.push(
                        Change::from_bytes(bytes.as_ref().to_vec())
                            .map_err(|error| error.to_string())?,
                    );
                }
            }
            let hashes: Vec<ChangeHash> = decoded.iter().map(Change::hash).collect();
            doc.apply_changes(decoded)
                .map_err(|error| error.to_string())?;
            match hashes
                .iter()
                .find(|hash| doc.get_change_meta_by_hash(hash).is_none())
            {
                Some(hash) => Err(format!("change {hash} lacks what it builds on")),
                None => Ok(doc),
            }
        };
        let doc = catch_unwind(AssertUnwindSafe(load))
            .map_err(|panic| failed(panic_text(&*panic)))?
            .map_err(failed)?;
        Ok(Self { id, kind, doc })
    }

    /// Checks a whole document that came from elsewhere, and loads it. Nothing of it is trusted: what it
    /// claims is bounded before Automerge sees it, and it must state this id and kind and be readable. Reading all
    /// of it is part of the check, so that what it says comes with it.
    ///
    /// # Errors
    /// Why it can't be taken.
    pub fn receive_whole(
        id: DocumentId,
        kind: Kind,
        bytes: &[u8],
    ) -> Result<(Self, Contents), Refusal> {
        let header = SnapshotHeader::parse(bytes)?;
        let none: [&[u8]; 0] = [];
        let document = Self::load(id, kind, Some(bytes), none).map_err(|_| Refusal::Malformed)?;
        let read = catch_unwind(AssertUnwindSafe(|| {
            let fits = document.doc.stats().num_ops <= limits::MAX_DOCUMENT_OPS
                && document.change_count() as u64 == header.changes;
            (document.contents(), fits, document.states_itself())
        }));
        match read {
            Ok((contents, true, true)) => Ok((document, contents)),
            Ok((_, true, false)) => Err(Refusal::WrongDocument),
            Ok((_, false, _)) => Err(Refusal::TooLarge),
            Err(_) => Err(Refusal::DoesNotApply),
        }
    }

    /// Which document this is.
    pub fn id(&self) -> DocumentId {
        self.id
    }

    /// What it is about.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The whole history as one uncompressed Automerge document chunk.
    pub fn save(&self) -> Vec<u8> {
        self.doc.save_nocompress()
    }

    /// The newest changes, in ascending order of their hashes.
    pub fn heads(&self) -> Vec<ChangeHash> {
        self.doc.get_heads()
    }

    /// Whether a change is in the document.
    pub fn contains(&self, hash: &ChangeHash) -> bool {
        self.doc.get_change_meta_by_hash(hash).is_some()
    }

    /// How many changes there are.
    pub fn change_count(&self) -> usize {
        usize::try_from(self.doc.stats().num_changes).unwrap_or(usize::MAX)
    }

    /// Every change, in the document's own order: each after what it builds on.
    pub fn hashes(&self) -> Vec<ChangeHash> {
        self.doc
            .get_changes_meta(&[])
            .iter()
            .map(|meta| meta.hash)
            .collect()
    }

    /// The uncompressed chunks of every change that is not an ancestor of `heads`, in causal order.
    /// Heads that the document does not know are ignored.
    pub fn changes_since(&self, heads: &[ChangeHash]) -> Vec<Vec<u8>> {
        let known: Vec<ChangeHash> = heads
            .iter()
            .copied()
            .filter(|head| self.contains(head))
            .collect();
        self.doc
            .get_changes(&known)
            .iter()
            .map(|change| change.raw_bytes().to_vec())
            .collect()
    }

    /// One change as its uncompressed chunk.
    pub fn change(&self, hash: &ChangeHash) -> Option<Vec<u8>> {
        self.doc
            .get_change_by_hash(hash)
            .map(|change| change.raw_bytes().to_vec())
    }

    /// Checks one change that came from elsewhere, and takes it in if it fits. Who may send it is
    /// for the caller to decide from the header: see [`ChangeHeader::parse`].
    ///
    /// # Errors
    /// [`Poisoned`] when Automerge failed half-way; the document is then unusable.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Received, Poisoned> {
        let received = self.receive_unread(bytes)?;
        if matches!(received, Received::Applied(_)) && !self.is_readable() {
            return Err(Poisoned("the document can't be read with it".to_owned()));
        }
        Ok(received)
    }

    /// As [`Document::receive`], without reading the whole document once it is in: for many changes at once.
    /// The caller asks [`Document::is_readable`] or [`Document::checked_contents`] before relying on any of them.
    ///
    /// # Errors
    /// As [`Document::receive`].
    pub fn receive_unread(&mut self, bytes: &[u8]) -> Result<Received, Poisoned> {
        let header = match ChangeHeader::parse(bytes) {
            Ok(header) => header,
            Err(refusal) => return Ok(Received::Refused(refusal)),
        };
        if self.contains(&header.hash) {
            return Ok(Received::Had(header));
        }
        let missing: Vec<ChangeHash> = header
            .deps
            .iter()
            .copied()
            .filter(|dep| !self.contains(dep))
            .collect();
        if !missing.is_empty() {
            return Ok(Received::Missing(header, missing));
        }
        match catch_unwind(AssertUnwindSafe(|| self.fits(&header))) {
            Ok(Ok(())) => {}
            Ok(Err(refusal)) => return Ok(Received::Refused(refusal)),
            Err(panic) => return Err(Poisoned(panic_text(&*panic))),
        }
        let applied = catch_unwind(AssertUnwindSafe(|| self.apply(bytes, &header.hash)));
        match applied {
            Ok(Ok(())) => Ok(Received::Applied(header)),
            Ok(Err(Refusal::DoesNotApply)) => Err(Poisoned("the change does not apply".to_owned())),
            Ok(Err(refusal)) => Ok(Received::Refused(refusal)),
            Err(panic) => Err(Poisoned(panic_text(&*panic))),
        }
    }

    /// What the document says, where everything in it can be read: the check of [`Document::is_readable`] for those
    /// who want to know it anyway.
    pub fn checked_contents(&self) -> Option<Contents> {
        catch_unwind(AssertUnwindSafe(|| self.contents())).ok()
    }

    /// Whether everything in the document can be read.
    pub fn is_readable(&self) -> bool {
        catch_unwind(AssertUnwindSafe(|| self.doc.hydrate(None))).is_ok()
    }

    /// What Automerge does not check, or checks by panicking: see `docs/decisions/0005-strangers-bytes-before-automerge.md`.
    fn fits(&self, header: &ChangeHeader) -> Result<(), Refusal> {
        let stats = self.doc.stats();
        if stats.num_ops.saturating_add(header.ops) > limits::MAX_DOCUMENT_OPS
            || stats.num_changes >= limits::MAX_DOCUMENT_CHANGES
        {
            return Err(Refusal::TooLarge);
        }
        // The first change begins the document; there is only one.
        if header.deps.is_empty() != (stats.num_changes == 0) {
            return Err(Refusal::WrongDocument);
        }
        let mut ancestors_max_op = 0;
        for dep in &header.deps {
            if let Some(meta) = self.doc.get_change_meta_by_hash(dep) {
                ancestors_max_op = ancestors_max_op.max(meta.max_op);
            }
        }
        if header.start_op <= ancestors_max_op || header.max_op() > limits::MAX_COUNTER {
            return Err(Refusal::BrokenSequence);
        }
        let actor = header.actor.to_automerge();
        let own_last = self
            .doc
            .get_changes_meta(&[])
            .iter()
            .filter(|meta| *meta.actor == actor)
            .map(|meta| (meta.seq, meta.hash))
            .max_by_key(|(seq, _)| *seq);
        let own_last_seq = own_last.map_or(0, |(seq, _)| seq);
        if header.seq <= own_last_seq {
            return Err(Refusal::ForkedActor);
        }
        // Nearly always the own previous change is named; else it must be an ancestor.
        let named = own_last.is_none_or(|(_, hash)| header.deps.contains(&hash));
        let concurrent_to_own = !named
            && self
                .doc
                .get_changes_meta(&header.deps)
                .iter()
                .any(|meta| *meta.actor == actor);
        if header.seq != own_last_seq + 1 || concurrent_to_own {
            return Err(Refusal::BrokenSequence);
        }
        self.bears(&header.holders)
    }

    /// Whether objects may be made where a change makes them: in objects that are there, and not too
    /// deep. Reading a document goes down by recursion, and running out of stack can't be caught.
    fn bears(&self, holders: &[Holder]) -> Result<(), Refusal> {
        for holder in holders {
            let above = match holder.object {
                None => 0,
                Some((counter, actor)) => {
                    let name = format!("{counter}@{}", actor.to_automerge().to_hex_string());
                    let (object, _) = self.doc.import(&name).map_err(|_| Refusal::DoesNotApply)?;
                    let parents = self
                        .doc
                        .parents(&object)
                        .map_err(|_| Refusal::DoesNotApply)?;
                    parents.take(limits::MAX_DEPTH).count()
                }
            };
            if above + holder.levels > limits::MAX_DEPTH {
                return Err(Refusal::TooLarge);
            }
        }
        Ok(())
    }

    fn apply(&mut self, bytes: &[u8], hash: &ChangeHash) -> Result<(), Refusal> {
        let change = Change::from_bytes(bytes.to_vec()).map_err(|_| Refusal::Malformed)?;
        if change.hash() != *hash {
            return Err(Refusal::Malformed);
        }
        let first = self.doc.is_empty();
        self.doc
            .apply_changes([change])
            .map_err(|_| Refusal::DoesNotApply)?;
        // A change that was queued instead of applied, or that makes the document unreadable, must
        // come to light here and not when somebody opens the record.
        if !self.contains(hash) {
            return Err(Refusal::DoesNotApply);
        }
        // Automerge keeps operations, not chunks, and encodes a change anew when it is asked for. One
        // that was not encoded in the canonical form would come back under another hash, and reading
        // the history or a saved copy would fail.
        if self.change(hash).as_deref() != Some(bytes) {
            return Err(Refusal::DoesNotApply);
        }
        if first && !self.states_itself() {
            self.doc = Automerge::new_with_encoding(ENCODING);
            return Err(Refusal::WrongDocument);
        }
        Ok(())
    }

    /// Whether the document says that it has this id and kind.
    pub fn states_itself(&self) -> bool {
        self.line("id").as_deref() == Some(self.id.to_string().as_str())
            && self.line("kind").as_deref() == Some(self.kind.name())
    }

    /// A text at the root of the document; the winning one where several are live.
    pub fn line(&self, key: &str) -> Option<String> {
        match self.doc.get(ROOT, key) {
            Ok(Some((Value::Scalar(scalar), _))) => match scalar.as_ref() {
                ScalarValue::Str(text) => Some(text.to_string()),
                _ => None,
            },
            _ => None,
        }
    }

    /// A whole number at the root of the document; the winning one where several are live.
    pub fn integer(&self, key: &str) -> Option<i64> {
        self.doc
            .get(ROOT, key)
            .ok()?
            .and_then(|(value, _)| value.as_i64())
    }

    /// An id at the root of the document.
    pub fn document_id(&self, key: &str) -> Option<DocumentId> {
        self.line(key)?.parse().ok()
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic without a message".to_owned())
}
