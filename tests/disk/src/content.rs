//! What a file holds: as readers see it, and as a power cut would leave it.

use crate::chance::Chance;

/// Bytes that a disk writes together or not at all.
pub const SECTOR: usize = 512;

/// One thing that was done to a file and not synced.
#[derive(Debug)]
struct Change {
    /// When, among everything that was done to the disk.
    moment: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

/// How much of what was not synced a power cut leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Survival {
    Nothing,
    Everything,
    /// What was done before this moment; the write of the moment itself is torn.
    Until(u64),
    /// Each write with this chance in percent.
    Writes(u64),
    /// Each sector of each write with this chance in percent.
    Sectors(u64),
}

impl Survival {
    pub(crate) fn draw(chance: &mut Chance, first: u64, after: u64) -> Self {
        let percent = 5 + chance.below(91);
        match chance.below(8) {
            0 => Survival::Nothing,
            1 => Survival::Everything,
            2..=4 => Survival::Until(first + chance.below(after.saturating_sub(first) + 1)),
            5 => Survival::Writes(percent),
            _ => Survival::Sectors(percent),
        }
    }

    /// Whether something that happens whole or not at all survives.
    pub(crate) fn keeps(self, moment: u64, chance: &mut Chance) -> bool {
        match self {
            Survival::Nothing => false,
            Survival::Everything => true,
            Survival::Until(last) => moment < last,
            Survival::Writes(percent) | Survival::Sectors(percent) => chance.percent(percent),
        }
    }
}

/// A file's content.
#[derive(Debug, Default)]
pub(crate) struct Content {
    seen: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
    /// Gone when it is closed: nothing of it survives, so nothing is written down for it.
    pub(crate) temporary: bool,
}

impl Content {
    pub(crate) fn of(durable: Vec<u8>) -> Self {
        Self {
            seen: durable.clone(),
            durable,
            ..Self::default()
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.seen.len()
    }

    pub(crate) fn seen(&self) -> &[u8] {
        &self.seen
    }

    pub(crate) fn durable(&self) -> &[u8] {
        &self.durable
    }

    /// The moment of the oldest change that is not synced.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.unsynced.first().map(|change| change.moment)
    }

    /// Copies bytes out; how many there were.
    pub(crate) fn read(&self, offset: usize, into: &mut [u8]) -> usize {
        let there = self.seen.get(offset..).unwrap_or_default();
        let length = there.len().min(into.len());
        let (head, tail) = into.split_at_mut(length);
        head.copy_from_slice(there.get(..length).unwrap_or_default());
        tail.fill(0);
        length
    }

    pub(crate) fn write(&mut self, moment: u64, offset: usize, bytes: &[u8]) {
        put(&mut self.seen, offset, bytes);
        self.note(moment, What::Write(offset, bytes.to_vec()));
    }

    pub(crate) fn truncate(&mut self, moment: u64, length: usize) {
        self.seen.resize(length, 0);
        self.note(moment, What::Truncate(length));
    }

    fn note(&mut self, moment: u64, what: What) {
        if !self.temporary {
            self.unsynced.push(Change { moment, what });
        }
    }

    pub(crate) fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            match change.what {
                What::Write(offset, bytes) => put(&mut self.durable, offset, &bytes),
                What::Truncate(length) => self.durable.resize(length, 0),
            }
        }
    }

    /// A sync that failed: some of it happened, or it is still to come, or it is forgotten.
    pub(crate) fn sync_badly(&mut self, chance: &mut Chance) {
        match chance.below(3) {
            0 => self.sync(),
            1 => {}
            _ => {
                let percent = chance.below(100);
                self.settle(Survival::Sectors(percent), chance);
            }
        }
    }

    /// The power is gone: what survives is what there is from now on.
    pub(crate) fn cut(&mut self, survival: Survival, chance: &mut Chance) {
        self.settle(survival, chance);
        self.seen.clone_from(&self.durable);
    }

    fn settle(&mut self, survival: Survival, chance: &mut Chance) {
        for change in std::mem::take(&mut self.unsynced) {
            match change.what {
                What::Write(offset, bytes) => {
                    write_in_part(
                        &mut self.durable,
                        offset,
                        &bytes,
                        change.moment,
                        survival,
                        chance,
                    );
                }
                What::Truncate(length) => {
                    if survival.keeps(change.moment, chance) {
                        self.durable.resize(length, 0);
                    }
                }
            }
        }
    }

    /// What lies on the platter turns into something else, and readers see it.
    pub(crate) fn damage(&mut self, offset: usize, bytes: &[u8]) {
        put(&mut self.seen, offset, bytes);
        put(&mut self.durable, offset, bytes);
    }
}

fn put(into: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset.saturating_add(bytes.len());
    if into.len() < end {
        into.resize(end, 0);
    }
    if let Some(place) = into.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
}

/// Writes sector by sector, as far as `survival` lets it.
fn write_in_part(
    into: &mut Vec<u8>,
    offset: usize,
    bytes: &[u8],
    moment: u64,
    survival: Survival,
    chance: &mut Chance,
) {
    let whole = match survival {
        Survival::Until(last) if moment == last => None,
        Survival::Sectors(_) => None,
        _ => Some(survival.keeps(moment, chance)),
    };
    // A write that did not arrive may have made the file longer all the same.
    let lengthens = into.len() < offset.saturating_add(bytes.len()) && chance.percent(30);
    let (mut at, mut rest) = (offset, bytes);
    while !rest.is_empty() {
        let length = rest.len().min(SECTOR - at % SECTOR);
        let (sector, after) = rest.split_at(length);
        let arrives = whole.unwrap_or_else(|| match survival {
            Survival::Sectors(percent) => chance.percent(percent),
            _ => chance.percent(50),
        });
        if arrives {
            put(into, at, sector);
        } else if lengthens {
            let (end, rubbish) = (at + length, chance.percent(50));
            let begin = into.len().clamp(at, end);
            let filler: Vec<u8> = (begin..end)
                .map(|_| chance.next().to_le_bytes()[0] * u8::from(rubbish))
                .collect();
            put(into, begin, &filler);
        }
        (at, rest) = (at + length, after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_synced_survives_and_nothing_else_has_to() {
        for seed in 0..200 {
            let mut chance = Chance::new(seed);
            let mut file = Content::default();
            file.write(1, 0, &[1; 3 * SECTOR]);
            file.sync();
            file.write(2, SECTOR, &[2; SECTOR]);
            file.write(3, 3 * SECTOR, &[3; 2 * SECTOR]);
            let survival = Survival::draw(&mut chance, 2, 4);
            file.cut(survival, &mut chance);
            assert_eq!(file.seen.get(..SECTOR), Some(&[1; SECTOR][..]));
            assert_eq!(
                file.seen.get(2 * SECTOR..3 * SECTOR),
                Some(&[1; SECTOR][..])
            );
            let middle = file.seen.get(SECTOR..2 * SECTOR).unwrap();
            assert!(
                middle == [1; SECTOR] || middle == [2; SECTOR],
                "a sector is whole: {survival:?}"
            );
        }
    }

    #[test]
    fn a_write_is_torn_at_sectors_and_never_touches_its_neighbours() {
        let mut torn = 0;
        for seed in 0..200 {
            let mut chance = Chance::new(seed);
            let mut file = Content::of(vec![7; 4 * SECTOR]);
            file.write(1, 100, &[9; 2 * SECTOR]);
            file.cut(Survival::Sectors(50), &mut chance);
            assert!(file.seen.iter().take(100).all(|byte| *byte == 7));
            assert!(
                file.seen
                    .iter()
                    .skip(100 + 2 * SECTOR)
                    .all(|byte| *byte == 7)
            );
            let nines = file.seen.iter().filter(|byte| **byte == 9).count();
            torn += usize::from(nines > 0 && nines < 2 * SECTOR);
        }
        assert!(torn > 50, "{torn}");
    }
}
