//! Plays the corpora of the fuzz targets again: real messages, and everything that fuzzing has found.

#[path = "../../../../tests/fuzz/src/targets.rs"]
mod targets;

use std::path::PathBuf;

use sokiem_record::{
    id::{AreaId, DeviceId, EpochId},
    proof, wire,
};
use targets::{TARGETS, author, record, unit};
use uuid::Uuid;

use crate::{
    media::{jpeg, webp},
    support::*,
};

/// Real inputs, from which fuzzing starts.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let mut document = record();
    let change = write(
        &mut document,
        &author(9),
        &[
            set("place", "Ấp 2"),
            text("opinion", "Đồng ý một phần"),
            finding(3, "Thiếu sổ"),
        ],
    );
    let id = document.id();
    // After magic, checksum, type and a length of two bytes.
    let contents = |bytes: &[u8]| bytes[11..].to_vec();
    let (epoch, area) = (EpochId(Uuid::from_u128(1)), AreaId(Uuid::from_u128(2)));
    let cursor = wire::Cursor::start(area);
    let push = wire::DocumentPush {
        document: id,
        kind: document.kind(),
        area,
        changes: vec![change.bytes.clone().into()],
    };
    let report = wire::DeviceReport {
        app_version: "1.0".to_owned(),
        clock_ms: 1,
        waiting: 2,
        attachments: 3,
    };
    match target {
        "change-header" => vec![change.bytes.clone(), contents(&change.bytes)],
        "snapshot-header" => vec![document.save(), contents(&document.save())],
        // The rest after one dependency, the actor and the sequence.
        "receive" => vec![contents(&change.bytes)[1 + 32 + 17 + 1..].to_vec()],
        "receive-first" => {
            let unit = sokiem_record::id::DocumentId(Uuid::from_u128(5));
            let (_, first) = sokiem_record::genesis::document(unit, sokiem_record::id::Kind::Unit, &author(9), &[("name", "A".into())]).unwrap();
            vec![contents(&first.bytes)]
        }
        "receive-next" => {
            let mut unit = unit();
            let change = write(&mut unit, &author(9), &[set("name", "B"), set("staff", 300), set("years/2019.regime", "T23")]);
            vec![contents(&change.bytes)[1 + 32 + 17 + 1..].to_vec()]
        }
        "receive-whole" => vec![contents(&document.save())],
        "exchange-request" => vec![wire::encode(&wire::ExchangeRequest { v: 1, epoch: Some(epoch), cursors: vec![cursor], push: vec![push], report: Some(report) })],
        "exchange-response" => {
            let entry = |news| wire::Entry { document: id, kind: document.kind(), news };
            let changed = wire::News::Changes(vec![wire::Received { bytes: change.bytes.clone().into(), received_ms: 1 }]);
            let whole = wire::News::Snapshot { bytes: document.save().into(), received_ms: vec![1, 2] };
            let entries = vec![entry(changed), entry(whole), entry(wire::News::Left(Some(area)))];
            let pull = wire::AreaPull { cursor, reset: false, more: true, fingerprint: None, entries };
            let outcomes = vec![wire::ChangeOutcome::Stored, wire::ChangeOutcome::Refused(sokiem_record::refusal::Refusal::OutOfScope)];
            let pushed = vec![wire::DocumentOutcome { document: id, area: Some(area), changes: outcomes }];
            let scope = vec![wire::Grant { area, writable: true }];
            vec![wire::encode(&wire::ExchangeResponse { v: 1, epoch, server_time_ms: 1, pushed, scope, pulled: vec![pull], wipe: false })]
        }
        "reconcile-request" => {
            let heads = document.heads().into_iter().map(wire::Hash::from).collect();
            let documents = vec![wire::DocumentHeads { document: id, heads }];
            vec![wire::encode(&wire::ReconcileRequest { v: 1, epoch, area, documents })]
        }
        "reconcile-response" => vec![wire::encode(&wire::ReconcileResponse { v: 1, unknown: vec![id], differ: Vec::new(), elsewhere: vec![id], pull: true })],
        "edits" => vec![
            br#"[{"edit":"set","path":"place","value":"x"},{"edit":"text","path":"opinion","text":"y"}]"#.to_vec(),
            br#"[{"edit":"add","path":"findings/00000000-0000-0000-0000-000000000003","fields":{"text":"a"}}]"#.to_vec(),
        ],
        "path" => vec!["items/T124-CD-1A/evidence/00ff".into(), "years/2019.regime".into()],
        "criteria" => vec![include_bytes!("../../criteria/t23-nt.toml").to_vec()],
        "proof" => {
            let stamp = proof::Stamp { created_s: 1_790_000_000, nonce: [1; 16], device: DeviceId(Uuid::from_u128(3)) };
            let (input, signature) = proof::sign(&targets::SIGNED, &stamp, &targets::device_key());
            vec![format!("{input}\n{signature}").into_bytes()]
        }
        "media" => {
            let png = [b"\x89PNG\r\n\x1a\n".as_slice(), &png_chunk(b"IHDR", &[0, 0, 0, 4, 0, 0, 0, 3, 8, 2, 0, 0, 0]), &png_chunk(b"tEXt", b"Author\0Lan"), &png_chunk(b"IDAT", &[1, 2, 3]), &png_chunk(b"IEND", &[])].concat();
            let lossless: &[u8] = &[0x2f, 1, 2, 3, 4, 5];
            vec![jpeg(40, 30), webp(&[(b"VP8L", lossless), (b"EXIF", b"II*\0")]), png, b"%PDF-1.7\n1 0 obj\n%%EOF\n".to_vec()]
        }
        _ => Vec::new(),
    }
}

/// A chunk of a PNG; nobody here looks at the checksum.
fn png_chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap();
    [length.to_be_bytes().as_slice(), name, content, &[0; 4]].concat()
}

#[test]
fn every_corpus_plays_without_a_panic_and_every_target_has_its_seeds() {
    let corpora = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus");
    for (name, target) in TARGETS {
        let folder = corpora.join(name);
        if std::env::var_os("SOKIEM_FUZZ_SEEDS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            for (number, seed) in seeds(name).iter().enumerate() {
                std::fs::write(folder.join(format!("seed-{number}")), seed).unwrap();
            }
        }
        for seed in seeds(name) {
            // A change as a whole chunk is not kept under its contents' target, nor the other way round.
            let kept = target(&seed);
            assert!(
                kept || name.ends_with("header"),
                "{name}: a real input is refused"
            );
        }
        let files = std::fs::read_dir(&folder).unwrap_or_else(|_| panic!("{name} has no corpus"));
        for file in files {
            target(&std::fs::read(file.unwrap().path()).unwrap());
        }
    }
}
