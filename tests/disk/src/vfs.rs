//! The virtual file system that SQLite calls: names, opening, deleting. [`file`] has what it does with an open file.

mod file;

use std::{
    ffi::{CStr, CString, c_char, c_int},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_vfs};

use crate::disk::Inner;

/// Longest name of a file.
const LONGEST_NAME: c_int = 1024;
/// 2026-01-01 00:00 UTC as a Julian day in milliseconds. Time stands still on a simulated disk.
const NOW: i64 = 212_634_028_800_000;

/// How many disks there were in this process: names must differ.
static DISKS: AtomicU64 = AtomicU64::new(1);

/// What SQLite keeps a pointer to. It is never freed: a connection may outlive its disk, and then finds that
/// the disk is gone. That is some 300 bytes for each disk of a test run.
struct Shell {
    vfs: sqlite3_vfs,
    name: CString,
    disk: Weak<Inner>,
}

/// A virtual file system that is known to SQLite as long as this lives.
#[derive(Debug)]
pub(crate) struct Registration {
    shell: *mut Shell,
    name: String,
}

// SAFETY: the shell is never written after its registration, except by SQLite under its own mutex, and never freed.
unsafe impl Send for Registration {}
// SAFETY: as above.
unsafe impl Sync for Registration {}

impl Registration {
    #[expect(
        clippy::panic,
        reason = "documented at Disk::new; there is nothing to go on with"
    )]
    pub(crate) fn new(disk: Weak<Inner>) -> Self {
        let name = format!("sokiem-disk-{}", DISKS.fetch_add(1, Ordering::Relaxed));
        let shell = Box::leak(Box::new(Shell {
            vfs: template(),
            name: CString::new(name.clone()).unwrap_or_default(),
            disk,
        }));
        shell.vfs.zName = shell.name.as_ptr();
        let shell: *mut Shell = shell;
        // SAFETY: the shell is leaked, so that every pointer in it and to it stays good for ever; from here on
        // it is reached through this raw pointer only.
        let code = unsafe {
            (*shell).vfs.pAppData = shell.cast();
            ffi::sqlite3_vfs_register(&raw mut (*shell).vfs, 0)
        };
        if code != ffi::SQLITE_OK {
            panic!("SQLite does not take the file system: {code}");
        }
        Self { shell, name }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // SAFETY: registered in `new`, and never freed.
        unsafe { ffi::sqlite3_vfs_unregister(&raw mut (*self.shell).vfs) };
    }
}

fn template() -> sqlite3_vfs {
    sqlite3_vfs {
        iVersion: 2,
        szOsFile: c_int::try_from(size_of::<file::Handle>()).unwrap_or(c_int::MAX),
        mxPathname: LONGEST_NAME,
        pNext: std::ptr::null_mut(),
        zName: std::ptr::null(),
        pAppData: std::ptr::null_mut(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_path_name),
        xDlOpen: None,
        xDlError: None,
        xDlSym: None,
        xDlClose: None,
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: Some(current_time),
        xGetLastError: Some(last_error),
        xCurrentTimeInt64: Some(current_time_ms),
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    }
}

/// The disk behind a file system; `None` when it is gone.
///
/// # Safety
/// `vfs` is one that [`Registration::new`] registered.
unsafe fn disk(vfs: *mut sqlite3_vfs) -> Option<Arc<Inner>> {
    // SAFETY: its application data is its shell, which is never freed and whose `disk` nobody writes.
    unsafe { (*(*vfs).pAppData.cast::<Shell>()).disk.upgrade() }
}

/// A name as SQLite gives it.
///
/// # Safety
/// `name` is null or a C string.
unsafe fn text<'a>(name: *const c_char) -> Option<std::borrow::Cow<'a, str>> {
    if name.is_null() {
        return None;
    }
    // SAFETY: not null, so a C string.
    Some(unsafe { CStr::from_ptr(name) }.to_string_lossy())
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives room for a `Handle` (`szOsFile`), and expects null here when opening fails.
    unsafe { (*file).pMethods = std::ptr::null() };
    // SAFETY: SQLite calls this with the file system that was registered, and a C string or null.
    let (disk, name) = unsafe { (disk(vfs), text(name)) };
    let Some(disk) = disk else {
        return ffi::SQLITE_CANTOPEN;
    };
    let opened = disk.state().open(name.as_deref(), flags);
    match opened {
        Ok(opened) => {
            // SAFETY: as above; `out_flags` is null or a place for the flags.
            unsafe {
                file::begin(file, disk, opened);
                if !out_flags.is_null() {
                    *out_flags = flags;
                }
            }
            ffi::SQLITE_OK
        }
        Err(code) => code,
    }
}

unsafe extern "C" fn delete(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    sync_folder: c_int,
) -> c_int {
    // SAFETY: SQLite calls this with the file system that was registered, and a C string.
    let (Some(disk), Some(name)) = (unsafe { disk(vfs) }, unsafe { text(name) }) else {
        return ffi::SQLITE_IOERR_DELETE;
    };
    let done = disk.state().delete(&name, sync_folder != 0);
    done.err().unwrap_or(ffi::SQLITE_OK)
}

unsafe extern "C" fn access(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite calls this with the file system that was registered, and a C string.
    let (Some(disk), Some(name)) = (unsafe { disk(vfs) }, unsafe { text(name) }) else {
        return ffi::SQLITE_IOERR_ACCESS;
    };
    let found = disk
        .state()
        .exists(&name, flags != ffi::SQLITE_ACCESS_EXISTS);
    match found {
        Ok(found) => {
            // SAFETY: a place for the answer.
            unsafe { *out = c_int::from(found) };
            ffi::SQLITE_OK
        }
        Err(code) => code,
    }
}

unsafe extern "C" fn full_path_name(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: a C string.
    let bytes = unsafe { CStr::from_ptr(name) }.to_bytes_with_nul();
    if bytes.len() > usize::try_from(room).unwrap_or(0) {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: there is room for that many bytes, and the name is not in that room.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(vfs: *mut sqlite3_vfs, length: c_int, out: *mut c_char) -> c_int {
    let length_here = usize::try_from(length).unwrap_or(0);
    // SAFETY: SQLite calls this with the file system that was registered.
    let Some(disk) = (unsafe { disk(vfs) }) else {
        return 0;
    };
    let mut state = disk.state();
    for index in 0..length_here {
        let byte = state.chance.next().to_le_bytes()[0];
        // SAFETY: there is room for `length` bytes.
        unsafe { out.cast::<u8>().add(index).write(byte) };
    }
    length
}

/// A waiting thread lets others go on; how long it waits counts for SQLite only.
unsafe extern "C" fn sleep(_: *mut sqlite3_vfs, microseconds: c_int) -> c_int {
    let longest = u64::try_from(microseconds).unwrap_or(0).min(1_000);
    std::thread::sleep(std::time::Duration::from_micros(longest));
    microseconds
}

unsafe extern "C" fn current_time(_: *mut sqlite3_vfs, out: *mut f64) -> c_int {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let days = NOW as f64 / 86_400_000.0;
    // SAFETY: a place for the answer.
    unsafe { *out = days };
    ffi::SQLITE_OK
}

unsafe extern "C" fn current_time_ms(_: *mut sqlite3_vfs, out: *mut i64) -> c_int {
    // SAFETY: a place for the answer.
    unsafe { *out = NOW };
    ffi::SQLITE_OK
}

unsafe extern "C" fn last_error(_: *mut sqlite3_vfs, _: c_int, _: *mut c_char) -> c_int {
    0
}
