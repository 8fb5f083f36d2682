//! Ids and hashes as columns.

use rusqlite::{
    Row, RowIndex,
    types::{FromSqlError, Type},
};
use sokiem_record::{
    ChangeHash,
    id::{AccountId, ActorId, AreaId, DeviceId, DocumentId, EpochId, Kind},
};

/// An id that a blob of 16 bytes holds.
pub(crate) trait Id: Sized {
    /// The id of these bytes; `None` when there are not 16.
    fn read(bytes: &[u8]) -> Option<Self>;
}

macro_rules! ids {
    ($($id:ident),*) => {$(
        impl Id for $id {
            fn read(bytes: &[u8]) -> Option<Self> {
                $id::from_slice(bytes)
            }
        }
    )*};
}
ids!(AccountId, ActorId, AreaId, DeviceId, DocumentId, EpochId);

fn wrong(what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        0,
        Type::Blob,
        Box::new(FromSqlError::Other(format!("not a {what}").into())),
    )
}

/// The id in a column.
pub(crate) fn id<T: Id>(row: &Row<'_>, index: impl RowIndex) -> rusqlite::Result<T> {
    T::read(row.get_ref(index)?.as_blob()?).ok_or_else(|| wrong("id"))
}

/// The id in a column that may be null.
pub(crate) fn optional_id<T: Id>(
    row: &Row<'_>,
    index: impl RowIndex,
) -> rusqlite::Result<Option<T>> {
    match row.get_ref(index)?.as_blob_or_null()? {
        Some(bytes) => T::read(bytes).map(Some).ok_or_else(|| wrong("id")),
        None => Ok(None),
    }
}

/// The change hash in a column.
pub(crate) fn hash(row: &Row<'_>, index: impl RowIndex) -> rusqlite::Result<ChangeHash> {
    row.get_ref(index)?
        .as_blob()?
        .try_into()
        .map(ChangeHash)
        .map_err(|_| wrong("hash"))
}

/// The hashes in a column, one after the other.
pub(crate) fn hashes(row: &Row<'_>, index: impl RowIndex) -> rusqlite::Result<Vec<ChangeHash>> {
    let bytes = row.get_ref(index)?.as_blob()?;
    let (chunks, rest) = bytes.as_chunks::<32>();
    if rest.is_empty() {
        Ok(chunks.iter().copied().map(ChangeHash).collect())
    } else {
        Err(wrong("list of hashes"))
    }
}

/// What [`hashes`] reads.
pub(crate) fn joined(hashes: &[ChangeHash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The kind of document in a column.
pub(crate) fn kind(row: &Row<'_>, index: impl RowIndex) -> rusqlite::Result<Kind> {
    Kind::from_name(row.get_ref(index)?.as_str()?).ok_or_else(|| wrong("kind"))
}
