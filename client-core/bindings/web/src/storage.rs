//! SQLite in the browser's private file system, and small files beside it.
//!
//! The pool of files belongs to the tab that holds the book; small files may be read by any tab.

use js_sys::Uint8Array;
use rusqlite::Connection;
use sokiem_client_core::{Book, Error, OpenedBook, keys::BookKey, platform::Timer as _};
use sokiem_web_files::{OpfsSAHError, Pool as Files};
use sokiem_web_messages::Failure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemGetFileOptions, FileSystemReadWriteOptions, FileSystemRemoveOptions,
    FileSystemSyncAccessHandle,
};

use crate::{
    failure,
    platform::{BrowserClock, BrowserRandom, BrowserTimer, is, scope, words},
};

/// Where SQLite's files lie, below the root.
const POOL: &str = "sokiem-book";
/// Where the small files lie.
const BESIDE: &str = "sokiem";
/// Files of SQLite that are open or kept at the same time: two books while one is rescued, each with its log.
const FILES: usize = 8;

/// How often files that somebody still holds are asked for, and how long apart: five seconds.
const TRIES: u32 = 50;
const PAUSE_MS: u64 = 100;

/// Whether somebody else still holds the files.
fn is_held(error: &OpfsSAHError) -> bool {
    matches!(error, OpfsSAHError::Opfs { value, .. } if is(value, "NoModificationAllowedError"))
}

/// The book's number as a file's name. A damaged book stays under its number, and the next one begins.
fn name(number: u32) -> String {
    format!("book-{number}.db")
}

/// The files of the book, held by this tab.
pub(crate) struct Pool(Files);

impl Pool {
    /// Takes the files. The tab or page before this one may still hold them while it goes away: the caller has the lock by
    /// then, so that is a matter of moments.
    pub(crate) async fn take() -> Result<Self, Failure> {
        for _ in 0..TRIES {
            match Files::take(POOL, FILES).await {
                Err(error) if is_held(&error) => BrowserTimer.sleep(PAUSE_MS).await,
                taken => return taken.map(Self).map_err(|error| refused(&error)),
            }
        }
        let taken = Files::take(POOL, FILES).await;
        taken.map(Self).map_err(|error| refused(&error))
    }

    /// Gives the files back, once nothing has them open.
    pub(crate) fn release(&self) -> bool {
        self.0.release()
    }

    /// Removes every file of SQLite; nothing may have them open.
    pub(crate) fn clear(&self) -> Result<(), Failure> {
        self.0.clear().map_err(|error| refused(&error))
    }

    fn connect(&self, number: u32, key: &BookKey) -> Result<Connection, Error> {
        self.0.connect(&name(number), key)
    }

    fn book(&self, number: u32, key: &BookKey) -> Result<Book, Error> {
        Book::from_connection(self.connect(number, key)?, BrowserClock, BrowserRandom)
    }

    /// Opens the book under this key, or begins one. A damaged one is set aside and what can be read of it carried over.
    pub(crate) async fn open(&self, key: &BookKey) -> Result<OpenedBook, Failure> {
        let number = number().await?;
        match self.book(number, key) {
            Ok(book) => Ok(OpenedBook {
                book,
                rescued: None,
            }),
            Err(error) if error.is_damage() => self.rescue(number, key, &error).await,
            Err(error) => Err(failure::of(&error)),
        }
    }

    async fn rescue(
        &self,
        damaged: u32,
        key: &BookKey,
        reason: &Error,
    ) -> Result<OpenedBook, Failure> {
        let next = damaged + 1;
        // What an earlier rescue that was interrupted began.
        self.0
            .remove(&name(next))
            .map_err(|error| refused(&error))?;
        let fresh = self
            .connect(next, key)
            .map_err(|error| failure::of(&error))?;
        let opened = Book::from_damaged(
            || self.connect(damaged, key),
            fresh,
            reason.to_string(),
            BrowserClock,
            BrowserRandom,
        )
        .map_err(|error| failure::of(&error))?;
        // Only now the rescued one is the book.
        write_small("number", next.to_string().as_bytes()).await?;
        Ok(opened)
    }
}

/// Which of the books is the book.
async fn number() -> Result<u32, Failure> {
    let written = read_small("number").await?;
    let text = written.and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(1))
}

fn refused(error: &OpfsSAHError) -> Failure {
    match error {
        OpfsSAHError::NotSupported => unsupported(),
        OpfsSAHError::Opfs { value, .. } => of_js(value),
        other => lost(&other.to_string()),
    }
}

fn unsupported() -> Failure {
    Failure::new(
        "no-storage",
        "Trình duyệt này không cho giữ dữ liệu trên máy (có thể đang ở chế độ ẩn danh). Hãy mở liên kết bằng Chrome, Edge, Firefox hoặc Safari bản mới, không ẩn danh.",
        "This browser does not keep data on the device (it may be in private mode). Open the link in a current Chrome, Edge, Firefox or Safari, not in private mode.",
    )
}

fn lost(detail: &str) -> Failure {
    Failure::new(
        "storage",
        "Không mở được sổ trên máy. Hãy đóng các thẻ khác của sổ và mở lại; nếu vẫn lỗi, hãy khởi động lại máy. Dữ liệu đã lưu vẫn còn nguyên.",
        &format!(
            "The book can't be opened on this device. Close other tabs of it and open it again; restart the device if that fails. What was saved is untouched. ({detail})"
        ),
    )
}

/// An exception of the file system in words.
pub(crate) fn of_js(error: &JsValue) -> Failure {
    if is(error, "QuotaExceededError") {
        return Failure::new(
            "storage-full",
            "Bộ nhớ máy đã đầy, lần này chưa được lưu. Hãy xóa bớt ảnh hoặc ứng dụng khác rồi thử lại.",
            "The device's storage is full and this was not saved. Free some space and try again.",
        );
    }
    if is(error, "SecurityError") || is(error, "NotSupportedError") || is(error, "TypeError") {
        return unsupported();
    }
    lost(&words(error))
}

/// Fails where the browser has no files that are written at once: asked for before anything else, since calling what is not
/// there would stop the worker without a word.
pub(crate) fn supported() -> Result<(), Failure> {
    let get = |from: &JsValue, name: &str| {
        let found = js_sys::Reflect::get(from, &name.into()).ok()?;
        (!found.is_undefined() && !found.is_null()).then_some(found)
    };
    let storage = || get(&get(&js_sys::global(), "navigator")?, "storage");
    let directory = || get(&storage()?, "getDirectory");
    let handle = || {
        get(
            &get(&js_sys::global(), "FileSystemFileHandle")?,
            "prototype",
        )
    };
    let at_once = || get(&handle()?, "createSyncAccessHandle");
    match directory().and(at_once()) {
        Some(_) => Ok(()),
        None => Err(unsupported()),
    }
}

async fn root() -> Result<FileSystemDirectoryHandle, JsValue> {
    let storage = scope().navigator().storage();
    let root = JsFuture::from(storage.get_directory()).await?;
    Ok(root.unchecked_into())
}

async fn beside() -> Result<FileSystemDirectoryHandle, JsValue> {
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(true);
    let folder = root()
        .await?
        .get_directory_handle_with_options(BESIDE, &options);
    Ok(JsFuture::from(folder).await?.unchecked_into())
}

async fn file(
    folder: &FileSystemDirectoryHandle,
    name: &str,
    create: bool,
) -> Result<Option<FileSystemFileHandle>, JsValue> {
    let options = FileSystemGetFileOptions::new();
    options.set_create(create);
    match JsFuture::from(folder.get_file_handle_with_options(name, &options)).await {
        Ok(handle) => Ok(Some(handle.unchecked_into())),
        Err(error) if is(&error, "NotFoundError") => Ok(None),
        Err(error) => Err(error),
    }
}

/// Ends every small file: one that was cut off while it was written lacks it.
const END: &[u8] = b"\n.\n";
/// How long a small file is at least, in bytes. One that is written in its place and does not grow can be written on a phone without
/// room, where PINs are to be counted and the book is to open all the same.
const LEAST: usize = 512;

/// Each small file has two places, written in turn, so that a write that is cut off leaves the last one readable.
fn places(name: &str) -> [String; 2] {
    [format!("{name}.0"), format!("{name}.1")]
}

/// The count in front of a small file's content, and the content.
fn parse(bytes: &[u8]) -> Option<(u64, Vec<u8>)> {
    let whole = bytes.strip_suffix(END)?;
    let line = whole.iter().position(|byte| *byte == b'\n')?;
    let count = std::str::from_utf8(whole.get(..line)?).ok()?.parse().ok()?;
    Some((count, whole.get(line + 1..)?.trim_ascii_end().to_vec()))
}

async fn place(
    folder: &FileSystemDirectoryHandle,
    name: &str,
) -> Result<Option<(u64, Vec<u8>)>, JsValue> {
    let Some(handle) = file(folder, name, false).await? else {
        return Ok(None);
    };
    let blob: web_sys::File = JsFuture::from(handle.get_file()).await?.unchecked_into();
    let buffer = JsFuture::from(blob.array_buffer()).await?;
    Ok(parse(&Uint8Array::new(&buffer).to_vec()))
}

/// What a small file holds.
pub(crate) async fn read_small(name: &str) -> Result<Option<Vec<u8>>, Failure> {
    let read = async {
        let folder = beside().await?;
        let [one, other] = places(name);
        let found = [place(&folder, &one).await?, place(&folder, &other).await?];
        let newest = found.into_iter().flatten().max_by_key(|(count, _)| *count);
        Ok(newest.map(|(_, content)| content))
    };
    read.await.map_err(|error: JsValue| of_js(&error))
}

/// Writes a small file; on disk when it returns. Spaces at the end of its content are not kept.
pub(crate) async fn write_small(name: &str, content: &[u8]) -> Result<(), Failure> {
    let write = async {
        let folder = beside().await?;
        let [one, other] = places(name);
        let counts = [place(&folder, &one).await?, place(&folder, &other).await?]
            .map(|found| found.map_or(0, |(count, _)| count));
        let (older, newest) = match counts {
            [a, b] if a <= b => (one, b),
            [a, _] => (other, a),
        };
        let mut bytes = format!("{}\n", newest + 1).into_bytes();
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().max(LEAST - END.len()), b' ');
        bytes.extend_from_slice(END);
        let handle = file(&folder, &older, true).await?.ok_or(JsValue::NULL)?;
        let opened = JsFuture::from(handle.create_sync_access_handle()).await?;
        let opened: FileSystemSyncAccessHandle = opened.unchecked_into();
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let at_start = FileSystemReadWriteOptions::new();
        at_start.set_at(0.0);
        let written = opened
            .write_with_u8_array_and_options(&bytes, &at_start)
            .and_then(|_| opened.truncate_with_u32(length))
            .and_then(|()| opened.flush());
        opened.close();
        written
    };
    write.await.map_err(|error| of_js(&error))
}

/// Removes every small file.
pub(crate) async fn remove_small() -> Result<(), Failure> {
    let removal = async {
        let options = FileSystemRemoveOptions::new();
        options.set_recursive(true);
        let removed = root().await?.remove_entry_with_options(BESIDE, &options);
        match JsFuture::from(removed).await {
            Err(error) if !is(&error, "NotFoundError") => Err(error),
            _ => Ok(()),
        }
    };
    removal.await.map_err(|error| of_js(&error))
}

/// Whether the browser promised not to clear the storage away.
pub(crate) async fn persisted() -> Option<bool> {
    let asked = scope().navigator().storage().persisted().ok()?;
    JsFuture::from(asked).await.ok()?.as_bool()
}
