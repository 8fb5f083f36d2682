//! The book's key under the officer's PIN, and how often a PIN may be tried.
//!
//! The key is drawn at random and lies in a small file, sealed under a key that argon2id makes of the PIN. Whoever has the
//! phone in hand and this app in front has few tries; whoever can read the file system can try without asking here, and is
//! held up by what each try costs.

use serde::{Deserialize, Serialize};
use sokiem_client_core::{
    Error,
    keys::{BookKey, WrappedKey},
    platform::Clock as _,
};
use sokiem_web_messages::Failure;

use crate::{
    failure,
    platform::{BrowserClock, BrowserRandom},
    storage::{read_small, write_small},
};

/// The fewest characters of a PIN.
const LEAST_CHARS: usize = 6;
/// Wrong ones in a row before the first wait.
const FREE_TRIES: u32 = 5;
/// The first wait, and the longest.
const WAIT_MS: (u64, u64) = (30_000, 60 * 60_000);

const KEY: &str = "key";
const TRIES: &str = "tries";

/// Wrong PINs in a row. The count is on disk before a PIN is looked at, so that a reload gives no free try.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tries {
    /// How many.
    pub(crate) wrong: u32,
    /// When the last one was, in milliseconds since 1970-01-01 UTC by this device's clock.
    at_ms: i64,
}

impl Tries {
    async fn read() -> Result<Self, Failure> {
        let written = read_small(TRIES).await?;
        Ok(written
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default())
    }

    async fn write(self) -> Result<(), Failure> {
        let bytes = serde_json::to_vec(&self).unwrap_or_default();
        write_small(TRIES, &bytes).await
    }

    /// Until the next one is looked at. A clock that was put back does not make it longer than it ever is.
    pub(crate) fn wait_ms(self) -> u64 {
        let Some(over) = self.wrong.checked_sub(FREE_TRIES) else {
            return 0;
        };
        let wait = (WAIT_MS.0 << over.min(16)).min(WAIT_MS.1);
        let passed = BrowserClock.now_ms().saturating_sub(self.at_ms);
        wait.saturating_sub(u64::try_from(passed).unwrap_or(0))
    }
}

/// How many wrong PINs there were.
pub(crate) async fn tries() -> Result<Tries, Failure> {
    Tries::read().await
}

/// Whether there is a book.
pub(crate) async fn exists() -> Result<bool, Failure> {
    Ok(read_small(KEY).await?.is_some())
}

async fn wrapped() -> Result<Option<WrappedKey>, Failure> {
    let Some(bytes) = read_small(KEY).await? else {
        return Ok(None);
    };
    match serde_json::from_slice(&bytes) {
        Ok(wrapped) => Ok(Some(wrapped)),
        Err(_) => Err(failure::of(&Error::KeyFile("it is damaged"))),
    }
}

fn long_enough(pin: &str) -> Result<(), Failure> {
    if pin.chars().count() >= LEAST_CHARS {
        return Ok(());
    }
    Err(Failure::new(
        "pin-short",
        "Mã PIN cần ít nhất 6 ký tự.",
        "A PIN needs at least 6 characters.",
    ))
}

async fn keep(key: &BookKey, pin: &str) -> Result<(), Failure> {
    let wrapped =
        WrappedKey::wrap(key, pin, &BrowserRandom).map_err(|error| failure::of(&error))?;
    let bytes = serde_json::to_vec(&wrapped).unwrap_or_default();
    write_small(KEY, &bytes).await
}

/// Draws the key of a new book and puts it under this PIN.
pub(crate) async fn begin(pin: &str) -> Result<BookKey, Failure> {
    long_enough(pin)?;
    if exists().await? {
        return Err(Failure::new(
            "book-exists",
            "Trên máy đã có sổ. Hãy mở bằng mã PIN của sổ đó.",
            "There is a book on this device already. Open it with its PIN.",
        ));
    }
    let key = BookKey::draw(&BrowserRandom).map_err(|error| failure::of(&error))?;
    // Both of their places are there before there may be no room for them.
    Tries::default().write().await?;
    Tries::default().write().await?;
    keep(&key, pin).await?;
    Ok(key)
}

/// Takes the key out from under the PIN.
pub(crate) async fn unlock(pin: &str) -> Result<BookKey, Failure> {
    let tries = Tries::read().await?;
    if tries.wait_ms() > 0 {
        return Err(too_many(tries));
    }
    let Some(wrapped) = wrapped().await? else {
        return Err(Failure::new(
            "no-book",
            "Trên máy chưa có sổ.",
            "There is no book on this device.",
        ));
    };
    let now = Tries {
        wrong: tries.wrong + 1,
        at_ms: BrowserClock.now_ms(),
    };
    now.write().await?;
    match wrapped.unwrap(pin) {
        Ok(key) => {
            Tries::default().write().await?;
            Ok(key)
        }
        Err(Error::WrongPassphrase) if now.wait_ms() > 0 => Err(too_many(now)),
        Err(error) => Err(failure::of(&error)),
    }
}

fn too_many(tries: Tries) -> Failure {
    let seconds = tries.wait_ms().div_ceil(1_000);
    Failure::new(
        "pin-wait",
        &format!("Sai mã PIN nhiều lần. Hãy thử lại sau {seconds} giây. Sổ vẫn còn nguyên."),
        &format!("Too many wrong PINs. Try again in {seconds} seconds. The book is untouched."),
    )
}

/// Puts the key under another PIN; the book is not touched.
pub(crate) async fn change(from: &str, to: &str) -> Result<(), Failure> {
    long_enough(to)?;
    let key = unlock(from).await?;
    keep(&key, to).await
}
