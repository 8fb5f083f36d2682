//! The header of a whole document, read without Automerge.
//!
//! A device that is new to a document gets it as one chunk. Automerge unpacks such a chunk, deflated columns
//! and run lengths included, before anyone can say no. So what it claims is added up first, as for
//! single changes in [`crate::chunk`].

use std::collections::HashMap;

use automerge::ChangeHash;

use crate::{
    chunk::{
        ACTIONS, MAKES,
        columns::{self, find},
        reader::{self, Column, Reader},
    },
    limits,
    refusal::Refusal,
};

const TYPE_DOCUMENT: u8 = 0;

/// The columns that say what changes there are.
mod changes {
    pub(super) const ACTOR: u64 = 0x01;
    pub(super) const SEQ: u64 = 0x03;
    pub(super) const MAX_OP: u64 = 0x13;
    pub(super) const TIME: u64 = 0x23;
    pub(super) const MESSAGE: u64 = 0x35;
    pub(super) const DEPS: u64 = 0x40;
    pub(super) const DEP: u64 = 0x43;
    pub(super) const EXTRA_META: u64 = 0x56;
    pub(super) const EXTRA: u64 = 0x57;
    pub(super) const KNOWN: [u64; 9] = [
        ACTOR, SEQ, MAX_OP, TIME, MESSAGE, DEPS, DEP, EXTRA_META, EXTRA,
    ];
}

/// The columns that say what operations there are. Those of marks are missing: records have none.
mod operations {
    pub(super) const OBJECT_ACTOR: u64 = 0x01;
    pub(super) const OBJECT_COUNTER: u64 = 0x02;
    pub(super) const KEY_ACTOR: u64 = 0x11;
    pub(super) const KEY_COUNTER: u64 = 0x13;
    pub(super) const KEY_TEXT: u64 = 0x15;
    pub(super) const ID_ACTOR: u64 = 0x21;
    pub(super) const ID_COUNTER: u64 = 0x23;
    pub(super) const INSERT: u64 = 0x34;
    pub(super) const ACTION: u64 = 0x42;
    pub(super) const VALUE_META: u64 = 0x56;
    pub(super) const VALUE: u64 = 0x57;
    pub(super) const SUCCESSORS: u64 = 0x80;
    pub(super) const SUCCESSOR_ACTOR: u64 = 0x81;
    pub(super) const SUCCESSOR_COUNTER: u64 = 0x83;
    pub(super) const KNOWN: [u64; 14] = [
        OBJECT_ACTOR,
        OBJECT_COUNTER,
        KEY_ACTOR,
        KEY_COUNTER,
        KEY_TEXT,
        ID_ACTOR,
        ID_COUNTER,
        INSERT,
        ACTION,
        VALUE_META,
        VALUE,
        SUCCESSORS,
        SUCCESSOR_ACTOR,
        SUCCESSOR_COUNTER,
    ];
}

/// What a whole document says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotHeader {
    /// Its newest changes, in ascending order.
    pub heads: Vec<ChangeHash>,
    /// How many changes it holds.
    pub changes: u64,
    /// How many operations are stored; deletions are stored with what they delete.
    pub ops: u64,
}

impl SnapshotHeader {
    /// Reads and checks one uncompressed document chunk that fills `bytes` exactly.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] for anything that is no document chunk with a right checksum and undeflated
    /// columns that agree with each other, [`Refusal::TooLarge`] when a limit of [`crate::limits`] is exceeded.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > limits::MAX_SNAPSHOT_BYTES {
            return Err(Refusal::TooLarge);
        }
        let (_, mut reader) = reader::chunk(bytes, TYPE_DOCUMENT)?;
        let actors = reader.count(limits::MAX_DOCUMENT_ACTORS)?;
        for _ in 0..actors {
            reader.actor()?;
        }
        let heads = reader.hashes(limits::MAX_DOCUMENT_ACTORS)?;
        let change_layout = reader.layout(&changes::KNOWN)?;
        let op_layout = reader.layout(&operations::KNOWN)?;
        let change_columns = reader.contents(change_layout)?;
        let op_columns = reader.contents(op_layout)?;
        suffix(reader, heads.len())?;
        let changes = check_changes(&change_columns, actors as u64)?;
        let ops = check_operations(&op_columns, actors as u64)?;
        if ops > 0 {
            check_depth(&op_columns)?;
        }
        Ok(Self {
            heads,
            changes,
            ops,
        })
    }
}

/// After the columns: for each head, which change it is; or nothing.
fn suffix(mut reader: Reader<'_>, heads: usize) -> Result<(), Refusal> {
    if reader.is_empty() {
        return Ok(());
    }
    for _ in 0..heads {
        reader.unsigned()?;
    }
    if reader.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Malformed)
    }
}

/// Whether the actors that a column names exist.
fn actors(bytes: &[u8], limit: u64, known: u64) -> Result<u64, Refusal> {
    columns::numbers(bytes, limit, |run| match run.value {
        Some(actor) if actor >= known => Err(Refusal::Malformed),
        _ => Ok(()),
    })
}

fn check_changes(found: &[Column<'_>], known_actors: u64) -> Result<u64, Refusal> {
    const LIMIT: u64 = limits::MAX_DOCUMENT_CHANGES;
    let changes = actors(find(found, changes::ACTOR), LIMIT, known_actors)?;
    let (message_rows, message_bytes) = columns::texts(find(found, changes::MESSAGE), LIMIT)?;
    if message_bytes > changes.saturating_mul(limits::MAX_MESSAGE_BYTES as u64) {
        return Err(Refusal::TooLarge);
    }
    let (dep_rows, members) = columns::groups(find(found, changes::DEPS), LIMIT * 4)?;
    let extra = columns::values(
        find(found, changes::EXTRA_META),
        find(found, changes::EXTRA),
        LIMIT,
    )?;
    let rows = [
        columns::sums(find(found, changes::SEQ), LIMIT)?,
        columns::sums(find(found, changes::TIME), LIMIT)?,
        message_rows,
        dep_rows,
        extra,
    ];
    if rows.into_iter().any(|rows| rows != changes && rows != 0) {
        return Err(Refusal::Malformed);
    }
    let max_ops = columns::every_sum(find(found, changes::MAX_OP), LIMIT)?;
    let deps = columns::every_sum(find(found, changes::DEP), LIMIT * 4)?;
    if max_ops.len() as u64 != changes || deps.len() as u64 != members {
        return Err(Refusal::Malformed);
    }
    let too_high =
        |counter: &Option<u64>| counter.is_none_or(|counter| counter > limits::MAX_COUNTER);
    if max_ops.iter().any(too_high) || deps.iter().any(|dep| dep.is_none_or(|dep| dep >= changes)) {
        return Err(Refusal::Malformed);
    }
    Ok(changes)
}

fn check_operations(found: &[Column<'_>], known_actors: u64) -> Result<u64, Refusal> {
    const LIMIT: u64 = limits::MAX_DOCUMENT_OPS;
    let ops = columns::numbers(find(found, operations::ACTION), LIMIT, |run| {
        let action = run.value.ok_or(Refusal::Malformed)?;
        if ACTIONS.contains(&action) {
            Ok(())
        } else {
            Err(Refusal::Malformed)
        }
    })?;
    let (key_rows, key_bytes) = columns::texts(find(found, operations::KEY_TEXT), LIMIT)?;
    if key_bytes > limits::MAX_DOCUMENT_KEY_BYTES {
        return Err(Refusal::TooLarge);
    }
    let (group_rows, members) = columns::groups(find(found, operations::SUCCESSORS), LIMIT)?;
    let ignore = |_| Ok(());
    let values = columns::values(
        find(found, operations::VALUE_META),
        find(found, operations::VALUE),
        LIMIT,
    )?;
    let rows = [
        actors(find(found, operations::OBJECT_ACTOR), LIMIT, known_actors)?,
        columns::numbers(find(found, operations::OBJECT_COUNTER), LIMIT, ignore)?,
        actors(find(found, operations::KEY_ACTOR), LIMIT, known_actors)?,
        columns::sums(find(found, operations::KEY_COUNTER), LIMIT)?,
        key_rows,
        columns::booleans(find(found, operations::INSERT), LIMIT)?,
        values,
        group_rows,
    ];
    let ids = [
        actors(find(found, operations::ID_ACTOR), LIMIT, known_actors)?,
        columns::sums(find(found, operations::ID_COUNTER), LIMIT)?,
    ];
    let successors = [
        actors(
            find(found, operations::SUCCESSOR_ACTOR),
            LIMIT,
            known_actors,
        )?,
        columns::sums(find(found, operations::SUCCESSOR_COUNTER), LIMIT)?,
    ];
    if rows.into_iter().any(|rows| rows != ops && rows != 0)
        || ids.into_iter().any(|rows| rows != ops)
        || successors.into_iter().any(|rows| rows != members)
    {
        return Err(Refusal::Malformed);
    }
    Ok(ops)
}

/// An operation: its actor's place in the list of actors, and its counter.
type Id = (u64, u64);

/// Objects lie in each other no deeper than [`limits::MAX_DEPTH`], and none in itself.
fn check_depth(found: &[Column<'_>]) -> Result<(), Refusal> {
    const LIMIT: u64 = limits::MAX_DOCUMENT_OPS;
    let row = |column: &[Option<u64>], row: usize| column.get(row).copied().flatten();
    let actions = columns::every_number(find(found, operations::ACTION), LIMIT)?;
    let object_actors = columns::every_number(find(found, operations::OBJECT_ACTOR), LIMIT)?;
    let object_counters = columns::every_number(find(found, operations::OBJECT_COUNTER), LIMIT)?;
    let id_actors = columns::every_number(find(found, operations::ID_ACTOR), LIMIT)?;
    let id_counters = columns::every_sum(find(found, operations::ID_COUNTER), LIMIT)?;
    let mut holders: HashMap<Id, Option<Id>> = HashMap::new();
    for (index, action) in actions.iter().enumerate() {
        if action.is_some_and(|action| MAKES.contains(&action)) {
            let id = row(&id_actors, index).zip(row(&id_counters, index));
            let holder = row(&object_actors, index).zip(row(&object_counters, index));
            holders.insert(id.ok_or(Refusal::Malformed)?, holder);
        }
    }
    for start in holders.keys() {
        let (mut at, mut depth) = (*start, 1);
        while let Some(holder) = holders.get(&at).copied().flatten() {
            depth += 1;
            if depth > limits::MAX_DEPTH {
                return Err(Refusal::TooLarge);
            }
            at = holder;
        }
    }
    Ok(())
}
