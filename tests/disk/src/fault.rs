//! Which call fails, and how.

use std::collections::BTreeMap;

/// How a storage call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// This one call answers with an I/O error. A write may have happened in part, a sync or a delete
    /// wholly.
    Io,
    /// The disk is full at this call, or at the first one after it that needs room; then there is room again.
    Full,
    /// The power goes at this call: it and every later one fail until [`crate::Disk::restart`].
    Crash,
}

/// The kinds of storage calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Opening; true when it makes the file.
    Open(bool),
    Delete,
    Access,
    Read,
    Write,
    Truncate,
    Sync,
    Size,
    Lock,
    /// Mapping shared memory; true when it makes it longer.
    Map(bool),
    ShareLock,
}

impl Call {
    fn needs_room(self) -> bool {
        matches!(self, Call::Open(true) | Call::Write | Call::Map(true))
    }
}

/// The faults that wait for their call.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: BTreeMap<u64, Fault>,
    full: bool,
    hits: u64,
    last: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, call: u64, fault: Fault) {
        self.waiting.insert(call, fault);
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        self.full = false;
    }

    pub(crate) fn hits(&self) -> u64 {
        self.hits
    }

    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// What happens to the call with this number.
    pub(crate) fn take(&mut self, number: u64, call: Call) -> Option<Fault> {
        let mut due = self.waiting.remove(&number);
        if due == Some(Fault::Full) {
            self.full = true;
            due = None;
        }
        if due.is_none() && self.full && call.needs_room() {
            self.full = false;
            due = Some(Fault::Full);
        }
        if due.is_some() {
            self.hits += 1;
            self.last = number;
        }
        due
    }
}
