//! Who looked at which record. Nobody waits for these rows: they are handed over and written together,
//! as many as have come while the write before was on its way.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use sokiem_record::id::{AccountId, AreaId};

use super::{Action, Entry, note};
use crate::{app::App, error::Error};

/// Reads that are noted but not yet on disk.
pub(crate) struct Reads {
    waiting: Mutex<Waiting>,
    /// Most reads that wait.
    most: usize,
}

#[derive(Default)]
struct Waiting {
    reads: VecDeque<Read>,
    /// Reads that came while the queue was full. The log says how many.
    overflowed: u64,
    /// Whether somebody is writing.
    writing: bool,
}

/// A person looked at something.
#[derive(Clone, Debug)]
struct Read {
    account: AccountId,
    at_ms: i64,
    entry: Entry,
}

impl Reads {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            most: most.max(1),
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a read in; whether the caller has to see to it that it is written.
    fn push(&self, read: Read) -> bool {
        let mut waiting = self.waiting();
        if waiting.reads.len() >= self.most {
            waiting.overflowed = waiting.overflowed.saturating_add(1);
        } else {
            waiting.reads.push_back(read);
        }
        !std::mem::replace(&mut waiting.writing, true)
    }

    fn take(&self) -> (Vec<Read>, u64) {
        let mut waiting = self.waiting();
        let reads: Vec<Read> = waiting.reads.drain(..).collect();
        let overflowed = std::mem::take(&mut waiting.overflowed);
        waiting.writing = !reads.is_empty() || overflowed > 0;
        (reads, overflowed)
    }

    /// What could not be written waits for the next read.
    fn give_back(&self, reads: Vec<Read>, overflowed: u64) {
        let mut waiting = self.waiting();
        waiting.writing = false;
        waiting.overflowed = waiting.overflowed.saturating_add(overflowed);
        for read in reads.into_iter().rev() {
            if waiting.reads.len() < self.most {
                waiting.reads.push_front(read);
            } else {
                waiting.overflowed = waiting.overflowed.saturating_add(1);
            }
        }
    }
}

/// Notes that a person looked at something, without making them wait.
pub(crate) fn looked(app: &Arc<App>, account: AccountId, entry: Entry) {
    let at_ms = app.machine.now_ms();
    let read = Read {
        account,
        at_ms,
        entry,
    };
    if app.reads.push(read) {
        let app = Arc::clone(app);
        tokio::spawn(async move { write(&app).await });
    }
}

/// Notes that a person looked at a record: `what` is the part of it.
pub(crate) fn looked_at_record(
    app: &Arc<App>,
    account: AccountId,
    record: uuid::Uuid,
    area: AreaId,
    what: &'static str,
) {
    let entry = Entry::new(Action::RecordRead)
        .on("record", record)
        .area(area);
    looked(app, account, entry.detail("part", what));
}

/// Writes what waits, until nothing does.
pub(crate) async fn write(app: &App) {
    loop {
        let (reads, overflowed) = app.reads.take();
        if reads.is_empty() && overflowed == 0 {
            return;
        }
        app.metrics.audit_reads_overflowed.inc_by(overflowed);
        let batch = reads.clone();
        let written = app.store.write(move |writing| {
            for read in batch {
                super::chain::append(writing.sql, read.at_ms, read.entry.by(read.account))?;
            }
            if overflowed > 0 {
                let entry = Entry::new(Action::ReadsOverflowed);
                note(writing, entry.detail("count", overflowed))?;
            }
            Ok::<_, Error>(())
        });
        if let Err(error) = written.await {
            tracing::error!(%error, reads = reads.len(), "reads were not noted yet");
            app.reads.give_back(reads, overflowed);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read() -> Read {
        Read {
            account: AccountId(uuid::Uuid::nil()),
            at_ms: 0,
            entry: Entry::new(Action::RecordRead),
        }
    }

    #[test]
    fn one_writer_at_a_time_and_what_overflows_is_counted() {
        let reads = Reads::new(2);
        assert_eq!(
            [0; 4].map(|_| reads.push(read())),
            [true, false, false, false]
        );
        let (taken, overflowed) = reads.take();
        assert_eq!((taken.len(), overflowed), (2, 2));
        assert!(!reads.push(read()), "the writer comes back for it");
        reads.give_back(taken, overflowed);
        let (taken, overflowed) = reads.take();
        assert_eq!((taken.len(), overflowed), (2, 3));
        assert_eq!(reads.take().0.len(), 0);
        assert!(reads.push(read()));
    }
}
