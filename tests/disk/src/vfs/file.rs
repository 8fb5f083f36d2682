//! What SQLite does with an open file.

use std::{
    ffi::{c_int, c_void},
    sync::{Arc, PoisonError, atomic},
};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods};

use crate::{content::SECTOR, disk::Inner, shared_memory::SharedMemory, state::Opened};

/// What lies in the memory that SQLite gives for an open file.
#[repr(C)]
pub(super) struct Handle {
    base: sqlite3_file,
    open: *mut OpenFile,
}

struct OpenFile {
    disk: Arc<Inner>,
    opened: Opened,
    shared: Option<Arc<SharedMemory>>,
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Makes `file` an open file.
///
/// # Safety
/// `file` points to room for a [`Handle`].
pub(super) unsafe fn begin(file: *mut sqlite3_file, disk: Arc<Inner>, opened: Opened) {
    let open = Box::into_raw(Box::new(OpenFile {
        disk,
        opened,
        shared: None,
    }));
    let handle = Handle {
        base: sqlite3_file { pMethods: &METHODS },
        open,
    };
    // SAFETY: there is room for it.
    unsafe { file.cast::<Handle>().write(handle) };
}

/// # Safety
/// `file` was begun by [`begin`] and not closed. SQLite calls the methods of one file one at a time.
unsafe fn open_file<'a>(file: *mut sqlite3_file) -> &'a mut OpenFile {
    // SAFETY: as promised, so that nobody else has a reference to it.
    unsafe { &mut *(*file.cast::<Handle>()).open }
}

fn code(done: Result<(), i32>) -> c_int {
    done.err().unwrap_or(ffi::SQLITE_OK)
}

fn place(offset: i64) -> usize {
    usize::try_from(offset).unwrap_or(0)
}

fn length(bytes: c_int) -> usize {
    usize::try_from(bytes).unwrap_or(0)
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once; it was made by `Box::into_raw` in `begin`.
    let mut open = unsafe { Box::from_raw((*file.cast::<Handle>()).open) };
    // SAFETY: as above. From here on SQLite takes it for closed.
    unsafe { (*file).pMethods = std::ptr::null() };
    leave_shared_memory(&mut open);
    open.disk.state().close(&open.opened);
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    out: *mut c_void,
    bytes: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: an open file, and room for that many bytes.
    let (open, into) = unsafe {
        (
            open_file(file),
            std::slice::from_raw_parts_mut(out.cast::<u8>(), length(bytes)),
        )
    };
    match open.disk.state().read(&open.opened, place(offset), into) {
        Ok(there) if there == length(bytes) => ffi::SQLITE_OK,
        Ok(_) => ffi::SQLITE_IOERR_SHORT_READ,
        Err(code) => code,
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    from: *const c_void,
    bytes: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: an open file, and that many bytes.
    let (open, from) = unsafe {
        (
            open_file(file),
            std::slice::from_raw_parts(from.cast::<u8>(), length(bytes)),
        )
    };
    if open.opened.read_only {
        return ffi::SQLITE_READONLY;
    }
    code(open.disk.state().write(&open.opened, place(offset), from))
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    // SAFETY: an open file.
    let open = unsafe { open_file(file) };
    code(open.disk.state().truncate(&open.opened, place(size)))
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _: c_int) -> c_int {
    // SAFETY: an open file.
    let open = unsafe { open_file(file) };
    code(open.disk.state().sync(&mut open.opened))
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, out: *mut i64) -> c_int {
    // SAFETY: an open file.
    let open = unsafe { open_file(file) };
    match open.disk.state().size(&open.opened) {
        Ok(size) => {
            // SAFETY: a place for the answer.
            unsafe { *out = i64::try_from(size).unwrap_or(i64::MAX) };
            ffi::SQLITE_OK
        }
        Err(code) => code,
    }
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: an open file.
    let open = unsafe { open_file(file) };
    match open.disk.state().lock(&open.opened, level) {
        Ok(true) => ffi::SQLITE_OK,
        Ok(false) => ffi::SQLITE_BUSY,
        Err(code) => code,
    }
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: an open file.
    let open = unsafe { open_file(file) };
    open.disk.state().unlock(&open.opened, level);
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: an open file.
    let open = unsafe { open_file(file) };
    match open.disk.state().reserved(&open.opened) {
        Ok(reserved) => {
            // SAFETY: a place for the answer.
            unsafe { *out = c_int::from(reserved) };
            ffi::SQLITE_OK
        }
        Err(code) => code,
    }
}

unsafe extern "C" fn file_control(_: *mut sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut sqlite3_file) -> c_int {
    c_int::try_from(SECTOR).unwrap_or(0)
}

/// The third point of the model; nothing else is promised.
unsafe extern "C" fn device_characteristics(_: *mut sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    region: c_int,
    bytes: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: an open file.
    let open = unsafe { open_file(file) };
    let (index, bytes) = (length(region), length(bytes));
    let longer = Some(bytes).filter(|_| extend != 0);
    let shared = match open.disk.state().shared_memory(&open.opened, index, longer) {
        Ok(shared) => shared,
        Err(code) => return code,
    };
    let there = longer.is_some() || shared.has(index);
    let pointer = if there {
        shared.map(index, bytes)
    } else {
        std::ptr::null_mut()
    };
    // Kept even when nothing is there yet: the next one to map has to find the same.
    open.shared = Some(shared);
    // SAFETY: a place for the answer. The region stays where it is as long as `open.shared` does.
    unsafe { *out = pointer.cast() };
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(
    file: *mut sqlite3_file,
    first: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: an open file.
    let open = unsafe { open_file(file) };
    let mask = ((1_u32 << count) - 1) << first;
    let unlocks = flags & ffi::SQLITE_SHM_UNLOCK != 0;
    if !unlocks && let Err(code) = open.disk.state().share_lock(&open.opened) {
        return code;
    }
    let Some(shared) = &open.shared else {
        return ffi::SQLITE_IOERR_SHMLOCK;
    };
    let mut locks = shared.locks.lock().unwrap_or_else(PoisonError::into_inner);
    if unlocks {
        locks.unlock(open.opened.holder, mask);
        return ffi::SQLITE_OK;
    }
    let exclusive = flags & ffi::SQLITE_SHM_EXCLUSIVE != 0;
    if locks.lock(open.opened.holder, mask, exclusive) {
        ffi::SQLITE_OK
    } else {
        ffi::SQLITE_BUSY
    }
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    atomic::fence(atomic::Ordering::SeqCst);
    // SAFETY: an open file. Taking the disk's lock orders this thread with all others, as SQLite's own does.
    drop(unsafe { open_file(file) }.disk.state());
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, _delete: c_int) -> c_int {
    // SAFETY: an open file.
    leave_shared_memory(unsafe { open_file(file) });
    ffi::SQLITE_OK
}

/// The memory goes with the last who maps it, asked for or not: the next one would have to rebuild it anyway.
fn leave_shared_memory(open: &mut OpenFile) {
    if let Some(shared) = open.shared.take() {
        let mut locks = shared.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.leave(open.opened.holder);
    }
}
