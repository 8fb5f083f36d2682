//! The one thread that writes. Writes that wait together are committed together.
//!
//! Each write runs in a savepoint of its own, so that one that fails undoes itself and not its
//! neighbours. SQLite's full-disk and I/O errors undo the whole transaction: then every write of the
//! group is told so.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::{
    config::Limits,
    error::Error,
    platform::Machine,
    store::log,
    sync::poke::{Poke, Pokes},
    telemetry::Metrics,
};

/// What a write may do.
pub(crate) struct Writing<'a> {
    /// The connection, inside the write's savepoint.
    pub(crate) sql: &'a Connection,
    /// The time of the write, for everything that it stamps.
    pub(crate) now_ms: i64,
    /// Randomness and ids.
    pub(crate) machine: &'a Machine,
    /// What is counted.
    pub(crate) metrics: &'a Metrics,
    /// Changes after which a document gets a new snapshot.
    pub(crate) snapshot_after_changes: u32,
    pokes: RefCell<BTreeSet<Poke>>,
}

impl Writing<'_> {
    /// Tells listeners once this write is committed.
    pub(crate) fn poke(&self, poke: Poke) {
        self.pokes.borrow_mut().insert(poke);
    }
}

/// One write in the queue.
pub(super) type Job = Box<dyn Work>;

pub(super) trait Work: Send {
    /// Does the work; false when it failed and is to be undone.
    fn run(&mut self, writing: &Writing<'_>) -> bool;
    /// Tells the caller.
    fn answer(self: Box<Self>, committed: bool);
}

struct Typed<F, T, E> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Work for Typed<F, T, E>
where
    F: FnOnce(&Writing<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn run(&mut self, writing: &Writing<'_>) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        let result = catch_unwind(AssertUnwindSafe(|| work(writing)))
            .unwrap_or_else(|_| Err(Error::Panicked.into()));
        let good = result.is_ok();
        self.result = Some(result);
        good
    }

    fn answer(self: Box<Self>, committed: bool) {
        let result = match self.result {
            Some(Err(error)) => Err(error),
            Some(Ok(value)) if committed => Ok(value),
            _ => Err(Error::NotCommitted.into()),
        };
        // Nobody listens any more when the connection was cut; the write stands all the same.
        let _ = self.reply.send(result);
    }
}

pub(super) fn job<F, T, E>(work: F) -> (Job, oneshot::Receiver<Result<T, E>>)
where
    F: FnOnce(&Writing<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (
        Box::new(Typed {
            work: Some(work),
            result: None,
            reply,
        }),
        answer,
    )
}

/// What runs the writer.
pub(super) enum Worker {
    /// A thread of its own.
    Thread(std::thread::JoinHandle<()>),
    /// A task of the runtime: for simulations, on their one thread.
    Task,
}

/// Starts the writer. Without threads it has to be called inside of a runtime.
pub(super) fn start(
    connection: Connection,
    queue: mpsc::Receiver<Job>,
    machine: Machine,
    limits: &Limits,
    metrics: Arc<Metrics>,
    pokes: Pokes,
) -> std::io::Result<Worker> {
    let threads = machine.threads();
    let mut writer = Writer {
        connection,
        queue,
        machine,
        metrics,
        pokes,
        group_writes: limits.group_writes,
        group_time: Duration::from_millis(limits.group_ms),
        snapshot_after_changes: limits.snapshot_after_changes,
    };
    if !threads {
        tokio::spawn(async move {
            while let Some(first) = writer.queue.recv().await {
                writer.group(first);
            }
        });
        return Ok(Worker::Task);
    }
    let thread = std::thread::Builder::new().name("sokiem-writer".to_owned());
    let thread = thread.spawn(move || {
        while let Some(first) = writer.queue.blocking_recv() {
            writer.group(first);
        }
    })?;
    Ok(Worker::Thread(thread))
}

struct Writer {
    connection: Connection,
    queue: mpsc::Receiver<Job>,
    machine: Machine,
    metrics: Arc<Metrics>,
    pokes: Pokes,
    group_writes: usize,
    group_time: Duration,
    snapshot_after_changes: u32,
}

impl Writer {
    /// Runs the first write and those that wait already, commits, and only then answers.
    fn group(&mut self, first: Job) {
        let begun = Instant::now();
        let rows = self.connection.total_changes();
        let mut done: Vec<Job> = Vec::new();
        let mut pokes = BTreeSet::new();
        let mut next = Some(first);
        let mut alive = self.connection.execute_batch("BEGIN IMMEDIATE").is_ok();
        while let Some(mut job) = next.take() {
            self.metrics.write_queue.dec();
            if alive {
                pokes.append(&mut self.run(&mut job));
                alive = !self.connection.is_autocommit();
            }
            done.push(job);
            if alive && done.len() < self.group_writes && begun.elapsed() < self.group_time {
                next = self.queue.try_recv().ok();
            }
        }
        let committing = Instant::now();
        let committed = alive && self.connection.execute_batch("COMMIT").is_ok();
        if committed {
            self.metrics
                .commit_seconds
                .observe(committing.elapsed().as_secs_f64());
        } else {
            tracing::error!(writes = done.len(), "a group of writes was not committed");
            if !self.connection.is_autocommit() {
                let _ = self.connection.execute_batch("ROLLBACK");
            }
            log::overwrite_failed(&self.connection);
        }
        let rows = self.connection.total_changes().saturating_sub(rows);
        self.metrics.rows_written.inc_by(rows);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a group has a few hundred writes at most"
        )]
        self.metrics.group_writes.observe(done.len() as f64);
        for job in done {
            job.answer(committed);
        }
        if committed {
            for poke in pokes {
                self.pokes.send(poke);
            }
        }
    }

    /// Runs one write in its savepoint; what it wants to poke.
    fn run(&self, job: &mut Job) -> BTreeSet<Poke> {
        if self.connection.execute_batch("SAVEPOINT job").is_err() {
            return BTreeSet::new();
        }
        let writing = Writing {
            sql: &self.connection,
            now_ms: self.machine.now_ms(),
            machine: &self.machine,
            metrics: &self.metrics,
            snapshot_after_changes: self.snapshot_after_changes,
            pokes: RefCell::default(),
        };
        if job.run(&writing) {
            if self.connection.execute_batch("RELEASE job").is_ok() {
                return writing.pokes.into_inner();
            }
            // Without the release nothing may be acknowledged: undo the whole group.
            let _ = self.connection.execute_batch("ROLLBACK");
        } else if !self.connection.is_autocommit()
            && self
                .connection
                .execute_batch("ROLLBACK TO job; RELEASE job")
                .is_err()
        {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        BTreeSet::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::SystemPlatform;

    fn writer() -> (Writer, mpsc::Sender<Job>) {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE seen (n INTEGER PRIMARY KEY)")
            .unwrap();
        let (sender, queue) = mpsc::channel(16);
        let writer = Writer {
            connection,
            queue,
            machine: Machine::new(SystemPlatform),
            metrics: Arc::new(Metrics::new()),
            pokes: Pokes::new(),
            group_writes: 10,
            group_time: Duration::from_secs(10),
            snapshot_after_changes: 8,
        };
        (writer, sender)
    }

    fn insert(n: i64, then_fail: bool) -> (Job, oneshot::Receiver<Result<(), Error>>) {
        job(move |writing: &Writing<'_>| {
            writing.sql.execute("INSERT INTO seen VALUES (?1)", [n])?;
            if then_fail {
                Err(Error::Unreadable("test"))
            } else {
                Ok(())
            }
        })
    }

    fn seen(writer: &Writer) -> i64 {
        writer
            .connection
            .query_row("SELECT count(*) FROM seen", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn a_failing_write_undoes_itself_and_not_its_neighbours() {
        let (mut writer, sender) = writer();
        let ((one, mut first), (two, mut second), (three, mut third)) =
            (insert(1, false), insert(2, true), insert(3, false));
        sender.try_send(two).ok().unwrap();
        sender.try_send(three).ok().unwrap();
        writer.group(one);
        assert!(first.try_recv().unwrap().is_ok());
        assert!(matches!(
            second.try_recv().unwrap(),
            Err(Error::Unreadable(_))
        ));
        assert!(third.try_recv().unwrap().is_ok());
        assert_eq!(seen(&writer), 2);
    }

    #[test]
    fn nothing_is_acknowledged_when_the_commit_fails() {
        let (mut writer, sender) = writer();
        writer
            .connection
            .execute_batch(
                "PRAGMA foreign_keys = ON; CREATE TABLE child (n INTEGER REFERENCES seen (n) DEFERRABLE INITIALLY DEFERRED)",
            )
            .unwrap();
        let (good, mut answered) = insert(1, false);
        // Deferred constraints fail at COMMIT, like a disk that fails there.
        let (orphan, mut failed) = job(|writing: &Writing<'_>| -> Result<(), Error> {
            writing.sql.execute("INSERT INTO child VALUES (99)", [])?;
            Ok(())
        });
        sender.try_send(orphan).ok().unwrap();
        writer.group(good);
        assert!(matches!(
            answered.try_recv().unwrap(),
            Err(Error::NotCommitted)
        ));
        assert!(matches!(
            failed.try_recv().unwrap(),
            Err(Error::NotCommitted)
        ));
        assert_eq!(seen(&writer), 0);
    }

    #[test]
    fn a_panicking_write_does_not_stop_the_writer() {
        let (mut writer, _sender) = writer();
        let (bad, mut answer) =
            job(|_: &Writing<'_>| -> Result<(), Error> { panic!("on purpose") });
        writer.group(bad);
        assert!(matches!(answer.try_recv().unwrap(), Err(Error::Panicked)));
        let (good, mut answer) = insert(1, false);
        writer.group(good);
        assert!(answer.try_recv().unwrap().is_ok());
    }
}
