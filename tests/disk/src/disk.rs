//! The handle that tests hold.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{Fault, state::State, vfs::Registration};

/// One simulated disk, with a virtual file system of its own in SQLite. Clones are the same disk.
///
/// It goes when the last clone and the last open file are gone.
#[derive(Clone, Debug)]
pub struct Disk(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    state: Mutex<State>,
    registration: Registration,
}

impl Inner {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What lies on a disk for sure: a copy of its durable content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image(BTreeMap<String, Vec<u8>>);

impl Image {
    /// The files in it and how long they are.
    pub fn files(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.len()))
    }
}

impl Disk {
    /// An empty disk. Everything that it leaves to chance follows from `seed`.
    ///
    /// # Panics
    /// When SQLite takes no more virtual file systems: it has no memory.
    pub fn new(seed: u64) -> Self {
        let state = Mutex::new(State::new(seed));
        Self(Arc::new_cyclic(|weak| Inner {
            state,
            registration: Registration::new(weak.clone()),
        }))
    }

    /// The name of its virtual file system: for `Connection::open_with_flags_and_vfs` and whatever else
    /// opens databases.
    pub fn vfs(&self) -> &str {
        self.0.registration.name()
    }

    /// How many storage calls there were. The next one has this number plus one.
    pub fn calls(&self) -> u64 {
        self.0.state().calls()
    }

    /// Makes the call with this number fail. Several faults may wait at a time.
    pub fn fail_at(&self, call: u64, fault: Fault) {
        self.0.state().faults.add(call, fault);
    }

    /// Forgets the faults that wait.
    pub fn forget_faults(&self) {
        self.0.state().faults.clear();
    }

    /// How many faults have met their call.
    pub fn faults_met(&self) -> u64 {
        self.0.state().faults.hits()
    }

    /// The number of the last call that met a fault; 0 before the first. [`Fault::Full`] waits for a call
    /// that needs room, so this may be a later one than was asked for.
    pub fn last_fault(&self) -> u64 {
        self.0.state().faults.last()
    }

    /// How much fits on it: writes beyond are answered `SQLITE_FULL`. `None`, as in the beginning: anything.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.0.state().capacity = bytes;
    }

    /// From now on syncs say that they are done and do nothing: to see whether a test would notice.
    pub fn lie_about_syncs(&self, lies: bool) {
        self.0.state().lies = lies;
    }

    /// The power goes: every later call fails until [`Disk::restart`]. What survives is decided now.
    pub fn crash(&self) {
        self.0.state().crash();
    }

    /// The power is back: what was synced is there; of what was not, a choice that follows from the seed.
    /// Cuts the power first when it is on. Files that were open stay lost to whoever had them open.
    pub fn restart(&self) {
        self.0.state().restart();
    }

    /// Whether the power is on.
    pub fn has_power(&self) -> bool {
        self.0.state().has_power()
    }

    /// The processes that use it die and the power stays: what they wrote is there for the next one, and is
    /// still as little synced as it was. Locks and shared memory are gone.
    pub fn kill(&self) {
        self.0.state().lose_users();
    }

    /// What would be there after a power cut that keeps nothing that was not synced: to clone a phone, to
    /// take a raw backup.
    pub fn image(&self) -> Image {
        Image(self.0.state().durable())
    }

    /// Puts back an image, of this disk or of another. Whatever is there goes, and so does everybody who has a file open.
    pub fn put_image(&self, image: &Image) {
        self.0.state().replace(&image.0);
    }

    /// What a file holds at the moment, synced or not.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        self.0.state().seen(name)
    }

    /// Puts a file there as if it had always been, in the place of one with the same name.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        self.0.state().put(name, bytes);
    }

    /// Overwrites bytes of a file under whoever has it open, as a failing disk would. False when there is no
    /// such file.
    pub fn damage(&self, name: &str, offset: usize, bytes: &[u8]) -> bool {
        self.0.state().damage(name, offset, bytes)
    }
}
