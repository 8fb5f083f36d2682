//! The memory that connections of one database share in WAL mode.

use std::{
    cell::UnsafeCell,
    sync::{Mutex, PoisonError},
};

use crate::locks::ShareLocks;

/// The shared memory of one file. It lives as long as anybody maps it, whatever happened to the disk.
#[derive(Debug, Default)]
pub(crate) struct SharedMemory {
    regions: Mutex<Vec<Region>>,
    pub(crate) locks: Mutex<ShareLocks>,
}

/// A piece that never moves: SQLite keeps pointers to it.
#[derive(Debug)]
struct Region(Box<[UnsafeCell<u64>]>);

// SAFETY: only SQLite reads and writes the cells, through raw pointers and under its own protocol of locks
// and barriers for shared memory; Rust code never looks into them.
unsafe impl Send for Region {}

impl SharedMemory {
    /// Whether this region is there.
    pub(crate) fn has(&self, index: usize) -> bool {
        self.regions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
            > index
    }

    /// Where the region begins; it and those before it are made, all zeros, when they are not there.
    pub(crate) fn map(&self, index: usize, bytes: usize) -> *mut u8 {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        while regions.len() <= index {
            let words = bytes.div_ceil(size_of::<u64>());
            let cells = (0..words).map(|_| UnsafeCell::new(0)).collect();
            regions.push(Region(cells));
        }
        regions.get(index).map_or(std::ptr::null_mut(), |region| {
            UnsafeCell::raw_get(region.0.as_ptr()).cast()
        })
    }
}
