//! Slows down guessing. Memory is bounded: the oldest caller is forgotten first.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use crate::{
    config::Limits,
    http::problem::{Cause, Problem},
};

/// Counts attempts in fixed windows, by caller.
pub(crate) struct Attempts {
    allowed: u32,
    window_ms: i64,
    memory: usize,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    counts: HashMap<String, (i64, u32)>,
    order: VecDeque<String>,
}

impl Attempts {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            allowed: limits.attempts,
            window_ms: i64::try_from(limits.attempt_window_s)
                .unwrap_or(i64::MAX)
                .saturating_mul(1000),
            memory: limits.attempt_memory.max(1),
            seen: Mutex::default(),
        }
    }

    /// Counts one attempt; a problem when there were too many.
    pub(crate) fn count(&self, who: &str, now_ms: i64) -> Result<(), Problem> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.counts.contains_key(who) {
            if seen.order.len() >= self.memory
                && let Some(oldest) = seen.order.pop_front()
            {
                seen.counts.remove(&oldest);
            }
            seen.order.push_back(who.to_owned());
        }
        let entry = seen.counts.entry(who.to_owned()).or_insert((now_ms, 0));
        if now_ms.saturating_sub(entry.0) >= self.window_ms {
            *entry = (now_ms, 0);
        }
        entry.1 = entry.1.saturating_add(1);
        if entry.1 > self.allowed {
            Err(Problem::new(Cause::TooManyRequests))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_attempts_are_refused_until_the_window_ends() {
        let limits = Limits {
            attempts: 2,
            attempt_window_s: 1,
            attempt_memory: 2,
            ..Limits::default()
        };
        let attempts = Attempts::new(&limits);
        assert!(attempts.count("a", 0).is_ok() && attempts.count("a", 1).is_ok());
        assert!(attempts.count("a", 2).is_err() && attempts.count("b", 2).is_ok());
        assert!(attempts.count("a", 1000).is_ok());
    }

    #[test]
    fn memory_is_bounded() {
        let limits = Limits {
            attempt_memory: 3,
            ..Limits::default()
        };
        let attempts = Attempts::new(&limits);
        for n in 0..100 {
            assert!(attempts.count(&n.to_string(), 0).is_ok());
        }
        assert_eq!(attempts.seen.lock().unwrap().counts.len(), 3);
    }
}
