//! Which signed requests were seen, so that a copy of one is refused.
//!
//! A nonce has to be remembered for as long as its request would be fresh. A device that signs more than
//! its memory holds loses the oldest; then only what was signed later than that is taken, so nothing that
//! was forgotten can come again. The memory is each device's own: none can push another's out. It
//! lives in this process; what was signed before the process began is not fresh, which sends devices
//! into one more try.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use sokiem_record::{id::DeviceId, proof::Stamp};

/// What the memory says to a request whose signature is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Not seen before.
    Fresh,
    /// Signed too long ago or ahead of time.
    Stale,
    /// Seen before.
    Replayed,
}

/// The memory of all devices.
pub(crate) struct Replays {
    began_s: i64,
    window_s: i64,
    per_device: usize,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    devices: HashMap<DeviceId, Memory>,
    swept_s: i64,
}

#[derive(Default)]
struct Memory {
    nonces: BTreeSet<(i64, [u8; 16])>,
    /// Everything signed up to here counts as seen.
    forgotten_s: Option<i64>,
}

impl Replays {
    pub(crate) fn new(now_ms: i64, window_s: u64, per_device: usize) -> Self {
        Self {
            began_s: now_ms.div_euclid(1000),
            window_s: i64::try_from(window_s).unwrap_or(i64::MAX),
            per_device: per_device.max(1),
            seen: Mutex::default(),
        }
    }

    /// Looks at a stamp and remembers it.
    pub(crate) fn meet(&self, stamp: &Stamp, now_ms: i64) -> Freshness {
        let now_s = now_ms.div_euclid(1000);
        // After the server's own clock was set back, its beginning lies ahead and says nothing.
        let before_us = stamp.created_s < self.began_s && self.began_s <= now_s;
        if before_us || stamp.created_s.abs_diff(now_s) > self.window_s.unsigned_abs() {
            return Freshness::Stale;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.sweep(&mut seen, now_s);
        let memory = seen.devices.entry(stamp.device).or_default();
        if memory
            .forgotten_s
            .is_some_and(|floor_s| stamp.created_s <= floor_s)
        {
            return Freshness::Stale;
        }
        if !memory.nonces.insert((stamp.created_s, stamp.nonce)) {
            return Freshness::Replayed;
        }
        while memory.nonces.len() > self.per_device
            && let Some((created_s, _)) = memory.nonces.pop_first()
        {
            memory.forgotten_s = memory.forgotten_s.max(Some(created_s));
        }
        Freshness::Fresh
    }

    /// Lets go of what could not be fresh any more; once in a window, so that it costs next to nothing.
    fn sweep(&self, seen: &mut Seen, now_s: i64) {
        if seen.swept_s.abs_diff(now_s) < self.window_s.unsigned_abs() {
            return;
        }
        seen.swept_s = now_s;
        let fresh = |created_s: i64| created_s.abs_diff(now_s) <= self.window_s.unsigned_abs();
        seen.devices.retain(|_, memory| {
            memory.nonces.retain(|(created_s, _)| fresh(*created_s));
            memory.forgotten_s = memory.forgotten_s.filter(|floor_s| fresh(*floor_s));
            !memory.nonces.is_empty() || memory.forgotten_s.is_some()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(device: u128, created_s: i64, nonce: u8) -> Stamp {
        Stamp {
            created_s,
            nonce: [nonce; 16],
            device: DeviceId(uuid::Uuid::from_u128(device)),
        }
    }

    #[test]
    fn a_copy_is_refused_for_as_long_as_it_would_be_fresh() {
        let replays = Replays::new(0, 300, 10);
        assert_eq!(
            replays.meet(&stamp(1, 1000, 1), 1_000_000),
            Freshness::Fresh
        );
        assert_eq!(
            replays.meet(&stamp(1, 1000, 2), 1_000_000),
            Freshness::Fresh
        );
        assert_eq!(
            replays.meet(&stamp(2, 1000, 1), 1_000_000),
            Freshness::Fresh
        );
        for now_s in (1000..=1300).step_by(50) {
            assert_eq!(
                replays.meet(&stamp(1, 1000, 1), now_s * 1000),
                Freshness::Replayed
            );
        }
        assert_eq!(
            replays.meet(&stamp(1, 1000, 1), 1_301_000),
            Freshness::Stale
        );
    }

    #[test]
    fn what_is_too_old_too_new_or_from_before_the_start_is_stale() {
        let replays = Replays::new(900_000, 300, 10);
        for (created_s, expected) in [
            (899, Freshness::Stale),
            (900, Freshness::Fresh),
            (1300, Freshness::Fresh),
            (1301, Freshness::Stale),
        ] {
            assert_eq!(
                replays.meet(&stamp(1, created_s, 1), 1_000_000),
                expected,
                "{created_s}"
            );
        }
        // The server's clock is set back by a day: devices are not shut out.
        assert_eq!(
            replays.meet(&stamp(1, -80_000, 1), -80_000_000),
            Freshness::Fresh
        );
    }

    #[test]
    fn what_a_full_memory_forgot_can_not_come_again() {
        let replays = Replays::new(0, 300, 4);
        for n in 0..8 {
            assert_eq!(
                replays.meet(&stamp(1, 1000 + i64::from(n), n), 1_000_000),
                Freshness::Fresh
            );
        }
        for n in 0..8 {
            assert_ne!(
                replays.meet(&stamp(1, 1000 + i64::from(n), n), 1_000_000),
                Freshness::Fresh
            );
        }
        assert_eq!(
            replays.meet(&stamp(1, 1008, 8), 1_000_000),
            Freshness::Fresh
        );
        assert_eq!(
            replays.meet(&stamp(2, 1000, 0), 1_000_000),
            Freshness::Fresh
        );
        assert!(
            replays
                .seen
                .lock()
                .unwrap()
                .devices
                .values()
                .all(|memory| memory.nonces.len() <= 4)
        );
    }

    #[test]
    fn devices_that_went_quiet_take_no_memory() {
        let replays = Replays::new(0, 300, 4);
        for device in 0..100 {
            replays.meet(&stamp(device, 1000, 0), 1_000_000);
        }
        replays.meet(&stamp(7, 2000, 0), 2_000_000);
        assert_eq!(replays.seen.lock().unwrap().devices.len(), 1);
    }
}
