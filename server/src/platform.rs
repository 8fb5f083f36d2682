//! What the machine gives the server: time, randomness and the file system of its database. They are
//! read here and nowhere else, so that a simulation can hand in its own.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use uuid::Uuid;

use crate::error::Error;

/// Time, randomness and files of the machine that the server runs on.
pub trait Platform: Send + Sync {
    /// Milliseconds since 1970-01-01 UTC.
    fn now_ms(&self) -> i64;

    /// Fills `bytes` with randomness fit for secrets.
    ///
    /// # Errors
    /// [`Error::Randomness`] when there is none.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error>;

    /// Name of the SQLite virtual file system that the database lies in; `None` for the default.
    fn vfs(&self) -> Option<&str> {
        None
    }

    /// Whether SQL runs on threads of its own. A simulation says no: then everything happens on the one
    /// thread of its runtime, in an order that does not depend on the operating system.
    fn threads(&self) -> bool {
        true
    }
}

/// The operating system's.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemPlatform;

impl Platform for SystemPlatform {
    fn now_ms(&self) -> i64 {
        let elapsed = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        getrandom::fill(bytes).map_err(Error::Randomness)
    }
}

/// A handle on the platform, with what the server makes of it.
#[derive(Clone)]
pub(crate) struct Machine(Arc<dyn Platform>);

impl Machine {
    pub(crate) fn new(platform: impl Platform + 'static) -> Self {
        Self(Arc::new(platform))
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub(crate) fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    /// Random bytes.
    pub(crate) fn random<const N: usize>(&self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// A fresh UUIDv7.
    pub(crate) fn new_id(&self) -> Result<Uuid, Error> {
        let millis = u64::try_from(self.now_ms()).unwrap_or(0);
        Ok(uuid::Builder::from_unix_timestamp_millis(millis, &self.random::<10>()?).into_uuid())
    }

    /// Today's date in UTC, `YYYY-MM-DD`.
    pub(crate) fn today(&self) -> String {
        jiff::Timestamp::from_millisecond(self.now_ms())
            .unwrap_or_default()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date()
            .to_string()
    }

    /// Where the database lies.
    pub(crate) fn vfs(&self) -> Option<&str> {
        self.0.vfs()
    }

    /// Whether SQL runs on threads of its own.
    pub(crate) fn threads(&self) -> bool {
        self.0.threads()
    }
}

/// A time plus so many seconds.
pub(crate) fn after_s(now_ms: i64, seconds: u64) -> i64 {
    now_ms.saturating_add(
        i64::try_from(seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1000),
    )
}
