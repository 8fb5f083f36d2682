//! A browser's worker as the place where the tests run: a page calls each by its name. Their books lie in the browser's
//! private file system and are opened as the officer's app opens its own.

use std::cell::{Cell, OnceCell, RefCell};

use rusqlite::Connection;
use sokiem_client_core::{Book, keys::BookKey};
use sokiem_web_files::Pool;
use wasm_bindgen::prelude::*;

use crate::platform::{Seeded, TestClock};

/// Files at the same time: databases, each with its log.
const FILES: usize = 32;

thread_local! {
    static POOL: OnceCell<Pool> = const { OnceCell::new() };
    static BEGUN: Cell<u32> = const { Cell::new(0) };
    /// Books that nobody opens a second time: their files go when they are closed.
    static PASSING: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

#[wasm_bindgen]
extern "C" {
    /// What a test says, and why it failed.
    #[wasm_bindgen(js_name = sokiemSay)]
    pub(crate) fn say(words: &str);

    /// The seed that is to be replayed.
    #[wasm_bindgen(js_name = sokiemSeed)]
    pub(crate) fn seed() -> Option<String>;
}

/// Takes the files.
#[expect(unreachable_pub, reason = "the page calls it")]
#[wasm_bindgen]
pub async fn begin() -> Result<(), JsValue> {
    std::panic::set_hook(Box::new(|panic| say(&panic.to_string())));
    let pool = Pool::take("sokiem-core-tests", FILES).await;
    let pool = pool.map_err(|error| JsValue::from(error.to_string()))?;
    // What a test left that failed.
    pool.clear()
        .map_err(|error| JsValue::from(error.to_string()))?;
    POOL.with(|held| held.set(pool).map_err(|_| JsValue::from("begun twice")))
}

/// After each test: nothing of it stays. It fails when the test left a book open.
#[expect(unreachable_pub, reason = "the page calls it")]
#[wasm_bindgen]
pub fn clear() {
    with(|pool| pool.clear().unwrap());
}

fn with<T>(work: impl FnOnce(&Pool) -> T) -> T {
    POOL.with(|pool| work(pool.get().unwrap()))
}

/// A book that nobody opens a second time.
pub(crate) fn book(clock: TestClock, random: Seeded) -> Book {
    PASSING.with_borrow_mut(|names| {
        names.retain(|name| with(|pool| pool.remove(name).is_err()));
        let file = File::new();
        let book = file.open(&BookKey::from_bytes([3; 32]), clock, random);
        names.push(file.0);
        book
    })
}

/// A file for a book that is closed and opened again.
pub(crate) struct File(String);

impl File {
    pub(crate) fn new() -> Self {
        BEGUN.set(BEGUN.get() + 1);
        Self(format!("book-{}.db", BEGUN.get()))
    }

    /// The book in it.
    pub(crate) fn open(&self, key: &BookKey, clock: TestClock, random: Seeded) -> Book {
        Book::from_connection(self.connect(key), clock, random).unwrap()
    }

    /// A connection under this key, of which nothing was asked yet.
    pub(crate) fn connect(&self, key: &BookKey) -> Connection {
        with(|pool| pool.connect(&self.0, key).unwrap())
    }

    /// What is in the file, while nobody has it open.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        with(|pool| pool.bytes(&self.0).unwrap())
    }

    /// Puts these bytes into the file, while nobody has it open.
    pub(crate) fn put(&self, bytes: &[u8]) {
        with(|pool| pool.put(&self.0, bytes).unwrap());
    }
}
