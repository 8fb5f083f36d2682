//! Which names there are: as programs see them, and as a power cut would leave them.

use std::collections::BTreeMap;

use crate::{chance::Chance, content::Survival};

/// A file, whatever it is called at the moment.
pub(crate) type FileId = u64;

#[derive(Debug)]
struct Change {
    moment: u64,
    name: String,
    /// What the name stands for from then on.
    file: Option<FileId>,
}

/// Every name on the disk. Folders are the parts of names before the last `/`.
#[derive(Debug, Default)]
pub(crate) struct Names {
    seen: BTreeMap<String, FileId>,
    durable: BTreeMap<String, FileId>,
    unsynced: Vec<Change>,
}

fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn set(names: &mut BTreeMap<String, FileId>, name: &str, file: Option<FileId>) {
    match file {
        Some(file) => names.insert(name.to_owned(), file),
        None => names.remove(name),
    };
}

impl Names {
    pub(crate) fn find(&self, name: &str) -> Option<FileId> {
        self.seen.get(name).copied()
    }

    pub(crate) fn durable(&self) -> impl Iterator<Item = (&String, FileId)> {
        self.durable.iter().map(|(name, file)| (name, *file))
    }

    pub(crate) fn oldest(&self) -> Option<u64> {
        self.unsynced.first().map(|change| change.moment)
    }

    /// Gives a name to a file, or takes it away.
    pub(crate) fn set(&mut self, moment: u64, name: &str, file: Option<FileId>) {
        set(&mut self.seen, name, file);
        self.unsynced.push(Change {
            moment,
            name: name.to_owned(),
            file,
        });
    }

    /// Gives a name to a file that was there for ever.
    pub(crate) fn set_durably(&mut self, name: &str, file: FileId) {
        set(&mut self.seen, name, Some(file));
        set(&mut self.durable, name, Some(file));
    }

    /// Makes durable what was done in the folder of this file.
    pub(crate) fn sync(&mut self, name: &str) {
        let folder_of = folder(name);
        let durable = &mut self.durable;
        self.unsynced.retain(|change| {
            let here = folder(&change.name) == folder_of;
            if here {
                set(durable, &change.name, change.file);
            }
            !here
        });
    }

    pub(crate) fn cut(&mut self, survival: Survival, chance: &mut Chance) {
        for change in std::mem::take(&mut self.unsynced) {
            if survival.keeps(change.moment, chance) {
                set(&mut self.durable, &change.name, change.file);
            }
        }
        self.seen.clone_from(&self.durable);
    }

    /// Whether any name stands for this file, or may after a power cut.
    pub(crate) fn has(&self, file: FileId) -> bool {
        let named = |names: &BTreeMap<String, FileId>| names.values().any(|named| *named == file);
        named(&self.seen)
            || named(&self.durable)
            || self.unsynced.iter().any(|change| change.file == Some(file))
    }
}
