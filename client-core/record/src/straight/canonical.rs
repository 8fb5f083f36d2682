//! Whether the columns of a change are encoded as Automerge would encode them.
//!
//! Automerge keeps operations, not chunks, and encodes a change anew when somebody asks for it. One that was encoded in another
//! way would come back under another hash. There is one way: runs are as long as they can be, rows that repeat are told from rows
//! that don't, and a column that says nothing is absent. (Numbers are in their shortest form where they are read.)

use crate::{
    chunk::{
        Opened,
        columns::{find, text},
        operations::{
            ACTION, INSERT, KEY_ACTOR, KEY_COUNTER, KEY_TEXT, OBJECT_ACTOR, OBJECT_COUNTER,
            PREDECESSOR_ACTOR, PREDECESSOR_COUNTER, PREDECESSORS, VALUE_META,
        },
        reader::Reader,
    },
    refusal::Refusal,
};

/// Whether every column of the change is.
pub(super) fn columns_are(opened: &Opened<'_>) -> bool {
    let column = |specification| find(&opened.columns, specification);
    let numbers = [
        OBJECT_ACTOR,
        OBJECT_COUNTER,
        KEY_ACTOR,
        ACTION,
        VALUE_META,
        PREDECESSORS,
        PREDECESSOR_ACTOR,
    ];
    let sums = [KEY_COUNTER, PREDECESSOR_COUNTER];
    opened.columns.iter().all(|(_, bytes)| !bytes.is_empty())
        && numbers
            .iter()
            .all(|one| runs_are(column(*one), |reader| reader.unsigned()) == Ok(true))
        && sums
            .iter()
            .all(|one| runs_are(column(*one), |reader| reader.signed()) == Ok(true))
        && runs_are(column(KEY_TEXT), text) == Ok(true)
        && booleans_are(column(INSERT)) == Ok(true)
}

/// What the last rows were.
#[derive(PartialEq, Eq)]
enum Last<T> {
    None,
    Nothing,
    Repeated(T),
    Literal(T),
}

/// Whether runs are the longest that the rows allow.
fn runs_are<'a, T: PartialEq>(
    bytes: &'a [u8],
    read: impl Fn(&mut Reader<'a>) -> Result<T, Refusal>,
) -> Result<bool, Refusal> {
    let mut reader = Reader(bytes);
    let mut last = Last::None;
    while !reader.is_empty() {
        match reader.signed()? {
            0 => {
                reader.unsigned()?;
                // Nothing in every row: the column is absent instead.
                if last == Last::Nothing || (last == Last::None && reader.is_empty()) {
                    return Ok(false);
                }
                last = Last::Nothing;
            }
            rows @ 1.. => {
                let value = read(&mut reader)?;
                let goes_on = matches!(&last, Last::Repeated(before) | Last::Literal(before) if *before == value);
                if rows == 1 || goes_on {
                    return Ok(false);
                }
                last = Last::Repeated(value);
            }
            rows => {
                if matches!(last, Last::Literal(_)) {
                    return Ok(false);
                }
                for _ in 0..rows.unsigned_abs() {
                    let value = read(&mut reader)?;
                    if matches!(&last, Last::Repeated(before) | Last::Literal(before) if *before == value)
                    {
                        return Ok(false);
                    }
                    last = Last::Literal(value);
                }
            }
        }
    }
    Ok(true)
}

/// Whether runs of false and true take turns; only the first, of false, may be empty.
fn booleans_are(bytes: &[u8]) -> Result<bool, Refusal> {
    let mut reader = Reader(bytes);
    let mut first = true;
    while !reader.is_empty() {
        if reader.unsigned()? == 0 && !first {
            return Ok(false);
        }
        first = false;
    }
    Ok(true)
}
