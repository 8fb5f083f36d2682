//! Shuts out who guesses, for longer each time: after some failures for a second, then two, four, up to a quarter of an
//! hour. A success clears it. While it lasts the right answer is refused too, so that guessing learns nothing.
//!
//! Memory is bounded: the oldest is forgotten first. What guards passwords and enrolment codes is also kept in the
//! database, as digests, so that a restart opens nothing.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use rusqlite::{Connection, params};

use crate::{
    config::Limits,
    error::Error,
    http::problem::{Cause, Problem},
    secret,
    store::Writing,
};

/// The longest time, in milliseconds.
const LONGEST_MS: i64 = 15 * 60 * 1000;
/// A failure this long ago is forgiven.
const FORGIVEN_MS: i64 = 24 * 3600 * 1000;

/// Whose failures are counted together: a digest of what was tried and from where, because people type passwords as names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Subject {
    digest: [u8; 32],
    /// Failures that cost nothing.
    free: u32,
}

impl Subject {
    /// One kind of credential from one address.
    pub(crate) fn new(what: &str, free: u32) -> Self {
        Self {
            digest: secret::digest(what.as_bytes()),
            free,
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Failures {
    count: u32,
    last_ms: i64,
    until_ms: i64,
}

/// Who failed how often.
pub(crate) struct Lockouts {
    memory: usize,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    failures: HashMap<[u8; 32], Failures>,
    order: VecDeque<[u8; 32]>,
}

impl Lockouts {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory: limits.attempt_memory.max(1),
            seen: Mutex::default(),
        }
    }

    /// Brings back what was kept.
    pub(crate) fn load(&self, sql: &Connection) -> Result<(), Error> {
        let mut statement = sql.prepare(
            "SELECT subject, failures, last_ms, until_ms FROM lockouts ORDER BY last_ms",
        )?;
        let rows = statement.query_map([], |row| {
            let failures = Failures {
                count: row.get(1)?,
                last_ms: row.get(2)?,
                until_ms: row.get(3)?,
            };
            Ok((row.get(0)?, failures))
        })?;
        for row in rows {
            let (subject, failures) = row?;
            self.put(subject, failures);
        }
        Ok(())
    }

    /// Refuses while any of the subjects is shut out.
    pub(crate) fn expect_open(&self, subjects: &[Subject], now_ms: i64) -> Result<(), Problem> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let until_ms = subjects
            .iter()
            .filter_map(|subject| seen.failures.get(&subject.digest))
            .map(|failures| failures.until_ms)
            .max();
        match until_ms {
            Some(until_ms) if until_ms > now_ms => {
                let seconds = u64::try_from((until_ms - now_ms + 999) / 1000).unwrap_or(1);
                Err(Problem::new(Cause::TooManyRequests).retry_after(seconds))
            }
            _ => Ok(()),
        }
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, subjects: &[Subject], now_ms: i64) {
        for subject in subjects {
            let mut failures = self.get(subject);
            if now_ms.saturating_sub(failures.last_ms) > FORGIVEN_MS {
                failures = Failures::default();
            }
            failures.count = failures.count.saturating_add(1);
            failures.last_ms = now_ms;
            let beyond = failures.count.saturating_sub(subject.free);
            if beyond > 0 {
                let wait_ms = 1000_i64
                    .checked_shl(beyond - 1)
                    .filter(|wait_ms| *wait_ms > 0)
                    .unwrap_or(LONGEST_MS);
                failures.until_ms = now_ms.saturating_add(wait_ms.min(LONGEST_MS));
            }
            self.put(subject.digest, failures);
        }
    }

    /// Forgives.
    pub(crate) fn succeeded(&self, subjects: &[Subject]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for subject in subjects {
            seen.failures.remove(&subject.digest);
            seen.order.retain(|kept| *kept != subject.digest);
        }
    }

    /// Keeps what the memory says of these subjects over a restart.
    pub(crate) fn keep(&self, writing: &Writing<'_>, subjects: &[Subject]) -> Result<(), Error> {
        for subject in subjects {
            let failures = self.get(subject);
            writing.sql.execute(
                "INSERT INTO lockouts (subject, failures, last_ms, until_ms) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (subject) DO UPDATE SET failures = ?2, last_ms = ?3, until_ms = ?4",
                params![subject.digest.as_slice(), failures.count, failures.last_ms, failures.until_ms],
            )?;
        }
        writing.sql.execute(
            "DELETE FROM lockouts WHERE failures = 0 OR last_ms < ?1 OR subject NOT IN
               (SELECT subject FROM lockouts ORDER BY last_ms DESC LIMIT ?2)",
            params![
                writing.now_ms.saturating_sub(FORGIVEN_MS),
                i64::try_from(self.memory).unwrap_or(i64::MAX)
            ],
        )?;
        Ok(())
    }

    fn get(&self, subject: &Subject) -> Failures {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.failures
            .get(&subject.digest)
            .copied()
            .unwrap_or_default()
    }

    fn put(&self, subject: [u8; 32], failures: Failures) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.failures.insert(subject, failures).is_none() {
            seen.order.push_back(subject);
        }
        while seen.order.len() > self.memory
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.failures.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lockouts(memory: usize) -> Lockouts {
        Lockouts::new(&Limits {
            attempt_memory: memory,
            ..Limits::default()
        })
    }

    #[test]
    fn each_failure_beyond_the_free_ones_shuts_out_for_twice_as_long() {
        let (lockouts, who) = (lockouts(10), [Subject::new("lan", 3)]);
        let mut now_ms = 1_000_000;
        for _ in 0..3 {
            lockouts.failed(&who, now_ms);
            assert!(lockouts.expect_open(&who, now_ms).is_ok());
        }
        for wait_ms in [1_000, 2_000, 4_000, 8_000] {
            lockouts.failed(&who, now_ms);
            assert!(lockouts.expect_open(&who, now_ms + wait_ms - 1).is_err());
            now_ms += wait_ms;
            assert!(lockouts.expect_open(&who, now_ms).is_ok());
        }
        for _ in 0..100 {
            lockouts.failed(&who, now_ms);
        }
        assert!(lockouts.expect_open(&who, now_ms + LONGEST_MS - 1).is_err());
        assert!(lockouts.expect_open(&who, now_ms + LONGEST_MS).is_ok());
        lockouts.succeeded(&who);
        lockouts.failed(&who, now_ms);
        assert!(lockouts.expect_open(&who, now_ms).is_ok());
    }

    #[test]
    fn memory_is_bounded_and_others_are_let_in() {
        let lockouts = lockouts(3);
        for n in 0..100 {
            lockouts.failed(&[Subject::new(&n.to_string(), 0)], 0);
        }
        assert_eq!(lockouts.seen.lock().unwrap().failures.len(), 3);
        assert!(lockouts.expect_open(&[Subject::new("99", 0)], 0).is_err());
        assert!(
            lockouts
                .expect_open(&[Subject::new("another", 0)], 0)
                .is_ok()
        );
    }
}
