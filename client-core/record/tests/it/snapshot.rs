//! Whole documents from a server that is broken or up to no good.

use automerge::{Automerge, ROOT, transaction::Transactable};
use proptest::{prelude::*, test_runner::TestRunner};
use sha2::{Digest, Sha256};
use sokiem_record::{
    document::Document, id::Kind, limits, refusal::Refusal, snapshot::SnapshotHeader,
};

use crate::support::*;

/// A record in which everything occurs: texts, deletions in them, conflicts, elements, reasons.
fn record() -> Document {
    let (mut one, mut other) = (planned(), planned());
    write(
        &mut one,
        &author(1),
        &[set("place", "Ấp 1"), text("opinion", "Đồng ý một phần")],
    );
    write(
        &mut one,
        &author(1),
        &[text("opinion", "Đồng ý"), finding(3, "Thiếu sổ")],
    );
    let theirs = write(
        &mut other,
        &author(2),
        &[set("place", "Ấp 2"), set("copies", 2)],
    );
    deliver(&mut one, &theirs);
    let mut why = author(1);
    why.reason = Some("đã xem lại".into());
    write(&mut one, &why, &[settle("place", "Ấp 3")]);
    one
}

fn receive(bytes: &[u8]) -> Result<Document, Refusal> {
    let document = planned();
    Document::receive_whole(document.id(), document.kind(), bytes).map(|(document, _)| document)
}

#[test]
fn the_header_agrees_with_the_document() {
    let document = record();
    let header = SnapshotHeader::parse(&document.save()).unwrap();
    assert_eq!(header.heads, document.heads());
    assert_eq!(header.changes, document.change_count() as u64);
    let again = receive(&document.save()).unwrap();
    assert_eq!(again.to_json(), document.to_json());
}

#[test]
fn a_deflated_a_cut_and_a_flipped_document_are_refused() {
    let document = record();
    let loaded = Automerge::load(&document.save()).unwrap();
    let mut long = loaded.clone();
    let mut tx = long.transaction();
    tx.put(ROOT, "remarks", "a".repeat(5_000)).unwrap();
    tx.commit();
    assert_eq!(
        receive(&long.save()).err(),
        Some(Refusal::Malformed),
        "deflated"
    );
    let bytes = document.save();
    for index in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[index] ^= 0x10;
        assert!(SnapshotHeader::parse(&damaged).is_err(), "byte {index}");
        assert!(
            SnapshotHeader::parse(&bytes[..index]).is_err(),
            "cut at {index}"
        );
    }
}

#[test]
fn another_document_under_this_id_is_refused() {
    let document = record();
    assert_eq!(
        Document::receive_whole(document.id(), Kind::Unit, &document.save()).err(),
        Some(Refusal::WrongDocument)
    );
    let large = vec![0; limits::MAX_SNAPSHOT_BYTES + 1];
    assert_eq!(receive(&large).err(), Some(Refusal::TooLarge));
}

/// The document chunk around `contents`, with a right checksum.
fn chunk(contents: &[u8]) -> Vec<u8> {
    let mut hashed = vec![0];
    let mut length = contents.len();
    while length > 0x7f {
        hashed.push(0x80 | u8::try_from(length & 0x7f).unwrap());
        length >>= 7;
    }
    hashed.push(u8::try_from(length).unwrap());
    hashed.extend_from_slice(contents);
    let digest = Sha256::digest(&hashed);
    [&[0x85, 0x6f, 0x4a, 0x83][..], &digest[..4], &hashed].concat()
}

#[test]
fn claims_of_a_few_bytes_are_refused_before_automerge_sees_them() {
    // No actors, no heads; then the layouts, then the columns.
    let claim = |changes: &[(u8, &[u8])], operations: &[(u8, &[u8])]| {
        let mut contents = vec![0, 0];
        for layout in [changes, operations] {
            contents.push(u8::try_from(layout.len()).unwrap());
            for (specification, data) in layout {
                contents.extend([*specification, u8::try_from(data.len()).unwrap()]);
            }
        }
        for (_, data) in changes.iter().chain(operations) {
            contents.extend_from_slice(data);
        }
        receive(&chunk(&contents)).err()
    };
    let ten_million = [0x80, 0xad, 0xe2, 0x04, 0];
    assert_eq!(claim(&[], &[(0x42, &ten_million)]), Some(Refusal::TooLarge));
    assert_eq!(claim(&[(0x01, &ten_million)], &[]), Some(Refusal::TooLarge));
    assert_eq!(
        claim(&[(0x40, &[1, 0x80, 0xad, 0xe2, 0x04])], &[]),
        Some(Refusal::TooLarge)
    );
    assert_eq!(
        claim(&[], &[(0x4a, &[1, 1])]),
        Some(Refusal::Malformed),
        "deflated column"
    );
    assert_eq!(
        claim(&[], &[(0x94, &[1])]),
        Some(Refusal::Malformed),
        "marks"
    );
}

/// Any bytes under a right checksum: refused or taken, but never a panic, and what was taken can be read.
#[test]
fn mutated_documents_under_a_right_checksum_never_panic_the_caller() {
    let document = record();
    let bytes = document.save();
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = TestRunner::new(config(600)).run(
        &proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        |flips| {
            let mut bytes = bytes.clone();
            for (at, bits) in flips {
                // Past magic, checksum, type and length.
                let at = 11 + at.index(bytes.len() - 11);
                bytes[at] ^= bits;
            }
            let digest = Sha256::digest(&bytes[8..]);
            bytes[4..8].copy_from_slice(&digest[..4]);
            if let Ok(taken) = receive(&bytes) {
                let _ = (taken.history(), taken.conflicts(), taken.to_json());
            }
            Ok(())
        },
    );
    std::panic::set_hook(quiet);
    outcome.unwrap();
}

/// A single bit, in how many operations a change ends with or thereabouts, made a document that could be read, and whose changes could not.
#[test]
fn whatever_document_is_taken_tells_its_whole_history() {
    let document = record();
    let bytes = document.save();
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = std::panic::catch_unwind(|| {
        let mut taken = 0;
        for at in 11..bytes.len() {
            for bit in 0..8 {
                let mut altered = bytes.clone();
                altered[at] ^= 1 << bit;
                let digest = Sha256::digest(&altered[8..]);
                altered[4..8].copy_from_slice(&digest[..4]);
                if let Ok(read) = receive(&altered) {
                    assert_eq!(read.history().len(), document.history().len());
                    taken += 1;
                }
            }
        }
        taken
    });
    std::panic::set_hook(quiet);
    assert!(outcome.unwrap() > 0, "nothing that was altered is taken");
}

#[test]
fn maps_in_maps_beyond_what_reading_bears_are_refused_as_change_and_as_document() {
    let mut raw = Automerge::load(&planned().save())
        .unwrap()
        .with_actor(author(1).actor.to_automerge());
    let mut tx = raw.transaction();
    let mut object = ROOT;
    for _ in 0..=limits::MAX_DEPTH {
        object = tx
            .put_object(&object, "k", automerge::ObjType::Map)
            .unwrap();
    }
    tx.commit();
    let change = raw.get_last_local_change().unwrap();
    let mut target = planned();
    assert_eq!(
        target.receive(change.raw_bytes()).unwrap(),
        sokiem_record::document::Received::Refused(Refusal::TooLarge)
    );
    assert_eq!(
        receive(&raw.save_nocompress()).err(),
        Some(Refusal::TooLarge)
    );
    // The same one level at a time.
    let mut raw = Automerge::load(&planned().save())
        .unwrap()
        .with_actor(author(1).actor.to_automerge());
    let mut object = ROOT;
    for level in 1..=limits::MAX_DEPTH + 1 {
        let mut tx = raw.transaction();
        object = tx
            .put_object(&object, "k", automerge::ObjType::Map)
            .unwrap();
        tx.commit();
        let change = raw.get_last_local_change().unwrap();
        let received = target.receive(change.raw_bytes()).unwrap();
        let fits = matches!(received, sokiem_record::document::Received::Applied(_));
        assert_eq!(fits, level <= limits::MAX_DEPTH, "{level}: {received:?}");
    }
}
