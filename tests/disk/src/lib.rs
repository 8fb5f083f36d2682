//! A disk that exists only in memory and fails on demand: for tests of what survives.
//!
//! A [`Disk`] registers a virtual file system with SQLite under a name of its own. Real databases in
//! real WAL mode lie on it, with several connections from several threads. It knows what was synced and
//! what was not, cuts the power at any storage call, fails single calls, and runs full.
//!
//! # The model
//!
//! 1. **A write is not durable.** It is seen by every reader at once and is lost by a power cut unless a
//!    sync of its file came after it.
//! 2. **A power cut keeps what it likes of the rest**: nothing, everything, the writes up to some moment,
//!    any choice of writes, or any choice of the [`SECTOR`]s of those writes. Which, follows from the seed.
//!    Where a lost write would have made a file longer, zeros or rubbish may lie.
//! 3. **A sector is written whole or not at all, and bytes beside a write stay what they were**: this is
//!    what SQLite calls powersafe overwrite and what file systems in use promise. Nothing else is promised:
//!    no order between writes, no atomic pages, no safe append.
//! 4. **Names are not durable either.** A file that was made, or deleted, is so after a power cut only if
//!    its folder was synced: by the first sync of a new journal or write-ahead log, or by a delete that asks
//!    for it, as SQLite's own file system does.
//! 5. **A sync that fails proves nothing.** What it was to write may be on disk, may get there with a later
//!    sync, or may never get there although readers see it: so do kernels behave.
//! 6. **Shared memory and locks are gone** with the power or with the process.
//! 7. After a power cut, or after [`Disk::kill`], whoever still has a file open gets errors for ever.
//!
//! # Counting and failing calls
//!
//! Every storage call that may fail has a number, from 1: open, delete, access, read, write, truncate, sync, size, lock,
//! and mapping or locking shared memory. [`Disk::calls`] says how many there were; [`Disk::fail_at`] makes
//! one fail. To fail each call of some work: do it once, see how many calls it took, and repeat it from a
//! copy of the disk ([`Disk::image`]) with a fault at the first call, the second, and so on.
//!
//! ```
//! use rusqlite::{Connection, OpenFlags};
//! use sokiem_disk::{Disk, Fault};
//!
//! let disk = Disk::new(7);
//! let open = || Connection::open_with_flags_and_vfs("book.sqlite3", OpenFlags::default(), disk.vfs());
//! let book = open()?;
//! book.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE saved (n)")?;
//! book.execute("INSERT INTO saved VALUES (1)", [])?;
//!
//! disk.fail_at(disk.calls() + 3, Fault::Crash);
//! assert!(book.execute("INSERT INTO saved VALUES (2)", []).is_err());
//! drop(book);
//! disk.restart();
//!
//! let first: i64 = open()?.query_row("SELECT n FROM saved ORDER BY n", [], |row| row.get(0))?;
//! assert_eq!(first, 1, "what was committed is there");
//! # Ok::<(), rusqlite::Error>(())
//! ```

mod chance;
mod content;
mod disk;
mod fault;
mod folder;
mod locks;
mod shared_memory;
mod state;
mod vfs;

pub use content::SECTOR;
pub use disk::{Disk, Image};
pub use fault::Fault;
