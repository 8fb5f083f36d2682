//! Hazards in messages and in how they travel.

use sokiem_record::{
    id::{DocumentId, EpochId, Kind},
    limits,
    wire::{self, Cursor, DocumentHeads, Hash, PROTOCOL_VERSION, ReconcileRequest},
};

use super::{Siege, forge};
use crate::harness::{fresh_uuid, push};

const EXCHANGE: &str = "/api/device/v1/exchange";
const RECONCILE: &str = "/api/device/v1/reconcile";

async fn problem(siege: &mut Siege, name: &str, body: Vec<u8>, encoding: Option<&str>) -> String {
    let seen = siege.attack(name, EXCHANGE, body, encoding).await;
    let problem: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(problem["status"], seen.status);
    problem["type"].as_str().unwrap().to_owned()
}

/// A request up to its pushes, which `rest` writes.
fn with_pushes(rest: &[u8]) -> Vec<u8> {
    [
        &b"\xa4\x61v\x01\x65epoch\xf6\x67cursors\x80\x64push"[..],
        rest,
    ]
    .concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_of_cbor_are_malformed_and_take_no_memory() {
    let mut siege = Siege::new().await;
    let deep = with_pushes(&[0x81; 1_000_000]);
    let claim = with_pushes(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff");
    let bytes = with_pushes(b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff");
    let twice = b"\xa5\x61v\x01\x61v\x01\x65epoch\xf6\x67cursors\x80\x64push\x80".to_vec();
    let tags = with_pushes(&[0xc1; 100_000]);
    let endless = with_pushes(&[0x9f; 12]);
    // Eight million empty lists where documents should be; eight million empty changes.
    let lists = with_pushes(&[&[0x9f][..], &vec![0x80; 8_000_000], &[0xff]].concat());
    let head = b"\x81\xa4\x68document\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x64kind\x64unit\x64area\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x67changes\x9f";
    let changes = with_pushes(&[&head[..], &vec![0x40; 8_000_000], &[0xff]].concat());
    for (name, body) in [
        ("arrays a million deep", deep),
        ("an array that claims 2^64", claim),
        ("bytes that claim 2^63", bytes),
        ("a key twice", twice),
        ("tags in tags", tags),
        ("arrays without an end", endless),
        ("eight million lists", lists),
        ("eight million empty changes", changes),
    ] {
        assert_eq!(
            problem(&mut siege, name, body, None).await,
            "/problems/malformed-body"
        );
    }
    siege.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_of_compression_stop_at_the_limit() {
    let mut siege = Siege::new().await;
    let zeros = vec![0; 8 * limits::MAX_DECOMPRESSED_BYTES];
    let zstd = zstd::encode_all(zeros.as_slice(), 3).unwrap();
    let mut wide = zstd::Encoder::new(Vec::new(), 3).unwrap();
    wide.set_parameter(zstd::zstd_safe::CParameter::WindowLog(27))
        .unwrap();
    std::io::copy(&mut zeros.as_slice(), &mut wide).unwrap();
    let wide = wide.finish().unwrap();
    let nested = zstd::encode_all(zstd.as_slice(), 3).unwrap();
    let gzip = forge::gzip_bomb(500_000);
    for (name, body, encoding, answer) in [
        ("8 zstd bomb of 128 MiB", zstd, "zstd", "body-too-large"),
        (
            "zstd with a window of 128 MiB",
            wide,
            "zstd",
            "body-too-large",
        ),
        ("8 gzip bomb of 123 MiB", gzip, "gzip", "body-too-large"),
        (
            "encoded twice",
            nested,
            "zstd, zstd",
            "unsupported-media-type",
        ),
        ("not brotli", vec![0xff; 100_000], "br", "malformed-body"),
    ] {
        let expected = format!("/problems/{answer}");
        assert_eq!(
            problem(&mut siege, name, body, Some(encoding)).await,
            expected,
            "{name}"
        );
    }
    siege.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_messages_are_bounded() {
    let mut siege = Siege::new().await;
    let area = siege.area;
    // Sixty chunks of 256 KiB of garbage; the device's quarantine takes what it may.
    let garbage: Vec<Vec<u8>> = (0..60_u8)
        .map(|n| vec![n; limits::MAX_CHANGE_BYTES])
        .collect();
    let request = siege.attacker.request(vec![siege.push(garbage)]);
    let body = zstd::encode_all(wire::encode(&request).as_slice(), 1).unwrap();
    assert_eq!(
        siege
            .attack("15 MiB of garbage as changes", EXCHANGE, body, Some("zstd"))
            .await
            .status,
        200
    );
    // The same change four thousand times, forged: each is parsed, none is taken.
    let forged = siege.change.with(|forged| forged.seq += 1);
    let request = siege
        .attacker
        .request(vec![siege.push(vec![forged; limits::MAX_PUSH_CHANGES])]);
    assert_eq!(
        siege
            .attack(
                "4,000 changes out of sequence",
                EXCHANGE,
                wire::encode(&request),
                None
            )
            .await
            .status,
        200
    );
    let request = siege.attacker.request(
        (0..limits::MAX_PUSH_DOCUMENTS)
            .map(|_| {
                push(
                    DocumentId(fresh_uuid()),
                    Kind::Unit,
                    area,
                    vec![siege.change.bytes()],
                )
            })
            .collect(),
    );
    assert_eq!(
        siege
            .attack(
                "2,000 documents that lack their beginning",
                EXCHANGE,
                wire::encode(&request),
                None
            )
            .await
            .status,
        200
    );
    let documents = (0..limits::MAX_RECONCILE_DOCUMENTS)
        .map(|_| DocumentHeads {
            document: DocumentId(fresh_uuid()),
            heads: vec![Hash([1; 32])],
        })
        .collect();
    let fake = ReconcileRequest {
        v: PROTOCOL_VERSION,
        epoch: siege.attacker.epoch,
        area,
        documents,
    };
    assert_eq!(
        siege
            .attack(
                "10,000 documents that nobody has",
                RECONCILE,
                wire::encode(&fake),
                None
            )
            .await
            .status,
        200
    );
    for (name, count, status) in [
        ("2,000 heads of one document", 2_000, 200),
        ("190,000 heads of one document", 190_000_u32, 413),
    ] {
        let heads = (0..count)
            .map(|n| {
                Hash(
                    [&n.to_be_bytes()[..], &[0; 28]]
                        .concat()
                        .try_into()
                        .unwrap(),
                )
            })
            .collect();
        let documents = vec![DocumentHeads {
            document: siege.unit,
            heads,
        }];
        let epoch = siege.attacker.epoch;
        let many = ReconcileRequest {
            v: PROTOCOL_VERSION,
            epoch,
            area,
            documents,
        };
        let seen = siege
            .attack(name, RECONCILE, wire::encode(&many), None)
            .await;
        assert_eq!(seen.status, status);
    }
    siege.serves_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn epochs_and_cursors_at_their_extremes_change_nothing() {
    let mut siege = Siege::new().await;
    let mut other = siege.attacker.request(Vec::new());
    other.epoch = Some(EpochId(fresh_uuid()));
    assert_eq!(
        problem(&mut siege, "another epoch", wire::encode(&other), None).await,
        "/problems/epoch-changed"
    );
    for (base, seq) in [
        (u64::MAX, u64::MAX),
        (0, u64::MAX),
        (u64::MAX, 0),
        (1 << 63, 1 << 63),
    ] {
        let mut request = siege.attacker.request(Vec::new());
        request.cursors = vec![Cursor {
            base,
            seq,
            ..Cursor::start(siege.area)
        }];
        let seen = siege
            .attack(
                "a cursor at its extremes",
                EXCHANGE,
                wire::encode(&request),
                None,
            )
            .await;
        assert_eq!(seen.status, 200);
        let response: wire::ExchangeResponse = wire::decode(&seen.body).unwrap();
        let pull = response
            .pulled
            .iter()
            .find(|pull| pull.cursor.area == siege.area)
            .unwrap();
        assert!(pull.reset);
    }
    siege.serves_on().await;
}
