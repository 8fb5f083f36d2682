//! Everything about one disk, behind one lock: power, calls, files.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Weak},
};

use rusqlite::ffi;

use crate::{
    chance::Chance,
    content::{Content, Survival},
    fault::{Call, Fault, Faults},
    folder::{FileId, Names},
    locks::{FileLocks, Holder},
    shared_memory::SharedMemory,
};

/// An SQLite result code that says what failed.
pub(crate) type Code = i32;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) chance: Chance,
    pub(crate) faults: Faults,
    pub(crate) capacity: Option<u64>,
    /// Syncs say that they are done and do nothing.
    pub(crate) lies: bool,
    power: bool,
    /// Goes up when everybody who has a file open loses it.
    generation: u64,
    calls: u64,
    moment: u64,
    last_id: u64,
    names: Names,
    files: HashMap<FileId, File>,
}

#[derive(Debug, Default)]
struct File {
    content: Content,
    locks: FileLocks,
    shared: Weak<SharedMemory>,
    /// How many have it open.
    users: usize,
}

/// A file that somebody has open.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: FileId,
    pub(crate) holder: Holder,
    generation: u64,
    /// A new journal: its first sync makes its name durable.
    sync_names: Option<String>,
    /// Its name, when it is to go with the last user.
    delete: Option<String>,
    pub(crate) read_only: bool,
}

impl State {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            chance: Chance::new(seed),
            faults: Faults::default(),
            capacity: None,
            lies: false,
            power: true,
            generation: 0,
            calls: 0,
            moment: 0,
            last_id: 0,
            names: Names::default(),
            files: HashMap::new(),
        }
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    pub(crate) fn has_power(&self) -> bool {
        self.power
    }

    /// Counts a call. `Err` when it can't even begin; else the fault that it meets.
    fn begin(
        &mut self,
        generation: Option<u64>,
        call: Call,
        off: Code,
    ) -> Result<Option<Fault>, Code> {
        self.calls += 1;
        if !self.power || generation.is_some_and(|generation| generation != self.generation) {
            return Err(off);
        }
        Ok(self.faults.take(self.calls, call))
    }

    /// For calls that a fault keeps from happening at all.
    fn simple(&mut self, generation: Option<u64>, call: Call, code: Code) -> Result<(), Code> {
        match self.begin(generation, call, code)? {
            None => Ok(()),
            Some(fault) => {
                if fault == Fault::Crash {
                    self.crash();
                }
                Err(code)
            }
        }
    }

    fn tick(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }

    fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn used(&self) -> u64 {
        self.files
            .values()
            .map(|file| u64::try_from(file.content.len()).unwrap_or(u64::MAX))
            .sum()
    }

    /// Power off: what survives is decided now.
    pub(crate) fn crash(&mut self) {
        if !self.power {
            return;
        }
        let oldest = self.files.values().filter_map(|file| file.content.oldest());
        let first = oldest.chain(self.names.oldest()).min();
        let survival = Survival::draw(
            &mut self.chance,
            first.unwrap_or(self.moment),
            self.moment + 1,
        );
        // In the order of their numbers: the choice has to follow from the seed.
        let mut files: Vec<FileId> = self.files.keys().copied().collect();
        files.sort_unstable();
        for file in files {
            if let Some(file) = self.files.get_mut(&file) {
                file.content.cut(survival, &mut self.chance);
            }
        }
        self.names.cut(survival, &mut self.chance);
        self.power = false;
        self.lose_users();
    }

    pub(crate) fn restart(&mut self) {
        self.crash();
        self.power = true;
    }

    /// Everybody who has a file open loses it; what they wrote stays as it is.
    pub(crate) fn lose_users(&mut self) {
        self.generation += 1;
        for file in self.files.values_mut() {
            file.locks = FileLocks::default();
            file.shared = Weak::new();
            file.users = 0;
        }
        self.sweep();
    }

    fn sweep(&mut self) {
        let names = &self.names;
        self.files
            .retain(|id, file| file.users > 0 || names.has(*id));
    }

    /// What would be there after a power cut that keeps nothing unsynced.
    pub(crate) fn durable(&self) -> BTreeMap<String, Vec<u8>> {
        self.names
            .durable()
            .filter_map(|(name, file)| {
                let content = self.files.get(&file)?.content.durable();
                Some((name.clone(), content.to_vec()))
            })
            .collect()
    }

    pub(crate) fn replace(&mut self, files: &BTreeMap<String, Vec<u8>>) {
        self.lose_users();
        self.names = Names::default();
        self.files.clear();
        for (name, bytes) in files {
            self.put(name, bytes);
        }
    }

    pub(crate) fn put(&mut self, name: &str, bytes: &[u8]) {
        let id = self.new_id();
        let file = File {
            content: Content::of(bytes.to_vec()),
            ..File::default()
        };
        self.files.insert(id, file);
        self.names.set_durably(name, id);
    }

    pub(crate) fn seen(&self, name: &str) -> Option<Vec<u8>> {
        let file = self.files.get(&self.names.find(name)?)?;
        Some(file.content.seen().to_vec())
    }

    pub(crate) fn damage(&mut self, name: &str, offset: usize, bytes: &[u8]) -> bool {
        let found = self.names.find(name);
        let file = found.and_then(|id| self.files.get_mut(&id));
        file.map(|file| file.content.damage(offset, bytes))
            .is_some()
    }

    // What SQLite asks for.

    pub(crate) fn open(&mut self, name: Option<&str>, flags: i32) -> Result<Opened, Code> {
        let found = name.and_then(|name| self.names.find(name));
        let creates = found.is_none();
        self.simple(None, Call::Open(creates), ffi::SQLITE_CANTOPEN)?;
        let wanted = |flag| flags & flag != 0;
        let refused = (creates && name.is_some() && !wanted(ffi::SQLITE_OPEN_CREATE))
            || (!creates && wanted(ffi::SQLITE_OPEN_EXCLUSIVE));
        if refused {
            return Err(ffi::SQLITE_CANTOPEN);
        }
        let file = match found {
            Some(file) => file,
            None => self.create(name, wanted(ffi::SQLITE_OPEN_DELETEONCLOSE)),
        };
        if let Some(file) = self.files.get_mut(&file) {
            file.users += 1;
        }
        let journals =
            ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL | ffi::SQLITE_OPEN_WAL;
        let own = |wanted: bool| name.filter(|_| wanted).map(str::to_owned);
        Ok(Opened {
            file,
            holder: self.new_id(),
            generation: self.generation,
            // As in SQLite's own file system, whoever may create a write-ahead log syncs its folder with it:
            // another connection may have created it a moment before.
            sync_names: own((creates && wanted(journals)) || wanted(ffi::SQLITE_OPEN_WAL)),
            delete: own(wanted(ffi::SQLITE_OPEN_DELETEONCLOSE)),
            read_only: wanted(ffi::SQLITE_OPEN_READONLY),
        })
    }

    fn create(&mut self, name: Option<&str>, temporary: bool) -> FileId {
        let id = self.new_id();
        let mut file = File::default();
        file.content.temporary = temporary || name.is_none();
        self.files.insert(id, file);
        if let Some(name) = name {
            let moment = self.tick();
            self.names.set(moment, name, Some(id));
        }
        id
    }

    pub(crate) fn delete(&mut self, name: &str, sync_names: bool) -> Result<(), Code> {
        let fault = self.begin(None, Call::Delete, ffi::SQLITE_IOERR_DELETE)?;
        if self.names.find(name).is_none() {
            return Err(ffi::SQLITE_IOERR_DELETE_NOENT);
        }
        let happens = match fault {
            None => true,
            Some(Fault::Full) => false,
            Some(Fault::Io | Fault::Crash) => self.chance.percent(50),
        };
        if happens {
            let moment = self.tick();
            self.names.set(moment, name, None);
        }
        match fault {
            Some(Fault::Crash) => self.crash(),
            None if sync_names && !self.lies => self.names.sync(name),
            _ => {}
        }
        self.sweep();
        fault.map_or(Ok(()), |_| Err(ffi::SQLITE_IOERR_DELETE))
    }

    /// Whether there is such a file; one of no length counts as none, as in SQLite's own file system.
    pub(crate) fn exists(&mut self, name: &str, even_empty: bool) -> Result<bool, Code> {
        self.simple(None, Call::Access, ffi::SQLITE_IOERR_ACCESS)?;
        let file = self.names.find(name).and_then(|id| self.files.get(&id));
        Ok(file.is_some_and(|file| even_empty || file.content.len() > 0))
    }

    fn file(&mut self, opened: &Opened, code: Code) -> Result<&mut File, Code> {
        self.files.get_mut(&opened.file).ok_or(code)
    }

    /// Reads; how many bytes there were.
    pub(crate) fn read(
        &mut self,
        opened: &Opened,
        offset: usize,
        into: &mut [u8],
    ) -> Result<usize, Code> {
        let code = ffi::SQLITE_IOERR_READ;
        self.simple(Some(opened.generation), Call::Read, code)?;
        Ok(self.file(opened, code)?.content.read(offset, into))
    }

    pub(crate) fn write(
        &mut self,
        opened: &Opened,
        offset: usize,
        bytes: &[u8],
    ) -> Result<(), Code> {
        let code = ffi::SQLITE_IOERR_WRITE;
        let mut fault = self.begin(Some(opened.generation), Call::Write, code)?;
        let length = self.file(opened, code)?.content.len();
        let growth = (offset + bytes.len()).saturating_sub(length);
        if fault.is_none() && growth > 0 && self.lacks_room(growth) {
            fault = Some(Fault::Full);
        }
        let written = match fault {
            None | Some(Fault::Crash) => bytes,
            // An interrupted write leaves its beginning.
            Some(Fault::Io | Fault::Full) => {
                let most = u64::try_from(bytes.len()).unwrap_or(0);
                let part = usize::try_from(self.chance.below(most + 1)).unwrap_or(0);
                let room = self.room().min(bytes.len());
                bytes.get(..part.min(room)).unwrap_or_default()
            }
        };
        let moment = self.tick();
        self.file(opened, code)?
            .content
            .write(moment, offset, written);
        match fault {
            None => Ok(()),
            Some(Fault::Full) => Err(ffi::SQLITE_FULL),
            Some(Fault::Io) => Err(code),
            Some(Fault::Crash) => {
                self.crash();
                Err(code)
            }
        }
    }

    fn room(&self) -> usize {
        let left = self
            .capacity
            .map(|capacity| capacity.saturating_sub(self.used()));
        left.map_or(usize::MAX, |left| {
            usize::try_from(left).unwrap_or(usize::MAX)
        })
    }

    fn lacks_room(&self, growth: usize) -> bool {
        self.capacity.is_some() && self.room() < growth
    }

    pub(crate) fn truncate(&mut self, opened: &Opened, length: usize) -> Result<(), Code> {
        let code = ffi::SQLITE_IOERR_TRUNCATE;
        self.simple(Some(opened.generation), Call::Truncate, code)?;
        let moment = self.tick();
        self.file(opened, code)?.content.truncate(moment, length);
        Ok(())
    }

    pub(crate) fn sync(&mut self, opened: &mut Opened) -> Result<(), Code> {
        let code = ffi::SQLITE_IOERR_FSYNC;
        let fault = self.begin(Some(opened.generation), Call::Sync, code)?;
        match fault {
            _ if self.lies => {}
            None => {
                self.file(opened, code)?.content.sync();
                if let Some(name) = opened.sync_names.take() {
                    self.names.sync(&name);
                    self.sweep();
                }
            }
            Some(Fault::Io | Fault::Full) => {
                let mut chance = self.chance.clone();
                self.file(opened, code)?.content.sync_badly(&mut chance);
                self.chance = chance;
            }
            // What of it happened is decided by the power cut.
            Some(Fault::Crash) => {}
        }
        match fault {
            None => Ok(()),
            Some(Fault::Crash) => {
                self.crash();
                Err(code)
            }
            Some(_) => Err(code),
        }
    }

    pub(crate) fn size(&mut self, opened: &Opened) -> Result<usize, Code> {
        let code = ffi::SQLITE_IOERR_FSTAT;
        self.simple(Some(opened.generation), Call::Size, code)?;
        Ok(self.file(opened, code)?.content.len())
    }

    /// Takes a lock; false when others are in the way.
    pub(crate) fn lock(&mut self, opened: &Opened, wanted: i32) -> Result<bool, Code> {
        let code = ffi::SQLITE_IOERR_LOCK;
        self.simple(Some(opened.generation), Call::Lock, code)?;
        let file = self.file(opened, code)?;
        Ok(file.locks.level(opened.holder) >= wanted || file.locks.lock(opened.holder, wanted))
    }

    pub(crate) fn unlock(&mut self, opened: &Opened, level: i32) {
        if opened.generation == self.generation
            && let Some(file) = self.files.get_mut(&opened.file)
            && file.locks.level(opened.holder) > level
        {
            file.locks.set(opened.holder, level);
        }
    }

    pub(crate) fn reserved(&mut self, opened: &Opened) -> Result<bool, Code> {
        let code = ffi::SQLITE_IOERR_CHECKRESERVEDLOCK;
        self.simple(Some(opened.generation), Call::Lock, code)?;
        Ok(self.file(opened, code)?.locks.reserved())
    }

    /// The file's shared memory. `longer`: bytes that a region which is not there yet takes.
    pub(crate) fn shared_memory(
        &mut self,
        opened: &Opened,
        index: usize,
        longer: Option<usize>,
    ) -> Result<Arc<SharedMemory>, Code> {
        let code = ffi::SQLITE_IOERR_SHMMAP;
        let found = self
            .files
            .get(&opened.file)
            .and_then(|file| file.shared.upgrade());
        let grows = longer.filter(|_| !found.as_ref().is_some_and(|shared| shared.has(index)));
        let fault = self.begin(Some(opened.generation), Call::Map(grows.is_some()), code)?;
        if grows.is_some_and(|bytes| self.lacks_room(bytes)) || fault == Some(Fault::Full) {
            return Err(ffi::SQLITE_IOERR_SHMSIZE);
        }
        if let Some(fault) = fault {
            if fault == Fault::Crash {
                self.crash();
            }
            return Err(code);
        }
        let file = self.file(opened, code)?;
        let shared = found.unwrap_or_default();
        file.shared = Arc::downgrade(&shared);
        Ok(shared)
    }

    /// Counts the taking of a lock in shared memory.
    pub(crate) fn share_lock(&mut self, opened: &Opened) -> Result<(), Code> {
        self.simple(
            Some(opened.generation),
            Call::ShareLock,
            ffi::SQLITE_IOERR_SHMLOCK,
        )
    }

    pub(crate) fn close(&mut self, opened: &Opened) {
        if opened.generation != self.generation || !self.power {
            return;
        }
        if let Some(file) = self.files.get_mut(&opened.file) {
            file.users = file.users.saturating_sub(1);
            file.locks.set(opened.holder, ffi::SQLITE_LOCK_NONE);
        }
        if let Some(name) = &opened.delete {
            let moment = self.tick();
            self.names.set(moment, name, None);
        }
        if self
            .files
            .get(&opened.file)
            .is_some_and(|file| file.users == 0)
        {
            self.sweep();
        }
    }
}
