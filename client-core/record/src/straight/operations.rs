//! The operations of a change, row by row out of its columns.

use serde_json::{Number, Value as Json};

use crate::{
    chunk::{
        Opened,
        columns::{Read, Run, Runs, find, text},
        operations::{
            ACTION, INSERT, KEY_ACTOR, KEY_COUNTER, KEY_TEXT, OBJECT_ACTOR, OBJECT_COUNTER,
            PREDECESSOR_ACTOR, PREDECESSOR_COUNTER, PREDECESSORS, VALUE, VALUE_META,
        },
        reader::Reader,
    },
    limits,
    straight::OperationId,
};

/// One operation.
pub(super) struct Operation<'a> {
    /// The operation that made what it works on; `None` for the root.
    pub(super) object: Option<OperationId>,
    pub(super) key: Key<'a>,
    pub(super) action: Action<'a>,
    /// The operation whose value it takes the place of.
    pub(super) replaces: Option<OperationId>,
}

pub(super) enum Key<'a> {
    /// In a map.
    Name(&'a str),
    /// A new element of a text, after that one or at the beginning.
    After(Option<OperationId>),
}

pub(super) enum Action<'a> {
    Set(Scalar<'a>),
    MakeMap,
    MakeText,
}

/// A value, in the one form in which Automerge writes it. Types that fields of records don't have are missing.
#[derive(Clone, Copy)]
pub(super) enum Scalar<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(&'a str),
}

const MAKE_MAP: u64 = 0;
const SET: u64 = 1;
const MAKE_TEXT: u64 = 4;

/// The columns of a change, each read as far as the rows that were asked for.
pub(super) struct Operations<'a> {
    object_actor: Cells<'a, u64>,
    object_counter: Cells<'a, u64>,
    key_actor: Cells<'a, u64>,
    key_counter: Sums<'a>,
    key_text: Cells<'a, &'a str>,
    insert: Booleans<'a>,
    action: Cells<'a, u64>,
    value_meta: Cells<'a, u64>,
    value: Reader<'a>,
    predecessors: Cells<'a, u64>,
    predecessor_actor: Cells<'a, u64>,
    predecessor_counter: Sums<'a>,
    /// Which of the change's actors were named so far.
    named: Vec<bool>,
}

impl<'a> Operations<'a> {
    pub(super) fn new(opened: &Opened<'a>) -> Self {
        let numbers = |specification| {
            let read: Read<'a, u64> = |reader| reader.unsigned();
            Cells::new(find(&opened.columns, specification), read)
        };
        let sums = |specification| Sums::new(find(&opened.columns, specification));
        Self {
            object_actor: numbers(OBJECT_ACTOR),
            object_counter: numbers(OBJECT_COUNTER),
            key_actor: numbers(KEY_ACTOR),
            key_counter: sums(KEY_COUNTER),
            key_text: Cells::new(find(&opened.columns, KEY_TEXT), text),
            insert: Booleans::new(find(&opened.columns, INSERT)),
            action: numbers(ACTION),
            value_meta: numbers(VALUE_META),
            value: Reader(find(&opened.columns, VALUE)),
            predecessors: numbers(PREDECESSORS),
            predecessor_actor: numbers(PREDECESSOR_ACTOR),
            predecessor_counter: sums(PREDECESSOR_COUNTER),
            named: vec![false; opened.actors.len()],
        }
    }

    /// The next operation, with the places of actors that `actors` says; `None` for one that is not for here.
    pub(super) fn next(&mut self, actors: &[usize]) -> Option<Operation<'a>> {
        let object = match (self.object_actor.next()?, self.object_counter.next()?) {
            (None, None) => None,
            (Some(place), Some(counter)) => Some(self.id(counter, place, actors)?),
            _ => return None,
        };
        let key = match (
            self.key_text.next()?,
            self.key_actor.next()?,
            self.key_counter.next()?,
            self.insert.next()?,
        ) {
            (Some(name), None, None, false) if !name.is_empty() => Key::Name(name),
            (None, None, Some(0), true) => Key::After(None),
            (None, Some(place), Some(counter), true) => {
                Key::After(Some(self.id(counter, place, actors)?))
            }
            _ => return None,
        };
        let replaces = match self.predecessors.next()?? {
            0 => None,
            1 => {
                let (counter, place) = (
                    self.predecessor_counter.next()??,
                    self.predecessor_actor.next()??,
                );
                Some(self.id(counter, place, actors)?)
            }
            _ => return None,
        };
        let meta = self.value_meta.next()??;
        let value = self.value.take(usize::try_from(meta >> 4).ok()?).ok()?;
        let action = match (self.action.next()??, &key) {
            (SET, _) => Action::Set(scalar(meta & 0b1111, value)?),
            (MAKE_MAP, Key::Name(_)) if meta == 0 => Action::MakeMap,
            (MAKE_TEXT, Key::Name(_)) if meta == 0 => Action::MakeText,
            _ => return None,
        };
        Some(Operation {
            object,
            key,
            action,
            replaces,
        })
    }

    /// Whether every actor that the change lists beside its author was named; Automerge would leave out others.
    pub(super) fn named_everybody(&self) -> bool {
        self.named.iter().skip(1).all(|named| *named)
    }

    fn id(&mut self, counter: u64, place: u64, actors: &[usize]) -> Option<OperationId> {
        let place = usize::try_from(place).ok()?;
        *self.named.get_mut(place)? = true;
        Some((counter, *actors.get(place)?))
    }
}

/// The rows of a column; of an absent one each holds nothing.
struct Cells<'a, T> {
    runs: Option<Runs<'a, T>>,
    run: Run<T>,
}

impl<'a, T: Copy> Cells<'a, T> {
    fn new(bytes: &'a [u8], read: Read<'a, T>) -> Self {
        let runs = Runs::new(bytes, limits::MAX_CHANGE_OPS, read);
        Self {
            runs: (!bytes.is_empty()).then_some(runs),
            run: Run {
                rows: 0,
                value: None,
            },
        }
    }

    /// `None` after the last row.
    fn next(&mut self) -> Option<Option<T>> {
        let Some(runs) = &mut self.runs else {
            return Some(None);
        };
        if self.run.rows == 0 {
            self.run = runs.next().ok()??;
        }
        self.run.rows -= 1;
        Some(self.run.value)
    }
}

/// The rows of a column of differences, added up.
struct Sums<'a> {
    differences: Cells<'a, i64>,
    sum: i64,
}

impl<'a> Sums<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            differences: Cells::new(bytes, |reader| reader.signed()),
            sum: 0,
        }
    }

    fn next(&mut self) -> Option<Option<u64>> {
        let Some(difference) = self.differences.next()? else {
            return Some(None);
        };
        self.sum = self.sum.checked_add(difference)?;
        u64::try_from(self.sum).ok().map(Some)
    }
}

/// The rows of a column of alternating runs of false and true; of an absent one each is false.
struct Booleans<'a> {
    reader: Reader<'a>,
    is_absent: bool,
    value: bool,
    left: u64,
}

impl<'a> Booleans<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            reader: Reader(bytes),
            is_absent: bytes.is_empty(),
            // The first run is one of false.
            value: true,
            left: 0,
        }
    }

    fn next(&mut self) -> Option<bool> {
        if self.is_absent {
            return Some(false);
        }
        while self.left == 0 {
            self.left = self.reader.unsigned().ok()?;
            self.value = !self.value;
        }
        self.left -= 1;
        Some(self.value)
    }
}

fn scalar(kind: u64, bytes: &[u8]) -> Option<Scalar<'_>> {
    match (kind, bytes) {
        (0, []) => Some(Scalar::Null),
        (1, []) => Some(Scalar::Boolean(false)),
        (2, []) => Some(Scalar::Boolean(true)),
        (4, _) => {
            let mut reader = Reader(bytes);
            let number = reader.signed().ok()?;
            reader.is_empty().then_some(Scalar::Integer(number))
        }
        (5, _) => {
            let number = f64::from_le_bytes(bytes.try_into().ok()?);
            number.is_finite().then_some(Scalar::Number(number))
        }
        (6, _) => std::str::from_utf8(bytes).ok().map(Scalar::Text),
        _ => None,
    }
}

impl From<Scalar<'_>> for Json {
    fn from(scalar: Scalar<'_>) -> Self {
        match scalar {
            Scalar::Null => Json::Null,
            Scalar::Boolean(boolean) => Json::Bool(boolean),
            Scalar::Integer(number) => Json::from(number),
            Scalar::Number(number) => Number::from_f64(number).map_or(Json::Null, Json::Number),
            Scalar::Text(text) => Json::from(text),
        }
    }
}
