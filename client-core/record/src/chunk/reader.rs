//! Numbers, hashes and columns out of a chunk's bytes.

use automerge::ChangeHash;
use sha2::{Digest, Sha256};

use crate::{id::ActorId, refusal::Refusal};

pub(crate) const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
/// Bit of a column specification that says that the column is deflated.
const COLUMN_DEFLATE: u64 = 0b1000;

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

/// One column: its specification and its bytes.
pub(crate) type Column<'a> = (u64, &'a [u8]);

/// The hash and the contents of a chunk of this type that fills `bytes` exactly.
pub(crate) fn chunk(bytes: &[u8], chunk_type: u8) -> Result<(ChangeHash, Reader<'_>), Refusal> {
    let mut reader = Reader(bytes);
    if reader.take(4)? != MAGIC {
        return Err(Refusal::Malformed);
    }
    let checksum = reader.take(4)?;
    let hashed = reader.0;
    if reader.byte()? != chunk_type || reader.length()? != reader.0.len() {
        return Err(Refusal::Malformed);
    }
    let hash: [u8; 32] = Sha256::digest(hashed).into();
    if hash.get(..4) != Some(checksum) {
        return Err(Refusal::Malformed);
    }
    Ok((ChangeHash(hash), reader))
}

impl<'a> Reader<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Refusal> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(Refusal::Malformed)?;
        self.0 = tail;
        Ok(head)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Refusal> {
        self.take(1)?.first().copied().ok_or(Refusal::Malformed)
    }

    /// Unsigned LEB128 in its shortest form, at most ten bytes.
    pub(crate) fn unsigned(&mut self) -> Result<u64, Refusal> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Refusal::Malformed);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(Refusal::Malformed);
                }
                return Ok(value);
            }
        }
        Err(Refusal::Malformed)
    }

    /// Signed LEB128 in its shortest form, at most ten bytes.
    pub(crate) fn signed(&mut self) -> Result<i64, Refusal> {
        let mut value = 0_i64;
        let mut before = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && !matches!(byte, 0 | 0x7f) {
                return Err(Refusal::Malformed);
            }
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                // The last byte may not say again what the sign of the one before it said.
                if shift > 0 && byte == if before & 0x40 == 0 { 0 } else { 0x7f } {
                    return Err(Refusal::Malformed);
                }
                if shift < 57 && byte & 0x40 != 0 {
                    value |= -1 << (shift + 7);
                }
                return Ok(value);
            }
            before = byte;
        }
        Err(Refusal::Malformed)
    }

    pub(crate) fn length(&mut self) -> Result<usize, Refusal> {
        usize::try_from(self.unsigned()?).map_err(|_| Refusal::Malformed)
    }

    /// A count of things that each take at least one byte, and are at most `limit`.
    pub(crate) fn count(&mut self, limit: usize) -> Result<usize, Refusal> {
        let count = self.length()?;
        if count > self.0.len() {
            return Err(Refusal::Malformed);
        }
        if count > limit {
            return Err(Refusal::TooLarge);
        }
        Ok(count)
    }

    /// Hashes with their count before them, in strictly ascending order.
    pub(crate) fn hashes(&mut self, limit: usize) -> Result<Vec<ChangeHash>, Refusal> {
        let mut hashes: Vec<ChangeHash> = Vec::new();
        for _ in 0..self.count(limit)? {
            let hash: [u8; 32] = self.take(32)?.try_into().map_err(|_| Refusal::Malformed)?;
            if hashes.last().is_some_and(|before| before.0 >= hash) {
                return Err(Refusal::Malformed);
            }
            hashes.push(ChangeHash(hash));
        }
        Ok(hashes)
    }

    pub(crate) fn actor(&mut self) -> Result<ActorId, Refusal> {
        let length = self.length()?;
        ActorId::from_slice(self.take(length)?).ok_or(Refusal::Malformed)
    }

    /// The specifications of some columns and the length of each. Only `known` columns, each once, in
    /// their order, none deflated.
    pub(crate) fn layout(&mut self, known: &[u64]) -> Result<Vec<(u64, usize)>, Refusal> {
        let mut layout: Vec<(u64, usize)> = Vec::new();
        for _ in 0..self.count(known.len())? {
            let specification = self.unsigned()?;
            if specification & COLUMN_DEFLATE != 0 || !known.contains(&specification) {
                return Err(Refusal::Malformed);
            }
            if layout
                .last()
                .is_some_and(|(before, _)| *before >= specification)
            {
                return Err(Refusal::Malformed);
            }
            layout.push((specification, self.length()?));
        }
        Ok(layout)
    }

    /// The bytes of the columns of a layout.
    pub(crate) fn contents(
        &mut self,
        layout: Vec<(u64, usize)>,
    ) -> Result<Vec<Column<'a>>, Refusal> {
        layout
            .into_iter()
            .map(|(specification, length)| Ok((specification, self.take(length)?)))
            .collect()
    }

    /// Columns with their layout before them.
    pub(crate) fn columns(&mut self, known: &[u64]) -> Result<Vec<Column<'a>>, Refusal> {
        let layout = self.layout(known)?;
        self.contents(layout)
    }
}
