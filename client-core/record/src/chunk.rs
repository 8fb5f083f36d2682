//! The header of an Automerge change, read without Automerge.
//!
//! Bytes from the network are checked here first, because Automerge's own decoder ignores the
//! checksum and expands run lengths before anyone can say no: a change of 69 bytes may claim ten
//! million operations. Reading a header costs time and memory in proportion to the bytes that
//! arrived. Source of the format: <https://automerge.org/automerge-binary-format-spec/>.

use automerge::ChangeHash;
use sha2::{Digest, Sha256};

use crate::{id::ActorId, limits, refusal::Refusal};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const TYPE_CHANGE: u8 = 1;
/// Bits of a column specification that say that the column is deflated.
const COLUMN_DEFLATE: u64 = 0b1000;
const COLUMN_TYPE: u64 = 0b0111;
const ACTION_COLUMN: u64 = 0x42;

/// What a change says about itself before its operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeHeader {
    /// SHA-256 over the chunk; what other changes depend on.
    pub hash: ChangeHash,
    /// Who wrote it.
    pub actor: ActorId,
    /// One more than the same actor's previous change in the same document; the first is 1.
    pub seq: u64,
    /// The counter of its first operation.
    pub start_op: u64,
    /// How many operations it holds, from the run lengths.
    pub ops: u64,
    /// The author's clock, in milliseconds since 1970-01-01 UTC. Says nothing about order.
    pub time_ms: i64,
    /// The reason that the author gave, where there is one.
    pub message: Option<String>,
    /// The changes that this one builds on.
    pub deps: Vec<ChangeHash>,
}

impl ChangeHeader {
    /// The counter of its last operation; `start_op - 1` for a change without operations.
    pub fn max_op(&self) -> u64 {
        self.start_op.saturating_add(self.ops).saturating_sub(1)
    }

    /// Reads and checks one plain change chunk that fills `bytes` exactly.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] for anything that is not a plain change with a right checksum,
    /// [`Refusal::TooLarge`] when a limit of [`crate::limits`] is exceeded.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > limits::MAX_CHANGE_BYTES {
            return Err(Refusal::TooLarge);
        }
        let mut reader = Reader(bytes);
        if reader.take(4)? != MAGIC {
            return Err(Refusal::Malformed);
        }
        let checksum = reader.take(4)?;
        let hashed = reader.0;
        if reader.byte()? != TYPE_CHANGE {
            return Err(Refusal::Malformed);
        }
        if reader.length()? != reader.0.len() {
            return Err(Refusal::Malformed);
        }
        let hash: [u8; 32] = Sha256::digest(hashed).into();
        if hash.get(..4) != Some(checksum) {
            return Err(Refusal::Malformed);
        }
        let mut header = reader.fields(ChangeHash(hash))?;
        header.ops = reader.operations()?;
        if header.start_op == 0 || header.seq == 0 {
            return Err(Refusal::Malformed);
        }
        Ok(header)
    }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Refusal> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(Refusal::Malformed)?;
        self.0 = tail;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, Refusal> {
        self.take(1)?.first().copied().ok_or(Refusal::Malformed)
    }

    /// Unsigned LEB128, at most ten bytes.
    fn unsigned(&mut self) -> Result<u64, Refusal> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Refusal::Malformed);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Refusal::Malformed)
    }

    /// Signed LEB128, at most ten bytes.
    fn signed(&mut self) -> Result<i64, Refusal> {
        let mut value = 0_i64;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                if shift < 57 && byte & 0x40 != 0 {
                    value |= -1 << (shift + 7);
                }
                return Ok(value);
            }
        }
        Err(Refusal::Malformed)
    }

    fn length(&mut self) -> Result<usize, Refusal> {
        usize::try_from(self.unsigned()?).map_err(|_| Refusal::Malformed)
    }

    /// A count of things that each take at least one byte, and are at most `limit`.
    fn count(&mut self, limit: usize) -> Result<usize, Refusal> {
        let count = self.length()?;
        if count > self.0.len() {
            return Err(Refusal::Malformed);
        }
        if count > limit {
            return Err(Refusal::TooLarge);
        }
        Ok(count)
    }

    fn fields(&mut self, hash: ChangeHash) -> Result<ChangeHeader, Refusal> {
        let mut deps = Vec::new();
        for _ in 0..self.count(limits::MAX_CHANGE_DEPS)? {
            let dep: [u8; 32] = self.take(32)?.try_into().map_err(|_| Refusal::Malformed)?;
            deps.push(ChangeHash(dep));
        }
        let actor_length = self.length()?;
        let actor = ActorId::from_slice(self.take(actor_length)?).ok_or(Refusal::Malformed)?;
        let seq = self.unsigned()?;
        let start_op = self.unsigned()?;
        let time_ms = self.signed()?;
        let message_length = self.length()?;
        if message_length > limits::MAX_MESSAGE_BYTES {
            return Err(Refusal::TooLarge);
        }
        let message =
            std::str::from_utf8(self.take(message_length)?).map_err(|_| Refusal::Malformed)?;
        for _ in 0..self.count(limits::MAX_CHANGE_ACTORS)? {
            let length = self.length()?;
            ActorId::from_slice(self.take(length)?).ok_or(Refusal::Malformed)?;
        }
        Ok(ChangeHeader {
            hash,
            actor,
            seq,
            start_op,
            ops: 0,
            time_ms,
            message: (!message.is_empty()).then(|| message.to_owned()),
            deps,
        })
    }

    /// The number of operations, after every column has been seen to claim a bearable number of rows.
    fn operations(&mut self) -> Result<u64, Refusal> {
        let mut columns = Vec::new();
        for _ in 0..self.count(32)? {
            let specification = self.unsigned()?;
            columns.push((specification, self.length()?));
        }
        let mut ops = 0;
        for (specification, length) in columns {
            if specification & COLUMN_DEFLATE != 0 {
                return Err(Refusal::Malformed);
            }
            let rows = Reader(self.take(length)?).rows(specification & COLUMN_TYPE)?;
            if specification == ACTION_COLUMN {
                ops = rows;
            }
        }
        Ok(ops)
    }

    /// How many rows a column claims; for a group column, the sum of its group sizes.
    fn rows(mut self, column_type: u64) -> Result<u64, Refusal> {
        const GROUP: u64 = 0;
        const DELTA: u64 = 3;
        const BOOLEAN: u64 = 4;
        const STRING: u64 = 5;
        const VALUE: u64 = 7;
        let mut rows = 0_u64;
        let mut members = 0_u64;
        if column_type == VALUE {
            return Ok(0);
        }
        while !self.0.is_empty() {
            let run = if column_type == BOOLEAN {
                self.unsigned()?
            } else {
                match self.signed()? {
                    0 => self.unsigned()?,
                    literal if literal < 0 => {
                        let literals = literal.unsigned_abs();
                        for _ in 0..literals.min(limits::MAX_CHANGE_OPS + 1) {
                            let value = self.value(column_type == DELTA, column_type == STRING)?;
                            members = members.saturating_add(value);
                        }
                        literals
                    }
                    repeated => {
                        let repeated = repeated.unsigned_abs();
                        let value = self.value(column_type == DELTA, column_type == STRING)?;
                        members = members.saturating_add(value.saturating_mul(repeated));
                        repeated
                    }
                }
            };
            rows = rows.saturating_add(run);
            let group_members = if column_type == GROUP { members } else { 0 };
            if rows > limits::MAX_CHANGE_OPS || group_members > limits::MAX_CHANGE_OPS {
                return Err(Refusal::TooLarge);
            }
        }
        Ok(rows)
    }

    /// Skips one value of a run; the number itself for unsigned columns, else 0.
    fn value(&mut self, signed: bool, string: bool) -> Result<u64, Refusal> {
        if signed {
            self.signed()?;
            Ok(0)
        } else if string {
            let length = self.length()?;
            self.take(length)?;
            Ok(0)
        } else {
            self.unsigned()
        }
    }
}

#[cfg(test)]
mod tests {
    use automerge::{
        ActorId as AutomergeActor, Automerge, ROOT,
        transaction::{CommitOptions, Transactable},
    };

    use super::*;

    fn changes() -> Vec<automerge::Change> {
        let mut doc = Automerge::new().with_actor(AutomergeActor::from([3_u8; 16].as_slice()));
        for round in 0..5 {
            let mut tx = doc.transaction();
            let text = tx
                .put_object(ROOT, "note", automerge::ObjType::Text)
                .unwrap();
            tx.splice_text(&text, 0, 0, "Tốt, đủ hồ sơ").unwrap();
            tx.put(ROOT, "count", i64::from(round)).unwrap();
            tx.put(ROOT, "flag", true).unwrap();
            tx.commit_with(
                CommitOptions::default()
                    .with_time(-1_400_000_000_000)
                    .with_message("vì sao"),
            );
        }
        doc.get_changes(&[])
    }

    #[test]
    fn agrees_with_automerge_on_real_changes() {
        for change in changes() {
            let header = ChangeHeader::parse(change.raw_bytes()).unwrap();
            assert_eq!(header.hash, change.hash());
            assert_eq!(header.actor.to_automerge(), *change.actor_id());
            assert_eq!(header.seq, change.seq());
            assert_eq!(header.start_op, change.start_op().get());
            assert_eq!(header.ops, change.len() as u64);
            assert_eq!(header.max_op(), change.max_op());
            assert_eq!(header.time_ms, change.timestamp());
            assert_eq!(header.message.as_deref(), change.message());
            assert_eq!(header.deps, change.deps());
        }
    }

    #[test]
    fn any_flipped_or_missing_byte_is_refused() {
        let bytes = changes()[0].raw_bytes().to_vec();
        for index in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[index] ^= 0x10;
            assert_eq!(
                ChangeHeader::parse(&damaged),
                Err(Refusal::Malformed),
                "byte {index}"
            );
            assert_eq!(
                ChangeHeader::parse(&bytes[..index]),
                Err(Refusal::Malformed),
                "cut at {index}"
            );
        }
    }

    /// A chunk around `contents` with a right checksum.
    fn chunk(contents: &[u8]) -> Vec<u8> {
        let mut hashed = vec![TYPE_CHANGE];
        let mut length = contents.len();
        loop {
            let byte = u8::try_from(length & 0x7f).unwrap();
            length >>= 7;
            hashed.push(if length == 0 { byte } else { byte | 0x80 });
            if length == 0 {
                break;
            }
        }
        hashed.extend_from_slice(contents);
        let digest = Sha256::digest(&hashed);
        [&MAGIC[..], &digest[..4], &hashed].concat()
    }

    fn change_with_columns(columns: &[(u8, &[u8])]) -> Vec<u8> {
        let mut contents = vec![0, 16];
        contents.extend_from_slice(&[9; 16]);
        contents.extend_from_slice(&[1, 1, 0, 0, 0]);
        contents.push(u8::try_from(columns.len()).unwrap());
        for (specification, data) in columns {
            contents.extend_from_slice(&[*specification, u8::try_from(data.len()).unwrap()]);
        }
        for (_, data) in columns {
            contents.extend_from_slice(data);
        }
        chunk(&contents)
    }

    #[test]
    fn a_run_length_bomb_is_refused_by_its_claim() {
        // Ten million times action 1, as a run.
        let bomb = change_with_columns(&[(0x42, &[0x80, 0xad, 0xe2, 0x04, 1])]);
        assert_eq!(ChangeHeader::parse(&bomb), Err(Refusal::TooLarge));
        // One row whose predecessor group claims ten million members.
        let group = change_with_columns(&[(0x42, &[1, 1]), (0x70, &[1, 0x80, 0xad, 0xe2, 0x04])]);
        assert_eq!(ChangeHeader::parse(&group), Err(Refusal::TooLarge));
        // Ten million nulls.
        let nulls = change_with_columns(&[(0x15, &[0, 0x80, 0xad, 0xe2, 0x04])]);
        assert_eq!(ChangeHeader::parse(&nulls), Err(Refusal::TooLarge));
    }

    #[test]
    fn deflated_columns_and_other_chunk_types_are_refused() {
        assert_eq!(
            ChangeHeader::parse(&change_with_columns(&[(0x4a, &[1, 1])])),
            Err(Refusal::Malformed)
        );
        let mut compressed = changes()[0].raw_bytes().to_vec();
        compressed[8] = 2;
        assert_eq!(ChangeHeader::parse(&compressed), Err(Refusal::Malformed));
    }
}
