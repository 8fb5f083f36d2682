//! Clocks and randomness of simulated machines.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use sokiem_client_core::platform::{Clock, Random};
use sokiem_server::platform::Platform;

use super::chance::Chance;

/// The time of a world, in milliseconds since 1970-01-01 UTC. It moves only when the world moves it.
#[derive(Clone, Debug)]
pub struct Time(Arc<AtomicI64>);

impl Time {
    /// A world that begins in June 2019.
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_560_000_000_000)))
    }

    /// What time it is.
    pub fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Lets time pass.
    pub fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Default for Time {
    fn default() -> Self {
        Self::new()
    }
}

/// A phone's clock: the world's time and how far it is off.
#[derive(Clone, Debug)]
pub struct PhoneClock {
    time: Time,
    off_ms: Arc<AtomicI64>,
}

impl PhoneClock {
    /// A clock that is right.
    pub fn new(time: Time) -> Self {
        Self {
            time,
            off_ms: Arc::default(),
        }
    }

    /// Sets how far it is off.
    pub fn set_off(&self, ms: i64) {
        self.off_ms.store(ms, Ordering::SeqCst);
    }
}

impl Clock for PhoneClock {
    fn now_ms(&self) -> i64 {
        self.time
            .now_ms()
            .saturating_add(self.off_ms.load(Ordering::SeqCst))
    }
}

/// Randomness from a seed.
#[derive(Clone, Debug)]
pub struct Seeded(Arc<Mutex<Chance>>);

impl Seeded {
    /// Randomness from this sequence.
    pub fn new(chance: Chance) -> Self {
        Self(Arc::new(Mutex::new(chance)))
    }

    fn draw(&self, bytes: &mut [u8]) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill(bytes);
    }
}

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> sokiem_client_core::Result<()> {
        self.draw(bytes);
        Ok(())
    }
}

/// The machine that the server runs on.
#[derive(Clone, Debug)]
pub struct ServerMachine {
    /// The world's time: servers keep theirs in order.
    pub time: Time,
    /// Its randomness.
    pub random: Seeded,
    /// The name of its disk in SQLite.
    pub vfs: String,
}

impl Platform for ServerMachine {
    fn now_ms(&self) -> i64 {
        self.time.now_ms()
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), sokiem_server::Error> {
        self.random.draw(bytes);
        Ok(())
    }

    fn vfs(&self) -> Option<&str> {
        Some(&self.vfs)
    }
}
