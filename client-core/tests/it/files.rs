//! Where the books of tests lie: in memory, or in a file of their own; in a browser where the officer's lies.

#[cfg(target_family = "wasm")]
pub(crate) use crate::browser::{File, book};
#[cfg(not(target_family = "wasm"))]
pub(crate) use here::{File, book};

#[cfg(not(target_family = "wasm"))]
mod here {
    use std::path::PathBuf;

    use rusqlite::Connection;
    use sokiem_client_core::{Book, keys::BookKey};
    use tempfile::TempDir;

    use crate::platform::{Seeded, TestClock};

    /// A book that nobody opens a second time.
    pub(crate) fn book(clock: TestClock, random: Seeded) -> Book {
        Book::in_memory(clock, random).unwrap()
    }

    /// A file for a book that is closed and opened again.
    pub(crate) struct File(TempDir);

    impl File {
        pub(crate) fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("book.db")
        }

        /// The book in it.
        pub(crate) fn open(&self, key: &BookKey, clock: TestClock, random: Seeded) -> Book {
            Book::open(self.path(), key, clock, random).unwrap().book
        }

        /// A connection under this key, of which nothing was asked yet.
        pub(crate) fn connect(&self, key: &BookKey) -> Connection {
            let connection = Connection::open(self.path()).unwrap();
            key.unlock(&connection).unwrap();
            connection
        }

        /// What is in the file, while nobody has it open.
        pub(crate) fn bytes(&self) -> Vec<u8> {
            std::fs::read(self.path()).unwrap()
        }

        /// Puts these bytes into the file, while nobody has it open.
        pub(crate) fn put(&self, bytes: &[u8]) {
            std::fs::write(self.path(), bytes).unwrap();
        }
    }
}
