//! What a change would say in a document that does not hold it.
//!
//! For a person who has to decide about a change that was refused. The change is read on a copy of the
//! state that its author saw, so that it can be read although it can't join the present one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{
    chunk::ChangeHeader,
    document::{Document, Received},
    history::FieldChange,
    refusal::Refusal,
};

/// A change in words.
#[derive(Clone)]
pub struct Preview {
    /// Who wrote it, when, why, on what.
    pub header: ChangeHeader,
    /// What reads differently with it.
    pub fields: Vec<FieldChange>,
    /// The state that its author saw, with the change.
    pub document: Document,
}

impl Document {
    /// Reads a change that this document does not hold. `before` are others that it may build on and that are not here
    /// either, each after what it builds on itself. Nothing happens to this document.
    ///
    /// # Errors
    /// Why the change can't be read, also here: [`Refusal::DependsOnRefused`] where something that it builds
    /// on is unknown.
    pub fn preview<B: AsRef<[u8]>>(&self, before: &[B], change: &[u8]) -> Result<Preview, Refusal> {
        let header = ChangeHeader::parse(change)?;
        let mut known = self.clone();
        for bytes in before {
            known
                .receive(bytes.as_ref())
                .map_err(|_| Refusal::DoesNotApply)?;
        }
        let mut document = if header.deps.is_empty() {
            Document::new(self.id(), self.kind())
        } else {
            if header.deps.iter().any(|dep| !known.contains(dep)) {
                return Err(Refusal::DependsOnRefused);
            }
            let forked = catch_unwind(AssertUnwindSafe(|| known.automerge().fork_at(&header.deps)));
            let forked = forked.ok().and_then(Result::ok);
            known.with(forked.ok_or(Refusal::DoesNotApply)?)
        };
        match document.receive(change) {
            Ok(Received::Applied(header)) => {
                let read = AssertUnwindSafe(|| document.difference(&header.deps, &[header.hash]));
                let fields = catch_unwind(read)
                    .ok()
                    .flatten()
                    .ok_or(Refusal::DoesNotApply)?;
                Ok(Preview {
                    header,
                    fields,
                    document,
                })
            }
            Ok(Received::Refused(refusal)) => Err(refusal),
            Ok(_) | Err(_) => Err(Refusal::DoesNotApply),
        }
    }
}
