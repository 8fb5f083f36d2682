//! What a platform hands in: a clock, randomness, a timer. The core reads none of them by itself.

use std::future::Future;

use crate::error::Result;

/// [`Send`] where threads exist; nothing in a browser, whose futures stay in their worker.
#[cfg(not(target_family = "wasm"))]
pub trait MaybeSend: Send {}
#[cfg(not(target_family = "wasm"))]
impl<T: Send> MaybeSend for T {}
/// [`Send`] where threads exist; nothing in a browser, whose futures stay in their worker.
#[cfg(target_family = "wasm")]
pub trait MaybeSend {}
#[cfg(target_family = "wasm")]
impl<T> MaybeSend for T {}

/// [`Sync`] where threads exist; nothing in a browser.
#[cfg(not(target_family = "wasm"))]
pub trait MaybeSync: Sync {}
#[cfg(not(target_family = "wasm"))]
impl<T: Sync> MaybeSync for T {}
/// [`Sync`] where threads exist; nothing in a browser.
#[cfg(target_family = "wasm")]
pub trait MaybeSync {}
#[cfg(target_family = "wasm")]
impl<T> MaybeSync for T {}

/// The device's clock. Its time is written into records for people to read; no merge depends on it.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01 UTC.
    fn now_ms(&self) -> i64;
}

/// The device's randomness: for ids, the actor, and jitter.
pub trait Random: Send + Sync {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// [`crate::Error::Random`] when the platform has none.
    fn fill(&self, bytes: &mut [u8]) -> Result<()>;
}

/// Waits, for the background driver.
pub trait Timer: MaybeSend {
    /// Completes after `ms` milliseconds.
    fn sleep(&self, ms: u64) -> impl Future<Output = ()> + MaybeSend;
}

/// The operating system's clock.
#[cfg(not(target_family = "wasm"))]
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[cfg(not(target_family = "wasm"))]
impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        use std::time::{SystemTime, UNIX_EPOCH};
        let ms =
            |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => ms(since),
            Err(before) => -ms(before.duration()),
        }
    }
}

/// The operating system's randomness.
#[cfg(not(target_family = "wasm"))]
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

#[cfg(not(target_family = "wasm"))]
impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        getrandom::fill(bytes).map_err(|error| crate::Error::Random(error.to_string()))
    }
}

/// A UUIDv7 of this clock and randomness: new units and unplanned inspections.
pub(crate) fn new_uuid(clock: &dyn Clock, random: &dyn Random) -> Result<uuid::Uuid> {
    let mut bytes = [0; 10];
    random.fill(&mut bytes)?;
    let ms = u64::try_from(clock.now_ms()).unwrap_or(0);
    Ok(uuid::Builder::from_unix_timestamp_millis(ms, &bytes).into_uuid())
}
