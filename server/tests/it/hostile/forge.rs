//! Changes taken apart and put together again with something wrong about them, under a right checksum.

use sha2::{Digest, Sha256};

/// A change chunk as its parts.
#[derive(Clone)]
pub(super) struct Forged {
    pub(super) chunk_type: u8,
    pub(super) deps: Vec<[u8; 32]>,
    pub(super) actor: [u8; 16],
    pub(super) seq: u64,
    pub(super) start_op: u64,
    pub(super) time_ms: i64,
    pub(super) message: Vec<u8>,
    pub(super) others: Vec<Vec<u8>>,
    pub(super) columns: Vec<(u64, Vec<u8>)>,
    pub(super) extra: Vec<u8>,
}

pub(super) fn unsigned(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        bytes.push(if value == 0 { byte } else { byte | 0x80 });
        if value == 0 {
            return bytes;
        }
    }
}

pub(super) fn signed(mut value: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        let done = (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0);
        bytes.push(if done { byte } else { byte | 0x80 });
        if done {
            return bytes;
        }
    }
}

/// A run: so many rows of this value.
pub(super) fn run(rows: i64, value: &[u8]) -> Vec<u8> {
    [signed(rows), value.to_vec()].concat()
}

/// The chunk of a type around contents, with a right checksum.
pub(super) fn chunk(chunk_type: u8, contents: &[u8]) -> Vec<u8> {
    let hashed = [
        &[chunk_type][..],
        &unsigned(contents.len() as u64),
        contents,
    ]
    .concat();
    let digest = Sha256::digest(&hashed);
    [&[0x85, 0x6f, 0x4a, 0x83][..], &digest[..4], &hashed].concat()
}

/// The same bytes under a right checksum.
pub(super) fn repaired(mut bytes: Vec<u8>) -> Vec<u8> {
    let digest = Sha256::digest(&bytes[8..]);
    bytes[4..8].copy_from_slice(&digest[..4]);
    bytes
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (head, tail) = self.0.split_at(count);
        self.0 = tail;
        head
    }

    fn unsigned(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.take(1)[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }

    fn length(&mut self) -> usize {
        usize::try_from(self.unsigned()).unwrap()
    }

    fn signed(&mut self) -> i64 {
        let mut value = 0_i64;
        for shift in (0..70).step_by(7) {
            let byte = self.take(1)[0];
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                if shift < 57 && byte & 0x40 != 0 {
                    value |= -1 << (shift + 7);
                }
                break;
            }
        }
        value
    }
}

impl Forged {
    /// Takes a real change apart.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut reader = Reader(&bytes[8..]);
        let chunk_type = reader.take(1)[0];
        reader.length();
        let deps = (0..reader.length())
            .map(|_| reader.take(32).try_into().unwrap())
            .collect();
        assert_eq!(reader.length(), 16);
        let actor = reader.take(16).try_into().unwrap();
        let (seq, start_op, time_ms) = (reader.unsigned(), reader.unsigned(), reader.signed());
        let length = reader.length();
        let message = reader.take(length).to_vec();
        let mut others = Vec::new();
        for _ in 0..reader.length() {
            let length = reader.length();
            others.push(reader.take(length).to_vec());
        }
        let layout: Vec<(u64, usize)> = (0..reader.length())
            .map(|_| (reader.unsigned(), reader.length()))
            .collect();
        let columns = layout
            .into_iter()
            .map(|(specification, length)| (specification, reader.take(length).to_vec()))
            .collect();
        Self {
            chunk_type,
            deps,
            actor,
            seq,
            start_op,
            time_ms,
            message,
            others,
            columns,
            extra: reader.0.to_vec(),
        }
    }

    /// Puts it together.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut contents = unsigned(self.deps.len() as u64);
        contents.extend(self.deps.concat());
        contents.push(16);
        contents.extend(self.actor);
        contents.extend(unsigned(self.seq));
        contents.extend(unsigned(self.start_op));
        contents.extend(signed(self.time_ms));
        contents.extend(unsigned(self.message.len() as u64));
        contents.extend(&self.message);
        contents.extend(unsigned(self.others.len() as u64));
        for other in &self.others {
            contents.extend(unsigned(other.len() as u64));
            contents.extend(other);
        }
        contents.extend(unsigned(self.columns.len() as u64));
        for (specification, data) in &self.columns {
            contents.extend(unsigned(*specification));
            contents.extend(unsigned(data.len() as u64));
        }
        for (_, data) in &self.columns {
            contents.extend(data);
        }
        contents.extend(&self.extra);
        chunk(self.chunk_type, &contents)
    }

    /// The same with something changed.
    pub(super) fn with(&self, change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut forged = self.clone();
        change(&mut forged);
        forged.bytes()
    }

    /// The same with other operations.
    pub(super) fn doing(&self, columns: &[(u64, Vec<u8>)]) -> Vec<u8> {
        self.with(|forged| {
            forged.others.clear();
            forged.columns = columns.to_vec();
        })
    }
}

/// A gzip stream of so many times 258 zeros: about a hundredth of its contents.
pub(super) fn gzip_bomb(matches: usize) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let (mut held, mut count) = (0_u32, 0);
    // One final block with the fixed code: a literal zero (8 bits), then matches of length 258 (8
    // bits, most significant first) at distance 1 (5 bits), then the end (7 bits).
    let mut put = |bits: u32, width: u32| {
        held |= bits << count;
        count += width;
        while count >= 8 {
            bytes.push(u8::try_from(held & 0xff).unwrap());
            held >>= 8;
            count -= 8;
        }
    };
    put(0b011, 3);
    put(0b0000_1100, 8);
    for _ in 0..matches {
        put(0b1010_0011, 8);
        put(0, 5);
    }
    put(0, 14);
    bytes
}
