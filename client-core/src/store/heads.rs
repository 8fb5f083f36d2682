//! Heads as they lie in a row: 32 bytes each, ascending.

use sokiem_record::ChangeHash;

use crate::error::{Error, Result};

pub(crate) fn encode(heads: &[ChangeHash]) -> Vec<u8> {
    let mut sorted = heads.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.iter().flat_map(|hash| hash.0).collect()
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<ChangeHash>> {
    let (heads, rest) = bytes.as_chunks::<32>();
    if rest.is_empty() {
        Ok(heads.iter().map(|hash| ChangeHash(*hash)).collect())
    } else {
        Err(Error::Unreadable("heads of a document"))
    }
}

pub(crate) fn hash(bytes: &[u8]) -> Result<ChangeHash> {
    let bytes = bytes
        .try_into()
        .map_err(|_| Error::Unreadable("the hash of a change"))?;
    Ok(ChangeHash(bytes))
}

/// The heads after one more change, which follows everything that it builds on.
pub(crate) fn advance(heads: &mut Vec<ChangeHash>, hash: ChangeHash, deps: &[ChangeHash]) {
    heads.retain(|head| !deps.contains(head) && *head != hash);
    heads.push(hash);
    heads.sort_unstable();
}
