//! Changes from devices that are broken, cloned or up to no good.

use automerge::{
    Automerge,
    transaction::{CommitOptions, Transactable},
};
use proptest::{prelude::*, test_runner::TestRunner};
use sha2::{Digest, Sha256};
use sokiem_record::{
    document::{Document, Received},
    edit::EditError,
    genesis,
    id::{DocumentId, Kind},
    limits,
    refusal::Refusal,
};
use uuid::Uuid;

use crate::support::*;

#[test]
fn a_missing_dependency_is_named_and_nothing_is_queued() {
    let (mut writer, mut reader) = (planned(), planned());
    let first = write(&mut writer, &author(1), &[set("place", "1")]);
    let second = write(&mut writer, &author(1), &[set("place", "2")]);
    let heads = reader.heads();
    assert!(
        matches!(reader.receive(&second.bytes).unwrap(), Received::Missing(_, missing) if missing == [first.hash])
    );
    assert_eq!(reader.heads(), heads);
    deliver(&mut reader, &first);
    assert_eq!(reader.heads(), [first.hash]);
    deliver(&mut reader, &second);
    assert!(matches!(
        reader.receive(&second.bytes).unwrap(),
        Received::Had(_)
    ));
}

#[test]
fn a_cloned_phone_is_noticed_and_does_not_hold_up_others() {
    let (mut phone, mut clone, mut server) = (planned(), planned(), planned());
    let original = write(&mut phone, &author(1), &[set("place", "1")]);
    let cloned = write(&mut clone, &author(1), &[set("place", "2")]);
    deliver(&mut server, &original);
    assert_eq!(
        server.receive(&cloned.bytes).unwrap(),
        Received::Refused(Refusal::ForkedActor)
    );
    let innocent = write(&mut phone, &author(2), &[set("copies", 2)]);
    deliver(&mut server, &innocent);
}

#[test]
fn a_change_beside_the_actors_own_previous_one_is_refused() {
    let base = planned();
    let mut server = base.clone();
    let mut raw = Automerge::load(&base.save())
        .unwrap()
        .with_actor(author(1).actor.to_automerge());
    let mut first_tx = raw.transaction();
    first_tx.put(automerge::ROOT, "place", "1").unwrap();
    first_tx.commit();
    let first = raw.get_last_local_change().unwrap();
    // The same installation, back at the beginning but counting on: sequence 2 beside sequence 1.
    let mut expanded = {
        let mut tx = raw.transaction();
        tx.put(automerge::ROOT, "place", "2").unwrap();
        tx.commit_with(CommitOptions::default().with_time(5));
        raw.get_last_local_change().unwrap().decode()
    };
    expanded.deps = base.heads();
    expanded
        .operations
        .iter_mut()
        .for_each(|op| op.pred = Vec::new().into());
    let beside = automerge::Change::from(expanded);
    assert!(matches!(
        server.receive(first.raw_bytes()).unwrap(),
        Received::Applied(_)
    ));
    assert_eq!(
        server.receive(beside.raw_bytes()).unwrap(),
        Received::Refused(Refusal::BrokenSequence)
    );
}

#[test]
fn a_second_beginning_is_refused() {
    let id = DocumentId(Uuid::from_u128(5));
    let (mut one, _) = genesis::document(id, Kind::Unit, &author(1), &[]).unwrap();
    let (_, other) = genesis::document(id, Kind::Unit, &author(2), &[]).unwrap();
    assert_eq!(
        one.receive(&other.bytes).unwrap(),
        Received::Refused(Refusal::WrongDocument)
    );
}

#[test]
fn an_edit_that_nobody_would_take_in_is_not_written() {
    let mut document = planned();
    let long = |word: &str| word.repeat(limits::MAX_TEXT_CHARS);
    let written = write(&mut document, &author(1), &[text("opinion", &long("ổ"))]);
    deliver(&mut planned(), &written);
    let heads = document.heads();
    let replaced = document.edit(&author(1), None, &[text("opinion", &long("x"))]);
    assert!(
        matches!(replaced, Err(EditError::TooLarge(_))),
        "{replaced:?}"
    );
    assert_eq!(document.heads(), heads);
    // Half of it anew, at once: nobody waits for a comparison of every character with every other.
    let half = format!("{}{}ổ", "ổ".repeat(10_000), "y".repeat(9_000));
    write(&mut document, &author(1), &[text("opinion", &half)]);
    assert_eq!(document.to_json()["opinion"], half);
    write(&mut document, &author(1), &[text("opinion", "")]);
    assert_eq!(document.to_json()["opinion"], "");
}

/// Any bytes under a right checksum: refused, applied or poisoned, but never a panic of the caller,
/// and what was applied can be saved and loaded again.
#[test]
fn mutated_changes_under_a_right_checksum_never_panic_the_caller() {
    let (mut writer, reader) = (planned(), planned());
    let change = write(
        &mut writer,
        &author(1),
        &[
            set("place", "Ấp 1"),
            text("opinion", "Đồng ý"),
            finding(3, "Thiếu sổ"),
        ],
    );
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = TestRunner::new(config(1_500)).run(
        &(any::<prop::sample::Index>(), any::<u8>()),
        |(at, bits)| {
            let mut bytes = change.bytes.clone();
            // Past magic, checksum, type and length: those are the header check's own tests.
            let at = 11 + at.index(bytes.len() - 11);
            bytes[at] ^= bits;
            let digest = Sha256::digest(&bytes[8..]);
            bytes[4..8].copy_from_slice(&digest[..4]);
            let mut target = reader.clone();
            if let Ok(Received::Applied(_)) = target.receive(&bytes) {
                let _ = target.history();
                let _ = target.conflicts();
                let loaded = Document::load(
                    target.id(),
                    target.kind(),
                    Some(&target.save()),
                    Vec::<Vec<u8>>::new(),
                );
                prop_assert!(
                    loaded.is_ok(),
                    "saved but can't be loaded: byte {at} with {bits:#04x}"
                );
            }
            Ok(())
        },
    );
    std::panic::set_hook(quiet);
    outcome.unwrap();
}
