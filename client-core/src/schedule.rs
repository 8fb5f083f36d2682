//! When to synchronise: a pure state machine. What happens comes in as events with their time, what to
//! do goes out as a decision.
//!
//! Reasons to synchronise: the start, regained connectivity, a save (after a pause in saving), a poke
//! from the server, and a slow timer. After a failure it waits, twice as long each time, with jitter so
//! that a commune's phones do not all come back in the same second. One synchronisation at a time.

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The program was started or came to the front.
    Start,
    /// The platform says that there is, or is no, network. A hint: it may be wrong.
    Connectivity(bool),
    /// The officer saved something.
    Saved,
    /// The server has news.
    Poke,
    /// Nothing: time has passed.
    Tick,
    /// A synchronisation ended.
    SyncFinished(Outcome),
    /// No more synchronisations until [`Event::Resume`]: the platform suspends the program.
    Pause,
    /// Synchronisations are welcome again.
    Resume,
}

/// How a synchronisation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is on both sides, and that was verified.
    Verified,
    /// It went through, but not everything is the same on both sides.
    Incomplete,
    /// It failed and may succeed later; the server may have said when.
    Retry {
        /// Not before so many milliseconds.
        after_ms: Option<u64>,
    },
    /// It failed and will fail until a person does something: a revoked device, an expired credential.
    Hopeless,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Begin a synchronisation now, and tell by [`Event::SyncFinished`] how it ended.
    SyncNow,
    /// Come back with [`Event::Tick`] at this time, in milliseconds since 1970-01-01 UTC, or with
    /// whatever happens before.
    WaitUntil(i64),
    /// Nothing until something happens.
    Idle,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Quiet after a save before it is sent.
    pub debounce_ms: u64,
    /// A save is sent after this long even when the officer goes on saving.
    pub debounce_most_ms: u64,
    /// Without any other reason.
    pub slow_ms: u64,
    /// After the first failure.
    pub backoff_ms: u64,
    /// After many failures.
    pub backoff_most_ms: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            debounce_ms: 2_000,
            debounce_most_ms: 20_000,
            slow_ms: 15 * 60_000,
            backoff_ms: 5_000,
            backoff_most_ms: 10 * 60_000,
        }
    }
}

/// The state machine.
#[derive(Clone, Debug)]
pub struct Scheduler {
    pace: Pace,
    online: bool,
    paused: bool,
    syncing: bool,
    failures: u32,
    /// When the next synchronisation is due.
    due_ms: Option<i64>,
    /// Not before this, whatever happens but a person's action.
    held_until_ms: Option<i64>,
    /// When the first save was made that has not been sent.
    unsent_since_ms: Option<i64>,
}

impl Scheduler {
    /// A scheduler that has not been started.
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            online: true,
            paused: false,
            syncing: false,
            failures: 0,
            due_ms: None,
            held_until_ms: None,
            unsent_since_ms: None,
        }
    }

    /// Takes in an event at `now_ms`. `jitter` is a fresh random number.
    pub fn event(&mut self, event: Event, now_ms: i64, jitter: u32) -> Decision {
        match event {
            Event::Start => {
                self.paused = false;
                self.now(now_ms);
            }
            Event::Resume => {
                self.paused = false;
                self.now(now_ms);
            }
            Event::Pause => {
                self.paused = true;
                // Whoever drives this drops the synchronisation that is under way.
                if std::mem::take(&mut self.syncing) {
                    self.due_ms = Some(now_ms);
                }
            }
            Event::Connectivity(online) => {
                if online && !std::mem::replace(&mut self.online, true) {
                    self.failures = 0;
                    self.now(now_ms);
                }
                self.online = online;
            }
            Event::Saved => {
                let first = *self.unsent_since_ms.get_or_insert(now_ms);
                let quiet = later(now_ms, self.pace.debounce_ms);
                let due = quiet.min(later(first, self.pace.debounce_most_ms));
                // A save moves the time at which it is sent; it never delays another reason.
                let other = self.due_ms.filter(|due| *due <= first);
                self.due_ms = Some(other.unwrap_or(due));
            }
            Event::Poke => self.due_ms = Some(self.due_ms.map_or(now_ms, |due| due.min(now_ms))),
            Event::Tick => {}
            Event::SyncFinished(outcome) => self.finished(outcome, now_ms, jitter),
        }
        self.decide(now_ms)
    }

    /// A reason that does not wait for a backoff to pass.
    fn now(&mut self, now_ms: i64) {
        self.due_ms = Some(now_ms);
        self.held_until_ms = None;
    }

    fn finished(&mut self, outcome: Outcome, now_ms: i64, jitter: u32) {
        self.syncing = false;
        self.held_until_ms = None;
        let slow = later(now_ms, self.pace.slow_ms);
        match outcome {
            Outcome::Verified | Outcome::Incomplete => {
                self.failures = 0;
                self.due_ms = Some(self.due_ms.map_or(slow, |due| due.min(slow)));
            }
            Outcome::Retry { after_ms } => {
                let wait = self.backoff(jitter).max(after_ms.unwrap_or(0));
                self.failures = self.failures.saturating_add(1);
                self.due_ms = Some(later(now_ms, wait));
                self.held_until_ms = self.due_ms;
            }
            // A person has to act; the slow timer notices when they have done so at the server.
            Outcome::Hopeless => {
                self.failures = self.failures.saturating_add(1);
                self.due_ms = Some(slow);
                self.held_until_ms = Some(slow);
            }
        }
    }

    /// Between half and all of the doubled time.
    fn backoff(&self, jitter: u32) -> u64 {
        let doubled = self
            .pace
            .backoff_ms
            .saturating_mul(1 << self.failures.min(20));
        let most = doubled.min(self.pace.backoff_most_ms);
        let half = most / 2;
        half + u64::from(jitter) % (most - half + 1)
    }

    fn decide(&mut self, now_ms: i64) -> Decision {
        if self.paused || self.syncing {
            return Decision::Idle;
        }
        let Some(due) = self.due_ms else {
            return Decision::Idle;
        };
        let mut due = due.max(self.held_until_ms.unwrap_or(i64::MIN));
        // Without network only the slow timer tries: the platform's word may be wrong.
        if !self.online {
            due = due.max(later(now_ms, 0));
            return self.offline(due, now_ms);
        }
        if due > now_ms {
            return Decision::WaitUntil(due);
        }
        self.begin()
    }

    fn offline(&mut self, due: i64, now_ms: i64) -> Decision {
        let latest = later(now_ms, self.pace.slow_ms);
        let at = *self.held_until_ms.get_or_insert(latest);
        if at > now_ms {
            Decision::WaitUntil(at.max(due))
        } else {
            self.begin()
        }
    }

    fn begin(&mut self) -> Decision {
        self.syncing = true;
        self.due_ms = None;
        self.held_until_ms = None;
        self.unsent_since_ms = None;
        Decision::SyncNow
    }
}

fn later(ms: i64, by_ms: u64) -> i64 {
    ms.saturating_add(i64::try_from(by_ms).unwrap_or(i64::MAX))
}
