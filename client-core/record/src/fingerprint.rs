//! Proof that two replicas of an area hold the same: one number per document, added up per area.

use automerge::ChangeHash;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::DocumentId;

/// The sum, modulo 2^128, of [`Fingerprint::of_document`] over the documents of an area.
///
/// A sum, unlike an exclusive or, does not cancel out when a document is counted twice, and a
/// changed document costs one subtraction and one addition. It guards against faults, not against
/// somebody who builds collisions: such a person can only confuse their own replica.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint(#[serde(with = "serde_bytes")] [u8; 16]);

impl Fingerprint {
    /// The fingerprint of one document: the first 16 bytes of SHA-256 over the id and the heads in
    /// ascending order. The order of `heads` as given does not matter.
    pub fn of_document(document: DocumentId, heads: &[ChangeHash]) -> Self {
        let mut sorted = heads.to_vec();
        sorted.sort_unstable();
        let mut hasher = Sha256::new();
        hasher.update(document.as_bytes());
        for head in &sorted {
            hasher.update(head.0);
        }
        let digest = hasher.finalize();
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(digest.iter()) {
            *to = *from;
        }
        Self(bytes)
    }

    /// This area with one more document in it.
    #[must_use]
    pub fn plus(self, document: Fingerprint) -> Self {
        Self(
            u128::from_be_bytes(self.0)
                .wrapping_add(u128::from_be_bytes(document.0))
                .to_be_bytes(),
        )
    }

    /// This area with that document taken out.
    #[must_use]
    pub fn minus(self, document: Fingerprint) -> Self {
        Self(
            u128::from_be_bytes(self.0)
                .wrapping_sub(u128::from_be_bytes(document.0))
                .to_be_bytes(),
        )
    }

    /// The 16 bytes, as stored and sent.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// From the 16 bytes that a database row holds; `None` when the length is wrong.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn adding_and_removing_a_document_restores_the_area() {
        let one = Fingerprint::of_document(DocumentId(Uuid::from_u128(1)), &[ChangeHash([7; 32])]);
        let two = Fingerprint::of_document(DocumentId(Uuid::from_u128(2)), &[ChangeHash([7; 32])]);
        assert_ne!(one, two);
        assert_eq!(
            Fingerprint::default().plus(one).plus(two).minus(one),
            Fingerprint::default().plus(two)
        );
    }

    #[test]
    fn the_order_of_heads_does_not_matter() {
        let id = DocumentId(Uuid::from_u128(1));
        let (a, b) = (ChangeHash([1; 32]), ChangeHash([2; 32]));
        assert_eq!(
            Fingerprint::of_document(id, &[a, b]),
            Fingerprint::of_document(id, &[b, a])
        );
    }
}
