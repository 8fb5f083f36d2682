//! One document: its Automerge history with an identity.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{
    Automerge, Change, ChangeHash, LoadOptions, ROOT, ReadDoc, ScalarValue, TextEncoding, Value,
};

use crate::{
    chunk::{ChangeHeader, Holder, Opened},
    id::{DocumentId, Kind},
    limits,
    refusal::Refusal,
    snapshot::SnapshotHeader,
    straight::Straight,
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
    /// The history, as long as it is straight.
    straight: Straight,
    /// The history from the moment on in which it was not.
    doc: Option<Automerge>,
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
            straight: Straight::default(),
            doc: None,
        }
    }

    /// Another state of this document.
    pub(crate) fn with(&self, doc: Automerge) -> Self {
        Self {
            id: self.id,
            kind: self.kind,
            straight: Straight::default(),
            doc: Some(doc),
        }
    }

    /// The history in Automerge.
    pub(crate) fn automerge(&self) -> &Automerge {
        match &self.doc {
            Some(doc) => doc,
            None => self.straight.automerge(),
        }
    }

    /// The history in Automerge, to be changed there.
    pub(crate) fn automerge_mut(&mut self) -> &mut Automerge {
        let straight = &mut self.straight;
        self.doc
            .get_or_insert_with(|| std::mem::take(straight).into_automerge())
    }

    /// The history as long as it is straight.
    pub(crate) fn straight(&self) -> Option<&Straight> {
        self.doc.is_none().then_some(&self.straight)
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
        let mut document = Self::new(id, kind);
        if let Some(bytes) = snapshot {
            document.doc = Some(guarded(|| load(bytes)).map_err(failed)?);
        }
        let mut rest = Vec::new();
        for bytes in changes {
            let bytes = bytes.as_ref();
            let opened =
                Opened::parse(bytes).map_err(|refusal| failed(refusal.code().to_owned()))?;
            if document.contains(&opened.header.hash) {
                continue;
            }
            if rest.is_empty() && document.follow(&opened, bytes) {
                continue;
            }
            rest.push(bytes.to_vec());
        }
        if !rest.is_empty() {
            guarded(|| apply_all(document.automerge_mut(), rest)).map_err(failed)?;
        }
        Ok(document)
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
            let doc = document.automerge();
            // Each change has to come out of it again: whoever merges or tells the history asks for them.
            let fits = doc.stats().num_ops <= limits::MAX_DOCUMENT_OPS
                && doc.get_changes(&[]).len() as u64 == header.changes;
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
        self.automerge().save_nocompress()
    }

    /// The newest changes, in ascending order of their hashes.
    pub fn heads(&self) -> Vec<ChangeHash> {
        match self.straight() {
            Some(straight) => straight
                .changes()
                .last()
                .map(|(hash, _)| *hash)
                .into_iter()
                .collect(),
            None => self.automerge().get_heads(),
        }
    }

    /// Whether a change is in the document.
    pub fn contains(&self, hash: &ChangeHash) -> bool {
        match self.straight() {
            Some(straight) => straight.find(hash).is_some(),
            None => self.automerge().get_change_meta_by_hash(hash).is_some(),
        }
    }

    /// How many changes there are.
    pub fn change_count(&self) -> usize {
        match self.straight() {
            Some(straight) => straight.changes().len(),
            None => usize::try_from(self.automerge().stats().num_changes).unwrap_or(usize::MAX),
        }
    }

    /// Every change, in the document's own order: each after what it builds on.
    pub fn hashes(&self) -> Vec<ChangeHash> {
        match self.straight() {
            Some(straight) => straight.changes().iter().map(|(hash, _)| *hash).collect(),
            None => self
                .automerge()
                .get_changes_meta(&[])
                .iter()
                .map(|meta| meta.hash)
                .collect(),
        }
    }

    /// The uncompressed chunks of every change that is not an ancestor of `heads`, in causal order.
    /// Heads that the document does not know are ignored.
    pub fn changes_since(&self, heads: &[ChangeHash]) -> Vec<Vec<u8>> {
        if let Some(straight) = self.straight() {
            let known = heads.iter().filter_map(|head| straight.find(head));
            let first = known.map(|(place, _)| place + 1).max().unwrap_or(0);
            let changes = straight.changes().iter().skip(first);
            return changes.map(|(_, bytes)| bytes.clone()).collect();
        }
        let known: Vec<ChangeHash> = heads
            .iter()
            .copied()
            .filter(|head| self.contains(head))
            .collect();
        self.automerge()
            .get_changes(&known)
            .iter()
            .map(|change| change.raw_bytes().to_vec())
            .collect()
    }

    /// One change as its uncompressed chunk.
    pub fn change(&self, hash: &ChangeHash) -> Option<Vec<u8>> {
        match self.straight() {
            Some(straight) => straight.find(hash).map(|(_, bytes)| bytes.to_vec()),
            None => self
                .automerge()
                .get_change_by_hash(hash)
                .map(|change| change.raw_bytes().to_vec()),
        }
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
        let opened = match Opened::parse(bytes) {
            Ok(opened) => opened,
            Err(refusal) => return Ok(Received::Refused(refusal)),
        };
        if self.contains(&opened.header.hash) {
            return Ok(Received::Had(opened.header));
        }
        if self.follow(&opened, bytes) {
            if self.change_count() == 1 && !self.states_itself() {
                self.straight = Straight::default();
                return Ok(Received::Refused(Refusal::WrongDocument));
            }
            return Ok(Received::Applied(opened.header));
        }
        let header = opened.header;
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
        let applied = catch_unwind(AssertUnwindSafe(|| self.merge(bytes, &header.hash)));
        match applied {
            Ok(Ok(())) => Ok(Received::Applied(header)),
            Ok(Err(Refusal::DoesNotApply)) => Err(Poisoned("the change does not apply".to_owned())),
            Ok(Err(refusal)) => Ok(Received::Refused(refusal)),
            Err(panic) => Err(Poisoned(panic_text(&*panic))),
        }
    }

    /// Takes a change in where the history stays straight with it; else nothing is done.
    fn follow(&mut self, opened: &Opened<'_>, bytes: &[u8]) -> bool {
        if self.doc.is_some() {
            return false;
        }
        let followed = self.straight.take(opened, bytes).is_some();
        if !followed {
            self.automerge_mut();
        }
        followed
    }

    /// What the document says, where everything in it can be read: the check of [`Document::is_readable`] for those
    /// who want to know it anyway.
    pub fn checked_contents(&self) -> Option<Contents> {
        catch_unwind(AssertUnwindSafe(|| self.contents())).ok()
    }

    /// Whether everything in the document can be read.
    pub fn is_readable(&self) -> bool {
        self.straight().is_some()
            || catch_unwind(AssertUnwindSafe(|| self.automerge().hydrate(None))).is_ok()
    }

    /// What Automerge does not check, or checks by panicking: see `docs/decisions/0005-strangers-bytes-before-automerge.md`.
    fn fits(&self, header: &ChangeHeader) -> Result<(), Refusal> {
        let doc = self.automerge();
        let stats = doc.stats();
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
            if let Some(meta) = doc.get_change_meta_by_hash(dep) {
                ancestors_max_op = ancestors_max_op.max(meta.max_op);
            }
        }
        if header.start_op <= ancestors_max_op || header.max_op() > limits::MAX_COUNTER {
            return Err(Refusal::BrokenSequence);
        }
        let actor = header.actor.to_automerge();
        let own_last = doc
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
            && doc
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
        let doc = self.automerge();
        for holder in holders {
            let above = match holder.object {
                None => 0,
                Some((counter, actor)) => {
                    let name = format!("{counter}@{}", actor.to_automerge().to_hex_string());
                    let (object, _) = doc.import(&name).map_err(|_| Refusal::DoesNotApply)?;
                    let parents = doc.parents(&object).map_err(|_| Refusal::DoesNotApply)?;
                    parents.take(limits::MAX_DEPTH).count()
                }
            };
            if above + holder.levels > limits::MAX_DEPTH {
                return Err(Refusal::TooLarge);
            }
        }
        Ok(())
    }

    /// Takes a change in by Automerge.
    fn merge(&mut self, bytes: &[u8], hash: &ChangeHash) -> Result<(), Refusal> {
        let change = Change::from_bytes(bytes.to_vec()).map_err(|_| Refusal::Malformed)?;
        if change.hash() != *hash {
            return Err(Refusal::Malformed);
        }
        let doc = self.automerge_mut();
        let first = doc.is_empty();
        doc.apply_changes([change])
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
            self.doc = Some(Automerge::new_with_encoding(ENCODING));
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
        if let Some(straight) = self.straight() {
            return straight.scalar(key)?.as_str().map(str::to_owned);
        }
        match self.automerge().get(ROOT, key) {
            Ok(Some((Value::Scalar(scalar), _))) => match scalar.as_ref() {
                ScalarValue::Str(text) => Some(text.to_string()),
                _ => None,
            },
            _ => None,
        }
    }

    /// A whole number at the root of the document; the winning one where several are live.
    pub fn integer(&self, key: &str) -> Option<i64> {
        if let Some(straight) = self.straight() {
            return straight.scalar(key)?.as_i64();
        }
        match self.automerge().get(ROOT, key).ok()?? {
            (Value::Scalar(scalar), _) => match scalar.as_ref() {
                ScalarValue::F64(_) => None,
                scalar => scalar.as_i64(),
            },
            _ => None,
        }
    }

    /// An id at the root of the document.
    pub fn document_id(&self, key: &str) -> Option<DocumentId> {
        self.line(key)?.parse().ok()
    }
}

/// A whole document in Automerge.
fn load(bytes: &[u8]) -> Result<Automerge, String> {
    let options = LoadOptions::new().text_encoding(ENCODING);
    Automerge::load_with_options(bytes, options).map_err(|error| error.to_string())
}

/// Applies stored changes, all of them or none.
fn apply_all(doc: &mut Automerge, changes: Vec<Vec<u8>>) -> Result<(), String> {
    let decoded: Result<Vec<Change>, _> = changes.into_iter().map(Change::from_bytes).collect();
    let decoded = decoded.map_err(|error| error.to_string())?;
    let hashes: Vec<ChangeHash> = decoded.iter().map(Change::hash).collect();
    doc.apply_changes(decoded)
        .map_err(|error| error.to_string())?;
    let missing = hashes
        .iter()
        .find(|hash| doc.get_change_meta_by_hash(hash).is_none());
    match missing {
        Some(hash) => Err(format!("change {hash} lacks what it builds on")),
        None => Ok(()),
    }
}

/// Does what may panic on bytes that are not what they should be.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panic_text(&*panic)))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic without a message".to_owned())
}
