//! The book: everything that one officer's device holds, and the one writer of its database.

mod attesting;
mod compacting;
mod copying;
mod export;
mod feedback;
mod missing;
mod once;
mod planning;
mod reading;
mod writing;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use sokiem_record::{
    ChangeHash,
    document::Document,
    id::{ActorId, DocumentId, EpochId},
    signing::SigningKey,
};

pub use copying::Copied;
pub use feedback::{Decided, Feedback, Remark};
pub use missing::InspectionForm;
pub use reading::{
    AreaInScope, Author, NamedAlternative, NamedConflict, NamedHistoryEntry, Opened,
};
pub use writing::Saved;

use crate::{
    error::{Error, Result},
    platform::{Clock, Random},
    status::{Status, StatusListener, Watch},
    store::{
        enrolment::{self, EnrolResponse, Enrolment},
        erase, log, open, record,
        rescue::{self, RescueReport},
    },
};
#[cfg(not(target_family = "wasm"))]
use crate::{
    keys::{BookKey, KeyStore},
    store::{replacing, sealed},
};

/// A handle to the open book; clones share it. Every function returns when SQLite has answered: none
/// waits for the network.
#[derive(Clone)]
pub struct Book {
    shared: Arc<Shared>,
    /// Set on the handles that [`Book::once`] gives.
    operation: Option<once::Operation>,
}

struct Shared {
    inner: Mutex<Inner>,
    /// The file that the core opened by itself.
    file: Option<PathBuf>,
    clock: Box<dyn Clock>,
    random: Box<dyn Random>,
    watch: Watch,
}

struct Inner {
    connection: Connection,
    cache: Cache,
}

/// Draws this installation's actor where there is none.
fn ensure_actor(connection: &Connection, random: &dyn Random) -> Result<()> {
    if enrolment::actor(connection)?.is_none() {
        let mut bytes = [0; 16];
        random.fill(&mut bytes)?;
        enrolment::set_actor(connection, ActorId(uuid::Uuid::from_bytes(bytes)))?;
    }
    Ok(())
}

/// The document that was written last: the next edit is most often of the same one.
#[derive(Default)]
pub(crate) struct Cache(Option<Document>);

impl Cache {
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }

    pub(crate) fn take(&mut self, id: DocumentId, heads: &[ChangeHash]) -> Option<Document> {
        self.0
            .take()
            .filter(|document| document.id() == id && document.heads() == heads)
    }

    pub(crate) fn put(&mut self, document: Document) {
        self.0 = Some(document);
    }
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Book").finish_non_exhaustive()
    }
}

/// A book that was opened, and what had to be rescued for it.
#[derive(Debug)]
pub struct OpenedBook {
    /// The book.
    pub book: Book,
    /// Present when the file was damaged: where it lies now, and what could be read out of it.
    pub rescued: Option<RescueReport>,
}

impl Book {
    /// Opens the book in this file under this key, or begins one; folders on the way are made.
    ///
    /// A damaged file is never deleted: it is set aside beside the new one, and what can be read of it
    /// is carried over; the report says what. Both are encrypted. A book of an earlier version, which was
    /// not, is encrypted on the way.
    ///
    /// # Errors
    /// [`Error::WrongKey`] for a file that nothing of speaks for this key (left untouched),
    /// [`Error::OpenElsewhere`] while somebody else has it open, [`Error::NewerSchema`] for a file of a
    /// newer version (left untouched), [`Error::NoCipher`], [`Error::Files`] and [`Error::Database`] for
    /// everything below.
    #[cfg(not(target_family = "wasm"))]
    pub fn open(
        path: impl AsRef<std::path::Path>,
        key: &BookKey,
        clock: impl Clock + 'static,
        random: impl Random + 'static,
    ) -> Result<OpenedBook> {
        let path = path.as_ref();
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder).map_err(Error::Files)?;
        }
        let (connection, rescued) =
            sealed::open(path, key, clock.now_ms()).map_err(|error| elsewhere(error, path))?;
        let file = Some(path.to_owned());
        Ok(OpenedBook {
            book: Self::begin(connection, file, Box::new(clock), Box::new(random))?,
            rescued,
        })
    }

    /// [`Book::open`] under the key that the host keeps. For a book that begins here a key is drawn,
    /// and kept before anything is written under it.
    ///
    /// # Errors
    /// As [`Book::open`]; [`Error::KeyMissing`] for a book whose key is gone, and what the store says.
    #[cfg(not(target_family = "wasm"))]
    pub fn open_with(
        path: impl AsRef<std::path::Path>,
        keys: &dyn KeyStore,
        clock: impl Clock + 'static,
        random: impl Random + 'static,
    ) -> Result<OpenedBook> {
        let path = path.as_ref();
        let key = match keys.load()? {
            Some(key) => key,
            None if path.exists() && !sealed::is_plain(path) => {
                return Err(Error::KeyMissing(path.to_owned()));
            }
            None => {
                let key = BookKey::draw(&random)?;
                keys.store(&key)?;
                key
            }
        };
        Self::open(path, &key, clock, random)
    }

    /// Opens the book in a file of another file system, by the name under which SQLite knows it. A
    /// damaged book is left as it is, and so is one from before encryption.
    ///
    /// # Errors
    /// As [`Book::open`], and [`Error::Damaged`].
    #[cfg(not(target_family = "wasm"))]
    pub fn open_on(
        vfs: &str,
        path: impl AsRef<std::path::Path>,
        key: &BookKey,
        clock: impl Clock + 'static,
        random: impl Random + 'static,
    ) -> Result<Self> {
        let path = path.as_ref();
        let connection = sealed::open_on(vfs, path, key).map_err(|error| elsewhere(error, path))?;
        Self::begin(connection, None, Box::new(clock), Box::new(random))
    }

    /// Makes a book of a database that the platform opened, in a browser on its own file system, and
    /// unlocked by [`BookKey::unlock`].
    ///
    /// # Errors
    /// As [`Book::open`]; [`Error::Damaged`] for a damaged database, which is left as it is:
    /// set it aside and call [`Book::from_damaged`].
    pub fn from_connection(
        mut connection: Connection,
        clock: impl Clock + 'static,
        random: impl Random + 'static,
    ) -> Result<Self> {
        open::prepare(&mut connection)?;
        Self::begin(connection, None, Box::new(clock), Box::new(random))
    }

    /// Begins a book in `fresh` with whatever can be read of `damaged`: where the platform, and not
    /// [`Book::open`], opens the files. `damaged` opens and unlocks the damaged one, for each damaged
    /// place once more; `reason` is what [`Error::Damaged`] said.
    ///
    /// # Errors
    /// [`Error::Database`] when `fresh` can't be written.
    pub fn from_damaged(
        damaged: impl Fn() -> Result<Connection>,
        mut fresh: Connection,
        reason: String,
        clock: impl Clock + 'static,
        random: impl Random + 'static,
    ) -> Result<OpenedBook> {
        let mut report = RescueReport {
            reason,
            ..RescueReport::default()
        };
        rescue::carry_over(&damaged, &mut fresh, clock.now_ms(), &mut report)?;
        let book = Self::begin(fresh, None, Box::new(clock), Box::new(random))?;
        Ok(OpenedBook {
            book,
            rescued: Some(report),
        })
    }

    /// A book that is gone when the last handle goes: for tests and examples.
    ///
    /// # Errors
    /// [`Error::Database`] when SQLite can't begin.
    pub fn in_memory(clock: impl Clock + 'static, random: impl Random + 'static) -> Result<Self> {
        Self::from_connection(Connection::open_in_memory()?, clock, random)
    }

    fn begin(
        mut connection: Connection,
        file: Option<PathBuf>,
        clock: Box<dyn Clock>,
        random: Box<dyn Random>,
    ) -> Result<Self> {
        if erase::is_begun(&connection)? {
            erase::all(&mut connection, file.as_deref())?;
        }
        ensure_actor(&connection, random.as_ref())?;
        let inner = Mutex::new(Inner {
            connection,
            cache: Cache::default(),
        });
        Ok(Self {
            shared: Arc::new(Shared {
                inner,
                file,
                clock,
                random,
                watch: Watch::default(),
            }),
            operation: None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A transaction that panicked was rolled back when it was dropped; the cache may be half-way.
        self.shared
            .inner
            .lock()
            .unwrap_or_else(|poisoned: PoisonError<_>| {
                let mut guard = poisoned.into_inner();
                guard.cache.clear();
                guard
            })
    }

    /// Reads, without a transaction around it.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        work(&self.lock().connection)
    }

    /// Writes in one transaction; when this returns, it is on disk.
    pub(crate) fn transact<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>, &mut Cache) -> Result<T>,
    ) -> Result<T> {
        let mut guard = self.lock();
        let Inner { connection, cache } = &mut *guard;
        let done = (|| {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&tx, cache)?;
            tx.commit()?;
            Ok(value)
        })();
        if let Err(error) = &done {
            cache.clear();
            if log::is_doubtful(error) {
                log::overwrite_failed(connection);
            }
        }
        drop(guard);
        if done.is_ok() {
            self.shared.watch.notify();
        }
        done
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.shared.clock.now_ms()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.shared.clock.as_ref()
    }

    pub(crate) fn random(&self) -> &dyn Random {
        self.shared.random.as_ref()
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.shared.watch
    }

    /// Encrypts the book anew under another key, and keeps that key instead of the old one. Interrupted
    /// at any point, the book opens under whichever key the store holds.
    ///
    /// # Errors
    /// [`Error::NotAFile`] for a book that its host opened; what the store says, and then nothing has
    /// changed; [`Error::Files`] and [`Error::Database`]: open the book again.
    #[cfg(not(target_family = "wasm"))]
    pub fn rekey(&self, keys: &dyn KeyStore, key: &BookKey) -> Result<()> {
        let path = self.shared.file.as_deref().ok_or(Error::NotAFile)?;
        let mut guard = self.lock();
        let inner = &mut *guard;
        // With the write-ahead log folded in, the file alone is the book.
        inner
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        let copy = replacing::with_suffix(path, sealed::REKEYING);
        sealed::copy_under(&inner.connection, &copy, key)?;
        keys.store(key)?;
        inner.cache.clear();
        let old = std::mem::replace(&mut inner.connection, Connection::open_in_memory()?);
        old.close().map_err(|(_, error)| error)?;
        sealed::move_in(path)?;
        inner.connection = sealed::attempt(None, path, key)?;
        Ok(())
    }

    /// Erases everything that this device holds, its key for the server included, and what lies beside the book's file: because
    /// somebody asked for it, after [`crate::sync::Step::ConfirmWipe`]. What stays is an empty book whose status says so.
    /// Interrupted at any point, the next opening goes on. The platform then changes the book's own key
    /// ([`Book::rekey`]), so that no remains on the disk can be read.
    ///
    /// # Errors
    /// [`Error::Database`] and [`Error::Files`]: open the book again.
    pub fn erase(&self) -> Result<()> {
        let now_ms = self.now_ms();
        self.transact(|tx, _| erase::begin(tx, now_ms))?;
        {
            let mut guard = self.lock();
            guard.cache.clear();
            erase::all(&mut guard.connection, self.shared.file.as_deref())?;
            ensure_actor(&guard.connection, self.random())?;
        }
        self.watch().notify();
        Ok(())
    }

    /// The actor that this installation writes with. Enrolment binds it to an officer and a device.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be read.
    pub fn actor(&self) -> Result<ActorId> {
        self.read(enrolment::actor)?
            .ok_or(Error::Unreadable("the actor"))
    }

    /// Whose this device is; `None` before enrolment.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be read.
    pub fn enrolment(&self) -> Result<Option<Enrolment>> {
        self.read(enrolment::get)
    }

    /// The key that the server is about to hear of, at enrolment or renewal. It stays the same until the server has
    /// answered: see [`Book::enrolled`].
    ///
    /// # Errors
    /// [`Error::Random`] when the platform has no randomness, [`Error::Database`].
    pub fn next_key(&self) -> Result<SigningKey> {
        let mut seed = [0; 32];
        self.random().fill(&mut seed)?;
        self.transact(|tx, _| enrolment::next_key(tx, &seed))
    }

    /// Another device has that key: the next one is drawn anew.
    pub(crate) fn forget_next_key(&self) -> Result<()> {
        self.transact(|tx, _| enrolment::forget_next_key(tx))
    }

    /// Writes down what the server answered to the enrolment. Enrolling again, after a credential
    /// expired, keeps everything.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be written.
    pub fn enrolled(&self, server: &str, response: &EnrolResponse) -> Result<()> {
        let now_ms = self.now_ms();
        self.transact(|tx, _| {
            enrolment::set(tx, server, response)?;
            crate::sync::note_epoch(tx, response.epoch, now_ms)
        })
    }

    /// Notes which build of the program uses the book; the server's administrators are shown it. Say it at
    /// every start: nothing is written when it is known.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be read or written.
    pub fn note_app_version(&self, version: &str) -> Result<()> {
        let known = self.read(|connection| record::fact(connection, record::APP_VERSION))?;
        if known.as_deref() == Some(version) {
            return Ok(());
        }
        self.transact(|tx, _| record::set_fact(tx, record::APP_VERSION, Some(version)))
    }

    /// The server history that this book follows; `None` before the first contact.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be read.
    pub fn epoch(&self) -> Result<Option<EpochId>> {
        self.read(enrolment::epoch)
    }

    /// What a user interface shows of the synchronisation.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be read.
    pub fn status(&self) -> Result<Status> {
        let live = self.shared.watch.live();
        self.read(|connection| Status::read(connection, &live))
    }

    /// Tells when the status may have changed.
    pub fn listen(&self) -> StatusListener {
        self.shared.watch.listen()
    }

    /// Calls back after every change, on the thread that made it. Read the status in there, or wake
    /// whoever does; do not write to the book from there.
    pub fn on_change(&self, callback: impl Fn() + Send + Sync + 'static) {
        self.shared.watch.call(Box::new(callback));
    }
}

#[cfg(not(target_family = "wasm"))]
fn elsewhere(error: Error, path: &std::path::Path) -> Error {
    if open::is_busy(&error) {
        Error::OpenElsewhere(path.to_owned())
    } else {
        error
    }
}
