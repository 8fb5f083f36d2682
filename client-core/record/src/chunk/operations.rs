//! What the operations of a change claim, from its columns.

use std::collections::BTreeMap;

use crate::{
    chunk::{
        columns::{self, find},
        reader::Column,
    },
    id::ActorId,
    limits,
    refusal::Refusal,
};

pub(crate) const OBJECT_ACTOR: u64 = 0x01;
pub(crate) const OBJECT_COUNTER: u64 = 0x02;
pub(crate) const KEY_ACTOR: u64 = 0x11;
pub(crate) const KEY_COUNTER: u64 = 0x13;
pub(crate) const KEY_TEXT: u64 = 0x15;
pub(crate) const INSERT: u64 = 0x34;
pub(crate) const ACTION: u64 = 0x42;
pub(crate) const VALUE_META: u64 = 0x56;
pub(crate) const VALUE: u64 = 0x57;
pub(crate) const PREDECESSORS: u64 = 0x70;
pub(crate) const PREDECESSOR_ACTOR: u64 = 0x71;
pub(crate) const PREDECESSOR_COUNTER: u64 = 0x73;

/// The columns of a change. Those of marks are missing: records have none.
pub(crate) const KNOWN: [u64; 12] = [
    OBJECT_ACTOR,
    OBJECT_COUNTER,
    KEY_ACTOR,
    KEY_COUNTER,
    KEY_TEXT,
    INSERT,
    ACTION,
    VALUE_META,
    VALUE,
    PREDECESSORS,
    PREDECESSOR_ACTOR,
    PREDECESSOR_COUNTER,
];

/// Makes a map, a list, a text.
pub(crate) const MAKES: [u64; 3] = [0, 2, 4];
/// Makes a map, sets, makes a list, deletes, makes a text. Missing: counters, tables, marks.
pub(crate) const ACTIONS: [u64; 5] = [0, 1, 2, 3, 4];

/// An object that was there before a change, and in which the change makes others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// The operation that made the object; `None` for the root.
    pub(crate) object: Option<(u64, ActorId)>,
    /// Levels that the change puts into it.
    pub(crate) levels: usize,
}

/// How many operations there are, and in what they make objects, after every column has been seen to
/// claim bearable numbers of rows that agree with each other.
pub(crate) fn check(
    columns: &[Column<'_>],
    actors: &[ActorId],
    start_op: u64,
) -> Result<(u64, Vec<Holder>), Refusal> {
    const LIMIT: u64 = limits::MAX_CHANGE_OPS;
    let mut makes = false;
    let ops = columns::numbers(find(columns, ACTION), LIMIT, |run| {
        let action = run.value.ok_or(Refusal::Malformed)?;
        makes |= MAKES.contains(&action);
        if ACTIONS.contains(&action) {
            Ok(())
        } else {
            Err(Refusal::Malformed)
        }
    })?;
    let (key_rows, key_bytes) = columns::texts(find(columns, KEY_TEXT), LIMIT)?;
    if key_bytes > limits::MAX_CHANGE_KEY_BYTES {
        return Err(Refusal::TooLarge);
    }
    let (group_rows, members) = columns::groups(find(columns, PREDECESSORS), LIMIT)?;
    let ignore = |_| Ok(());
    let rows = [
        columns::numbers(find(columns, OBJECT_ACTOR), LIMIT, ignore)?,
        columns::numbers(find(columns, OBJECT_COUNTER), LIMIT, ignore)?,
        columns::numbers(find(columns, KEY_ACTOR), LIMIT, ignore)?,
        columns::sums(find(columns, KEY_COUNTER), LIMIT)?,
        key_rows,
        columns::booleans(find(columns, INSERT), LIMIT)?,
        columns::values(find(columns, VALUE_META), find(columns, VALUE), LIMIT)?,
        group_rows,
    ];
    // An absent column has no row at all: every row of it holds nothing.
    if rows.into_iter().any(|rows| rows != ops && rows != 0) {
        return Err(Refusal::Malformed);
    }
    let member_rows = [
        columns::numbers(find(columns, PREDECESSOR_ACTOR), LIMIT, ignore)?,
        columns::sums(find(columns, PREDECESSOR_COUNTER), LIMIT)?,
    ];
    if member_rows.into_iter().any(|rows| rows != members) {
        return Err(Refusal::Malformed);
    }
    let holders = if makes {
        holders(columns, actors, start_op)?
    } else {
        Vec::new()
    };
    Ok((ops, holders))
}

/// The objects that a change makes others in. Each operation that makes one lies in an object that is
/// older than it: one of this change, or one of the document.
fn holders(
    columns: &[Column<'_>],
    actors: &[ActorId],
    start_op: u64,
) -> Result<Vec<Holder>, Refusal> {
    const LIMIT: u64 = limits::MAX_CHANGE_OPS;
    let actions = columns::every_number(find(columns, ACTION), LIMIT)?;
    let object_actors = columns::every_number(find(columns, OBJECT_ACTOR), LIMIT)?;
    let object_counters = columns::every_number(find(columns, OBJECT_COUNTER), LIMIT)?;
    let mut depths: BTreeMap<u64, (Option<(u64, ActorId)>, usize)> = BTreeMap::new();
    let mut holders: BTreeMap<Option<(u64, ActorId)>, usize> = BTreeMap::new();
    for (row, action) in actions.iter().enumerate() {
        if !action.is_some_and(|action| MAKES.contains(&action)) {
            continue;
        }
        let actor = object_actors.get(row).copied().flatten();
        let counter = object_counters.get(row).copied().flatten();
        let (holder, level) = match actor.zip(counter) {
            None => (None, 1),
            Some((0, counter)) if counter >= start_op => {
                let (holder, level) = depths.get(&counter).ok_or(Refusal::Malformed)?;
                (*holder, level + 1)
            }
            Some((actor, counter)) => {
                let actor = usize::try_from(actor)
                    .ok()
                    .and_then(|index| actors.get(index));
                (Some((counter, *actor.ok_or(Refusal::Malformed)?)), 1)
            }
        };
        depths.insert(start_op.saturating_add(row as u64), (holder, level));
        if depths.len() > limits::MAX_CHANGE_OBJECTS || level > limits::MAX_DEPTH {
            return Err(Refusal::TooLarge);
        }
        let levels = holders.entry(holder).or_default();
        *levels = level.max(*levels);
    }
    Ok(holders
        .into_iter()
        .map(|(object, levels)| Holder { object, levels })
        .collect())
}
