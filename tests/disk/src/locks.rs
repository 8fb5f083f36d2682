//! Who may read and who may write: SQLite's five lock levels on a file, and its eight locks in shared memory.

use rusqlite::ffi::{
    SQLITE_LOCK_EXCLUSIVE, SQLITE_LOCK_NONE, SQLITE_LOCK_PENDING, SQLITE_LOCK_RESERVED,
};

/// Somebody who has a file open.
pub(crate) type Holder = u64;

/// The locks on one file.
#[derive(Debug, Default)]
pub(crate) struct FileLocks(Vec<(Holder, i32)>);

impl FileLocks {
    /// Takes a lock, or a higher one; false when others are in the way.
    pub(crate) fn lock(&mut self, holder: Holder, wanted: i32) -> bool {
        let others = |locks: &Vec<(Holder, i32)>| {
            locks
                .iter()
                .filter(|(other, _)| *other != holder)
                .map(|(_, level)| *level)
                .max()
                .unwrap_or(SQLITE_LOCK_NONE)
        };
        let in_the_way = others(&self.0);
        let blocked = if wanted < SQLITE_LOCK_RESERVED {
            in_the_way >= SQLITE_LOCK_PENDING
        } else {
            in_the_way >= SQLITE_LOCK_RESERVED
        };
        if blocked {
            return false;
        }
        // Readers may finish; no new ones come in.
        let waits = wanted == SQLITE_LOCK_EXCLUSIVE && in_the_way > SQLITE_LOCK_NONE;
        self.set(holder, if waits { SQLITE_LOCK_PENDING } else { wanted });
        !waits
    }

    pub(crate) fn set(&mut self, holder: Holder, level: i32) {
        self.0.retain(|(other, _)| *other != holder);
        if level > SQLITE_LOCK_NONE {
            self.0.push((holder, level));
        }
    }

    pub(crate) fn level(&self, holder: Holder) -> i32 {
        self.0
            .iter()
            .find(|(other, _)| *other == holder)
            .map_or(SQLITE_LOCK_NONE, |(_, level)| *level)
    }

    pub(crate) fn reserved(&self) -> bool {
        self.0
            .iter()
            .any(|(_, level)| *level >= SQLITE_LOCK_RESERVED)
    }
}

/// The locks in a file's shared memory; each bit of a mask is one.
#[derive(Debug, Default)]
pub(crate) struct ShareLocks(Vec<Held>);

#[derive(Debug)]
struct Held {
    holder: Holder,
    shared: u32,
    exclusive: u32,
}

impl ShareLocks {
    pub(crate) fn lock(&mut self, holder: Holder, mask: u32, exclusive: bool) -> bool {
        let blocked = self.0.iter().any(|held| {
            let against = held.exclusive | if exclusive { held.shared } else { 0 };
            held.holder != holder && against & mask != 0
        });
        if !blocked {
            let held = self.of(holder);
            if exclusive {
                held.exclusive |= mask;
            } else {
                held.shared |= mask;
            }
        }
        !blocked
    }

    pub(crate) fn unlock(&mut self, holder: Holder, mask: u32) {
        let held = self.of(holder);
        held.shared &= !mask;
        held.exclusive &= !mask;
    }

    pub(crate) fn leave(&mut self, holder: Holder) {
        self.0.retain(|held| held.holder != holder);
    }

    fn of(&mut self, holder: Holder) -> &mut Held {
        let found = self.0.iter().position(|held| held.holder == holder);
        let index = found.unwrap_or(self.0.len());
        if found.is_none() {
            self.0.push(Held {
                holder,
                shared: 0,
                exclusive: 0,
            });
        }
        #[expect(clippy::indexing_slicing, reason = "found or pushed just now")]
        &mut self.0[index]
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi::SQLITE_LOCK_SHARED;

    use super::*;

    #[test]
    fn a_writer_waits_for_readers_and_keeps_new_ones_out() {
        let mut locks = FileLocks::default();
        assert!(locks.lock(1, SQLITE_LOCK_SHARED) && locks.lock(2, SQLITE_LOCK_SHARED));
        assert!(locks.lock(1, SQLITE_LOCK_RESERVED));
        assert!(!locks.lock(2, SQLITE_LOCK_RESERVED), "one writer");
        assert!(!locks.lock(1, SQLITE_LOCK_EXCLUSIVE), "a reader is there");
        assert_eq!(locks.level(1), SQLITE_LOCK_PENDING);
        assert!(!locks.lock(3, SQLITE_LOCK_SHARED), "no new readers");
        locks.set(2, SQLITE_LOCK_NONE);
        assert!(locks.lock(1, SQLITE_LOCK_EXCLUSIVE));
        assert!(locks.reserved());
    }

    #[test]
    fn shared_memory_locks_exclude_each_other() {
        let mut locks = ShareLocks::default();
        assert!(locks.lock(1, 0b1000, false) && locks.lock(2, 0b1000, false));
        assert!(!locks.lock(3, 0b1100, true));
        assert!(locks.lock(3, 0b0100, true));
        assert!(!locks.lock(1, 0b0100, false));
        locks.leave(3);
        assert!(locks.lock(1, 0b0100, false));
        locks.unlock(1, 0b1100);
        locks.unlock(2, 0b1000);
        assert!(locks.lock(3, 0b1100, true));
    }
}
