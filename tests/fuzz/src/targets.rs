//! What is fuzzed. Each target takes any bytes and must neither panic nor run long. Says whether the bytes
//! are worth keeping.
//!
//! The record crate's tests replay every corpus through the same functions.

use sha2::{Digest, Sha256};
use sokiem_record::{
    chunk::ChangeHeader,
    criteria::{self, CriteriaSet},
    document::{Document, Received},
    edit::{Author, Edit},
    genesis::{self, Plan},
    id::{ActorId, DocumentId, Kind},
    media,
    proof::{Claim, Covered},
    schema::Path,
    signing::SigningKey,
    snapshot::SnapshotHeader,
    wire::{self, ExchangeRequest, ExchangeResponse, ReconcileRequest, ReconcileResponse},
};
use uuid::Uuid;

/// A target: any bytes in, whether they are worth keeping out.
pub(crate) type Target = fn(&[u8]) -> bool;

/// Every target by its name, which is also its folder under `corpus/`.
pub(crate) const TARGETS: &[(&str, Target)] = &[
    ("change-header", change_header),
    ("snapshot-header", snapshot_header),
    ("receive", receive),
    ("receive-first", receive_first),
    ("receive-next", receive_next),
    ("receive-whole", receive_whole),
    ("exchange-request", message::<ExchangeRequest>),
    ("exchange-response", message::<ExchangeResponse>),
    ("reconcile-request", message::<ReconcileRequest>),
    ("reconcile-response", message::<ReconcileResponse>),
    ("edits", edits),
    ("path", path),
    ("criteria", criteria_file),
    ("proof", proof),
    ("media", media_file),
];

thread_local! {
    static RECORD: Document = begun();
}

/// The record that changes are received into: a planned inspection with two people's work in it.
pub(crate) fn record() -> Document {
    RECORD.with(Document::clone)
}

fn begun() -> Document {
    let plan = Plan {
        unit: DocumentId(Uuid::from_u128(1)),
        campaign: DocumentId(Uuid::from_u128(2)),
        criteria_code: "T124-CD".into(),
        criteria_version: 1,
        window: None,
        items: vec!["T124-CD-1A".into(), "T124-CD-1B".into()],
    };
    let Ok((mut document, _)) = genesis::planned_inspection(&plan) else {
        unreachable!("the plan is a right one")
    };
    for (actor, path, text) in [
        (7, "opinion", "Đồng ý"),
        (8, "remarks", "Đủ hồ sơ"),
        (7, "opinion", "Không"),
    ] {
        let edit = Edit::Text {
            path: field(path),
            text: text.into(),
        };
        let _ = document.edit(&author(actor), None, &[edit]);
    }
    let edit = Edit::Set {
        path: field("place"),
        value: "Ấp 1".into(),
    };
    let _ = document.edit(&author(7), None, &[edit]);
    document
}

fn field(path: &str) -> Path {
    match path.parse() {
        Ok(path) => path,
        Err(_) => unreachable!("a path of the schema"),
    }
}

pub(crate) fn author(actor: u128) -> Author {
    Author {
        actor: ActorId(Uuid::from_u128(actor)),
        time_ms: 1_700_000_000_000,
        reason: None,
    }
}

/// The bytes as the contents of a chunk of a type, with the right length and checksum.
pub(crate) fn chunk(chunk_type: u8, contents: &[u8]) -> Vec<u8> {
    let mut hashed = vec![chunk_type];
    let mut length = contents.len();
    while length > 0x7f {
        hashed.push(0x80 | u8::try_from(length & 0x7f).unwrap_or(0));
        length >>= 7;
    }
    hashed.push(u8::try_from(length).unwrap_or(0));
    hashed.extend_from_slice(contents);
    let digest = Sha256::digest(&hashed);
    let mut bytes = vec![0x85, 0x6f, 0x4a, 0x83];
    bytes.extend(digest.iter().take(4));
    bytes.extend(hashed);
    bytes
}

fn change_header(bytes: &[u8]) -> bool {
    let _ = ChangeHeader::parse(bytes);
    ChangeHeader::parse(&chunk(1, bytes)).is_ok()
}

fn snapshot_header(bytes: &[u8]) -> bool {
    let _ = SnapshotHeader::parse(bytes);
    SnapshotHeader::parse(&chunk(0, bytes)).is_ok()
}

/// Everything that people are shown of a record.
fn read(document: &Document) {
    let _ = (
        document.to_json(),
        document.conflicts(),
        document.oddities(),
    );
    let _ = (document.summary(), document.history());
}

fn received(mut document: Document, change: &[u8]) -> bool {
    let taken = document.receive(change);
    if let Ok(Received::Applied(_)) = &taken {
        read(&document);
        let saved = document.save();
        let none: [&[u8]; 0] = [];
        let loaded = Document::load(document.id(), document.kind(), Some(&saved), none);
        assert!(
            loaded.is_ok_and(|loaded| loaded.heads() == document.heads()
                && loaded.to_json() == document.to_json()),
            "saved, but can't be loaded as what it was"
        );
    }
    !matches!(taken, Ok(Received::Refused(_)))
}

/// The contents of a change after those in [`record`]. Dependencies, actor and sequence are put in, so that the rest
/// is what is searched.
fn receive(bytes: &[u8]) -> bool {
    receive_after(record(), bytes)
}

/// As [`receive`], into a document with one change, whose history is straight so far.
fn receive_next(bytes: &[u8]) -> bool {
    receive_after(unit(), bytes)
}

/// A unit as it lies on a disk.
pub(crate) fn unit() -> Document {
    let id = DocumentId(Uuid::from_u128(5));
    let fields = [("name", "Trường Giồng Luông".into())];
    let stored = genesis::document(id, Kind::Unit, &author(7), &fields)
        .map(|(_, first)| Document::load(id, Kind::Unit, None, [first.bytes]));
    match stored {
        Ok(Ok(document)) => document,
        _ => unreachable!("a right first change"),
    }
}

fn receive_after(document: Document, bytes: &[u8]) -> bool {
    let mut contents = Vec::new();
    let heads = document.heads();
    contents.push(u8::try_from(heads.len()).unwrap_or(0));
    for head in &heads {
        contents.extend(head.0);
    }
    contents.push(16);
    contents.extend(9_u128.to_be_bytes());
    contents.extend_from_slice(&[1]);
    contents.extend_from_slice(bytes);
    received(document, &chunk(1, &contents))
}

/// The contents of a document's first change.
fn receive_first(bytes: &[u8]) -> bool {
    received(
        Document::new(DocumentId(Uuid::from_u128(5)), Kind::Unit),
        &chunk(1, bytes),
    )
}

fn receive_whole(bytes: &[u8]) -> bool {
    let known = record();
    match Document::receive_whole(known.id(), known.kind(), &chunk(0, bytes)) {
        Ok((document, _)) => {
            read(&document);
            true
        }
        Err(_) => SnapshotHeader::parse(&chunk(0, bytes)).is_ok(),
    }
}

fn message<T>(bytes: &[u8]) -> bool
where
    T: serde::Serialize + serde::de::DeserializeOwned + wire::Versioned + PartialEq,
{
    match wire::decode::<T>(bytes) {
        Ok(message) => {
            let again = wire::decode::<T>(&wire::encode(&message));
            assert!(
                again.is_ok_and(|again| again == message),
                "another message after a round trip"
            );
            true
        }
        Err(_) => false,
    }
}

fn edits(bytes: &[u8]) -> bool {
    let Ok(edits) = serde_json::from_slice::<Vec<Edit>>(bytes) else {
        return false;
    };
    let mut document = record();
    let before = document.heads();
    match document.edit(&author(9), None, &edits) {
        Ok(Some(written)) => {
            let mut other = record();
            let taken = other.receive(&written.bytes);
            assert!(
                matches!(taken, Ok(Received::Applied(_) | Received::Refused(_))),
                "what was written is not taken"
            );
            read(&document);
        }
        Ok(None) | Err(_) => assert!(
            document.heads() == before,
            "a refused edit changed the document"
        ),
    }
    true
}

fn path(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    match text.parse::<Path>() {
        Ok(path) => {
            assert!(
                path.to_string()
                    .parse::<Path>()
                    .is_ok_and(|again| again == path),
                "another path"
            );
            let _ = sokiem_record::schema::place(Kind::Inspection, &path);
            true
        }
        Err(_) => false,
    }
}

fn criteria_file(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let as_toml = criteria::validate("fuzz.toml", text).is_ok();
    as_toml || serde_json::from_str::<CriteriaSet>(text).is_ok()
}

/// The key of the device whose signature the seed of `proof` is.
pub(crate) fn device_key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

/// What the seed of `proof` signs.
pub(crate) const SIGNED: Covered<'_> = Covered {
    method: "POST",
    path: "/api/device/v1/exchange",
    query: None,
    digest: Some("sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
};

/// Two header fields with a line end between them.
fn proof(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let Some((input, signature)) = text.split_once('\n') else {
        return false;
    };
    let Ok(claim) = Claim::parse(input, signature) else {
        return false;
    };
    let other = Covered {
        path: "/api/device/v1/reconcile",
        ..SIGNED
    };
    let key = device_key().public_key();
    let _ = claim.holds(&SIGNED, &key);
    assert!(
        !claim.holds(&other, &key),
        "a request that nobody signed is taken for signed"
    );
    true
}

/// A file that is taken for a picture stays that picture without what it says about its maker.
fn media_file(bytes: &[u8]) -> bool {
    let Ok(found) = media::inspect(bytes) else {
        return false;
    };
    for orientation in [1, 6] {
        let Ok(stripped) = media::strip::strip(bytes, found.media_type, orientation) else {
            unreachable!("what is whole can be stripped")
        };
        assert!(
            media::inspect(&stripped) == Ok(found),
            "stripped, it is another picture"
        );
        let again = media::strip::strip(&stripped, found.media_type, orientation);
        assert!(
            again.is_ok_and(|again| again == stripped),
            "stripping twice finds more"
        );
    }
    true
}
