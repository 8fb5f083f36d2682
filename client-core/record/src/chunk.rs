//! The header of an Automerge change, read without Automerge.
//!
//! Bytes from the network are checked here first, because Automerge's own decoder ignores the
//! checksum and expands run lengths before anyone can say no: a change of 69 bytes may claim ten
//! million operations. Reading a header costs time and memory in proportion to the bytes that
//! arrived, and to the operations that [`limits`] allow. Source of the format:
//! <https://automerge.org/automerge-binary-format-spec/>.

pub(crate) mod columns;
pub(crate) mod operations;
pub(crate) mod reader;

use automerge::ChangeHash;

use crate::{id::ActorId, limits, refusal::Refusal};
pub(crate) use operations::{ACTIONS, Holder, MAKES};

const TYPE_CHANGE: u8 = 1;

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
    /// Objects of the document that it makes maps or texts in, with how deep those go.
    pub(crate) holders: Vec<Holder>,
}

impl ChangeHeader {
    /// The counter of its last operation; `start_op - 1` for a change without operations.
    pub fn max_op(&self) -> u64 {
        self.start_op.saturating_add(self.ops).saturating_sub(1)
    }

    /// Reads and checks one plain change chunk that fills `bytes` exactly.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] for anything that is not a plain change in canonical form with a right
    /// checksum, [`Refusal::TooLarge`] when a limit of [`crate::limits`] is exceeded.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        Opened::parse(bytes).map(|opened| opened.header)
    }
}

/// A change with its operations still in their columns.
pub(crate) struct Opened<'a> {
    pub(crate) header: ChangeHeader,
    /// The author, then whoever else its operations name, as columns count them.
    pub(crate) actors: Vec<ActorId>,
    pub(crate) columns: Vec<reader::Column<'a>>,
}

impl<'a> Opened<'a> {
    /// As [`ChangeHeader::parse`].
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        if bytes.len() > limits::MAX_CHANGE_BYTES {
            return Err(Refusal::TooLarge);
        }
        let (hash, mut reader) = reader::chunk(bytes, TYPE_CHANGE)?;
        let deps = reader.hashes(limits::MAX_CHANGE_DEPS)?;
        let actor = reader.actor()?;
        let seq = reader.unsigned()?;
        let start_op = reader.unsigned()?;
        let time_ms = reader.signed()?;
        let message_length = reader.length()?;
        if message_length > limits::MAX_MESSAGE_BYTES {
            return Err(Refusal::TooLarge);
        }
        let message =
            std::str::from_utf8(reader.take(message_length)?).map_err(|_| Refusal::Malformed)?;
        let mut actors = vec![actor];
        for _ in 0..reader.count(limits::MAX_CHANGE_ACTORS)? {
            let other = reader.actor()?;
            // Ascending, each once, and not the author.
            if other == actor || (actors.len() > 1 && actors.last() >= Some(&other)) {
                return Err(Refusal::Malformed);
            }
            actors.push(other);
        }
        if start_op == 0 || seq == 0 {
            return Err(Refusal::Malformed);
        }
        let columns = reader.columns(&operations::KNOWN)?;
        if !reader.is_empty() {
            return Err(Refusal::Malformed);
        }
        let (ops, holders) = operations::check(&columns, &actors, start_op)?;
        // Nobody writes a change that does nothing; and one whose counter leaves a gap makes a document that
        // can be saved and not be loaded again. Fuzzing found it.
        if ops == 0 {
            return Err(Refusal::Malformed);
        }
        let header = ChangeHeader {
            hash,
            actor,
            seq,
            start_op,
            ops,
            time_ms,
            message: (!message.is_empty()).then(|| message.to_owned()),
            deps,
            holders,
        };
        Ok(Self {
            header,
            actors,
            columns,
        })
    }
}

#[cfg(test)]
mod tests {
    use automerge::{
        ActorId as AutomergeActor, Automerge, ROOT,
        transaction::{CommitOptions, Transactable},
    };

    use sha2::{Digest, Sha256};

    use super::{reader::MAGIC, *};

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
        // One long key for each of twenty thousand operations.
        let key = [&[0xa0, 0x9c, 1, 110][..], &[b'k'; 110]].concat();
        let keys = change_with_columns(&[(0x15, &key), (0x42, &[0xa0, 0x9c, 1, 1])]);
        assert_eq!(ChangeHeader::parse(&keys), Err(Refusal::TooLarge));
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

    #[test]
    fn columns_that_records_do_not_have_or_that_disagree_are_refused() {
        let set: (u8, &[u8]) = (0x42, &[1, 1]);
        let null: (u8, &[u8]) = (0x56, &[1, 0]);
        let key: (u8, &[u8]) = (0x15, &[1, 1, b'k']);
        assert_eq!(
            ChangeHeader::parse(&change_with_columns(&[key, set, null]))
                .unwrap()
                .ops,
            1
        );
        let refused: [&[(u8, &[u8])]; 10] = [
            // A counter's increment, a table, a mark, an action that nobody knows.
            &[key, (0x42, &[1, 5]), null],
            &[key, (0x42, &[1, 6]), null],
            &[key, (0x42, &[1, 7]), null],
            &[key, (0x42, &[1, 9]), null],
            // A counter as a value; a value that is longer than what is there.
            &[key, set, (0x56, &[1, 0x18]), (0x57, &[1])],
            &[key, set, (0x56, &[1, 0x36]), (0x57, b"a")],
            // A column twice, in the wrong order, of marks; two rows beside one.
            &[key, key, set],
            &[set, key],
            &[key, set, null, (0x94, &[0, 1])],
            &[(0x15, &[2, 1, b'k']), set, null],
        ];
        for columns in refused {
            let parsed = ChangeHeader::parse(&change_with_columns(columns));
            assert_eq!(parsed, Err(Refusal::Malformed), "{columns:x?}");
        }
    }

    #[test]
    fn objects_in_objects_are_counted_and_bounded() {
        // Maps, each in the one before: counters 1, 2, 3 …
        let nested = |levels: u8| {
            let mut actors = vec![0, 1];
            let mut counters = vec![0, 1];
            if levels > 1 {
                actors.extend([levels - 1, 0]);
                counters.push((!(levels - 2)) & 0x7f);
                counters.extend(1..levels);
            }
            let run = |value: &[u8]| [&[levels][..], value].concat();
            let (keys, makes, nulls) = (run(&[1, b'k']), run(&[0]), run(&[0]));
            let columns: [(u8, &[u8]); 5] = [
                (0x01, &actors),
                (0x02, &counters),
                (0x15, &keys),
                (0x42, &makes),
                (0x56, &nulls),
            ];
            ChangeHeader::parse(&change_with_columns(&columns))
        };
        let header = nested(16).unwrap();
        assert_eq!(
            header.holders,
            [Holder {
                object: None,
                levels: 16
            }]
        );
        assert_eq!(nested(17), Err(Refusal::TooLarge));
    }
}
